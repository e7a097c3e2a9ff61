"""A stage is handed the parameters that it declares, and nothing else."""

import pickle

import pytest

from ecgan.config import Document, Params, render_params, resolve_params
from ecgan.config.declaring import reads
from ecgan.config.options import UndeclaredError
from ecgan.config.reading import read_document
from ecgan.errors import EcganError


@pytest.fixture(scope="module")
def params(tmp_path_factory: pytest.TempPathFactory) -> Params:
    path = tmp_path_factory.mktemp("params") / "params.yaml"
    path.write_text(render_params("ecgsyn", ["aegan", "vaegan"]))
    document = read_document(path, hint="")
    return resolve_params(Document("params.yaml", document.data))


@reads(
    "detect",
    "dataset experiment modules.{model} detectors.{detect.detector}",
    "train: epochs generation",
    unwatched="train.tracker",
)
def stage(params: Params, model: str, *, fold: int = 0) -> Params:
    return params


def test_what_is_declared_is_there(params: Params) -> None:
    found = stage(params, "aegan")
    assert found.dataset == "ecgsyn"
    assert found.experiment == params.experiment
    assert found.train.epochs == params.train.epochs
    assert found.train.generation == params.train.generation
    assert found.train.tracker == "local"
    assert found.modules == {"aegan": params.modules["aegan"]}
    assert list(found.detectors) == [params.detect.detector]


@pytest.mark.parametrize(
    ("read", "key"),
    [
        (lambda found: found.runtime, "runtime"),
        (lambda found: found.train.ema, "train.ema"),
        (lambda found: found.modules["vaegan"], "modules.vaegan"),
        (lambda found: found.detectors["knn"], "detectors.knn"),
        (lambda found: found.model_copy(update={"dataset": "sine"}).train.ema, "train.ema"),
        (lambda found: pickle.loads(pickle.dumps(found)).detect, "detect"),
    ],
)
def test_anything_else_is_an_error_that_names_stage_key_and_place(params: Params, read, key: str) -> None:
    with pytest.raises(UndeclaredError) as caught:
        read(stage(params, "aegan", fold=1))
    assert isinstance(caught.value, EcganError)
    assert "'detect'" in caught.value.message
    assert f"'{key}'" in caught.value.message
    assert "stages/detect.py" in caught.value.hint
    assert "dvc.yaml" in caught.value.hint


def test_it_is_not_there_to_be_dumped_or_asked_for_either(params: Params) -> None:
    found = stage(params, model="vaegan")
    assert not hasattr(found, "runtime")
    dumped = found.model_dump(mode="json")
    assert set(dumped) == {"dataset", "experiment", "modules", "detectors", "train"}
    assert set(dumped["train"]) == {"epochs", "generation", "tracker"}
    assert set(dumped["modules"]) == {"vaegan"}


def test_all_parameters_are_as_they_were(params: Params) -> None:
    stage(params, "aegan")
    assert 0 <= params.train.ema < 1
    assert set(params.modules) == {"aegan", "vaegan"}
    with pytest.raises(AttributeError):
        params.nothing  # noqa: B018 - no parameter
