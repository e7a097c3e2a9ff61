"""Files: atomic writes, canonical JSON, one writer at a time."""

import csv
import errno
import math
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecgan import files
from ecgan.errors import EcganError
from ecgan.files import (
    alone_in,
    csv_text,
    read_json,
    read_table,
    sole_writer,
    unfinished,
    write_bytes,
    write_frame,
    write_json,
    write_text,
    written,
)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_bytes(path, b"old")
    with pytest.raises(TypeError):
        write_bytes(path, "no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_json_is_canonical_and_has_no_nan(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"b": np.float64(0.1), "a": [math.nan, np.int64(3)], "c": math.inf})
    assert path.read_text() == '{\n  "a": [\n    null,\n    3\n  ],\n  "b": 0.1,\n  "c": null\n}\n'
    assert read_json(path) == {"a": [None, 3], "b": 0.1, "c": None}


@pytest.mark.parametrize("content", [b"", b"{", b"\x80\x04K\x01.", b"[" * 100_000])
def test_broken_json_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(EcganError, match=r"a\.json"):
        read_json(path)


def test_what_an_interrupted_run_left_is_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out" / "v07").mkdir(parents=True)
    with sole_writer(Path("out")) as folder:
        assert list(folder.iterdir()) == []
    (tmp_path / "out" / "kept").touch()
    with sole_writer(Path("out"), clear=False) as folder:
        assert [path.name for path in folder.iterdir()] == ["kept"]


def test_a_second_writer_waits_until_the_first_has_gone(tmp_path: Path, root: Path) -> None:
    script = """
        import sys, time
        sys.path.insert(0, {root!r})
        from pathlib import Path
        from ecgan.files import sole_writer
        with sole_writer(Path("out")) as folder:
            print("in", flush=True)
            sys.stdin.readline()
            (folder / sys.argv[1]).touch()
    """
    code = textwrap.dedent(script.format(root=str(root)))

    def start(name: str) -> subprocess.Popen[str]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen([sys.executable, "-c", code, name], cwd=tmp_path, text=True, **pipes)

    first = start("first")
    assert first.stdout.readline() == "in\n"
    second = start("second")
    assert "waiting" in second.stdout.readline()
    first.communicate("go\n")
    assert second.stdout.readline() == "in\n"
    second.communicate("go\n")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["second"]


def test_an_output_that_fails_leaves_what_there_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise EcganError("no")

    with pytest.raises(EcganError), sole_writer(Path("top/out")) as folder:
        fail(folder)
    assert not Path("top").exists()
    with sole_writer(Path("top/out")) as folder:
        (folder / "old").touch()
    with pytest.raises(EcganError), sole_writer(Path("top/out")) as folder:
        fail(folder)
    assert [str(path) for path in Path("top").rglob("*")] == ["top/out", "top/out/old"]
    with pytest.raises(EcganError), sole_writer(Path("top/out"), clear=False) as folder:
        fail(folder)
    assert sorted(path.name for path in Path("top/out").iterdir()) == ["half", "old"]
    with sole_writer(Path("top/out")) as folder:
        (folder / "new").touch()
    assert [str(path) for path in Path("top").rglob("*")] == ["top/out", "top/out/new"]


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def killed_at(step: int, folder: Path, word: str) -> bool:
    """Write the files a and b in a process that is killed after so many changes of the disk; whether it came so far."""
    process = os.fork()
    if process:
        return os.WIFSIGNALED(os.waitpid(process, 0)[1])
    changes = iter(range(step))

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def change_or_die(*arguments: Any, **options: Any) -> Any:
            if next(changes, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*arguments, **options)

        return change_or_die

    def rmtree(path: Path, ignore_errors: bool = False) -> None:  # file by file, as the real one
        for file in sorted(Path(path).glob("*")):
            file.unlink()
        if Path(path).exists():
            Path(path).rmdir()

    for name in ("mkdir", "unlink", "rmdir", "replace", "write_text"):
        setattr(Path, name, counted(getattr(Path, name)))
    files.shutil.rmtree = rmtree
    with sole_writer(folder) as out:
        (out / "a").write_text(word)
        (out / "b").write_text(word)
    os._exit(0)


def write_half(folder: Path) -> None:
    with sole_writer(folder) as out:
        (out / "a").write_text("half")
        raise KeyboardInterrupt


@pytest.mark.parametrize("ends_well", [True, False])
def test_a_process_that_is_killed_at_any_step_leaves_a_whole_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends_well: bool
) -> None:
    seen = set()
    for step in range(100):
        folder = tmp_path / str(step) / "out"
        monkeypatch.chdir(tmp_path)
        with sole_writer(folder) as out:
            (out / "a").write_text("old")
            (out / "b").write_text("old")
        killed = killed_at(step, folder, "new")
        if ends_well:
            with sole_writer(folder) as out:
                (out / "a").write_text("newest")
            assert contents(folder.parent) == {"out/a": "newest"}, step
        else:
            with pytest.raises(KeyboardInterrupt):
                write_half(folder)
            words = set(contents(folder.parent).values())
            assert contents(folder.parent).keys() == {"out/a", "out/b"}, step
            assert len(words) == 1, step
            seen |= words
        if not killed:
            break
    assert step > 8
    assert ends_well or seen == {"old", "new"}


