# Each target makes .venv and installs on first use.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export ECGAN_IMAGE ?= ecgan

.PHONY: help repro experiments test test-all bench paper paper-check lint format deps docs publish image docker-repro image-test clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  make \1\t/' | expand -t 18

repro: .venv/.installed  ## run the pipeline: fetch, preprocess, split, train, inverse, detect, report
	@echo "Running the pipeline: what has changed, and what depends on it. The demonstration takes three minutes on two idle cores."
	python -m ecgan info params.yaml --pipeline
	dvc repro

experiments: .venv/.installed  ## compare experiments: their headline figures, and the parameters that differ
	dvc exp show --only-changed --hide-workspace --drop '.*/.*'

test: .venv/.installed  ## run the quick tests
	python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not slow"

test-all: .venv/.installed  ## run all tests, as CI does
	python -m pytest -n auto --dist loadfile --no-loadscope-reorder

bench: .venv/.installed  ## run the benchmarks; some of them: make bench TOPICS="lttb beats", or make bench K=knn
	python tests/benchmarks/run.py $(TOPICS) $(if $(K),-k "$(K)")

paper: .venv/.installed  ## compute missing rows of docs/paper.md (hours), then its tables; some: make paper ROWS='beatgan@knn*'
	cd paper && python make.py run $(foreach row,$(ROWS),'$(row)')
	python docs/tables.py

paper-check: .venv/.installed  ## recompute a random row of docs/paper.md and compare; N=5 of them, or ROWS='beatgan@knn*'
	cd paper && python make.py check $(if $(ROWS),$(foreach row,$(ROWS),'$(row)'),$(or $(N),1))

lint: .venv/.installed  ## check style and types
	ruff check .
	ruff format --check .
	mypy
	hadolint Dockerfile
	shellcheck .ci/run docker/in-image docker/image-test docker/made-of

format: .venv/.installed  ## mend the style
	ruff check --fix .
	ruff format .

deps: .venv/.installed  ## renew what DVC watches: deps in dvc.yaml and links in watched/, from the imports
	python -m tests.contracts.deps

docs: .venv/.installed  ## build the documentation: docs/_build/html/index.html
	@echo "Building the documentation: a minute or two, without a word if all is well."
	python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "Wrote docs/_build/html/index.html"

publish: .venv/.installed  ## at a release: refresh dvc.lock, the reports, README's table and published/ together
	dvc repro
	python -m ecgan report --readme README.md
	rm -rf published/files
	dvc push --remote published

image:  ## build the container image; IMAGE_OPTIONS are passed to docker build
	$$(command -v docker || command -v podman || echo docker) build --tag $(ECGAN_IMAGE) \
		--build-arg REVISION="$$(git describe --always --dirty --abbrev=40)" $(IMAGE_OPTIONS) .

docker-repro:  ## run the pipeline in the image
	docker/in-image dvc repro

image-test: .venv/.installed  ## build and try the image without a Docker daemon, as root
	docker/image-test
	docker/made-of > docker/tested

clean:  ## remove the virtual environment, caches and built documentation; data, models and reports stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .ecgan/cache .ecgan/lock .ecgan/resume docs/_build docs/api

.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "ECGAN needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing into .venv, once: some minutes, about 2 GB. Without a word while packages come and are unpacked."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
