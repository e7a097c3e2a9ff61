"""The clauses of header(5) and signal(5): a record made for each, and its values beside those that went in."""

import os
import re
import resource
import time
import unicodedata
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgan.datasets.inventory import recordings_among
from ecgan.ecg.files.recordings import files_of_recording, read_recording
from ecgan.ecg.files.wfdb import read_header
from ecgan.ecg.files.wfdb_header import segment_names
from ecgan.errors import EcganError

RNG = np.random.default_rng(15)
VALUES = RNG.integers(-400, 400, (600, 2))


def write(
    folder: Path,
    record: str = "r 2 250 600",
    first: str = "r.dat 16 100/mV 12 0 0 {} 0 II",
    second: str = "r.dat 16 100/mV 12 0 0 {} 0 V1",
    *,
    name: str = "r",
    data: str = "r.dat",
    values: np.ndarray = VALUES,
) -> Path:
    """Write 16-bit samples and a header of these lines, with the checksums in place of {}; return the header."""
    file = folder / data
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(values.astype("<i2").tobytes())
    sums = [int(one) % 65536 for one in values.sum(0)]
    header = folder / f"{name}.hea"
    header.write_text("\n".join([record, first.format(sums[0]), second.format(sums[1]), ""]), encoding="utf-8")
    return header


def signals(path: Path) -> np.ndarray:
    return read_recording(path).signals


def refused(path: Path) -> EcganError:
    with pytest.raises(EcganError) as caught:
        read_recording(path)
    return caught.value


def test_a_checksum_of_0_is_none(tmp_path: Path) -> None:
    """Headers of the Challenge of 2017, and those that are written by hand, have 0 there."""
    header = write(tmp_path, first="r.dat 16 100/mV 12 0 -7 0 0 II")
    np.testing.assert_allclose(signals(header), VALUES / 100)
    assert "checksum" in refused(write(tmp_path, first="r.dat 16 100/mV 12 0 -7 1 0 II")).message


@pytest.mark.parametrize(
    ("record", "rate"),
    [
        ("r 2", 250.0),
        ("r 2 128", 128.0),
        ("r 2 128.5 600", 128.5),
        ("r 2 1e3 600", 1000.0),
        ("r 2 500/100 600", 500.0),
        ("r 2 500/100(12.5) 600", 500.0),
        ("r 2 500/100(-3) 600 8:30:00 01/02/2003", 500.0),
        ("r 2 500 600 17:00:01.250 31/12/1999", 500.0),
        ("r 2 500 600 30 1/2/03", 500.0),
        ("r 2 500 600 1:30", 500.0),
        ("r 2 500 600 2019-11-30 23:59:60", 500.0),
        ("r 2 500 600 29-Feb-2021 25:61:61", 500.0),
        ("r 2 500 600 1987", 500.0),
        ("r 2 500 600 noon yesterday", 500.0),
        ("r 2 500 12:00:00", 500.0),
        ("r 2 500 2014-05-08 05:05:15", 500.0),
        ("r 2 500 08/05/2014", 500.0),
        ("data/base/r 2 500 600", 500.0),
        ("r 2 500 0", 500.0),
        ("another/name 2 500 600", 500.0),
        ("other.name-of_it 2 500 600.0", 500.0),
    ],
)
def test_record_lines_in_all_shapes(tmp_path: Path, record: str, rate: float) -> None:
    found = read_recording(write(tmp_path, record))
    assert (found.sampling_rate, found.leads, found.warnings) == (rate, ["II", "V1"], [])
    np.testing.assert_allclose(found.signals, VALUES / 100)


