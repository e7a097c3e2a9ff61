"""The Chapman-Shaoxing database: both layouts, windows and rhythms, and what is refused."""

import hashlib
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from ecgan.datasets import shaoxing
from ecgan.datasets.fetching import SUMS
from ecgan.datasets.shaoxing import FetchOptions, PreprocessOptions, Shaoxing
from ecgan.datasets.shaoxing_files import CLASSES, LEADS, list_recordings, read_diagnostics, read_recording
from ecgan.datasets.transfer import Remote
from ecgan.ecg.records import Record
from ecgan.engines import choosing
from ecgan.errors import EcganError
from tests.raw.shaoxing import PATIENTS, SNOMED, signals, write, write_csv, write_physionet, write_record, write_table

PLAIN: dict[str, Any] = {"cleansing": {"limit": None, "drop": False}, "resampling": {"method": "none"}}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both layouts in one folder."""
    folder = tmp_path_factory.mktemp("shaoxing")
    write(folder / "figshare")
    write_physionet(folder / "physionet")
    return folder


@pytest.fixture
def figshare(tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror of figshare, with what is expected of its two files set to what is in it."""
    folder = tmp_path / "mirror/ndownloader.figshare.com/files"
    folder.mkdir(parents=True)
    table = made / "figshare/Diagnostics.xlsx"
    (folder / "15653771").write_bytes(table.read_bytes())
    pack(folder / "15652862", made / "figshare/ECGDataDenoised")
    monkeypatch.setenv("ECGAN_MIRROR", str(tmp_path / "mirror"))
    expect(monkeypatch, folder)
    return folder


def pack(file: Path, folder: Path) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("ECGDataDenoised/", b"")
        for csv in sorted(folder.iterdir()):
            opened.write(csv, f"ECGDataDenoised/{csv.name}")
            opened.writestr(f"__MACOSX/ECGDataDenoised/._{csv.name}", b"of another system")


