"""`ecgan generate` after a training, and what the training says of generated signals."""

import json

import numpy as np
import pandas as pd
import pytest

from ecgan.generation.drawn import load_drawn
from ecgan.generation.figures import draw

from .project import Project, make

pytestmark = pytest.mark.slow
RUN = "models/lab/tiny/aegan"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make(tmp_path_factory.mktemp("generate") / "project")
    train = {"epochs": 2, "transformation": "minmax"}
    train["generation"] = {"metrics": ["mmd", "tstr", "trts"], "figures": True}
    project.params(split={"k": 2, "folds": [0, 1]}, train=train)
    for stage in ("fetch", "preprocess", "split"):
        project.ecgan(stage)
    project.ecgan("train", "--model", "aegan")
    return project


def test_signals_have_shape_unit_and_range_of_the_data(project: Project) -> None:
    done = project.ecgan("generate", "--model", RUN, "-n", "700", "--out", "beats.npy", "--seed", "5")
    assert "aegan, fold 0 (the first of 2" in done.stderr
    assert "beats.npy: 700 × 320 × 1; unit mV" in done.stderr
    signals = np.load(project.folder / "beats.npy", allow_pickle=False)
    assert signals.shape == (700, 320, 1)
    assert signals.dtype == np.float32
    learned = project.json(f"{RUN}/train/fold_0/input.json")["transformation"]
    assert learned["low"][0] - 1e-5 <= signals.min() < signals.max() <= learned["high"][0] + 1e-5
    assert signals.max() - signals.min() > 0.01
    assert len(np.unique(signals[:, :, 0], axis=0)) == 700, "no signal is a copy of another"
    facts = project.json("beats.npy.json")
    assert (facts["unit"], facts["samples"], facts["leads"], facts["seed"]) == ("mV", 700, ["MLII"], 5)
    assert facts["version"] == project.json(f"{RUN}/train/fold_0/versions.json")["best"]


def test_the_same_seed_gives_the_same_bytes_and_another_others(project: Project) -> None:
    arguments = ("generate", "--model", f"{RUN}/fold_1:latest", "-n", "20", "--out")
    for name, seed in (("a.npy", "1"), ("b.npy", "1"), ("c.npy", "2")):
        project.ecgan(*arguments, name, "--seed", seed)
    a, b, c = ((project.folder / f"{name}.npy").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_a_table_holds_the_same_values(project: Project) -> None:
    for name in ("t.npy", "t.csv"):
        project.ecgan("generate", "--model", f"{RUN}/fold_0", "-n", "12", "--out", name, "--figure", f"{name}.svg")
    table = pd.read_csv(project.folder / "t.csv")
    assert list(table.columns) == ["sample", "time", "MLII"]
    values = table["MLII"].to_numpy(np.float32).reshape(12, 320, 1)
    assert np.array_equal(values, np.load(project.folder / "t.npy"))
    assert table["time"].max() == pytest.approx(319 / 360)
    assert (project.folder / "t.npy.svg").read_bytes() == (project.folder / "t.csv.svg").read_bytes()
    assert "Generated" in (project.folder / "t.npy.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", RUN, "-n", "0"], "at least one"),
        (["--model", RUN, "-n", "5", "--out", "there.npy"], "--force"),
        (["--model", "models/nowhere", "-n", "5"], "models/nowhere"),
        (["--model", f"{RUN}/fold_0:v99", "-n", "5"], "v99"),
    ],
)
def test_what_is_not_possible_is_one_sentence_and_writes_nothing(
    project: Project, arguments: list[str], words: str
) -> None:
    (project.folder / "there.npy").write_text("precious")
    before = {path.name for path in project.folder.iterdir()}
    done = project.ecgan("generate", *arguments, ok=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name for path in project.folder.iterdir()} == before
    assert (project.folder / "there.npy").read_text() == "precious"