def test_the_old_result_is_there_while_a_new_one_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with sole_writer(Path("out")) as out:
        (out / "a").write_text("old")
    with sole_writer(Path("out")) as out:
        assert contents(Path("out")) == {"a": "old"}
        (out / "b").write_text("new")
    assert contents(Path("out")) == {"b": "new"}
    assert [path.name for path in tmp_path.iterdir() if path.name != ".ecgan"] == ["out"]


def test_one_folder_has_one_lock_whatever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for name in ("real/out", "link/out", "link/../real/out"):
        with sole_writer(Path(name)):
            pass
    assert len(list(Path(".ecgan/lock").iterdir())) == 1


def test_what_a_killed_process_had_not_finished_goes_at_the_next_time(tmp_path: Path) -> None:
    process = os.fork()
    if not process:
        with unfinished(tmp_path, "scored") as folder:
            (folder / "half").write_text("x")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(process, 0)
    (tmp_path / ".scored-mine").mkdir()
    assert len(contents(tmp_path)) == 1
    with unfinished(tmp_path, "scored") as folder:
        (folder / "a").write_text("x")
        with unfinished(tmp_path, "scored") as other:  # of a process that is there
            assert (folder / "a").is_file()
            assert other != folder
        assert list(contents(tmp_path)) == [str((folder / "a").relative_to(tmp_path))]
    assert [path.name for path in tmp_path.iterdir()] == [".scored-mine"]


FULL = [(errno.ENOSPC, "disk is full"), (errno.EDQUOT, "disk is full"), (errno.EACCES, "Permission denied")]