def expect(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    table = hashlib.sha256((folder / "15653771").read_bytes()).hexdigest()
    archive = hashlib.md5((folder / "15652862").read_bytes()).hexdigest()[:8]
    monkeypatch.setattr(shaoxing, "TABLE", Remote(shaoxing.TABLE.url, table))
    monkeypatch.setattr(shaoxing, "ARCHIVE", Remote(shaoxing.ARCHIVE.url, f"md5:{archive}"))


def fetch(raw: Path, **options: Any) -> None:
    Shaoxing().fetch(raw, FetchOptions(**options), seed=0)


def tree(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_windows_have_the_rhythm_and_the_patient_of_their_recording(made: Path) -> None:
    samples = Shaoxing().samples(made / "figshare", PreprocessOptions())
    assert samples.signals.shape == (len(PATIENTS) * 16, 12, 128)
    assert samples.about.sampling_rate == pytest.approx(500 * 128 / 1250)
    assert samples.table["class_name"].tolist() == list(np.repeat(PATIENTS, 16))
    assert [CLASSES[label] for label in samples.class_ids] == samples.table["class_name"].tolist()
    assert samples.table["patient"].nunique() == len(PATIENTS)
    assert samples.table["time_s"].tolist()[:16] == [1.25 + 0.5 * index for index in range(16)]


def test_samples_that_are_prepared_are_not_prepared_again(made: Path) -> None:
    options = PreprocessOptions(leads=["II"], resampling={"method": "fixed_rate", "rate_hz": 100})
    samples = Shaoxing().samples(made / "figshare", options)
    again = Shaoxing().samples(made / "figshare", options)
    assert (again.length, again.about.sampling_rate) == (250, 100.0)
    np.testing.assert_array_equal(again.signals, samples.signals)


def test_class_ids_are_those_of_the_reference() -> None:
    assert CLASSES == ("SR", "AF", "AFIB", "AT", "AVNRT", "AVRT", "SA", "SAAWR", "SB", "ST", "SVT")


def test_windows_are_the_recordings_millivolts(made: Path) -> None:
    options = PreprocessOptions(leads=["V2", "I"], window=1000, step=1500, **PLAIN)
    samples = Shaoxing().samples(made / "figshare", options)
    signal = signals("SR", 0)[:, [7, 0]] / 1000
    assert samples.about.leads == ["V2", "I"]
    starts = [0, 1500, 3000, 4000]  # the last one ends with the recording
    assert samples.table["time_s"].tolist()[:4] == [1 + start / 500 for start in starts]
    for window, start in zip(samples.signals, starts, strict=False):
        assert np.allclose(window, signal[start : start + 1000].T, atol=6e-5)
    assert samples.about.sampling_rate == 500.0


def test_both_layouts_give_the_same_recordings(made: Path) -> None:
    csv, _ = list_recordings(made / "figshare")
    wfdb, note = list_recordings(made / "physionet")
    assert [recording.rhythm for recording in wfdb[: len(PATIENTS)]] == [recording.rhythm for recording in csv]
    assert note == "recordings left out: 1 with a damaged header"
    for a, b in zip(csv[:3], wfdb[:3], strict=True):
        assert np.allclose(read_recording(made / "figshare", a), read_recording(made / "physionet", b), atol=5.1e-4)


def test_leads_and_filters_are_applied_to_whole_recordings(made: Path) -> None:
    raw = made / "figshare"
    plain = Shaoxing().samples(raw, PreprocessOptions(leads=["II"], **PLAIN)).signals
    filtered = Shaoxing().samples(raw, PreprocessOptions(leads=["II"], filters=["bandpass"], **PLAIN)).signals
    assert not np.allclose(plain, filtered, atol=0.05)
    assert abs(filtered.mean()) < abs(plain.mean()) / 10
    assert np.array_equal(filtered[0, 0, 250:], filtered[1, 0, :-250])  # no trace of where windows end


def test_flat_windows_are_left_out_and_counted_even_where_a_recording_has_no_other(tmp_path: Path, made: Path) -> None:
    raw = tmp_path / "raw"
    (raw / "ECGDataDenoised").mkdir(parents=True)
    values = signals("SR", 1)
    write_csv(raw / "ECGDataDenoised/good.csv", values)
    write_csv(raw / "ECGDataDenoised/flat.csv", np.zeros_like(values))
    values[:1500, 4] = 7.0
    write_csv(raw / "ECGDataDenoised/half.csv", values)
    write_table(raw / "Diagnostics.xlsx", {"good": "SR", "flat": "SB", "half": "SI"})
    samples = Shaoxing().samples(raw, PreprocessOptions())
    assert samples.table["record"].value_counts().to_dict() == {"good": 16, "half": 14}
    assert samples.table[samples.table["record"] == "half"]["time_s"].min() == 2.25
    assert "18 of 48 samples left out: 18 flat" in samples.about.mapping
    for name in ("good", "half"):
        (raw / f"ECGDataDenoised/{name}.csv").unlink()
    with pytest.raises(EcganError, match="no sample is left: 16 of 16 samples left out: 16 flat"):
        Shaoxing().samples(raw, PreprocessOptions())


def test_the_number_of_processes_changes_nothing(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Shaoxing().samples(made / "figshare", PreprocessOptions())
    monkeypatch.setattr(choosing, "_FEW", 1)
    monkeypatch.setenv("ECGAN_WORKERS", "2")
    two = Shaoxing().samples(made / "figshare", PreprocessOptions())
    assert np.array_equal(one.signals, two.signals)
    assert one.table.equals(two.table)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no data rows"),
        ("1,2,3\n" * 5000, "has 3 channels"),
        ("1,2,3\n1,2\n", "rows of equally many numbers"),
        ("<html>\n" * 5000, "rows of equally many numbers"),
        (("1," * 11 + "1\n") * 100, "has 100 samples and preprocess.window is 1250"),
    ],
)
def test_damaged_recordings_are_named(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "ECGDataDenoised").mkdir()
    (tmp_path / "ECGDataDenoised/a.csv").write_text(content)
    write_table(tmp_path / "Diagnostics.xlsx", {"a": "SR"})
    with pytest.raises(EcganError, match=words):
        Shaoxing().samples(tmp_path, PreprocessOptions())


def test_a_header_of_lead_names_is_not_taken_for_a_sample(tmp_path: Path) -> None:
    (tmp_path / "ECGDataDenoised").mkdir()
    file = tmp_path / "ECGDataDenoised/a.csv"
    write_csv(file, signals("SR", 1, length=1250))
    write_table(tmp_path / "Diagnostics.xlsx", {"a": "SR"})
    (recording,) = list_recordings(tmp_path)[0]
    plain = read_recording(tmp_path, recording)
    file.write_text(",".join(LEADS) + "\n" + file.read_text())
    assert np.array_equal(read_recording(tmp_path, recording), plain)
    file.write_text(",".join(reversed(LEADS)) + "\n" + file.read_text().partition("\n")[2])
    with pytest.raises(EcganError, match="rows of equally many numbers"):
        read_recording(tmp_path, recording)


def test_tables_of_diagnoses_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    file = tmp_path / "Diagnostics.xlsx"
    for content, words in ((b"", "damaged"), (b"FileName,Rhythm\n", "damaged")):
        file.write_bytes(content)
        with pytest.raises(EcganError, match=words):
            read_diagnostics(file)
    write_table(file, {"a": "VT"})
    with pytest.raises(EcganError, match="the rhythm of a is 'VT'"):
        read_diagnostics(file)
    write_table(file, {"../a": "SR"})
    with pytest.raises(EcganError, match="is refused"):
        read_diagnostics(file)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("xl/worksheets/sheet1.xml", bytes(40 << 20))
    with pytest.raises(EcganError, match="more than 200 times as much"):
        read_diagnostics(file)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'<row r="2"', b'<row r="1900000000"', "row 1,900,000,000"),
        (b'r="B2"', b'r="XFD2"', "column 16,384"),
        (b'r="B2"', b'r="B1048576"', "row 1,048,576"),
        (b"<sheetData>", b"<sheetData>" + b"<row/>" * 1_000_001, "elements"),
        (b"<worksheet", b'<!DOCTYPE a [<!ENTITY b "c">]><worksheet', "entities"),
    ],
)
def test_a_workbook_that_costs_more_than_it_shows_is_refused(
    tmp_path: Path, old: bytes, new: bytes, words: str
) -> None:
    write_table(tmp_path / "whole.xlsx", {"a": "SR", "b": "SB"})
    assert read_diagnostics(tmp_path / "whole.xlsx") == {"a": "SR", "b": "SB"}
    with (
        zipfile.ZipFile(tmp_path / "whole.xlsx") as whole,
        zipfile.ZipFile(tmp_path / "bad.xlsx", "w", zipfile.ZIP_STORED) as bad,
    ):
        for name in whole.namelist():
            content = whole.read(name)
            bad.writestr(name, content.replace(old, new, 1) if "sheet1" in name else content)
    since = time.process_time()
    with pytest.raises(EcganError, match=words):
        read_diagnostics(tmp_path / "bad.xlsx")
    assert time.process_time() - since < 4


