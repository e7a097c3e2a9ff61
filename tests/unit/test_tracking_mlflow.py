"""The tracker `mlflow` against a real SQLite store."""

import contextlib
import shutil
import socket
from pathlib import Path

import pytest

from ecgan.errors import EcganError
from ecgan.tracking.mlflow import client, store_uri
from ecgan.tracking.opening import tracked
from ecgan.tracking.tracker import Subject

pytest.importorskip("mlflow", reason="needs the extra mlflow: pip install 'ecgan[mlflow]'")

PARAMETERS = {"dataset": "ecgsyn", "train": {"epochs": 3, "leads": None}, "records": ["r" * 4000, "s" * 4000]}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mlflow_template: Path) -> Path:
    """An empty project; its store is a copy of a fresh one, since making the tables takes seconds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Path(".ecgan/mlflow").mkdir(parents=True)
    shutil.copy(mlflow_template, ".ecgan/mlflow/mlflow.db")
    return tmp_path


@pytest.fixture(scope="module")
def mlflow_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        client().search_experiments()
    return folder / "mlflow.db"


def row(epoch: int) -> dict[str, float]:
    return {"epoch": float(epoch), "reconstruction": 1 / epoch, "vali_loss": 0.5, "vali_auroc": float("nan")}


def subject(fingerprint: str = "same") -> Subject:
    return Subject("lab", "study", "aegan", 1, state=Path(".ecgan/resume/run.json"), fingerprint=fingerprint)


def runs() -> list:
    store = client()
    experiment = store.get_experiment_by_name("lab/study")
    return store.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])


def points(run: str, metric: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in client().get_metric_history(run, metric)]


def train(epochs: range, *, name: str = "same", broken_off: bool = False) -> None:
    with contextlib.ExitStack() as stack:
        if broken_off:
            stack.enter_context(pytest.raises(KeyboardInterrupt))
        tracker = stack.enter_context(tracked("mlflow", subject(name), PARAMETERS, Path("local")))
        for epoch in epochs:
            tracker.epoch(row(epoch))
        if broken_off:
            raise KeyboardInterrupt


def test_parameters_metrics_figures_and_model_are_in_the_store(folder: Path) -> None:
    out = folder / "models/train/fold_1"
    (out / "v02").mkdir(parents=True)
    (out / "config.yml").write_text("dataset: ecgsyn\n")
    (out / "v02/model.safetensors").write_bytes(b"weights")
    figure = folder / "somewhere.svg"
    figure.write_text("<svg/>")
    with tracked("mlflow", subject(), PARAMETERS, Path("local")) as tracker:
        for epoch in (1, 2, 3):
            tracker.epoch(row(epoch))
        tracker.figure("samples", figure)
        tracker.summary({"mmd": 0.25, "nothing": float("nan")})
        tracker.versions(out)
    (run,) = runs()
    assert run.info.run_name == "aegan/fold_1"
    assert run.info.status == "FINISHED"
    assert run.data.params["train.epochs"] == "3"
    assert run.data.params["train.leads"] == "null"
    assert len(run.data.params["records"]) == 6000
    assert points(run.info.run_id, "train/reconstruction") == [(1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))]
    assert points(run.info.run_id, "mmd") == [(3, 0.25)]
    assert not {"vali/auroc", "nothing"} & run.data.metrics.keys()
    store = client()
    target = folder / "download"
    target.mkdir()
    for inside, content in (
        ("figures/samples.svg", b"<svg/>"),
        ("train/fold_1/config.yml", b"dataset: ecgsyn\n"),
        ("train/fold_1/v02/model.safetensors", b"weights"),
    ):
        assert Path(store.download_artifacts(run.info.run_id, inside, str(target))).read_bytes() == content


def test_a_resumed_training_goes_on_in_its_run_and_logs_no_epoch_twice() -> None:
    train(range(1, 4), broken_off=True)
    (run,) = runs()
    assert run.info.status == "FAILED"
    train(range(1, 6))  # the loop tells the trackers of the epochs from before, too
    (run,) = runs()
    assert run.info.status == "FINISHED"
    assert [step for step, _ in points(run.info.run_id, "train/reconstruction")] == [1, 2, 3, 4, 5]
    assert [step for step, _ in points(run.info.run_id, "epoch")] == [1, 2, 3, 4, 5]
    assert not Path(".ecgan/resume/run.json").exists()


def test_a_training_anew_or_with_other_parameters_is_another_run() -> None:
    train(range(1, 3))
    train(range(1, 3))
    train(range(1, 3), broken_off=True)
    train(range(1, 3), name="changed")
    assert [run.info.status for run in runs()] == ["FINISHED", "FINISHED", "FAILED", "FINISHED"]
    for run in runs():
        assert [step for step, _ in points(run.info.run_id, "epoch")] == [1, 2]


def test_a_run_that_was_deleted_is_not_taken_up() -> None:
    train(range(1, 3), broken_off=True)
    (run,) = runs()
    client().delete_run(run.info.run_id)
    train(range(1, 4))
    (run,) = runs()
    assert [step for step, _ in points(run.info.run_id, "epoch")] == [1, 2, 3]


def test_everything_stays_below_the_projects_private_folder(folder: Path) -> None:
    (folder / "model.txt").write_text("x")
    with tracked("mlflow", subject(), PARAMETERS, Path("local")) as tracker:
        tracker.epoch(row(1))
        tracker.versions(folder / "local")
    assert sorted(path.name for path in folder.iterdir()) == [".ecgan", "local", "model.txt"]
    assert {tag for run in runs() for tag in run.data.tags} == {"mlflow.runName"}  # no user, host, source or commit


def test_the_environment_names_another_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store_uri() == f"sqlite:///{folder / '.ecgan/mlflow/mlflow.db'}"
    shutil.move(".ecgan/mlflow/mlflow.db", "theirs.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'theirs.db'}")
    train(range(1, 3))
    assert len(runs()) == 1
    assert not list(Path(".ecgan/mlflow").iterdir())


def test_a_server_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(EcganError, match="MLflow cannot be used") as caught:
        train(range(1, 2))
    assert "MLFLOW_TRACKING_URI" in caught.value.hint
    assert not Path("local").exists()
