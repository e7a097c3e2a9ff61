"""Archives: what is wanted comes out whole, and what would do harm is refused before anything is written."""

import io
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgan.datasets import archives
from ecgan.datasets.archives import Limits, unpack
from ecgan.datasets.names import check_names
from ecgan.errors import EcganError

FILES = {"set/a.csv": b"1,2\n" * 500, "set/deep/b.csv": os.urandom(3000), "notes.txt": b"not wanted"}


def csv(name: str) -> str | None:
    return name.rpartition("/")[2] if name.endswith(".csv") else None


def same(name: str) -> str | None:
    return name


def make(path: Path, files: dict[str, bytes] = FILES, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return path


def edited(path: Path, name: bytes, field: str, value: bytes, *, local: bool = True) -> Path:
    """Change a field of a member's entries in the directory and, if `local`, before the file itself."""
    content = bytearray(path.read_bytes())
    places = {"flags": (8, 6), "method": (10, 8), "packed": (20, 18), "size": (24, 22), "offset": (42, None)}
    for mark, length, place in ((b"PK\1\2", 46, places[field][0]), (b"PK\3\4", 30, places[field][1])):
        at = content.find(mark)
        while at >= 0:
            if content[at + length : at + length + len(name)] == name and place and (local or mark == b"PK\1\2"):
                content[at + place : at + place + len(value)] = value
            at = content.find(mark, at + 1)
    path.write_bytes(content)
    return path


def nothing_written(target: Path) -> bool:
    return not target.exists() or not list(target.iterdir())


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_only_wanted_files_are_written(tmp_path: Path, method: int) -> None:
    target = tmp_path / "raw"
    assert unpack(make(tmp_path / "x.zip", method=method), target, csv) == ["a.csv", "b.csv"]
    assert {f.name: f.read_bytes() for f in target.iterdir()} == {
        "a.csv": FILES["set/a.csv"],
        "b.csv": FILES["set/deep/b.csv"],
    }
    assert {file.stat().st_mode & 0o777 for file in target.iterdir()} == {0o644}


def test_folders_are_kept_and_older_files_replaced(tmp_path: Path) -> None:
    (tmp_path / "raw/set").mkdir(parents=True)
    (tmp_path / "raw/set/a.csv").write_bytes(b"old")
    assert unpack(make(tmp_path / "x.zip"), tmp_path / "raw", same) == sorted(FILES)
    assert all((tmp_path / "raw" / name).read_bytes() == content for name, content in FILES.items())


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["../a.csv"], '".."'),
        (["x/../../a.csv"], '".."'),
        (["/etc/a.csv"], "root of a disk"),
        (["C:/a.csv"], "root of a disk"),
        (["..\\a.csv"], "backslash"),
        (["a\nb.csv"], "control character"),
        (["x//a.csv"], "empty"),
        (["a.csv", "x/a.csv"], "'a.csv' twice"),
        (["a.csv", "A.csv"], "case does not count"),
        (["A/b.csv", "a/B.csv"], "case does not count"),
        (["a.csv", "a.csv/b.csv"], "as a folder"),
        (["harmless.csv", "../unwanted.txt"], '".."'),
    ],
)
def test_names_that_do_harm_are_refused(tmp_path: Path, names: list[str], words: str) -> None:
    archive = make(tmp_path / "x.zip", dict.fromkeys(names, b"1\n"))
    with pytest.raises(EcganError, match=words):
        unpack(archive, tmp_path / "raw", csv)
    assert nothing_written(tmp_path / "raw")
    assert sorted(path.name for path in tmp_path.iterdir()) in (["x.zip"], ["raw", "x.zip"])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as opened:
        opened.writestr("a.csv", b"1\n")
        opened.writestr("a.csv", b"2\n")
    with pytest.raises(EcganError, match=r"'a\.csv' twice"):
        unpack(tmp_path / "x.zip", tmp_path / "raw", csv)


@pytest.mark.parametrize(
    ("mode", "words"),
    [(stat.S_IFLNK | 0o777, "is a link"), (stat.S_IFCHR, "no plain file"), (stat.S_IFIFO, "no plain file")],
)
def test_links_and_devices_are_refused(tmp_path: Path, mode: int, words: str) -> None:
    member = zipfile.ZipInfo("a.csv")
    member.external_attr = mode << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as opened:
        opened.writestr(member, "/etc/passwd")
    with pytest.raises(EcganError, match=words):
        unpack(tmp_path / "x.zip", tmp_path / "raw", csv)
    assert nothing_written(tmp_path / "raw")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("flags", struct.pack("<H", 0x1), "is encrypted"),
        ("method", struct.pack("<H", 9), "packed by the method 9"),
        ("method", struct.pack("<H", 14), "packed by the method 14"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, field: str, value: bytes, words: str) -> None:
    archive = edited(make(tmp_path / "x.zip"), b"set/a.csv", field, value)
    with pytest.raises(EcganError, match=words):
        unpack(archive, tmp_path / "raw", csv)
    assert nothing_written(tmp_path / "raw")


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    archive = make(tmp_path / "x.zip", {"a.csv": bytes(50 << 20)})
    assert archive.stat().st_size < 100_000
    with pytest.raises(EcganError, match="more than 200 times as much"):
        unpack(archive, tmp_path / "raw", csv)
    assert nothing_written(tmp_path / "raw")