def test_a_recording_without_a_diagnosis_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ECGDataDenoised").mkdir()
    write_csv(tmp_path / "ECGDataDenoised/b.csv", signals("SR", 1, length=10))
    write_table(tmp_path / "Diagnostics.xlsx", {"a": "SR"})
    with pytest.raises(EcganError, match="does not name the recording b"):
        list_recordings(tmp_path)


@pytest.mark.parametrize(
    ("codes", "reason"),
    [(["10370003"], "with another rhythm"), (["426783006", "164889003"], "with several rhythms")],
)
def test_records_without_exactly_one_of_the_rhythms_are_left_out(tmp_path: Path, codes: list[str], reason: str) -> None:
    write_record(tmp_path, "JS00001", [SNOMED["AF"], "39732003"], signals("AF", 1))
    write_record(tmp_path, "JS00002", codes, signals("AF", 1))
    found, note = list_recordings(tmp_path)
    assert [(recording.name, recording.rhythm) for recording in found] == [("JS00001", "AF")]
    assert note == f"recordings left out: 1 {reason}"


def test_the_figshare_archive_is_unpacked_and_checked_against_the_table(tmp_path: Path, figshare: Path) -> None:
    fetch(tmp_path / "raw")
    names = [f"ECGDataDenoised/MUSE_2018_{index:05}.csv" for index in range(len(PATIENTS))]
    assert tree(tmp_path / "raw") == sorted(["Diagnostics.xlsx", SUMS, *names])
    (figshare / "15652862").unlink()
    fetch(tmp_path / "raw")  # all is there
    assert len(tree(tmp_path / "raw")) == len(names) + 2


