"""Users' WFDB records: what is read, and one sentence for each record that cannot be."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgan.ecg.files.recordings import read_recording
from ecgan.ecg.records import Record, write_record
from ecgan.errors import EcganError

RNG = np.random.default_rng(3)
LEADS = ["MLII", "V1"]


def write(folder: Path, name: str = "r1", length: int = 900, leads: list[str] = LEADS) -> Record:
    record = Record(
        name,
        np.round(RNG.normal(0, 0.5, (length, len(leads))) * 200) / 200,
        360.0,
        leads,
        np.array([18, 300, 700], dtype=np.int64),
        ["+", "N", "V"],
        ["(N", "", ""],
    )
    write_record(folder, record)
    return record


def digital(folder: Path, name: str = "r1", *, units: list[str], names: list[str], storage: str = "16") -> np.ndarray:
    """Write a record of random samples at 200 steps a unit and return it, in units."""
    signal = RNG.integers(-900, 900, (500, len(units)))
    wfdb.wrsamp(
        name,
        fs=250,
        units=units,
        sig_name=names,
        d_signal=signal,
        fmt=[storage] * len(units),
        adc_gain=[200.0] * len(units),
        baseline=[0] * len(units),
        write_dir=str(folder),
    )
    return signal / 200


def mend(folder: Path, pattern: str, by: str, name: str = "r1", number: int = 0) -> None:
    header = folder / f"{name}.hea"
    text, count = re.subn(pattern, by, header.read_text(), count=number)
    assert count
    header.write_text(text)


def refusal(path: Path, **options: object) -> str:
    with pytest.raises(EcganError) as caught:
        read_recording(path, **options)  # type: ignore[arg-type]
    assert "ecgan fetch" not in str(caught.value)
    assert not re.search(r"array|axis|dtype|buffer|reshape|index|NumPy|numpy", caught.value.message)
    return caught.value.message


@pytest.mark.parametrize("named", ["r1", "r1.hea", "r1.dat", "r1.atr"])
def test_a_record_is_found_by_each_of_its_files(tmp_path: Path, named: str) -> None:
    written = write(tmp_path)
    found = read_recording(tmp_path / named)
    np.testing.assert_allclose(found.signals, written.signals, atol=1e-12)
    assert (found.name, found.leads, found.sampling_rate) == ("r1", LEADS, 360.0)
    assert (len(found.samples), found.symbols) == (0, [])


def test_an_annotator_gives_its_beats_and_no_other_marks(tmp_path: Path) -> None:
    write(tmp_path)
    found = read_recording(tmp_path / "r1", annotator="atr")
    assert (found.samples.tolist(), found.symbols) == ([300, 700], ["N", "V"])
    assert refusal(tmp_path / "r1", annotator="qrs").endswith("has no annotation file r1.qrs beside it.")
    with pytest.raises(EcganError, match=r"other annotators: atr\. Without an annotator R peaks are detected"):
        read_recording(tmp_path / "r1", annotator="qrs")
    assert "no annotator" in refusal(tmp_path / "r1", annotator="../r1.atr")


def test_annotations_at_another_time_resolution_are_brought_to_the_signal(tmp_path: Path) -> None:
    write(tmp_path)
    wfdb.wrann("r1", "fine", np.array([1000, 3600]), ["N", "A"], fs=3600, write_dir=str(tmp_path))
    assert read_recording(tmp_path / "r1", annotator="fine").samples.tolist() == [100, 360]


@pytest.mark.parametrize("beyond", [[900], [900, 901, 5000]])
def test_annotations_beyond_the_record_are_left_out_and_counted(tmp_path: Path, beyond: list[int]) -> None:
    write(tmp_path)
    wfdb.wrann("r1", "long", np.array([100, 300, 899, *beyond]), ["N"] * (3 + len(beyond)), write_dir=str(tmp_path))
    found = read_recording(tmp_path / "r1", annotator="long")
    assert found.samples.tolist() == [100, 300, 899]
    assert [warning.split()[:3] for warning in found.warnings] == [[str(len(beyond)), "of", str(3 + len(beyond))]]


def test_annotations_most_of_which_lie_beyond_the_record_are_of_another(tmp_path: Path) -> None:
    write(tmp_path)
    wfdb.wrann("r1", "long", np.array([100, 900, 1200]), ["N"] * 3, write_dir=str(tmp_path))
    assert "2 of the 3 annotations" in refusal(tmp_path / "r1", annotator="long")


@pytest.mark.parametrize("storage", ["212", "16", "24", "32", "80"])
def test_storage_formats_are_read(tmp_path: Path, storage: str) -> None:
    signal = RNG.integers(-100, 100, (400, 2))
    options = {"fmt": [storage] * 2, "adc_gain": [50.0] * 2, "baseline": [0] * 2}
    wfdb.wrsamp("r1", 250, ["mV"] * 2, LEADS, d_signal=signal, write_dir=str(tmp_path), **options)
    np.testing.assert_allclose(read_recording(tmp_path / "r1").signals, signal / 50)


def test_a_long_record_has_the_values_of_a_short_one_bit_by_bit(tmp_path: Path) -> None:
    """Levels of the converter are converted once there, the one that stands for a missing sample among them."""
    short = np.append(np.arange(-1999, 2000), np.full(5, np.nan)) / 200
    for name, times in (("short", 1), ("long", 70)):
        signals = np.tile(np.stack([short, short[::-1]], axis=1), (times, 1))
        write_record(tmp_path, Record(name, signals, 360.0, LEADS, np.zeros(0, dtype=np.int64), [], []))
        mend(tmp_path, r"200\.0\(0\)/mV", "199.7(3)/uV", name)
    long, once = (read_recording(tmp_path / name).signals for name in ("long", "short"))
    np.testing.assert_array_equal(long, np.tile(once, (70, 1)))
    assert np.isnan(long).any()
    assert np.nanmax(long) == (1999 - 3) / 199.7 * 1e-3


def test_signals_behind_a_matlab_header_are_read(tmp_path: Path) -> None:
    signal = digital(tmp_path, units=["mV"], names=["I"])
    (tmp_path / "r1.mat").write_bytes(b"\0" * 24 + (tmp_path / "r1.dat").read_bytes())
    (tmp_path / "r1.dat").unlink()
    mend(tmp_path, r"r1\.dat 16", "r1.mat 16+24")
    np.testing.assert_allclose(read_recording(tmp_path / "r1").signals, signal)


def test_every_unit_becomes_millivolts_and_other_signals_are_left_out(tmp_path: Path) -> None:
    signal = digital(
        tmp_path, units=["mV", "uV", "V", "mmHg", "mV"], names=["I", "II", "III", "ABP", "EEG Fpz-Cz"], storage="16"
    )
    found = read_recording(tmp_path / "r1")
    assert found.leads == ["I", "II", "III"]
    np.testing.assert_allclose(found.signals, signal[:, :3] * [1, 1e-3, 1e3])


def test_channels_of_one_name_are_told_apart(tmp_path: Path) -> None:
    digital(tmp_path, units=["mV"] * 3, names=["ECG", "V", "ECG2"])
    mend(tmp_path, "ECG2", "ECG")
    assert read_recording(tmp_path / "r1").leads == ["ECG", "V", "ECG 2"]


def test_ecg_sampled_several_times_a_frame_keeps_its_rate(tmp_path: Path) -> None:
    signal = RNG.integers(-900, 900, 1000)
    slow = RNG.integers(0, 90, 250)
    wfdb.wrsamp(
        "r1",
        fs=125,
        units=["mV", "%"],
        sig_name=["II", "SpO2"],
        e_d_signal=[signal, slow],
        samps_per_frame=[4, 1],
        fmt=["16"] * 2,
        adc_gain=[200.0, 1.0],
        baseline=[0, 0],
        write_dir=str(tmp_path),
    )
    wfdb.wrann("r1", "atr", np.array([100]), ["N"], write_dir=str(tmp_path))
    found = read_recording(tmp_path / "r1", annotator="atr")
    assert (found.sampling_rate, found.leads, found.samples.tolist()) == (500.0, ["II"], [400])
    np.testing.assert_allclose(found.signals[:, 0], signal / 200)
    mend(tmp_path, "/%", "/mV")
    mend(tmp_path, "SpO2", "V5")
    assert (read_recording(tmp_path / "r1").leads, list(read_recording(tmp_path / "r1").left_out)) == (["II"], ["V5"])
    other = read_recording(tmp_path / "r1", leads=["v5"], annotator="atr")
    assert (other.leads, other.sampling_rate, other.samples.tolist()) == (["V5"], 125.0, [100])
    np.testing.assert_allclose(other.signals[:, 0], slow)


def test_segments_are_put_together_with_gaps_and_missing_leads(tmp_path: Path) -> None:
    first, second = write(tmp_path, "a", 500), write(tmp_path, "b", 300, ["V1"])
    (tmp_path / "m.hea").write_text("m/3 2 360 900\na 500\n~ 100\nb 300\n")
    found = read_recording(tmp_path / "m")
    assert found.leads == LEADS
    np.testing.assert_allclose(found.signals[:500], first.signals)
    np.testing.assert_allclose(found.signals[600:, 1], second.signals[:, 0])
    assert np.isnan(found.signals[500:600]).all()
    assert np.isnan(found.signals[600:, 0]).all()


def test_a_damaged_segment_is_seen(tmp_path: Path) -> None:
    write(tmp_path, "a", 500)
    (tmp_path / "m.hea").write_text("m/1 2 360 500\na 500\n")
    content = bytearray((tmp_path / "a.dat").read_bytes())
    content[60] ^= 1
    (tmp_path / "a.dat").write_bytes(content)
    assert "checksum" in refusal(tmp_path / "m")
    (tmp_path / "m.hea").write_text("m/2 2 360 400\na 200\na 200\n")
    assert refusal(tmp_path / "m")
    (tmp_path / "m.hea").write_text("m/1 2 360 500\nm 500\n")
    assert "segments itself" in refusal(tmp_path / "m")


def test_a_missing_header_or_signal_file_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    shutil.move(tmp_path / "r1.hea", tmp_path / "kept")
    assert refusal(tmp_path / "r1").endswith("r1.hea is not there.")
    assert refusal(tmp_path / "r1.dat").endswith("r1.hea is not there.")
    shutil.move(tmp_path / "kept", tmp_path / "r1.hea")
    (tmp_path / "r1.dat").unlink()
    assert refusal(tmp_path / "r1").endswith("r1.dat is not there.")
    assert "there is no recording in the folder" in refusal(tmp_path)
    assert "there is no" in refusal(tmp_path / "other")


@pytest.mark.parametrize("kept", [0, 1, 1349, 2699])
def test_a_truncated_signal_file_says_how_much_is_there(tmp_path: Path, kept: int) -> None:
    write(tmp_path)
    content = (tmp_path / "r1.dat").read_bytes()
    (tmp_path / "r1.dat").write_bytes(content[:kept])
    assert f"r1.dat is cut off: it has {kept:,} bytes, and its header r1.hea asks for 2,700" in refusal(tmp_path / "r1")


@pytest.mark.parametrize(
    ("pattern", "by", "words"),
    [
        (r"2 360 900", "2 0 900", "sampling rate of 0 Hz"),
        (r"2 360 900", "2 360 1000000000000", "is cut off"),
        (r"2 360 900", "2 360 many", "number of samples of 'many'"),
        (r"2 360 900", "2 fast 900", "sampling rate of 'fast'"),
        (r"2 360 900[^$]*", "0 360 900", "has no channels"),
        (r"2 360 900", "0 360 900", "damaged"),
        (r"2 360 900", "9 360 900", "damaged"),
        (r"2 360 900", "two 360 900", "damaged"),
        (r"/mV", "/mmHg", "no ECG channel in mV, uV or V. Its channels: MLII (in 'mmHg', which is no voltage)"),
        (r"r1\.dat", "../r1.dat", "'../r1.dat', which is not in its folder"),
        (r"r1\.dat 212", "r1.dat 999", "storage format '999'"),
        (r"r1\.dat", "/etc/passwd", "'/etc/passwd', which is not in its folder"),
        (r"r1\.dat 212(.*)\n", r"r1.dat 16\1\n", "storage formats 16+0 and 212+0"),
        (r"r1\.dat 212", "r1.dat 212x-2", "samples a frame of -2"),
        (r"r1\.dat 212", "r1.dat 212:900", "900 frames of lead MLII precede the record, which has 900"),
        (r"r1\.dat 212", "r1.dat 212:999999999999", "999,999,999,999 frames of lead MLII"),
        (r"r1\.dat 212", "r1.dat 212x999999999999", "is cut off"),
    ],
)
def test_a_header_that_makes_no_sense_is_one_sentence(tmp_path: Path, pattern: str, by: str, words: str) -> None:
    write(tmp_path)
    mend(tmp_path, pattern, by, number=1 if "16" in by else 0)
    assert words in refusal(tmp_path / "r1")


def test_a_compressed_record_that_claims_too_much_is_refused_unread(tmp_path: Path) -> None:
    write(tmp_path)
    mend(tmp_path, r"2 360 900", "2 360 1000000000000")
    mend(tmp_path, r"r1\.dat 212", "r1.dat 516")
    assert "not compressed as its header says" in refusal(tmp_path / "r1")
    (tmp_path / "m.hea").write_text("m/2 2 360 1000000000900\nr1 900\n~ 1000000000000\n")
    assert refusal(tmp_path / "m")


def test_a_record_that_is_missing_throughout_is_refused(tmp_path: Path) -> None:
    record = write(tmp_path)
    record.signals[:, 0] = np.nan
    write_record(tmp_path, record)
    assert np.isnan(read_recording(tmp_path / "r1").signals).mean() == 0.5
    record.signals[:] = np.nan
    write_record(tmp_path, record)
    assert "every one of them is marked as missing" in refusal(tmp_path / "r1")


@pytest.mark.parametrize("content", [b"", b"\0" * 7, b"\xff" * 100, b"hello"])
def test_a_damaged_annotation_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    write(tmp_path)
    (tmp_path / "r1.atr").write_bytes(content)
    assert re.search("damaged|cut off", refusal(tmp_path / "r1", annotator="atr"))
