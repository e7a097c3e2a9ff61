"""Users' recordings as text, NumPy arrays and EDF: what is read, and one sentence for each that cannot be."""

import io
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb

from ecgan.ecg.files.recordings import read_recording
from ecgan.ecg.records import Record
from ecgan.errors import EcganError

pyedflib = pytest.importorskip("pyedflib")


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(EcganError) as caught:
        read_recording(path, **options)
    assert not re.search(r"dtype|buffer|reshape|Traceback|parser|tokeniz", caught.value.message)
    return caught.value.message


def text(tmp_path: Path, content: str | bytes, name: str = "r.csv", **options: Any) -> Record:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_recording(file, **options)


def rejected(tmp_path: Path, content: str, **options: Any) -> str:
    (tmp_path / "r.csv").write_text(content)
    return refusal(tmp_path / "r.csv", **options)


def test_text_with_and_without_a_header(tmp_path: Path) -> None:
    bare = text(tmp_path, "0.5,-1\n0.25,2e-1\n", sampling_rate=250)
    assert (bare.leads, bare.sampling_rate, bare.signals.tolist()) == (["1", "2"], 250.0, [[0.5, -1.0], [0.25, 0.2]])
    named = text(tmp_path, "MLII,V1\n0.5,-1\n0.25,0.2\n", sampling_rate=250)
    assert (named.leads, named.name) == (["MLII", "V1"], "r")
    np.testing.assert_array_equal(named.signals, bare.signals)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("I;II\n0,5;-1\n0,25;0,2\n", "r.csv"),
        ("I\tII\n0.5\t-1\n0.25\t0.2\n", "r.tsv"),
        ("I\tII\r\n0,5\t-1\r\n0,25\t0,2\r\n", "r.txt"),
        ("\ufeff0.5,-1\n0.25,0.2\n", "r.csv"),
        ("\ufeffI, II\n 0.5, -1\n\n0.25, 0.2\n\n", "r.csv"),
        ("'I','II'\n0.5,-1\n0.25,0.2", "r.csv"),
        ("I,II,\n0.5,-1,\n0.25,0.2,\n", "r.csv"),
    ],
)
def test_separators_decimal_commas_quotes_and_blank_lines(tmp_path: Path, content: str, name: str) -> None:
    found = text(tmp_path, content, name, sampling_rate=250)
    assert found.leads == (["I", "II"] if "II" in content else ["1", "2"])
    assert found.signals.tolist() == [[0.5, -1.0], [0.25, 0.2]]


@pytest.mark.parametrize("content", ["I (uV),II [mV]\n500,1\n", "I,II (mV)\n500,1\n", "I [µV],II (V)\n500,0.001\n"])
def test_units_stand_in_the_header_or_are_given(tmp_path: Path, content: str) -> None:
    found = text(tmp_path, content, sampling_rate=250, unit="uV")
    np.testing.assert_allclose(found.signals, [[0.5, 1.0]])
    assert found.leads == ["I", "II"]


def test_a_header_in_latin_1_is_read(tmp_path: Path) -> None:
    found = text(tmp_path, "I [µV]\n500\n".encode("latin-1"), sampling_rate=250)
    np.testing.assert_allclose(found.signals, [[0.5]])


def test_missing_cells_are_missing_samples(tmp_path: Path) -> None:
    found = text(tmp_path, "I,II\n1,\nNaN,2\n-,3\n4,null\n", sampling_rate=250)
    np.testing.assert_array_equal(found.signals, [[1, np.nan], [np.nan, 2], [np.nan, 3], [4, np.nan]])


@pytest.mark.parametrize("rate", [360.0, 250.0, 128.5, 1000.0])
@pytest.mark.parametrize(
    ("name", "factor", "decimals"), [("time", 1, 3), ("t (s)", 1, 6), ("ms", 1e3, 0), ("time_s", 1, 9)]
)
def test_the_sampling_rate_comes_from_times(
    tmp_path: Path, rate: float, name: str, factor: float, decimals: int
) -> None:
    times = np.round(np.arange(3000) / rate * factor + 5, decimals)
    rows = "".join(f"{time:.{decimals}f},{'0102'[number % 4]}\n" for number, time in enumerate(times))
    found = text(tmp_path, f"{name},I\n{rows}")
    assert found.leads == ["I"]
    assert found.sampling_rate == pytest.approx(rate, rel=1e-4 if rate == 128.5 else 0, abs=0)
    assert found.signals[:4, 0].tolist() == [0, 1, 0, 2]