def test_a_sample_that_was_scaled_by_its_own_range_has_no_unit(project: Project) -> None:
    project.params(train={"epochs": 1}, experiment={"entity": "lab", "project": "scaled"})
    project.ecgan("train", "--model", "vaegan")
    done = project.ecgan("generate", "--model", "lab/scaled/vaegan", "-n", "3", "--out", "scaled.npy")
    assert "no unit" in done.stderr
    assert "individual" in done.stderr
    facts = project.json("scaled.npy.json")
    low, high = facts["range"]
    assert facts["unit"] is None
    signals = np.load(project.folder / "scaled.npy")
    assert low <= signals.min() < signals.max() <= high
    project.params(split={"k": 2, "folds": [0, 1]}, train={"epochs": 2, "transformation": "minmax"})


def test_training_writes_metrics_and_figures_of_generation(project: Project) -> None:
    folder = project.folder / "reports/train/aegan/fold_0"
    found = json.loads((folder / "generation.json").read_text())
    assert {"mmd_median", "mmd_fixed", "real", "tstr", "trts"} <= set(found)
    other = project.json("reports/train/aegan/fold_1/generation.json")
    assert other["mmd_median"] != found["mmd_median"]
    drawn = load_drawn(folder / "drawn.safetensors")
    assert set(draw(drawn)) == {"embedding", "samples", "walk"}
    assert (folder / "drawn.safetensors").stat().st_size < 250_000
    history = pd.read_csv(project.folder / RUN / "train/fold_0/history.csv")
    assert history["vali_mmd_median"].notna().all()


def test_metrics_do_not_change_what_is_trained(project: Project) -> None:
    weights = f"{RUN}/train/fold_0"
    before = {k: v for k, v in project.hashes(weights).items() if k.endswith(".safetensors")}
    history = pd.read_csv(project.folder / weights / "history.csv")
    train = {"epochs": 2, "transformation": "minmax", "generation": {"metrics": [], "figures": False}}
    project.params(split={"k": 2, "folds": [0, 1]}, train=train)
    project.ecgan("train", "--model", "aegan", "--fold", "0")
    assert {k: v for k, v in project.hashes(weights).items() if k.endswith(".safetensors")} == before
    again = pd.read_csv(project.folder / weights / "history.csv")
    pd.testing.assert_frame_equal(again, history[again.columns])
    assert load_drawn(project.folder / "reports/train/aegan/fold_0/drawn.safetensors") is None


def test_a_classifier_generates_nothing_and_has_the_features_of_the_frechet_distance(project: Project) -> None:
    text = (project.folder / "params.yaml").read_text()
    try:
        project.ecgan("init", "-m", "cnn", "--force", "lab", "classes")
        path = project.folder / "params.yaml"
        found = path.read_text().replace("  epochs: ", "  epochs: 1 # ", 1)
        path.write_text(found)
        project.ecgan("split")
        project.ecgan("train", "--fold", "0")
        done = project.ecgan("generate", "--model", "lab/classes/cnn", "-n", "3", "--out", "classes.npy", ok=False)
        assert done.returncode == 1
        assert "cnn is a classifier" in done.stderr
        assert not (project.folder / "classes.npy").exists()
        assert project.json("reports/train/cnn/fold_0/generation.json") == {}
        command = ("generate", "-n", "30", "--features", "lab/classes/cnn", "--out")
        project.ecgan(*command, "m.npy", "--model", "lab/scaled/vaegan", "--metrics", "m.json")
        found = project.json("m.json")
        assert {"mmd_median", "real", "tstr", "trts", "memorisation"} <= set(found)
        assert found["frechet"] > found["frechet_real"] >= 0
        assert 0 < found["frechet_signals"] <= 30
        done = project.ecgan(*command, "n.npy", "--model", RUN, "--metrics", "n.json", ok=False)  # of another scale
        assert done.returncode == 1
        assert "transformation" in done.stderr
        done = project.ecgan(*command, "n.npy", "--model", RUN, ok=False)
        assert "--metrics" in done.stderr
        assert load_drawn(project.folder / "reports/train/cnn/fold_0/drawn.safetensors") is None
    finally:
        (project.folder / "params.yaml").write_text(text)
