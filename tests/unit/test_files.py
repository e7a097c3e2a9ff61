"""Files: atomic writes, canonical JSON, one writer at a time."""

import math
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from ecgan.errors import EcganError
from ecgan.files import read_json, sole_writer, write_bytes, write_json


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


def test_what_a_killed_process_left_half_written_is_not_what_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".out.old").mkdir()
    (tmp_path / ".out.old/whole").touch()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/half").touch()
    with pytest.raises(EcganError), sole_writer(Path("out")):
        raise EcganError("no")
    assert [path.name for path in Path("out").iterdir()] == ["whole"]
    assert not Path(".out.old").exists()