def test_the_two_header_lines_of_physionets_programs_are_read(tmp_path: Path) -> None:
    content = "'Elapsed time','MLII','V5'\n'seconds','mV','uV'\n0.000,0.5,500\n0.004,1,1000\n0.008,-,0\n"
    found = text(tmp_path, content)
    assert (found.leads, found.sampling_rate) == (["MLII", "V5"], 250.0)
    np.testing.assert_allclose(found.signals, [[0.5, 0.5], [1, 1], [np.nan, 0]])


def test_clock_times_are_read(tmp_path: Path) -> None:
    rows = "".join(
        f"'{second // 60 + 9}:{second % 60:02d}.{part}',{second % 2 * 69},1\n" for second in range(70) for part in "05"
    )
    found = text(tmp_path, f"'Elapsed time','MLII','V5'\n'mm:ss.mmm','mV','uV'\n{rows}")
    assert (found.leads, found.sampling_rate, found.signals.shape) == (["MLII", "V5"], 2.0, (140, 2))
    np.testing.assert_allclose(found.signals[-1], [69, 1e-3])
    assert text(tmp_path, "10:00:00.00,1\n10:00:00.01,2\n10:00:00.02,3\n").sampling_rate == 100.0
    assert "row 2 of the data: '?' is no time" in rejected(tmp_path, "0:00.0,1\n?,2\n")


def test_a_table_that_lies_on_its_side_is_refused(tmp_path: Path) -> None:
    rows = "\n".join(",".join(str(number % 9) for number in range(500)) for _ in range(12))
    assert "12 rows of 500 numbers: more leads than time steps" in rejected(tmp_path, rows, sampling_rate=250)
    assert text(tmp_path, rows.replace(",", "\n"), sampling_rate=250).signals.shape == (6000, 1)


def test_one_endless_word_is_no_table(tmp_path: Path) -> None:
    assert "one long word" in rejected(tmp_path, "1" * 200_000, sampling_rate=250)


def test_a_column_of_sample_numbers_is_no_lead(tmp_path: Path) -> None:
    content = "sample #,I\n0,1\n1,2\n2,3\n"
    assert text(tmp_path, content, sampling_rate=250).leads == ["I"]
    assert "does not say its sampling rate" in rejected(tmp_path, content)
    assert "one by one" in rejected(tmp_path, "sample,I\n0,1\n2,2\n", sampling_rate=250)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("I,II\n", "has no samples, only the line 'I,II'"),
        ("I,II\n1,2\n3,x4\n", "line 3, column 2: 'x4' is no number"),
        ("I,II\n1,2\n\n3,1_000\n", "line 4, column 2: '1_000' is no number"),
        ("I,II\n1,2\n3\n4,5\n", "line 3: 1 cell, expected 2"),
        ("I,II\n1,2\n3,4,5\n4,5\n", "line 3: 3 cells, expected 2"),
        ("I,II\n1,2\n3\n4,5,6\n", "line 3: 1 cell, expected 2"),
        ("I,II\n1,inf\n", "infinite"),
        ("I,II,III\n1,2\n", "the header has 3 cells, the first row of numbers 2"),
        ("I,II\n,\n,\n", "no samples"),
        ("resp (bpm)\n1\n", "no ECG channel in mV, uV or V. Its channels: resp (in 'bpm', which is no voltage)"),
        ("time\n1\n2\n", "no lead: what rises from row to row, as 'time'"),
        ("time (weeks),I\n1,1\n2,2\n", "times are in 'weeks'"),
        ("time_s,I\n0,1\n1,1\n2,1\n9,1\n10,2\n", "not evenly spaced: from 2 s to 9 s after row 3"),
        ("time,I\n5,1\n5,1\n", "no sampling rate"),
    ],
)
def test_text_that_is_no_recording_is_one_sentence(tmp_path: Path, content: str, words: str) -> None:
    options = {} if content.startswith("time") else {"sampling_rate": 250}
    assert words in rejected(tmp_path, content, **options)


