"""Filters, resampling and every transformation through the stages: preprocess, train, inverse, detect, generate."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgan.arrays import load_array
from ecgan.config import Params, load_params, render_params
from ecgan.errors import EcganError
from ecgan.files import read_json
from ecgan.preprocessing.processed import load_about, load_processed
from ecgan.references import parse_reference
from stages import detect, fetch, generate, inverse, preprocess, split, train

from .project import EXPERIMENT, TINY

pytestmark = pytest.mark.slow

PREPROCESS = {
    "leads": ["MLII", "V1"],
    "filters": ["baseline", "notch"],
    "resampling": {"method": "polyphase", "rate_hz": 180.0},
    "cleansing": {"limit": 2.5},
}
TRAIN: dict[str, Any] = {"epochs": 1, "generation": {"metrics": [], "figures": False}}
MODELS = {"aegan": {"width": 0.0625, "latent_size": 4, "batch_size": 32}, "cnn": {"width": 0.0625, "batch_size": 32}}


def params(folder: Path, transformation: str, model: str, **overrides: Any) -> Params:
    sections: dict[str, Any] = TINY | {
        "preprocess": PREPROCESS,
        "train": TRAIN | {"transformation": transformation},
        "modules": {model: MODELS[model]},
        "split": {"protocol": "stratified", "k": 2, "folds": [0], "train_on": "normal" if model == "aegan" else "all"},
    }
    path = folder / "params.yaml"
    path.write_text(render_params("ecgsyn", [model], EXPERIMENT, overrides=sections | overrides))
    return load_params(path)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("transformations")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        wanted = params(folder, "minmax", "aegan")
        fetch.run(wanted)
        preprocess.run(wanted)
        split.run(wanted)
    return folder


@pytest.fixture
def here(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(prepared / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_samples_have_the_rate_that_was_asked_for_and_say_what_was_left_out(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = here / "data/ecgsyn/processed"
    about = load_about(folder)
    data = load_array(folder / "data.pkl", ndim=3, kind="f")
    assert (about.sampling_rate, about.centre, data.shape[1:]) == (180.0, 70, (160, 2))
    preprocess.run(params(here, "minmax", "aegan", preprocess=PREPROCESS | {"cleansing": {"limit": 1.2}}))
    told = capsys.readouterr().err
    fewer = load_array(folder / "data.pkl", ndim=3, kind="f")
    assert 0 < len(fewer) < len(data)
    assert f"{len(data) - len(fewer)} of {len(data)} samples left out" in told
    assert "samples left out" in load_about(folder).mapping
    assert len(load_array(folder / "label.pkl", ndim=1, kind="iu")) == len(fewer)


@pytest.mark.parametrize(
    ("name", "model", "channels"),
    [
        ("none", "cnn", 2),
        ("standard", "cnn", 2),
        ("minmax", "aegan", 2),
        ("individual", "aegan", 2),
        ("whitening", "aegan", 2),
        ("whitening", "cnn", 2),
        ("fourier", "aegan", 4),
        ("fourier", "cnn", 4),
    ],
)
def test_it_goes_through_every_stage(here: Path, name: str, model: str, channels: int) -> None:
    detector = "argmax" if model == "cnn" else "inverse_mapping"
    wanted = params(here, name, model, detect={"bootstrap": 5, "detector": detector})
    split.run(wanted)
    train.run(wanted, model, 0)
    inverse.run(wanted, model, 0)
    metrics = detect.run_model(wanted, model, 0)
    run = here / f"models/lab/tiny/{model}"
    expected = read_json(run / "train/fold_0/input.json")
    assert (expected["leads"], expected["transformation"]["name"]) == (["MLII", "V1"], name)
    assert all(0 <= one["test"]["auroc"] <= 1 for one in metrics["strategies"].values())
    classical = detect.run_classical(wanted, "pca", 0)
    assert classical["transformation"] == name
    if model == "cnn":
        return
    examples = read_json(here / f"reports/detect/{model}/fold_0/examples.json")
    assert (
        np.shape(examples[0]["reconstruction"]) == np.shape(examples[0]["signal"]) == (2, 160)
    )  # as the data: leads, not channels
    generate.run(parse_reference("lab/tiny/aegan"), 12, here / "made.npy", seed=0, figure=here / "made.svg")
    made = np.load(here / "made.npy", allow_pickle=False)
    assert made.shape == (12, 160, 2)
    assert np.isfinite(made).all()
    from ecgan.runs.loading import load_trained

    trained = load_trained(run, 0, "best")
    samples = load_processed(here / "data/ecgsyn/processed")[:5]
    assert trained.tensor(samples).shape == (5, channels, 160)
    if channels == 4:
        assert "MLII imaginary" in (here / "made.svg").read_text()


@pytest.mark.parametrize("name", ["whitening", "fourier"])
def test_training_again_gives_the_same_bytes(here: Path, name: str) -> None:
    wanted = params(here, name, "aegan")
    folder = here / "models/lab/tiny/aegan/train/fold_0"
    written = []
    for _ in range(2):
        train.run(wanted, "aegan", 0)
        written.append({str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()})
        shutil.rmtree(here / "models")
    assert written[0] == written[1]


@pytest.mark.parametrize("name", ["whitening", "fourier"])
def test_a_time_warp_of_what_is_no_course_in_time_is_refused(here: Path, name: str) -> None:
    with pytest.raises(EcganError, match=f"timewarp moves values in time, which {name} has mixed"):
        params(here, name, "aegan", train=TRAIN | {"transformation": name, "augment": "timewarp"})
