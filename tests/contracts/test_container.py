"""The container's files hold together; none of this needs Docker."""

import re
import runpy
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from .imports import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SCRIPTS = [".ci/run", "docker/in-image", "docker/image-test", "docker/made-of"]
FILES = [ROOT / name for name in ("Dockerfile", ".dockerignore", "compose.yaml", "Makefile", ".ci/run")]
FILES += [path for path in (ROOT / "docker").iterdir() if path.is_file()]


def instructions(name: str) -> list[str]:
    """The arguments of every instruction of one name, continued lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [line.split(maxsplit=1)[1] for line in text.splitlines() if line.split()[:1] == [name]]


def test_the_base_is_an_argument_with_a_pinned_default() -> None:
    assert re.search(
        r"^ARG BASE_IMAGE=nvidia/cuda:13\.0\.\d+-base-ubuntu24\.04\nFROM \$\{BASE_IMAGE\}$", DOCKERFILE, re.M
    )
    assert len(instructions("FROM")) == 1


def test_dependencies_are_installed_before_any_code_is_copied() -> None:
    order = re.findall(r"^(COPY .*|.*--constraint constraints.txt.*)$", DOCKERFILE, re.MULTILINE)
    assert order[0] == "COPY constraints.txt constraints-hashed.txt pyproject.toml hatch_build.py ./"
    assert "pip install" in order[1]
    assert {"COPY ecgan ecgan", "COPY stages stages"} <= set(order[2:])


def test_any_user_can_run_it() -> None:
    assert not instructions("USER")
    variables = dict(pair.split("=", 1) for line in instructions("ENV") for pair in line.split())
    assert variables["HOME"] == "/tmp"
    assert variables["USER"]
    assert variables["PYTHONPATH"] == instructions("WORKDIR")[-1] == "/work"
    assert instructions("CMD") == ['["dvc", "repro"]']


def test_nothing_that_changes_numbers_is_set_in_the_image() -> None:
    assert not re.search(r"OMP_|MKL_|CUBLAS|PYTHONHASHSEED|THREADS", DOCKERFILE)


def test_the_version_is_that_of_the_package() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"VERSION={version}" in instructions("ARG")


def test_extras_of_the_image_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (chosen,) = (line.removeprefix("EXTRAS=") for line in instructions("ARG") if line.startswith("EXTRAS="))
    assert set(chosen.split(",")) <= set(extras) - {"dev", "docs", "test"}


def in_context(path: str) -> bool:
    """Whether Docker sends a path with the build: the last pattern that fits it, or a folder above it, decides."""
    sent = True
    names = [path, *(str(parent) for parent in Path(path).parents)]
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!").removeprefix("**/")
            if any(fnmatch(Path(name).name if "**" in line else name, pattern) for name in names if name != "."):
                sent = line.startswith("!")
    return sent


@pytest.mark.parametrize(
    "path",
    [
        *(".git/config", ".dvc/cache/files/md5/ab/cd", ".venv/bin/python", ".ecgan/cache/run", ".env"),
        *("data/ecgsyn/raw/p01.dat", "models/a/b", "published/files/md5/ab/cd", "recordings/patient.edf"),
        *("reports/report/index.html", "scores/p02.csv", "tests/conftest.py"),
        *("ecgan/__pycache__/cli.cpython-311.pyc", "stages/fetch.pyc"),
    ],
)
def test_data_history_and_caches_stay_out_of_the_build(path: str) -> None:
    assert not in_context(path)


def test_all_that_is_copied_is_in_the_build() -> None:
    for line in instructions("COPY"):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists()
            assert in_context(f"{source}/x.py" if (ROOT / source).is_dir() else source), source


def test_compose_says_the_same_as_the_dockerfile() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert {service["image"] for service in services.values()} == {"${ECGAN_IMAGE:-ecgan}"}
    for service in services.values():
        assert service["volumes"] == [f".:{instructions('WORKDIR')[-1]}"]
        assert "command" not in service
    (gpus,) = services["ecgan"]["deploy"]["resources"]["reservations"]["devices"]
    assert gpus["capabilities"] == ["gpu"]
    assert services["cpu"]["deploy"] == {}
    assert "ECGAN_DEVICE=cpu" in services["cpu"]["environment"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_path_of_one_machine(path: Path) -> None:
    for found in re.findall(r"/(?:home|root|Users|mnt|srv)/[\w./-]+", path.read_text(encoding="utf-8")):
        assert found == "/root/.cache/pip", found  # in the image, where the build runs as root


@pytest.mark.parametrize(
    ("linter", "files"),
    [("hadolint", ["Dockerfile"]), ("shellcheck", SCRIPTS)],
)
def test_linters_find_nothing(linter: str, files: list[str]) -> None:
    tool = shutil.which(linter)
    assert tool, f"{linter} is part of the extra dev"
    done = subprocess.run([tool, *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_image_installs_is_held_against_hashes() -> None:
    """What the Dockerfile takes of constraints-hashed.txt is all that ecgan needs there, and no more."""
    (end,) = re.findall(r"sed '/\^(.*)/,\$d' constraints-hashed.txt > (?:\S+)", DOCKERFILE)
    taken = (ROOT / "constraints-hashed.txt").read_text().split(f"\n{end}")[0]
    script = runpy.run_path(str(ROOT / ".ci/hashes.py"))
    pins = [line.split()[0] for line in taken.splitlines() if "==" in line]
    needed = script["in_image"]()
    assert pins == [pin for pin in script["pins"]() if script["name_of"](pin) in needed], "run: python .ci/hashes.py"
    assert {"numpy", "dvc", "torch", "dvc-s3"} <= needed
    assert "--require-hashes --no-deps" in DOCKERFILE


def test_packages_that_ci_installs_have_hashes() -> None:
    """All that constraints.txt names, but torch with its CUDA libraries and extras that CI does not install."""
    pinned = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]
    hashed = [line.split() for line in (ROOT / "constraints-hashed.txt").read_text().splitlines() if "==" in line]
    assert all(part.startswith("--hash=sha256:") and len(part) == 78 for _, *parts in hashed for part in parts)
    assert all(len(parts) > 1 for parts in hashed)
    names = {pin for pin, *_ in hashed}
    assert names <= set(pinned), "run: python .ci/hashes.py"
    without = {re.sub(r"(nvidia|cuda)-.*", r"\1", pin.partition("==")[0]) for pin in set(pinned) - names}
    expected = {"torch", "triton", "nvidia", "cuda", "umap-learn", "pynndescent", "numba", "llvmlite"}
    assert without == expected, "run: python .ci/hashes.py"
    script = (ROOT / ".ci/run").read_text()
    assert "hashed=(install --quiet --require-hashes --no-deps --requirement)" in script
    installs = [line for line in script.splitlines() if "pip" in line and ".txt" in line and line[0] != "#"]
    assert len(installs) == 3
    assert all('"${hashed[@]}"' in line for line in installs), installs