@pytest.mark.parametrize(
    ("line", "scale", "zero", "lead"),
    [
        ("r.dat 16", 200, 0, "1"),
        ("r.dat 16 0", 200, 0, "1"),
        ("r.dat 16 0/mV", 200, 0, "1"),
        ("r.dat 16 50", 50, 0, "1"),
        ("r.dat 16 50/ 12 0 0 {} 0 II", 50, 0, "II"),
        ("r.dat 16 50(7)", 50, 7, "1"),
        ("r.dat 16 5e1(-7)/mV", 50, -7, "1"),
        ("r.dat 16 50(7.0)/mV 16 1024 3 {} 0 aVF", 50, 7, "aVF"),
        ("r.dat 16 50/mV 16 1024", 50, 1024, "1"),
        ("r.dat 16 0.5/uV 16 8 -1 {} 0 lead two", 500, 8, "lead two"),
        ("r.dat 16 50000/V 16 8 -1 {} 512 lead\ttwo of  three", 50, 8, "lead\ttwo of  three"),
        ("r.dat 16 -50/mV 16 0 0 {} 0 II", -50, 0, "II"),
        ("r.dat\t16\t50/mV\t16\t0\t0\t{}\t0\tII", 50, 0, "II"),
        ("r.dat 16 50/mV 12 0 MLII", 50, 0, "MLII"),
    ],
)
def test_signal_lines_whose_fields_are_missing(tmp_path: Path, line: str, scale: float, zero: int, lead: str) -> None:
    found = read_recording(write(tmp_path, first=line))
    assert found.leads[0] == lead
    np.testing.assert_allclose(found.signals[:, 0], (VALUES[:, 0] - zero) / scale, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.signals[:, 1], VALUES[:, 1] / 100)


@pytest.mark.parametrize("change", ["crlf", "bom", "latin-1", "utf-16", "blank lines", "comments", "no newline"])
def test_headers_as_editors_and_other_systems_leave_them(tmp_path: Path, change: str) -> None:
    header = write(tmp_path)
    text = header.read_text()
    changed = {
        "crlf": text.replace("\n", "\r\n").encode(),
        "bom": b"\xef\xbb\xbf# first\n" + text.encode(),
        "latin-1": (text + "# Müller, ärztlich\n").encode("latin-1"),
        "utf-16": text.encode("utf-16"),
        "blank lines": b"\n\n" + text.replace("\n", "\n  \n").encode(),
        "comments": b"# before\n#\n" + text.replace("\n", "\n# r.dat 16\n").encode(),
        "no newline": text.rstrip().encode(),
    }[change]
    header.write_bytes(changed)
    np.testing.assert_allclose(signals(header), VALUES / 100)


def test_comments_are_kept_without_their_mark(tmp_path: Path) -> None:
    header = write(tmp_path)
    header.write_text("# <age>: 81\n" + header.read_text() + "#Reason: none\n")
    assert list(read_header(tmp_path, "r", "").comments) == ["<age>: 81", "Reason: none"]


@pytest.mark.parametrize(
    ("record", "data", "name"),
    [
        ("r", "sub/deeper/r.dat", "r"),
        ("mitdb/100", "mitdb/100.dat", "100"),
        ("2", "2.dat", "2"),
        ("mitdb/2", "2.dat", "2"),
        ("night two", "night two.dat", "night two"),
        ("night 2", "night 2.dat", "night 2"),
        ("16 bits 2 16", "16 bits 2 16.dat", "16 bits 2 16"),
        ("renamed since", "night 16 two.dat", "q"),
        ("a.b.c", "a.b.c.dat", "a.b.c"),
        ("Größe", "Größe ß.dat", "Größe"),
        ("心電図", "心電図.dat", "心電図"),
        ("r", "no ending", "r"),
    ],
)
def test_names_with_folders_blanks_dots_and_letters_of_any_language(
    tmp_path: Path, record: str, data: str, name: str
) -> None:
    lines = [f"{data} 16 100/mV 12 0 0 {{}} 0 {lead}" for lead in ("II", "V1")]
    header = write(tmp_path, f"{record} 2 250 600", *lines, name=name, data=data)
    for path in (header, header.with_suffix("") if "." not in name else header):
        np.testing.assert_allclose(signals(path), VALUES / 100)


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_are_compared_in_either_unicode_form(tmp_path: Path, forms: tuple[str, str]) -> None:
    written, stored = (unicodedata.normalize(form, "Jürgen") for form in forms)
    lines = [f"{written}/{written}.dat 16 100/mV 12 0 0 {{}} 0 {lead}" for lead in ("II", "V1")]
    write(tmp_path, f"{written} 2 250 600", *lines, name=stored, data=f"{stored}/{stored}.dat")
    for path in (f"{written}.hea", written):
        np.testing.assert_allclose(signals(tmp_path / path), VALUES / 100)
    (tmp_path / f"{stored}.atr").write_bytes(bytes([10, 4, 0, 0]))
    assert read_recording(tmp_path / f"{written}.hea", annotator="atr").samples.tolist() == [10]