def test_what_a_file_says_counts_before_what_is_given(tmp_path: Path) -> None:
    content = "time,I (uV)\n0,1\n0.004,2\n0.008,3\n"
    found = text(tmp_path, content, sampling_rate=250, unit="V")
    assert (found.sampling_rate, found.signals[0, 0]) == (250.0, 0.001)
    rounded = "ms,I\n" + "".join(f"{round(number / 0.2561)},1\n" for number in range(3000))
    assert text(tmp_path, rounded).sampling_rate == pytest.approx(256.1, rel=1e-4)
    assert text(tmp_path, rounded, sampling_rate=256.1).sampling_rate == 256.1
    edf(tmp_path / "r.edf")
    assert read_recording(tmp_path / "r.edf", sampling_rate=256, unit="V").sampling_rate == 256.0


def test_a_rate_or_a_unit_that_is_none_is_refused(tmp_path: Path) -> None:
    assert "sampling rate of 0 Hz" in rejected(tmp_path, "1\n2\n", sampling_rate=0)
    assert "sampling rate of nan Hz" in rejected(tmp_path, "1\n2\n", sampling_rate=float("nan"))
    assert "unit 'mmHg' is no voltage" in rejected(tmp_path, "1\n2\n", sampling_rate=250, unit="mmHg")


def test_a_binary_file_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(b"\x7fELF\0\0\0")
    assert "is no text file" in refusal(tmp_path / "r.csv", sampling_rate=250)
    (tmp_path / "r.xyz").write_text("1,2")
    assert "no format that is known" in refusal(tmp_path / "r.xyz")


def test_any_format_takes_an_annotation_file_beside_it(tmp_path: Path) -> None:
    wfdb.wrann("r", "atr", np.array([1, 3]), ["N", "V"], write_dir=str(tmp_path))
    found = text(tmp_path, "1\n2\n3\n4\n5\n", sampling_rate=250, annotator="atr")
    assert (found.samples.tolist(), found.symbols) == ([1, 3], ["N", "V"])


@pytest.mark.parametrize("shape", [(50,), (50, 2), (2, 50), (50, 1), (1, 50)])
def test_time_is_the_longer_axis_of_an_array(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(-9, 9, shape, dtype=np.int16)
    np.save(tmp_path / "r.npy", array)
    found = read_recording(tmp_path / "r.npy", sampling_rate=250)
    expected = array.reshape(50, -1) if shape[0] == 50 else array.T
    np.testing.assert_array_equal(found.signals, expected)
    assert found.leads == ["1", "2"][: expected.shape[1]]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((3, 3)), "which axis is time cannot be told"),
        (np.zeros((3, 3, 3)), "expected numbers of shape"),
        (np.zeros(0), "has no samples"),
        (np.zeros((0, 2)), "no"),
        (np.array(1.0), "expected numbers of shape"),
        (np.array(["a"]), "expected numbers of shape"),
        (np.zeros(5, dtype=complex), "expected numbers"),
        (np.full(5, np.nan), "every one of them is marked as missing"),
    ],
)
def test_arrays_that_are_no_recording_are_one_sentence(tmp_path: Path, array: Any, words: str) -> None:
    np.save(tmp_path / "r.npy", array)
    assert words in refusal(tmp_path / "r.npy", sampling_rate=250)


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "r.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "r.npz", signal=np.array([{"a": 1}], dtype=object))
    for name in ("r.npy", "r.npz"):
        assert "expected numbers" in refusal(tmp_path / name, sampling_rate=250)


