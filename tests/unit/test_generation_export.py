"""Generated signals on disk."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ecgan.errors import EcganError
from ecgan.files import clear_parts, written
from ecgan.generation import export
from ecgan.generation.export import check_targets, write_signals

SIGNALS = np.random.default_rng(0).normal(size=(7, 5, 2)).astype(np.float32)  # (n, L, C), as in files
GENERATED = SIGNALS.transpose(0, 2, 1)  # (n, C, L)
LEADS = ["MLII", "V1"]


def batches() -> Iterator[np.ndarray]:
    yield from (GENERATED[:3], GENERATED[3:6], GENERATED[6:])


def test_an_array_is_read_back_without_pickle(tmp_path: Path) -> None:
    write_signals(tmp_path / "x.npy", batches(), SIGNALS.shape, LEADS, 360.0)
    found = np.load(tmp_path / "x.npy", allow_pickle=False)
    assert found.dtype == np.float32
    assert found.flags["C_CONTIGUOUS"]
    assert np.array_equal(found, SIGNALS)


@pytest.mark.parametrize(("rate", "step"), [(360.0, 1 / 360), (0.0, 1.0)])
def test_a_table_is_read_back_to_the_same_values(tmp_path: Path, rate: float, step: float) -> None:
    write_signals(tmp_path / "x.csv", batches(), SIGNALS.shape, LEADS, rate)
    table = pd.read_csv(tmp_path / "x.csv")
    assert list(table.columns) == ["sample", "time", "MLII", "V1"]
    assert table["sample"].tolist() == [n for n in range(7) for _ in range(5)]
    np.testing.assert_allclose(table["time"].to_numpy().reshape(7, 5)[6], np.arange(5) * step, atol=1e-9)
    assert np.array_equal(table[LEADS].to_numpy(np.float32).reshape(7, 5, 2), SIGNALS)


@pytest.mark.parametrize("name", ["x.npy", "x.csv"])
def test_a_failure_leaves_the_old_file_and_no_part(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("old")

    def failing() -> Iterator[np.ndarray]:
        yield GENERATED[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_signals(path, failing(), SIGNALS.shape, LEADS, 360.0)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("out", "figure", "words", "hint"),
    [
        ("x.npz", None, "no known kind", ".npy or .csv"),
        ("x", None, "no known kind", ".npy or .csv"),
        ("nowhere/x.npy", None, "no folder", "mkdir -p"),
        ("there.npy", None, "there already", "--force"),
        ("described.csv", None, "described.csv.json is there already", "--force"),
        ("x.npy", "x.png", "no known kind", ".svg"),
        ("x.npy", "nowhere/x.svg", "no folder", "mkdir -p"),
        ("x.npy", "there.svg", "there already", "--force"),
        ("folder.npy", None, "is a folder", "Name a file"),
    ],
)
def test_what_cannot_be_written_is_refused_first(
    tmp_path: Path, out: str, figure: str | None, words: str, hint: str
) -> None:
    for name in ("there.npy", "there.svg", "described.csv.json"):
        (tmp_path / name).touch()
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(EcganError, match=words) as caught:
        check_targets(tmp_path / out, None if figure is None else tmp_path / figure, force=False)
    assert hint in caught.value.hint
    if "already" in words:
        check_targets(tmp_path / out, None if figure is None else tmp_path / figure, force=True)


@pytest.mark.parametrize(
    ("name", "free", "fits"), [("a.npy", 4000, True), ("a.npy", 3999, False), ("a.csv", 4000, False)]
)
def test_the_disk_must_have_room(
    tmp_path: Path, name: str, free: int, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export.shutil, "disk_usage", lambda place: SimpleNamespace(free=free))
    with contextlib.nullcontext() if fits else pytest.raises(EcganError, match="the disk"):
        export.check_room(tmp_path / name, (10, 50, 2))


def test_the_room_of_a_table_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signals = np.full((20, 2, 50), -1.23456789e-10, dtype=np.float32)
    export.write_signals(tmp_path / "a.csv", [signals], (20, 50, 2), ["I", "II"], 360.0)
    size = (tmp_path / "a.csv").stat().st_size
    monkeypatch.setattr(export.shutil, "disk_usage", lambda place: SimpleNamespace(free=size - 1))
    with pytest.raises(EcganError, match="the disk"):  # it is not promised less than is written
        export.check_room(tmp_path / "a.csv", (20, 50, 2))


def test_parts_of_killed_processes_go_and_others_stay(tmp_path: Path) -> None:
    def killed(name: str) -> set[str]:
        """What a process that is killed while it writes leaves."""
        before = {file.name for file in tmp_path.iterdir()}
        process = os.fork()
        if not process:
            with written(tmp_path / name) as file:
                file.write(b"half")
                file.flush()
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(process, 0)
        return {file.name for file in tmp_path.iterdir()} - before

    own, others = killed("a.npy"), killed("b.npy")
    assert len(own) == len(others) == 1
    (tmp_path / "a.npy").write_bytes(b"x")
    with written(tmp_path / "a.npy"):
        mine = {file.name for file in tmp_path.iterdir()} - own - others - {"a.npy"}
        clear_parts(tmp_path / "a.npy")
        assert {file.name for file in tmp_path.iterdir()} == others | mine | {"a.npy"}


def test_no_file_of_the_model_is_overwritten(tmp_path: Path) -> None:
    history = tmp_path / "history.csv"
    history.write_text("epoch\n1\n")
    (tmp_path / "linked.csv").hardlink_to(history)
    for name in ("history.csv", "linked.csv"):
        with pytest.raises(EcganError, match=f"{name} belongs to the model"):
            check_targets(tmp_path / name, None, force=True, read=[history])
    check_targets(tmp_path / "new.csv", None, force=False, read=[history])


def test_names_of_leads_are_no_formulas(tmp_path: Path) -> None:
    batch = np.zeros((1, 2, 3), dtype=np.float32)
    write_signals(tmp_path / "a.csv", [batch], (1, 3, 2), ["=II", "V1"], 360.0)
    assert (tmp_path / "a.csv").read_text().splitlines()[0] == "sample,time,'=II,V1"


def test_metrics_are_no_file_of_the_model_and_no_other_of_the_targets(tmp_path: Path) -> None:
    model = tmp_path / "run"
    model.mkdir()
    (model / "input.json").touch()
    (tmp_path / "x.npy").touch()
    with pytest.raises(EcganError, match=r"input\.json belongs to the model"):
        check_targets(tmp_path / "x.npy", None, model / "input.json", force=True, read=model.rglob("*"))
    with pytest.raises(EcganError, match="twice"):
        check_targets(tmp_path / "x.npy", None, tmp_path / "x.npy.json", force=True)
    check_targets(tmp_path / "x.npy", None, tmp_path / "m.json", force=True, read=model.rglob("*"))
