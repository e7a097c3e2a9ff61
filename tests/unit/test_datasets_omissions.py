"""What lies in a folder and is no recording is said; what macOS or a system hides is not even looked at."""

import os
from pathlib import Path

import numpy as np
import pytest

from ecgan.datasets import inventory
from ecgan.datasets.folder import Folder
from ecgan.datasets.inventory import recordings_among, take_inventory
from ecgan.ecg.records import write_record
from ecgan.ecg.simulated_patients import simulate
from ecgan.errors import EcganError
from ecgan.scoring.batch import find_recordings, omissions
from tests.hospital import aecg, dicom, ishne, wave

pytest.importorskip("ecgdatakit")


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    folder = tmp_path / "mixed"
    record = simulate(0, 1, 0.2, 1.0, 1.0)
    write_record(folder, record)
    for name, content in {
        f"._{record.name}.hea": b"\0\5\x16\7\0\2\0\0Mac OS X",
        ".hidden.csv": b"1\n2\n",
        "holter.ecg": ishne(wave()),
        "clinic.xml": aecg(wave()),
        "settings.xml": b"<settings/>",
        "more.xml": b"<more/>",
        "none.dcm": bytes(200),
        "alone.mat": b"MATLAB 5.0",
        "notes.txt": b"I\n1\n",
        "old.mwf": b"x",
        "scan.pdf": b"x",
        "RECORDS": b"p01\n",
        "README.md": b"x",
        "labels.csv": b"file,label\n",
    }.items():
        (folder / name).write_bytes(content)
    return folder


def names(folder: Path) -> list[str]:
    return [one.name for one in find_recordings([folder])]


def test_what_is_left_out_is_counted_and_named(mixed: Path) -> None:
    assert names(mixed) == ["clinic", "holter", "p01"]
    (told,) = omissions([mixed])
    assert "7 files" in told
    for words in ("2 .xml", "1 .dcm", "1 .mat", "1 .txt", "1 .mwf", "1 .pdf"):
        assert words in told
    assert "save2gdf" in told
    for quiet in ("._", ".hidden", ".dat", ".atr", ".csv", "README", "RECORDS", ".ecg"):
        assert quiet not in told
    for name in ("settings.xml", "more.xml", "none.dcm", "alone.mat", "notes.txt", "old.mwf", "scan.pdf"):
        (mixed / name).unlink()
    assert omissions([mixed]) == []
    assert omissions([mixed / "holter.ecg"]) == []


def test_without_the_extra_they_are_left_out_and_the_command_is_named(
    mixed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecgan.datasets.inventory.is_installed", lambda: False)
    monkeypatch.setattr("ecgan.datasets.omissions.is_installed", lambda: False)
    assert names(mixed) == ["p01"]
    (told,) = omissions([mixed])
    assert "pip install 'ecgan[formats]'" in told
    assert "1 .ecg" in told
    assert "ISHNE" in told


def test_the_dataset_takes_and_tells_the_same(mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mixed / "sub").mkdir()
    (mixed / "sub/d.dcm").write_bytes(dicom(wave()))
    (mixed / "sub/x.pdf").write_bytes(b"x")
    (mixed / "sub/._d.dcm").write_bytes(dicom(wave()))
    raw = tmp_path / "raw"
    raw.mkdir()
    Folder().fetch(raw, Folder.Fetch(path=str(mixed)), seed=0)
    told = capsys.readouterr().err
    assert "2 .pdf" in told
    assert "2 .xml" in told
    found = take_inventory(str(mixed), raw)
    assert sorted(found.recordings()) == ["clinic", "holter", "p01", "sub/d"]
    assert inventory.load_inventory(raw) == found


def test_files_that_a_header_names_belong_to_its_record(tmp_path: Path) -> None:
    (tmp_path / "r.hea").write_text("r 2 250 10\nfirst.bin 16 200 16 0 0 0 0 I\nthe second.sig 16 200 16 0 0 0 0 II\n")
    for name in ("first.bin", "the second.sig", "third.bin", "r.atr", "r.qrs"):
        (tmp_path / name).write_bytes(np.zeros(10, "<i2").tobytes())
    assert recordings_among(tmp_path, ["r.hea", "first.bin"]) == ["r.hea"]
    (told,) = omissions([tmp_path])
    assert "1 file:" in told
    assert "1 .bin" in told


def test_a_name_that_is_no_utf_8_is_refused_when_the_folder_is_listed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / os.fsdecode(b"x\xff.csv")).write_text("MLII\n0.1\n")
    with pytest.raises(EcganError, match="no UTF-8"):
        take_inventory(str(tmp_path / "in"), tmp_path / "raw")