def test_a_header_that_promises_too_much_is_refused_unread(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    (tmp_path / "r.npy").write_bytes(buffer.getvalue() + b"\0" * 80)
    assert "claims 1,000,000,000,000 values" in refusal(tmp_path / "r.npy", sampling_rate=250)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"hello world", b"PK\x03\x04 no archive"])
@pytest.mark.parametrize("name", ["r.npy", "r.npz"])
def test_a_damaged_numpy_file_is_one_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert "no whole NumPy file" in refusal(tmp_path / name, sampling_rate=250)


def test_an_archive_says_rate_leads_and_unit(tmp_path: Path) -> None:
    signal = np.arange(20.0).reshape(2, 10)
    np.savez(tmp_path / "r.npz", signals=signal, fs=500, leads=["II", "V1"], unit="uV")
    found = read_recording(tmp_path / "r.npz")
    assert (found.leads, found.sampling_rate) == (["II", "V1"], 500.0)
    np.testing.assert_allclose(found.signals, signal.T / 1000)
    np.savez(tmp_path / "r.npz", signal=np.zeros((2, 3)), fs=500, leads=["I", "II", "III"])
    assert read_recording(tmp_path / "r.npz").signals.shape == (2, 3)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.zeros(5)}, "holds x; expected one array `signal`"),
        ({"signal": np.zeros(5), "fs": np.array([1.0, 2.0])}, "one number"),
        ({"signal": np.zeros(5), "fs": np.array("fast")}, "one number"),
        ({"signal": np.zeros(5), "fs": 250, "leads": ["I", "II"]}, "1 channel and names 2 leads"),
        ({"signal": np.zeros(5), "fs": 0}, "sampling rate of 0 Hz"),
        ({"signal": np.zeros(5)}, "does not say its sampling rate"),
    ],
)
def test_archives_that_are_no_recording_are_one_sentence(tmp_path: Path, arrays: Any, words: str) -> None:
    np.savez(tmp_path / "r.npz", **arrays)
    assert words in refusal(tmp_path / "r.npz")