@pytest.mark.parametrize(
    ("stored", "named"), [("CD1.DAT", "cd1.dat"), ("cd1.dat", "CD1.DAT"), ("Größe.Dat", "GRÖSSE.dat")]
)
def test_letters_of_another_size_are_the_same_file(tmp_path: Path, stored: str, named: str) -> None:
    lines = [f"{named} 16 100/mV 12 0 0 {{}} 0 {lead}" for lead in ("II", "V1")]
    header = write(tmp_path, "cd1 2 250 600", *lines, name="cd1", data=stored)
    header = header.rename(header.with_name("CD1.HEA"))
    for name in ("CD1.HEA", "CD1", "cd1", "cd1.hea"):
        np.testing.assert_allclose(signals(tmp_path / name), VALUES / 100)
    (tmp_path / stored.swapcase()).write_bytes(b"")  # which of the two is meant nobody knows
    if stored.swapcase() != named:
        assert "is not there" in refused(header).message


def test_a_header_in_the_folder_that_it_names_finds_the_file_beside_it(tmp_path: Path) -> None:
    lines = [f"g1/r.dat 16 100/mV 12 0 0 {{}} 0 {lead}" for lead in ("II", "V1")]
    (tmp_path / "g1").mkdir()
    np.testing.assert_allclose(signals(write(tmp_path / "g1", "g1/r 2 250 600", *lines)), VALUES / 100)
    windows = [line.replace("/r", "\\r") for line in lines]
    np.testing.assert_allclose(signals(write(tmp_path, "r 2 250 600", *windows, data="g1/r.dat")), VALUES / 100)


@pytest.mark.parametrize(
    "name", ["../r.dat", "sub/../../r.dat", "/etc/hostname", "C:\\r.dat", "http://a.b/r.dat", ".."]
)
def test_no_signal_file_is_taken_from_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path)
    error = refused(write(tmp_path / "in", first=f"{name} 16 100/mV", second=f"{name} 16 100/mV"))
    assert name in error.message.replace("\\\\", "\\")
    assert "damaged" not in error.message