@pytest.mark.parametrize(("number", "words"), FULL)
def test_what_cannot_be_written_is_named_and_leaves_nothing(tmp_path: Path, number: int, words: str) -> None:
    path = tmp_path / "new/deep/a.txt"

    def write() -> None:
        with written(path) as file:
            file.write(b"half")
            raise OSError(number, os.strerror(number))

    with pytest.raises(EcganError, match=words) as caught:
        write()
    assert str(path) in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_read_while_another_is_written_is_not_blamed_on_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"), written(tmp_path / "a.txt") as file:
        file.write((tmp_path / "absent").read_bytes())


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="mounting a small disk is for root")
def test_on_a_disk_that_is_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        write_bytes(disk / "old", b"old")
        with pytest.raises(EcganError, match=r"cannot write .*disk/x/new: the disk is full") as caught:
            write_bytes(disk / "x/new", bytes(1 << 20))
        assert str(disk) in caught.value.hint
        assert contents(disk) == {"old": "old"}
        assert [path.name for path in disk.iterdir()] == ["old"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


CELLS = ["=1+1", "+49 30", "-a", "@sum", "\tx", "\rx", "'=1", "''=1", "＝1"]
PLAIN = ["N", "-5", "+1.5e-3", "-.5", "'quoted'", "", "a=b", "x@y", "Ä"]


def test_no_cell_is_a_formula_and_every_one_comes_back(tmp_path: Path) -> None:
    names = [*CELLS, *PLAIN]
    table = pd.DataFrame({"name": names, "=head": range(len(names)), "value": [-0.5] * len(names)})
    write_frame(tmp_path / "a.csv", table)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["name", "'=head", "value"]
    assert [row[0] for row in rows[1:]] == [f"'{cell}" for cell in CELLS] + PLAIN
    assert {row[2] for row in rows[1:]} == {"-0.5"}
    back = read_table(tmp_path / "a.csv", {"name": str}, hint="")
    assert list(back.columns) == list(table.columns)
    assert back["name"].fillna("").tolist() == names
    assert back["=head"].tolist() == list(range(len(names)))


def test_texts_are_escaped_and_other_cells_stay_what_they_are(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"mixed": pd.Series(["=x", 7, None, True], dtype=object), "maybe": pd.Series([1, None], dtype="Int64")}
    )
    assert csv_text(table).splitlines() == ["mixed,maybe", "'=x,1", "7,", ",", "True,"]
    assert table["mixed"][0] == "=x"


def test_a_name_that_is_no_utf_8_can_be_written(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "x\udcff.csv, ä")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "x\\xff.csv, ä"


def test_numbers_of_a_table_are_written_as_pandas_writes_them() -> None:
    values = [1.0, np.nan, -0.0, 1e-12, 123456789.123456, np.inf, -np.inf, 1 / 3]
    frame = pd.DataFrame({"a": values, "b": np.array(values, np.float32), "c": range(8), "d": ["x,y", None, *"ghijkl"]})
    assert csv_text(frame) == frame.to_csv(index=False, float_format="%.10g", lineterminator="\n")
    assert csv_text(frame[["a"]].iloc[:0]) == "a\n"


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What Windows lacks and has for locks: no fcntl, folders that cannot be opened, bytes of files to be locked."""
    import fcntl

    def lock_byte(handle: int, mode: int, count: int) -> None:
        assert (mode, count) == (3, 1)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    open_before = os.open

    def open_file(path: Any, *more: Any) -> int:
        if Path(path).is_dir():
            raise PermissionError(13, "Permission denied", str(path))
        return open_before(path, *more)

    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=3, locking=lock_byte))
    monkeypatch.setattr(os, "open", open_file)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.parametrize("system", ["here", "windows"])
def test_two_that_write_into_one_folder_wait_for_each_other(
    system: str, tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, order = tmp_path / "scores", []
    folder.mkdir()
    if system == "windows":
        request.getfixturevalue("windows")

    def second() -> None:
        with alone_in(folder) as waited:
            order.append(f"second, {waited}")

    with alone_in(folder) as waited:
        other = threading.Thread(target=second)
        other.start()
        other.join(0.3)
        order.append(f"first, {waited}")
    other.join(10)
    assert order == ["first, False", "second, True"]
    assert "waiting" in capsys.readouterr().err


@pytest.mark.usefixtures("windows")
def test_one_writes_a_result_where_there_is_no_fcntl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("one", "two"):
        with sole_writer(Path("out")) as folder:
            (folder / "file").write_text(text)
    assert Path("out/file").read_text() == "two"


def test_a_folder_that_cannot_be_locked_is_written_to_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any, **__: Any) -> bool:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(files, "take", refuse)
    with alone_in(tmp_path) as waited:
        assert not waited
    assert "cannot be locked" in capsys.readouterr().err