def test_too_much_in_all_is_refused(tmp_path: Path) -> None:
    archive = make(tmp_path / "x.zip")
    assert unpack(archive, tmp_path / "raw", csv, Limits(size=5000))
    with pytest.raises(EcganError, match="unpacks to 5,000 bytes, more than 4,999"):
        unpack(archive, tmp_path / "other", csv, Limits(size=4999))
    assert nothing_written(tmp_path / "other")


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    archive = make(tmp_path / "x.zip", {f"{index}.csv": b"1\n" for index in range(11)})
    assert unpack(archive, tmp_path / "raw", csv, Limits(members=11))
    with pytest.raises(EcganError, match="has 11 members, more than 10"):
        unpack(archive, tmp_path / "other", csv, Limits(members=10))


def test_a_directory_that_would_fill_memory_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make(tmp_path / "x.zip", {f"{index:0200}.csv": b"" for index in range(500)})
    monkeypatch.setattr(archives.zipfile, "ZipFile", lambda *_: pytest.fail("the directory was read"))
    with pytest.raises(EcganError, match="more than 20 members"):
        unpack(archive, tmp_path / "raw", csv, Limits(members=20))


@pytest.mark.parametrize("declared", [10, 1999, 2001, 90_000])
def test_a_header_that_lies_about_the_size_is_found_out(tmp_path: Path, declared: int) -> None:
    archive = edited(make(tmp_path / "x.zip"), b"set/a.csv", "size", struct.pack("<I", declared))
    with pytest.raises(EcganError, match="damaged"):
        unpack(archive, tmp_path / "raw", csv)
    assert nothing_written(tmp_path / "raw")


def test_no_more_is_written_than_was_declared() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"x" * size

    written = io.BytesIO()
    assert archives._copy(Endless(), written, 3 << 20) == (3 << 20) + 1  # type: ignore[arg-type]
    assert len(written.getvalue()) == (3 << 20) + 1


def test_members_that_share_bytes_are_refused(tmp_path: Path) -> None:
    archive = make(tmp_path / "x.zip", {"a.csv": b"1,2\n" * 50, "b.csv": b"3,4\n" * 50})
    with zipfile.ZipFile(archive) as opened:
        first = opened.getinfo("a.csv").header_offset
    edited(archive, b"b.csv", "offset", struct.pack("<I", first + 10), local=False)
    with pytest.raises(EcganError, match="overlap"):
        unpack(archive, tmp_path / "raw", csv)
    assert nothing_written(tmp_path / "raw")


def test_a_disk_that_is_too_small_is_named_before_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(EcganError, match=r"has 0\.0 GB left"):
        unpack(make(tmp_path / "x.zip"), tmp_path / "raw", csv)


@pytest.mark.parametrize("content", [b"", b"PK\5\6", b"<html>404</html>", b"PK\3\4" + bytes(100)])
def test_what_is_no_archive_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(EcganError, match="damaged"):
        unpack(tmp_path / "x.zip", tmp_path / "raw", csv)


@given(cut=st.integers(0, 4000), changed=st.dictionaries(st.integers(0, 3900), st.integers(0, 255), max_size=8))
def test_a_damaged_archive_never_gives_other_content(cut: int, changed: dict[int, int], tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(make(folder / "x.zip").read_bytes()[: cut or None])
    for place, value in changed.items():
        if place < len(content):
            content[place] = value
    (folder / "x.zip").write_bytes(content)
    try:
        names = unpack(folder / "x.zip", folder / "raw", same)
    except EcganError:
        assert nothing_written(folder / "raw")
    else:
        sums = {zlib.crc32(FILES[name]) for name in FILES}
        assert {zlib.crc32((folder / "raw" / name).read_bytes()) for name in names} <= sums


@given(st.lists(st.text("aA/.\\:é", min_size=1, max_size=6), min_size=1, max_size=3))
def test_names_that_are_let_in_stay_below_and_apart(names: list[str]) -> None:
    root = Path("/raw")
    try:
        check_names(names, "the archive x.zip")
    except EcganError:
        return
    places = [Path(os.path.normpath(root / name)) for name in names]
    assert all(place != root and place.is_relative_to(root) for place in places)
    assert len({str(place).casefold() for place in places}) == len(names)