def packed_bits(values: np.ndarray, storage: str) -> bytes:
    """The samples one after another in a storage format, written bit by bit as signal(5) describes it."""
    flat = [int(value) for value in values.reshape(-1)]
    if storage in ("16", "24", "32"):
        return b"".join(value.to_bytes(int(storage) // 8, "little", signed=True) for value in flat)
    if storage == "61":
        return b"".join(value.to_bytes(2, "big", signed=True) for value in flat)
    if storage in ("80", "160"):
        size = {"80": 1, "160": 2}[storage]
        return b"".join((value + (1 << 8 * size - 1)).to_bytes(size, "little") for value in flat)
    if storage == "212":
        flat += [0] * (len(flat) % 2)
        pairs = [(a & 0xFFF, b & 0xFFF) for a, b in zip(flat[::2], flat[1::2], strict=True)]
        return b"".join(bytes([a & 255, a >> 8 | b >> 8 << 4, b & 255]) for a, b in pairs)
    flat += [0] * (-len(flat) % 3)
    content = b""
    for number in range(0, len(flat), 3):
        a, b, c = (value & 0x3FF for value in flat[number : number + 3])
        if storage == "310":
            content += (a << 1 | (c & 31) << 11).to_bytes(2, "little") + (b << 1 | c >> 5 << 11).to_bytes(2, "little")
        else:
            content += (a | b << 10 | c << 20).to_bytes(4, "little")
    return content


MISSING = {"16": 15, "24": 23, "32": 31, "61": 15, "80": 7, "160": 15, "212": 11, "310": 9, "311": 9}


@pytest.mark.parametrize("storage", list(MISSING))
@pytest.mark.parametrize("frames", [1, 2, 5, 300])
@pytest.mark.parametrize("length_said", [True, False])
def test_every_storage_format_and_its_missing_sample(
    tmp_path: Path, storage: str, frames: int, length_said: bool
) -> None:
    least = -(1 << MISSING[storage])
    values = RNG.integers(least + 1, -least, (frames, 3))
    values[0] = [least + 1, -least - 1, 0]
    values[frames // 2, 2] = least
    content = packed_bits(values, storage)
    (tmp_path / "r.dat").write_bytes(b"prolog!" + content)
    sums = values.sum(0) % 65536
    lines = [f"r.dat {storage}+7 10(5)/mV 12 0 0 {sums[number]} 0 {number}" for number in range(3)]
    (tmp_path / "r.hea").write_text("\n".join([f"r 3 250{f' {frames}' if length_said else ''}", *lines]))
    expected = np.where(values == least, np.nan, (values - 5) / 10)
    np.testing.assert_allclose(signals(tmp_path / "r.hea")[:frames], expected)


@pytest.mark.parametrize("storage", ["8", *MISSING, "508", "516", "524"])
def test_the_second_reader_agrees(tmp_path: Path, storage: str) -> None:
    """Records that the package wfdb writes or reads have the values that it reads."""
    signal = np.cumsum(RNG.integers(-9, 10, (400, 2)), axis=0) if storage == "8" else RNG.integers(-100, 101, (400, 2))
    if storage in ("61", "160", "310", "311", "8"):
        raw = packed_bits(signal, storage) if storage != "8" else b""
        if storage == "8":
            raw = np.diff(signal, axis=0, prepend=[[3, 4]]).astype("i1").tobytes()
        (tmp_path / "r.dat").write_bytes(raw)
        sums = signal.sum(0) % 65536
        lines = [f"r.dat {storage} 50/mV 12 0 {3 + n} {sums[n]} 0 {name}" for n, name in enumerate(("II", "V1"))]
        (tmp_path / "r.hea").write_text("\n".join(["r 2 250 400", *lines, ""]))
    else:
        options = {"fmt": [storage] * 2, "adc_gain": [50.0] * 2, "baseline": [0] * 2}
        wfdb.wrsamp("r", 250, ["mV"] * 2, ["II", "V1"], d_signal=signal, write_dir=str(tmp_path), **options)
    found = signals(tmp_path / "r.hea")
    np.testing.assert_allclose(found, signal / 50)
    if storage != "61":  # which the package names in an error
        np.testing.assert_allclose(found, wfdb.rdrecord(str(tmp_path / "r")).p_signal)
    header = tmp_path / "r.hea"
    header.write_text(header.read_text().replace("250 400", "250"))
    np.testing.assert_allclose(signals(header)[:400], signal / 50)


@pytest.mark.parametrize("storage", ["16", "516"])
def test_a_compressed_or_plain_file_of_several_samples_a_frame(tmp_path: Path, storage: str) -> None:
    fast = RNG.integers(-900, 900, (400, 2))
    options = {"fmt": [storage] * 2, "adc_gain": [100.0] * 2, "baseline": [0] * 2, "samps_per_frame": [4, 4]}
    wfdb.wrsamp("r", 90, ["mV"] * 2, ["I", "II"], e_d_signal=list(fast.T), write_dir=str(tmp_path), **options)
    found = read_recording(tmp_path / "r")
    assert found.sampling_rate == 360.0
    np.testing.assert_allclose(found.signals, fast / 100)


def test_samples_of_several_files_rates_and_offsets(tmp_path: Path) -> None:
    a, b, c = RNG.integers(-9, 9, 300), RNG.integers(-9, 9, 300), RNG.integers(-9, 9, 100)
    frames = np.concatenate([a.reshape(100, 3), c.reshape(100, 1)], axis=1)
    (tmp_path / "one.dat").write_bytes(b"?" * 11 + frames.astype("<i2").tobytes())
    (tmp_path / "two.bin").write_bytes(packed_bits(b, "212"))
    lines = ["one.dat 16x3+11 2/mV 12 0 0 0 0 I", "one.dat 16+11 2/mmHg 12 0 0 0 0 ABP", "two.bin 212x3 2/mV 12 0 0"]
    text = "\n".join(["r 3 120 100", *lines]).replace(" 0 0 0 0 ", " 0 0 ")
    (tmp_path / "r.hea").write_text(text)
    found = read_recording(tmp_path / "r.hea")
    assert found.sampling_rate == 360.0
    np.testing.assert_allclose(found.signals, np.stack([a, b], axis=1) / 2)


def test_a_skew_moves_a_signal_and_leaves_its_end_missing(tmp_path: Path) -> None:
    header = write(tmp_path, first="r.dat 16:5 100/mV 12 0 0 {} 0 II")
    found = signals(header)
    np.testing.assert_allclose(found[:595, 0], VALUES[5:, 0] / 100)
    assert np.isnan(found[595:, 0]).all()
    np.testing.assert_allclose(found[:, 1], VALUES[:, 1] / 100)
    header.write_text(re.sub(r" \d+ 0 (II|V1)", r"", header.read_text()).replace("250 600", "250 590"))
    found = signals(header)
    np.testing.assert_allclose(found, np.stack([VALUES[5:595, 0], VALUES[:590, 1]], axis=1) / 100)


def test_what_is_not_needed_never_costs_the_ecg(tmp_path: Path) -> None:
    third = "gone.dat 16 100/mmHg 12 0 0 1 0 ABP\nr.dat 16 what 12 0 0 1 0 V9\n"
    header = write(tmp_path, "r 4 250 600", values=np.concatenate([VALUES, VALUES[:, :1]], axis=1))
    header.write_text(header.read_text() + third)
    found = read_recording(header)
    assert found.leads == ["II", "V1"]
    np.testing.assert_allclose(found.signals, VALUES / 100)
    assert "'what'" in found.left_out["V9"]
    header.write_text(re.sub(r"100/mV", "nan/mV", header.read_text()))
    assert all(word in refused(header).message for word in ("II", "V1", "nan", "r.hea"))


def segments(folder: Path, master: str) -> Path:
    """Three segments, 200, 300 and 100 samples, of which the second lacks V1, and a header of several."""
    for name, (start, end) in zip("abc", pairwise([0, 200, 500, 600]), strict=True):
        only = slice(0, 1) if name == "b" else slice(0, 2)
        values = VALUES[start:end, only]
        (folder / f"{name}.dat").write_bytes(values.astype("<i2").tobytes())
        lines = [
            f"{name}.dat 16 100/mV 12 0 0 {values[:, n].sum() % 65536} 0 {['II', 'V1'][n]}"
            for n in range(values.shape[1])
        ]
        (folder / f"{name}.hea").write_text("\n".join([f"{name} {len(lines)} 250 {end - start}", *lines]))
    (folder / "m.hea").write_text(master.replace("|", "\n"))
    return folder / "m.hea"


@pytest.mark.parametrize(
    "master",
    [
        "m/3 2 250 600|a 200|b 300|c 100",
        "m/3 2 250 0|a 200|b 300|c 100",
        "m/3 2 250|a 200|b 300|c 100",
        "m/3 2|a|b 0|c",
        "m/3 2 250 600 12:00:00 2020-01-01|a 200|b 300|c 100",
        "m/4 2 250 600|m_layout 0|a 200|b 300|c 100",
        "m/4 2 250|lay 0|a 200|b|c 100",
        "longer name/3 2 250 600|a 200|b 300|c 100",
    ],
)
def test_lists_of_segments_in_all_shapes(tmp_path: Path, master: str) -> None:
    header = segments(tmp_path, master)
    (tmp_path / "lay.hea").write_text("lay 2 250 0\n~ 0 100/mV 12 0 0 0 0 II\n~ 0 100/mV 12 0 0 0 0 V1\n")
    found = signals(header)
    np.testing.assert_allclose(found[:, 0], VALUES[:, 0] / 100)
    np.testing.assert_allclose(found[:200, 1], VALUES[:200, 1] / 100)
    assert np.isnan(found[200:500, 1]).all()


def test_gaps_and_a_segment_that_comes_again(tmp_path: Path) -> None:
    found = signals(segments(tmp_path, "m/5 2 250 1150|~ 50|a 200|~ 400|b 300|a 200"))
    assert np.isnan(found[:50]).all()
    assert np.isnan(found[250:650]).all()
    np.testing.assert_allclose(found[50:250], VALUES[:200] / 100)
    np.testing.assert_allclose(found[950:], VALUES[:200] / 100)
    np.testing.assert_allclose(found[650:950, 0], VALUES[200:500, 0] / 100)


def test_segments_say_how_long_a_file_is_where_its_header_does_not(tmp_path: Path) -> None:
    header = segments(tmp_path, "m/2 2 250 250|a 150|c 100")
    text = (tmp_path / "a.hea").read_text().replace("250 200", "250")
    (tmp_path / "a.hea").write_text(re.sub(r" \d+ 0 (II|V1)", r" 0 0 \1", text))
    np.testing.assert_allclose(signals(header)[:, 0], np.concatenate([VALUES[:150, 0], VALUES[500:, 0]]) / 100)


@pytest.mark.parametrize(
    ("master", "words"),
    [
        ("m/3 2 250 6000|a 200|b 300|c 100", ("6,000", "600")),
        ("m/3 2 250 599|a 200|b 300|c 100", ("599", "600")),
        ("m/2 2 250 600|a 200|b 300", ("600", "500")),
        ("m/3 2 250 600|a 200|b 300", ("3", "2")),
        ("m/2 2 250 600|a 200|b 300|c 100", ("2", "3")),
        ("m/3 2 250 600|a 200|b 299|c 101", ("299", "300", "b")),
        ("m/3 2 250|a 200|~|c 100", ("~", "how long")),
        ("m/2 2 500 300|a 200|c 100", ("250", "500 Hz")),
        ("m/2 2 250 300|../a 200|c 100", ("'../a.hea'", "not in its folder")),
        ("m/2 2 250 300|. 200|c 100", ("..hea is not there",)),
        ("m/2 2 250 300|/a 200|c 100", ("'/a.hea'", "not in its folder")),
        ("m/2 2 250 300|m 200|c 100", ("segments itself",)),
        ("m/2 2 250 300|gone 200|c 100", ("gone.hea is not there",)),
    ],
)
def test_segments_that_contradict_are_refused_with_both_numbers(
    tmp_path: Path, master: str, words: tuple[str, ...]
) -> None:
    error = refused(segments(tmp_path, master))
    assert all(word in error.message for word in words)


@pytest.mark.parametrize("name", ["../x", ".", "..", "/", "a/../../x", "x" * 300, "~~", "é\0", " "])
def test_no_name_of_a_segment_stops_the_recordings_beside_it(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    (tmp_path / "m.hea").write_text(f"m/2 2 250 600\n{name} 300\na 300\n")
    assert "r.hea" in recordings_among(tmp_path, ["m.hea", "r.hea"])
    refused(tmp_path / "m.hea")


def test_segments_are_no_recordings_of_their_own(tmp_path: Path) -> None:
    segments(tmp_path, "m/4 2 250|lay 0|a 200|sub/b|c 100")
    assert segment_names(tmp_path / "m.hea") == ["lay", "a", "sub/b", "c"]
    names = ["a.hea", "b.hea", "c.hea", "m.hea", "sub/b.hea"]
    assert recordings_among(tmp_path, names) == ["b.hea", "m.hea"]


@pytest.mark.parametrize(
    "header",
    [
        "r 1 250 100000000000\nr.dat 16 100/mV",
        "r 1 250\nr.dat 16x100000000000 100/mV",
        "r 1 250 10\nr.dat 16x1000000 100/mV",
        "r 1 250 600\nr.dat 16:99999999 100/mV",
        "r 1 250 600\nr.dat 16+99999999999 100/mV",
        "r 1 250 500000000\nr.dat 0 100/mV",
        "r/2 1 250 900000600\n~ 900000000\na 600",
        "r/60000 1 250 36000000\n" + "a 600\n" * 60_000,
        "r/500000 1 250\n" + "a 1\n" * 300_000,
        "r/3 1 250\n" + "\n" * 2_000_000,
        "r 3 250\n" + "#\n" * 500_000,
        "r 1 250 " + " " * 4_000_000 + "x",
        "r.dat " + "16 " * 1_000_000,
        f"r/2 1 250 {'9' * 18}\n~ {'9' * 18}\na 600",
        "r 999999999 250\n" + "r.dat 16\n" * 200_000,
    ],
)
def test_nothing_is_made_room_for_on_the_word_of_a_header(tmp_path: Path, header: str) -> None:
    write(tmp_path, "a 1 250 600", "a.dat 16 100/mV", "", name="a", data="a.dat", values=VALUES[:, :1].repeat(2, 1))
    (tmp_path / "r.dat").write_bytes(VALUES.astype("<i2").tobytes())
    (tmp_path / "r.hea").write_text(header)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    refused(tmp_path / "r.hea")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB
    assert time.perf_counter() - start < 5


def test_a_file_that_holds_much_more_than_its_header_says_is_told_of(tmp_path: Path) -> None:
    values = np.concatenate([VALUES] * 4)
    header = write(tmp_path, "r 2 250 600", "r.dat 16 100/mV", "r.dat 16 100/mV", values=values)
    found = read_recording(header)
    np.testing.assert_allclose(found.signals, VALUES / 100)
    assert any("600" in warning and "1,800" in warning for warning in found.warnings)


def test_looking_for_the_files_of_a_recording_takes_no_time(tmp_path: Path) -> None:
    (tmp_path / "r.hea").write_text("r.dat " + "16 " * 300_000 + "\n" + "long " * 99)
    (tmp_path / "r.dat").touch()
    start = time.perf_counter()
    assert tmp_path / "r.dat" in files_of_recording(tmp_path / "r.hea")
    assert time.perf_counter() - start < 5


def test_the_headers_of_many_segments_are_each_looked_into_once(tmp_path: Path) -> None:
    count = 1500
    for number in range(count):
        (tmp_path / f"s{number}.hea").write_text(f"s{number} 1 250 10\n~ 0 100/mV\n")
    (tmp_path / "r.hea").write_text(f"r/{count} 1 250\n" + "".join(f"s{number} 10\n" for number in range(count)))
    start = time.process_time()
    assert {tmp_path / f"s{number}.hea" for number in range(count)} <= set(files_of_recording(tmp_path / "r.hea"))
    assert time.process_time() - start < 10


def test_links_that_give_a_header_many_names_cost_one_look(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).symlink_to(".")
    names = ["/".join([*folders, "r"]) for folders in product("ab", repeat=9)]
    (tmp_path / "r.hea").write_text(f"r/{len(names)} 1 250\n" + "".join(f"{name} 10\n" for name in names))
    start = time.process_time()
    files_of_recording(tmp_path / "r.hea")
    assert time.process_time() - start < 5


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
def test_a_pipe_with_the_name_of_a_header_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "r.hea")
    os.mkfifo(tmp_path / "r.xml")
    assert recordings_among(tmp_path, ["r.hea", "r.xml"]) == ["r.hea"]
    assert files_of_recording(tmp_path / "r.hea") == [tmp_path / "r.hea"]
    refused(tmp_path / "r.hea")


@pytest.mark.parametrize("folder", ["records", "aufnahmen für alle"])
def test_a_folder_of_many_records_without_their_signals_is_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    place = tmp_path / folder
    place.mkdir()
    for number in range(20):
        (place / f"r{number}.hea").write_text(f"r{number} 1 250 10\nr{number}.dat 16 100/mV\n")
    os.utime(place, (1e9, 1e9))
    os.utime(tmp_path, (1e9, 1e9))
    looked = []
    listed = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: looked.append(path) or listed(path))
    for number in range(20):
        refused(place / f"r{number}.hea")
    assert looked.count(place) == 1
    monkeypatch.undo()
    (place / "R7.DAT").write_bytes(VALUES[:10, 0].astype("<i2").tobytes())  # which changes the folder
    assert len(read_recording(place / "r7.hea").signals) == 10
