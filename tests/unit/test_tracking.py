"""Trackers: what all share, the local one, and what happens when one fails."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest
import torch

from ecgan.config import Train, load_params, render_params
from ecgan.errors import EcganError, needed
from ecgan.models.aegan import Aegan, AeganOptions
from ecgan.tracking import opening
from ecgan.tracking.local import LocalTracker
from ecgan.tracking.opening import detection_numbers, run_parameters, track_detection, tracked
from ecgan.tracking.tracker import Subject, flat, named
from ecgan.training.data import TrainingData
from ecgan.training.loop import Run, fit
from ecgan.training.resume import ResumeFile


def row(epoch: int) -> dict[str, float]:
    return {"epoch": float(epoch), "reconstruction": 1 / epoch, "vali_loss": 0.5, "vali_auroc": float("nan")}


class Recorder:
    """A service that keeps what it is told, and can be made to fail."""

    made: ClassVar["list[Recorder]"] = []

    def __init__(self, subject: Subject, fail_in: str = "") -> None:
        self.subject = subject
        self.fail_in = fail_in
        self.told: list[tuple[str, Any]] = []
        Recorder.made.append(self)

    def _tell(self, what: str, value: Any) -> None:
        self.told.append((what, value))
        if what == self.fail_in:
            raise ConnectionError("the server hung up\nwith a long story")

    def start(self, parameters: Mapping[str, Any]) -> None:
        self._tell("start", parameters)

    def epoch(self, row: dict[str, float]) -> None:
        self._tell("epoch", row["epoch"])

    def figure(self, name: str, path: Path) -> None:
        self._tell("figure", name)

    def summary(self, numbers: Mapping[str, float]) -> None:
        self._tell("summary", dict(numbers))

    def versions(self, folder: Path) -> None:
        self._tell("versions", folder)

    def detected(self, parts: Mapping[str, Path]) -> None:
        self._tell("detected", parts)

    def close(self, *, failed: bool = False) -> None:
        self._tell("close", failed)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Let `train.tracker: wandb` mean a recorder; `service("epoch")` makes one that fails there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Recorder, "made", [])

    def use(fail_in: str = "") -> list[Recorder]:
        entry = ("The service", lambda subject: Recorder(subject, fail_in), "Try something else.")
        monkeypatch.setitem(opening._SERVICES, "wandb", entry)
        return Recorder.made

    return use


SUBJECT = Subject("lab", "study", "aegan", 2)


def broken_off(kind: str, after: int, folder: Path) -> None:
    """Track a training that is interrupted after so many epochs."""
    tracking = tracked(kind, SUBJECT, {}, folder)
    tracker = tracking.__enter__()
    for epoch in range(1, after + 1):
        tracker.epoch(row(epoch))
    assert not tracking.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)


def steps(folder: Path) -> list[int]:
    return pd.read_csv(folder / "plots/metrics/train/reconstruction.tsv", sep="\t")["step"].tolist()


def test_the_local_files_are_complete_whatever_else_is_tracked(service, tmp_path: Path) -> None:
    made = service()
    for kind in ("local", "wandb"):
        with tracked(kind, SUBJECT, {"train": {"epochs": 3}}, tmp_path / kind) as tracker:
            for epoch in (1, 2, 3):
                tracker.epoch(row(epoch))
        assert steps(tmp_path / kind) == [1, 2, 3]
    files = [sorted(path.relative_to(tmp_path / kind) for path in (tmp_path / kind).rglob("*")) for kind in ("local", "wandb")]  # fmt: skip # noqa: E501
    assert files[0] == files[1]
    for name in files[0]:
        if (tmp_path / "local" / name).is_file():
            assert (tmp_path / "local" / name).read_bytes() == (tmp_path / "wandb" / name).read_bytes()
    assert [what for what, _ in made[0].told] == ["start", "epoch", "epoch", "epoch", "close"]
    assert made[0].told[-1] == ("close", False)


def test_the_local_files_hold_neither_times_nor_the_machine(tmp_path: Path) -> None:
    contents = []
    for name in ("a", "b"):
        tracker = LocalTracker(tmp_path / name)
        for epoch in (1, 2):
            tracker.epoch(row(epoch))
        tracker.close()
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        contents.append([(path.relative_to(tmp_path / name), path.read_bytes()) for path in files])
    assert contents[0] == contents[1]
    assert json.loads((tmp_path / "a/metrics.json").read_text()) == {
        "step": 2, "train": {"reconstruction": 0.5}, "vali": {"loss": 0.5},
    }  # fmt: skip


def test_a_service_that_fails_on_the_way_is_said_once_and_the_run_goes_on(service, tmp_path: Path, capsys) -> None:
    made = service("epoch")
    with tracked("wandb", SUBJECT, {}, tmp_path / "local") as tracker:
        for epoch in (1, 2, 3):
            tracker.epoch(row(epoch))
        tracker.versions(tmp_path)
    assert steps(tmp_path / "local") == [1, 2, 3]
    assert [what for what, _ in made[0].told] == ["start", "epoch", "close"]
    assert made[0].told[-1] == ("close", True)
    said = capsys.readouterr().err
    assert said.count("The service failed") == 1
    assert "the server hung up" in said
    assert "long story" not in said


def test_a_service_that_cannot_start_stops_before_anything_is_written(service, tmp_path: Path) -> None:
    service("start")
    tracking = tracked("wandb", SUBJECT, {}, tmp_path / "local")
    with pytest.raises(EcganError, match="The service cannot be used: the server hung up") as caught:
        tracking.__enter__()
    assert caught.value.hint == "Try something else."
    assert not (tmp_path / "local").exists()


def test_a_run_that_breaks_off_is_closed_as_failed(service, tmp_path: Path) -> None:
    made = service()
    broken_off("wandb", 1, tmp_path / "local")
    assert made[0].told[-1] == ("close", True)


def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("wandb", "mlflow"):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(EcganError) as caught:
            needed(module, module, f"the tracker {module}")
        assert f"the tracker {module} needs the package {module}" in caught.value.message
        assert f"pip install 'ecgan[{module}]'" in caught.value.hint


@pytest.mark.parametrize("kind", ["wandb", "mlflow"])
def test_training_with_a_missing_package_ends_in_that_sentence(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, kind, None)
    tracking = tracked(kind, SUBJECT, {}, tmp_path / "local")
    with pytest.raises(EcganError, match=f"needs the package {kind}"):
        tracking.__enter__()


def test_a_package_that_does_not_load_is_not_called_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken_package_.py").write_text("import a_module_that_is_not_there_\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EcganError, match="does not load: No module named 'a_module_that_is_not_there_'"):
        needed("broken_package_", "wandb", "this")


def test_names_of_metrics_and_flat_parameters() -> None:
    assert named(row(2)) == {"train/reconstruction": 0.5, "vali/loss": 0.5}
    nested = {"train": {"epochs": 3, "leads": None, "generation": {}}, "models": ["aegan"], "dataset": "ecgsyn"}
    assert flat(nested) == {
        "train.epochs": "3", "train.leads": "null", "train.generation": "{}",
        "models": '["aegan"]', "dataset": "ecgsyn",
    }  # fmt: skip


def params(tmp_path: Path, **sections: Any):
    path = tmp_path / "params.yaml"
    path.write_text(render_params("ecgsyn", ["aegan", "vaegan"], overrides=sections))
    return load_params(path)


def test_parameters_of_a_run_are_those_of_its_config(tmp_path: Path) -> None:
    found = run_parameters(params(tmp_path, split={"k": 3, "folds": [0, 2]}), "vaegan", 2)
    assert found["models"] == ["vaegan"]
    assert list(found["modules"]) == ["vaegan"]
    assert found["modules"]["vaegan"]["batch_size"] > 0
    assert found["experiment"]["run"] == "vaegan"
    assert found["split"]["folds"] == [2]
    assert "detect" not in found


PARTS = {"train": Path("there"), "detect": Path("here")}
METRICS = {
    "method": "aegan", "fold": 1,
    "strategies": {"reconstruction": {
        "threshold": {"value": 0.1},
        "test": {"auroc": 0.9, "mcc": 0.5, "f1_abnormal": 0.7, "per_class": {"N": {"count": 3}}, "ap": float("nan")},
        "validation": {"auroc": 0.8},
    }},
}  # fmt: skip


def test_auroc_f1_and_mcc_of_a_detection_reach_the_tracker(service, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(opening._SERVICES, "mlflow", opening._SERVICES["mlflow"])
    made = service()
    track_detection(params(tmp_path, train={"tracker": "local"}), METRICS, PARTS)
    assert not made
    track_detection(params(tmp_path, train={"tracker": "wandb"}), METRICS, PARTS)
    told = dict(made[0].told)
    assert told["detected"] == PARTS
    assert told["summary"] == {
        "test/reconstruction/auroc": 0.9, "test/reconstruction/mcc": 0.5, "test/reconstruction/f1_abnormal": 0.7,
        "validation/reconstruction/auroc": 0.8,
    }  # fmt: skip
    assert made[0].subject.name == "aegan/fold_1 detect"
    assert told["start"]["detect"]["detector"] == "inverse_mapping"
    assert detection_numbers(METRICS) == told["summary"]


def test_a_detection_is_not_lost_to_a_tracker_that_cannot_start(service, tmp_path: Path, capsys) -> None:
    service("start")
    track_detection(params(tmp_path, train={"tracker": "wandb"}), METRICS, PARTS)
    assert "warning: The service cannot be used" in capsys.readouterr().err


def test_the_run_to_continue_is_the_one_with_the_same_store_and_fingerprint(tmp_path: Path) -> None:
    subject = Subject("lab", "study", "aegan", 0, state=tmp_path / "state.json", fingerprint="one")
    assert subject.begun("mlflow", "sqlite:///a") is None
    subject.note("mlflow", "sqlite:///a", "run-1")
    assert subject.begun("mlflow", "sqlite:///a") == "run-1"
    assert subject.begun("mlflow", "sqlite:///b") is None
    assert subject.begun("wandb", "sqlite:///a") is None
    changed = Subject("lab", "study", "aegan", 0, state=tmp_path / "state.json", fingerprint="two")
    assert changed.begun("mlflow", "sqlite:///a") is None
    (tmp_path / "state.json").write_text("{")
    assert subject.begun("mlflow", "sqlite:///a") is None
    subject.ended()
    assert not (tmp_path / "state.json").exists()


def test_figures_are_no_output_of_the_local_tracker(tmp_path: Path) -> None:
    figure = tmp_path / "beats.svg"
    figure.write_text("<svg/>")
    LocalTracker(tmp_path / "tracked").figure("samples", figure)
    assert not (tmp_path / "tracked").exists()


def job(path: Path, epochs: int) -> Run:
    """A training that is the same each time; two of them share their resume file."""
    torch.manual_seed(1)
    model = Aegan(AeganOptions(width=0.0625, latent_size=2, batch_size=8), channels=1, length=32)
    x = torch.rand(16, 1, 32, generator=torch.Generator().manual_seed(0)) * 0.5
    data = TrainingData(x, torch.zeros(16, dtype=torch.int64), x[:6], torch.tensor([0, 0, 0, 1, 1, 1]))
    return Run(model, data, Train(epochs=epochs), 5, "fp32", ResumeFile(path, "same", seconds=0.0))


class Stop:
    """A listener that breaks training off."""

    def __init__(self, after: int) -> None:
        self.after = after

    def epoch(self, row: dict[str, float]) -> None:
        if row["epoch"] == self.after:
            raise KeyboardInterrupt


def test_the_local_history_is_complete_after_an_interruption(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt), tracked("local", SUBJECT, {}, tmp_path / "local") as tracker:
        fit(job(tmp_path / "resume", 5), [tracker, Stop(3)])
    with tracked("local", SUBJECT, {}, tmp_path / "local") as tracker:
        progress = fit(job(tmp_path / "resume", 5), [tracker])
    assert steps(tmp_path / "local") == [1, 2, 3, 4, 5]
    assert [row["epoch"] for row in progress.history] == [1, 2, 3, 4, 5]
