"""The tracker `wandb`, in its offline mode: what it writes is read back from the file that `wandb sync` sends."""

import json
import socket
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ecgan.errors import EcganError
from ecgan.tracking.opening import tracked
from ecgan.tracking.tracker import Subject
from ecgan.tracking.wandb import artifact_name

wandb = pytest.importorskip("wandb", reason="needs the extra wandb: pip install 'ecgan[wandb]'")

PARAMETERS = {"dataset": "ecgsyn", "train": {"epochs": 3}}
BLOCK, HEAD = 32768, 7


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_ENTITY", "WANDB_ERROR_REPORTING"):
        monkeypatch.setenv(name, "")  # so that what the tracker sets is undone
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def row(epoch: int) -> dict[str, float]:
    return {"epoch": float(epoch), "reconstruction": 1 / epoch, "vali_loss": 0.5, "vali_auroc": float("nan")}


def subject() -> Subject:
    return Subject("lab", "study", "my run", 1, state=Path(".ecgan/resume/run.json"), fingerprint="same")


def broken_off(after: int) -> None:
    """Track a training that is interrupted after so many epochs."""
    tracking = tracked("wandb", subject(), PARAMETERS, Path("local"))
    tracker = tracking.__enter__()
    for epoch in range(1, after + 1):
        tracker.epoch(row(epoch))
    assert not tracking.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)


def records(file: Path) -> list[Any]:
    """Read a `.wandb` file: a LevelDB log (header of 7 bytes; blocks of 32 KiB; checksum, length, type) of records."""
    from wandb.proto import wandb_internal_pb2

    raw, place, parts, found = file.read_bytes(), HEAD, b"", []
    while place + HEAD <= len(raw):
        if BLOCK - place % BLOCK < HEAD:
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", raw[place : place + HEAD])
        parts += raw[place + HEAD : place + HEAD + length]
        place += HEAD + length
        if kind in (1, 4):  # whole, or the last part
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            found.append(record)
            parts = b""
    return found


def recorded() -> list[list[Any]]:
    wandb.teardown()  # as at the end of a process: what is buffered is written
    return [records(file) for file in sorted(Path(".ecgan/wandb").glob("offline-run-*/*.wandb"))]


def of(kind: str, found: list[Any]) -> list[Any]:
    return [getattr(record, kind) for record in found if record.WhichOneof("record_type") == kind]


def history(found: list[Any]) -> list[dict[str, Any]]:
    """The rows that have an epoch."""
    rows = [
        {"/".join(i.nested_key) or i.key: json.loads(i.value_json) for i in one.item} for one in of("history", found)
    ]
    return [row for row in rows if "epoch" in row]


def test_parameters_metrics_figures_and_model_are_recorded(folder: Path) -> None:
    out = folder / "models/train/fold_1"
    (out / "v02").mkdir(parents=True)
    (out / "config.yml").write_text("dataset: ecgsyn\n")
    (out / "v02/model.safetensors").write_bytes(b"weights")
    figure = folder / "somewhere.svg"
    figure.write_text("<svg>beats</svg>")
    with tracked("wandb", subject(), PARAMETERS, Path("local")) as tracker:
        for epoch in (1, 2, 3):
            tracker.epoch(row(epoch))
        tracker.figure("samples", figure)
        tracker.summary({"mmd": 0.25, "nothing": float("nan")})
        tracker.versions(out)
    for path in sorted(out.rglob("*"), reverse=True):  # the pipeline may replace its outputs before `wandb sync`
        path.unlink() if path.is_file() else path.rmdir()
    (found,) = recorded()
    (run,) = of("run", found)
    assert (run.entity, run.project, run.display_name, run.job_type) == ("lab", "study", "my run/fold_1", "train")
    config = {update.key: json.loads(update.value_json) for update in run.config.update}
    assert config["train"] == {"epochs": 3}
    rows = history(found)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["_step"] for row in rows] == [1, 2, 3]
    assert [row["train/reconstruction"] for row in rows] == [1.0, 0.5, pytest.approx(1 / 3)]
    assert "vali/auroc" not in rows[0]
    (artifact,) = of("artifact", found)
    assert (artifact.type, artifact.name) == ("model", "my_run-fold_1")
    contents = {entry.path: Path(entry.local_path).read_bytes() for entry in artifact.manifest.contents}
    assert contents == {
        "train/fold_1/config.yml": b"dataset: ecgsyn\n", "train/fold_1/v02/model.safetensors": b"weights",
    }  # fmt: skip
    (media,) = Path(".ecgan/wandb").glob("offline-run-*/files/media/html/figures/*.html")
    assert "<svg>beats</svg>" in media.read_text()
    summary = {"/".join(i.nested_key) or i.key: i.value_json for one in of("summary", found) for i in one.update}
    assert summary["mmd"] == "0.25"
    assert "nothing" not in summary