def test_an_archive_that_lacks_a_recording_is_refused(
    tmp_path: Path, figshare: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = tmp_path / "part"
    part.mkdir()
    for csv in sorted((made / "figshare/ECGDataDenoised").iterdir())[1:]:
        (part / csv.name).write_bytes(csv.read_bytes())
    pack(figshare / "15652862", part)
    with pytest.raises(EcganError, match=r"ECGDataDenoised\.zip was refused: .* has the MD5"):
        fetch(tmp_path / "raw")
    expect(monkeypatch, figshare)
    with pytest.raises(EcganError, match="lacks 1 of the 18 recordings"):
        fetch(tmp_path / "raw")
    assert tree(tmp_path / "raw") == ["Diagnostics.xlsx"]


def test_physionet_gives_the_recordings_of_shaoxing_or_all(
    tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mirror/physionet.org/files/ecg-arrhythmia/1.0.0"
    folder.parent.mkdir(parents=True)
    folder.symlink_to(made / "physionet")
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()} {name}\n" for name in tree(made / "physionet")]
    (folder / SUMS).write_text("".join(sums))
    monkeypatch.setenv("ECGAN_MIRROR", str(tmp_path / "mirror"))
    try:
        for ningbo in (False, True):
            fetch(tmp_path / "raw", layout="physionet", ningbo=ningbo)
            assert any("JS10647" in name for name in tree(tmp_path / "raw")) == ningbo
            assert len(tree(tmp_path / "raw")) == 2 * (len(PATIENTS) + 1 + ningbo) + 1
    finally:
        (folder / SUMS).unlink()
    samples = Shaoxing().samples(tmp_path / "raw", PreprocessOptions(leads=["II"]))
    assert len(samples) == 16 * (len(PATIENTS) + 1)
    assert "1 with a damaged header" in samples.about.mapping


@pytest.mark.parametrize("layout", ["figshare", "physionet"])
def test_the_users_own_files_are_taken(tmp_path: Path, made: Path, layout: str) -> None:
    fetch(tmp_path / "raw", layout=layout, source=str(made / layout))
    assert len(list_recordings(tmp_path / "raw")[0]) == len(PATIENTS)


def test_a_folder_with_the_two_files_of_figshare_as_they_are_is_taken(tmp_path: Path, made: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "Diagnostics.xlsx").write_bytes((made / "figshare/Diagnostics.xlsx").read_bytes())
    pack(mine / "ECGDataDenoised.zip", made / "figshare/ECGDataDenoised")
    for _ in range(2):
        fetch(tmp_path / "raw", source=str(mine))
        assert len(list_recordings(tmp_path / "raw")[0]) == len(PATIENTS)


def test_a_source_without_recordings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/Diagnostics.xlsx").write_text("fetched before")
    for layout, words in (("figshare", "mine has no Diagnostics"), ("physionet", "no record below a folder WFDB")):
        with pytest.raises(EcganError, match=words):
            fetch(tmp_path / "raw", layout=layout, source=str(tmp_path / "mine"))
        assert tree(tmp_path / "raw") == ["Diagnostics.xlsx"]


@pytest.mark.parametrize("options", [{"leads": ["MLII"]}, {"leads": ["I", "I"]}, {"leads": []}, {"window": 5001}])
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PreprocessOptions(**options)


def test_a_foreign_recording_is_cut_into_the_same_windows() -> None:
    options = PreprocessOptions(leads=["II"], window=1250, step=250)
    record = Record("x", signals("SR", 1, length=2600)[:, 1:2] / 1000, 500.0, ["II"], np.arange(3), ["N"] * 3)
    cut = Shaoxing().cut(record, options)
    assert Shaoxing().recording_rate(options) == 500.0
    starts = [0, 250, 500, 750, 1000, 1250, 1350]
    assert cut.table["sample"].tolist() == [start + 625 for start in starts]
    assert cut.table["time_s"].tolist() == [(start + 625) / 500 for start in starts]
    for window, start in zip(cut.signals, starts, strict=True):
        np.testing.assert_allclose(window, record.signals[start : start + 1250].T, atol=5.1e-5)
    short = Record("x", record.signals[:1249], 500.0, ["II"], np.arange(3), ["N"] * 3)
    assert Shaoxing().cut(short, options).signals.shape == (0, 1, 1250)
