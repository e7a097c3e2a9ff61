"""Written files say what every key means, and reading them gives the same parameters."""

from typing import Any, ClassVar, Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from ecgan.config import (
    Runtime,
    load_detection,
    load_inverse,
    load_params,
    render,
    render_config,
    render_detection,
    render_inverse,
    render_params,
)
from ecgan.config.options import Options
from ecgan.config.writing import _scalar
from ecgan.errors import EcganError
from ecgan.registry import DATASETS, MODELS


class Inner(Options):
    lr: float = Field(1e-5, gt=0, description="Learning rate.")
    betas: list[float] = Field([0.5, 0.999], description="Decay rates.")


class NetOptions(Options):
    latent: int = Field(8, ge=1, description="β is no ASCII letter")
    inner: Inner = Field(Inner(), description="Optimizer.")
    table: dict[str, int] = Field({"a b": 1}, description="A table.")
    note: str = Field("", description="A note.")
    kind: Literal["yes", "null", "1e-4"] = Field("yes", description="Words that look otherwise.")


@pytest.fixture(scope="module", autouse=True)
def _parts():
    @DATASETS.register("writset")
    class WritSet:
        Fetch = Options
        Preprocess = Inner
        defaults: ClassVar = {"split": {"protocol": "beatgan", "k": 3}}

    for name in ("writnet", "writother"):
        MODELS.register(name, f"{name}alias")(type("Net", (), {"Options": NetOptions, "defaults": {}}))
    yield
    del DATASETS._entries["writset"], MODELS._entries["writnet"], MODELS._entries["writother"]
    del MODELS._aliases["writnetalias"], MODELS._aliases["writotheralias"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("config")


quick = settings(deadline=None, max_examples=60)
WORDS = st.text(max_size=30).filter(lambda text: not any(0xD800 <= ord(c) <= 0xDFFF for c in text))
OVERRIDES = st.fixed_dictionaries(
    {},
    optional={
        "experiment": st.fixed_dictionaries({"data_dir": WORDS.filter(lambda t: t.strip() and "\0" not in t)}),
        "runtime": st.fixed_dictionaries({"seed": st.integers(0, 2**32 - 1)}),
        "preprocess": st.fixed_dictionaries({"lr": st.floats(min_value=1e-300, max_value=1e300)}),
        "split": st.fixed_dictionaries({"test_share": st.floats(1e-9, 0.999)}),
        "train": st.fixed_dictionaries({"leads": st.none() | st.lists(WORDS, min_size=1, max_size=3, unique=True)}),
        "modules": st.fixed_dictionaries(
            {
                "writnet": st.fixed_dictionaries(
                    {
                        "table": st.dictionaries(WORDS, st.integers(), max_size=3),
                        "note": WORDS,
                        "kind": st.sampled_from(["yes", "null", "1e-4"]),
                    }
                )
            }
        ),
    },
)


@quick
@given(OVERRIDES)
def test_what_is_written_is_read_back_and_written_the_same(folder, overrides):
    path = folder / "params.yaml"
    text = render_params("writset", ["writnet"], overrides=overrides)
    path.write_text(text, encoding="utf-8", newline="")
    params = load_params(path)
    assert render(params) == text
    for section, values in overrides.items():
        for key, value in values.items():
            found: Any = getattr(params, section)
            if section == "modules":
                assert {name: getattr(found[key], name) for name in value} == value
            else:
                assert getattr(found, key) == value


@quick
@given(st.one_of(WORDS, st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.booleans(), st.none()))
def test_programs_with_yaml_1_1_read_the_same_scalars(value):
    assert yaml.safe_load(f"key: {_scalar(value)}\n")["key"] == value


def test_programs_with_yaml_1_2_read_the_same_file():
    ruamel = pytest.importorskip("ruamel.yaml")
    text = render_params("writset", ["writnet"])
    assert ruamel.YAML(typ="safe", pure=True).load(text) == yaml.safe_load(text)


def test_every_key_has_a_comment_with_its_meaning_and_what_is_allowed():
    text = render_params("writset", ["writnet"])
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if (
            line
            and not line.lstrip().startswith("#")
            and not line.lstrip().startswith(("writnet:", "knn:", "pca:", "inverse_"))
        ):
            assert lines[number - 1].lstrip().startswith("#"), line
    assert "# --- split: Training, validation and test data.\nsplit:" in text
    assert "# Passes over the training data. A whole number from 1 to 1000000.\n  epochs: 100" in text
    assert "# β is no ASCII letter. A whole number at least 1.\n    latent: 8" in text
    assert "One of beatgan, fixed, interpatient" in text
    assert "normal_only, published, stratified." in " ".join(text.replace("#", "").split())
    assert max(map(len, lines)) <= 120


def test_defaults_of_the_dataset_aliases_and_the_experiment_are_written():
    text = render_params("writset", ["writotheralias", "writnet"], {"entity": "lab", "data_dir": "d"})
    found = yaml.safe_load(text)
    assert found["split"]["protocol"] == "beatgan"
    assert found["split"]["folds"] == [0, 1, 2]
    assert found["models"] == ["writother", "writnet"]
    assert list(found["modules"]) == ["writother", "writnet"]
    assert found["experiment"] == {"entity": "lab", "project": "demo", "run": None, "data_dir": "d"}
    assert found["preprocess"]["lr"] == 1e-5


def test_a_wrong_override_is_a_sentence():
    with pytest.raises(EcganError, match=r"the new file: train\.epochs: found 0; allowed: a whole number"):
        render_params("writset", ["writnet"], overrides={"train": {"epochs": 0}})


def test_the_config_of_a_run_names_one_model_and_ignores_later_stages(folder):
    path = folder / "all.yaml"
    path.write_text(
        render_params("writset", ["writnet", "writother"], overrides={"modules": {"writother": {"latent": 5}}})
    )
    params = load_params(path)
    text = render_config(params, "writother", fold=2)
    changed = params.model_copy(update={"detect": params.detect.model_copy(update={"bootstrap": 7})})
    assert render_config(changed, "writother", fold=2) == text
    assert render_config(params, "writnet", fold=2) != text
    (folder / "config.yml").write_text(text)
    run = load_params(folder / "config.yml", plugins=False)
    assert run.models == ["writother"]
    assert list(run.modules) == ["writother"]
    assert run.modules["writother"].latent == 5
    assert run.experiment.run == "writother"
    assert run.split.folds == [2]
    assert (run.split.k, run.train, run.preprocess) == (3, params.train, params.preprocess)


def test_the_file_of_a_detection(folder):
    path = folder / "ad_config.yml"
    text = render_detection("models/a/b/c/fold_1:v12", "lab", "project", "try 1", runtime=Runtime(seed=9))
    path.write_text(text)
    found = load_detection(path)
    assert found.model == "models/a/b/c/fold_1:v12"
    assert (found.experiment.entity, found.experiment.project, found.experiment.name) == ("lab", "project", "try 1")
    assert found.runtime.seed == 9
    assert found.detect.detector in found.detectors
    assert set(found.detect.classical) <= set(found.detectors)


def test_the_file_of_an_inverse_mapping(folder):
    path = folder / "inverse_config.yml"
    path.write_text(render_inverse("run:latest", overrides={"inverse": {"method": "encoder"}}))
    found = load_inverse(path)
    assert (found.model, found.inverse.method) == ("run:latest", "encoder")


def test_an_unknown_detector_is_refused_before_anything_is_written():
    with pytest.raises(EcganError, match="there is no detector 'inverse'"):
        render_detection("run", "a", "b", "c", detector="inverse")