def test_neither_code_nor_git_nor_the_machine_is_recorded(folder: Path) -> None:
    with tracked("wandb", subject(), PARAMETERS, Path("local")) as tracker:
        tracker.epoch(row(1))
    assert sorted(path.name for path in folder.iterdir()) == [".ecgan", "local"]
    (found,) = recorded()
    (run,) = of("run", found)
    assert (run.host, run.git.commit, run.git.remote_url) == ("", "", "")
    written = " ".join(str(record) for record in found)
    assert f'"{socket.gethostname()}"' not in written
    assert str(folder.parent) not in written
    names = {path.name for path in Path(".ecgan/wandb").rglob("*") if path.is_file()}
    assert not names & {"wandb-metadata.json", "requirements.txt", "code"}
    assert not of("stats", found)
    assert not of("environment", found)  # operating system, command line, Python's path


def test_the_offline_run_of_a_resumed_training_has_every_epoch_once() -> None:
    broken_off(3)
    with tracked("wandb", subject(), PARAMETERS, Path("local")) as tracker:
        for epoch in (1, 2, 3, 4, 5):
            tracker.epoch(row(epoch))
    runs = {of("run", found)[0].run_id: found for found in recorded()}
    assert len(runs) == 2
    complete = [found for found in runs.values() if of("exit", found)[0].exit_code == 0]
    (found,) = complete
    assert [row["epoch"] for row in history(found)] == [1, 2, 3, 4, 5]


class FakeRun:
    def __init__(self, given: dict[str, Any], starting_step: int) -> None:
        self.given, self.starting_step, self.id, self.url = given, starting_step, "run-7", "https://w/run-7"
        self.rows: list[tuple[int, dict[str, float]]] = []

    def log(self, row: dict[str, float], step: int) -> None:
        self.rows.append((step, row))

    def finish(self, exit_code: int) -> None:
        self.exit_code = exit_code


def test_online_a_resumed_training_goes_on_in_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is at hand: `wandb.init` is replaced, which shows what it is asked for and not what a server does."""
    monkeypatch.setenv("WANDB_MODE", "online")
    begun: list[FakeRun] = []

    def init(**given: Any) -> FakeRun:
        begun.append(FakeRun(given, 3 if given["id"] else 0))
        return begun[-1]

    monkeypatch.setattr(wandb, "init", init)
    broken_off(1)
    with tracked("wandb", subject(), PARAMETERS, Path("local")) as tracker:
        for epoch in (1, 2, 3, 4):
            tracker.epoch(row(epoch))
    with tracked("wandb", subject(), PARAMETERS, Path("local")):
        pass
    assert [(run.given["id"], run.given["resume"]) for run in begun] == [(None, None), ("run-7", "allow"), (None, None)]
    assert [step for step, _ in begun[1].rows] == [3, 4]
    assert [run.exit_code for run in begun] == [1, 0, 0]


def test_nobody_logged_in_is_one_sentence_and_no_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    tracking = tracked("wandb", subject(), PARAMETERS, Path("local"))
    with pytest.raises(EcganError, match="Weights & Biases cannot be used") as caught:
        tracking.__enter__()
    assert "WANDB_MODE=offline" in caught.value.hint
    assert not Path("local").exists()


def test_the_environment_names_the_entity(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {}
    monkeypatch.setenv("WANDB_ENTITY", "team")

    def init(**arguments: Any) -> Any:
        given.update(arguments)
        return SimpleNamespace(starting_step=0, finish=lambda exit_code: None)

    monkeypatch.setattr(wandb, "init", init)
    with tracked("wandb", subject(), PARAMETERS, Path("local")):
        pass
    assert (given["entity"], given["project"]) == ("team", "study")
    assert given["settings"].force  # nobody is asked to log in, not even at a terminal


def test_names_of_artifacts_have_the_characters_that_are_allowed() -> None:
    assert artifact_name("aegan", 3) == "aegan-fold_3"
    assert artifact_name("ß run+1", 0) == "__run_1-fold_0"