def packed(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def stored(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def claimed(descr: str, shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("leads", "words"),
    [
        (claimed("<U0", (8 * 10**8,)), "claims"),
        (claimed("|S0", (8 * 10**8,)), "expected numbers"),
        (claimed("<U900", (10**6,)), "claims"),
        (claimed("|O", (1,)) + b"(lp0", "expected numbers"),
        (stored(np.array(["V1"])) + bytes(30_000_000), "unpacks"),
    ],
)
def test_what_stands_beside_a_signal_is_bounded_too(tmp_path: Path, leads: bytes, words: str) -> None:
    signal = stored(np.sin(np.arange(500)))
    file = packed(tmp_path / "r.npz", signal=signal, fs=stored(250), leads=leads)
    assert words in refusal(file)


def test_members_that_are_not_needed_are_not_read(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=500)
    more = {f"x{number}": bytes(10_000_000) for number in range(3)}
    file = packed(tmp_path / "r.npz", signal=stored(values), fs=stored(250), **more, odd=b"no array")
    np.testing.assert_array_equal(read_recording(file).signals[:, 0], values)
    many = {f"x{number}": b"" for number in range(20_000)}
    assert "members" in refusal(packed(tmp_path / "r.npz", signal=stored(values), **many), sampling_rate=250)


def test_an_array_that_is_no_recording_is_refused_before_it_is_read(tmp_path: Path) -> None:
    for shape, words in (((3000, 3000), "more than 256 leads"), ((200, 200, 200), "expected numbers of shape")):
        (tmp_path / "r.npy").write_bytes(claimed("|i1", shape))
        with (tmp_path / "r.npy").open("r+b") as file:
            file.truncate(10**7)  # sparse
        assert words in refusal(tmp_path / "r.npy", sampling_rate=250)


def edf(
    file: Path,
    labels: tuple[str, ...] = ("ECG II", "EKG V1", "Resp chest", "EEG Fpz-Cz"),
    units: tuple[str, ...] = ("uV", "mV", "bpm", "uV"),
    rates: tuple[int, ...] = (256, 256, 32, 128),
) -> list[np.ndarray]:
    signals = [
        np.sin(np.arange(4 * rate) / 9) * (1000 if unit == "uV" else 1) for rate, unit in zip(rates, units, strict=True)
    ]
    writer = pyedflib.EdfWriter(str(file), len(labels), file_type=pyedflib.FILETYPE_EDFPLUS)
    for index, (label, unit, rate) in enumerate(zip(labels, units, rates, strict=True)):
        most = 3000 if unit == "uV" else 3
        header = {"label": label, "dimension": unit, "sample_frequency": rate, "physical_min": -most}
        extremes = {"physical_max": most, "digital_min": -32768, "digital_max": 32767}
        writer.setSignalHeader(index, header | extremes | {"transducer": "", "prefilter": ""})
    writer.writeSamples(signals)
    writer.writeAnnotation(1.0, -1, "QRS")
    writer.close()
    return signals


def test_the_ecg_of_an_edf_file_is_read_in_millivolts(tmp_path: Path) -> None:
    signals = edf(tmp_path / "r.edf")
    found = read_recording(tmp_path / "r.edf")
    assert (found.leads, found.sampling_rate, found.name) == (["ECG II", "EKG V1"], 256.0, "r")
    np.testing.assert_allclose(found.signals, np.stack([signals[0] / 1000, signals[1]], axis=1), atol=1e-4)


def test_ecg_channels_of_an_edf_file_that_are_read_share_a_rate(tmp_path: Path) -> None:
    signals = edf(tmp_path / "r.edf", rates=(256, 128, 32, 128))
    found = read_recording(tmp_path / "r.edf")
    assert (found.leads, found.sampling_rate, list(found.left_out)) == (["ECG II"], 256.0, ["EKG V1"])
    assert "128 Hz" in found.left_out["EKG V1"]
    other = read_recording(tmp_path / "r.edf", leads=["V1"])
    assert (other.leads, other.sampling_rate) == (["EKG V1"], 128.0)
    np.testing.assert_allclose(other.signals[:, 0], signals[1], atol=1e-4)


def test_an_edf_channel_without_a_unit_needs_one(tmp_path: Path) -> None:
    signals = edf(tmp_path / "r.edf", ("ECG", "Resp"), ("", "%"), (128, 128))
    assert all(fact in refusal(tmp_path / "r.edf") for fact in ("mV, uV or V", "ECG (no unit)", "Resp (in '%'"))
    found = read_recording(tmp_path / "r.edf", unit="uV")
    np.testing.assert_allclose(found.signals[:, 0], signals[0] / 1000, atol=1e-6)


@pytest.mark.parametrize(
    ("start", "end", "by", "words"),
    [
        (0, 8, b"1       ", "is no EDF file"),
        (236, 244, b"99999999", "is cut off: it has"),
        (236, 244, b"many    ", "number of data records in its header is 'many'"),
        (244, 252, b"0       ", "its sampling rate is not known"),
        (252, 256, b"9999", "damaged|cut off"),
        (252, 256, b"-1  ", "is damaged"),
        (2000, 4000, b"", "is cut off"),
    ],
)
def test_a_damaged_edf_file_is_one_sentence(tmp_path: Path, start: int, end: int, by: bytes, words: str) -> None:
    edf(tmp_path / "r.edf")
    content = (tmp_path / "r.edf").read_bytes()
    (tmp_path / "r.edf").write_bytes(content[:start] + by + content[end:])
    assert re.search(words, refusal(tmp_path / "r.edf"))


def test_pipes_and_devices_are_no_recordings(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "zero.npy").symlink_to("/dev/zero")
    for name in ("pipe.csv", "zero.npy"):
        with pytest.raises(EcganError, match="no plain file"):
            read_recording(tmp_path / name)
    (tmp_path / "z.hea").write_text("z 1 250\nz.dat 16 200 16 0 0 0 0 II\n")
    (tmp_path / "z.dat").symlink_to("/dev/zero")
    with pytest.raises(EcganError, match=r"z\.dat"):
        read_recording(tmp_path / "z.hea")
