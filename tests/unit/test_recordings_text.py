"""Text as devices and spreadsheets write it: time, decimal signs, preambles, units; what is read, and which values."""

import gzip
import json
import re
import resource
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgan.ecg.files.recordings import read_recording
from ecgan.ecg.files.units import check_size_of_ecg, strange_heart, strange_rate, swing
from ecgan.ecg.records import Record
from ecgan.errors import EcganError

ROWS = 700
VALUES = np.round(np.random.default_rng(5).normal(0, 0.4, ROWS), 3)


def read(tmp_path: Path, content: str | bytes, name: str = "r.csv", encoding: str = "utf-8", **options: Any) -> Record:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return read_recording(tmp_path / name, **options)


def refusal(tmp_path: Path, content: str | bytes, name: str = "r.csv", **options: Any) -> EcganError:
    with pytest.raises(EcganError) as caught:
        read(tmp_path, content, name, **options)
    return caught.value


def table(head: str, *columns: Any, separator: str = ",") -> str:
    rows = "".join(separator.join(map(str, row)) + "\n" for row in zip(*columns, strict=True))
    return f"{head}\n{rows}" if head else rows


def expect(found: Record, rate: float, leads: list[str], factor: float = 1.0) -> None:
    assert (found.sampling_rate, found.leads) == (rate, leads)
    np.testing.assert_allclose(found.signals[:, 0], VALUES * factor, atol=1e-9)


def ticks(rate: float, in_s: float = 1.0, start: float = 0.0, decimals: int = 9) -> list[str]:
    return [f"{start + number / rate / in_s:.{decimals}f}" for number in range(ROWS)]


@pytest.mark.parametrize(
    ("name", "in_s", "start", "decimals"),
    [
        ("time", 1e-3, 0, 2),
        ("timestamp", 1, 0, 4),
        ("Zeit", 1, 12.5, 4),
        ("timer", 1e-3, 0, 3),
        ("x", 1e-6, 5, 0),
        ("", 1, 0, 4),
        ("clock [ns]", 1e-9, 0, 0),
        ("epoch_ms", 1e-3, 1_700_000_000_000, 1),
        ("unix", 1, 1_700_000_000, 6),
        ("sensor timestamp [ns]", 1e-9, 6e17, 0),
        ("t_us", 1e-6, 0, 0),
    ],
)
@pytest.mark.parametrize("second", [False, True])
def test_what_rises_evenly_is_time(
    tmp_path: Path, name: str, in_s: float, start: float, decimals: int, second: bool
) -> None:
    clock = ticks(250.0, in_s, start, decimals)
    pair = (VALUES, clock) if second else (clock, VALUES)
    head = "" if not name else f"V5,{name}" if second else f"{name},V5"
    found = read(tmp_path, table(head, *pair))
    assert found.sampling_rate == pytest.approx(250.0, rel=1e-6)
    assert found.leads == (["V5"] if name else ["1"])
    np.testing.assert_array_equal(found.signals[:, 0], VALUES)
    assert read(tmp_path, table(head, *pair), sampling_rate=250).sampling_rate == 250.0
    message = refusal(tmp_path, table(head, *pair), sampling_rate=360).message
    assert "250" in message
    assert "360" in message


def test_an_array_has_no_time_among_its_leads_either(tmp_path: Path) -> None:
    np.save(tmp_path / "r.npy", np.stack([np.arange(ROWS) / 500, VALUES], axis=1))
    expect(read_recording(tmp_path / "r.npy"), 500.0, ["1"])
    np.save(tmp_path / "r.npy", np.stack([VALUES, np.arange(ROWS)], axis=1))
    expect(read_recording(tmp_path / "r.npy", sampling_rate=200), 200.0, ["1"])


def test_numbers_of_samples_tell_no_rate_and_are_no_lead(tmp_path: Path) -> None:
    wrapping = table("nr,V1,seq", np.arange(ROWS), VALUES, np.arange(ROWS) % 16)
    expect(read(tmp_path, wrapping, sampling_rate=130), 130.0, ["V1"])
    assert "does not say its sampling rate" in refusal(tmp_path, wrapping).message
    assert "is time" in refusal(tmp_path, table("time", ticks(100.0))).message


def test_a_rate_that_is_given_wins_where_times_tell_it_roughly(tmp_path: Path) -> None:
    packets = table("time,V1", [f"{number // 25 * 25 / 130:.3f}" for number in range(ROWS)], VALUES)
    expect(read(tmp_path, packets, sampling_rate=130), 130.0, ["V1"])
    assert "give it" in refusal(tmp_path, packets).hint
    assert "360" in refusal(tmp_path, packets, sampling_rate=360).message
    ticking = table("time,V1", np.arange(ROWS) * 7e10, VALUES)  # in no unit a rate of an ECG
    assert "time" in refusal(tmp_path, ticking).message
    expect(read(tmp_path, ticking, sampling_rate=130), 130.0, ["V1"])


def test_a_gap_in_time_is_not_closed_by_a_rate(tmp_path: Path) -> None:
    times = np.arange(ROWS) / 250 + 5 * (np.arange(ROWS) > 300)
    gap = table("time_s,V1", np.round(times, 4), VALUES)
    assert "not evenly spaced: from 1.2 s to 6.204 s after row 301" in refusal(tmp_path, gap).message
    assert "250" in refusal(tmp_path, gap, sampling_rate=250).message
    assert "rate" not in refusal(tmp_path, gap).hint
    shaken = np.arange(ROWS) / 250 + np.random.default_rng(7).normal(0, 0.0005, ROWS)
    assert "give the sampling rate" in refusal(tmp_path, table("time_s,V1", np.round(shaken, 4), VALUES)).hint


def test_columns_of_times_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    content = table("t_s,t_ms,V1", ticks(250.0), ticks(500.0, 1e-3), VALUES)
    assert all(word in refusal(tmp_path, content).message for word in ("250", "500", "'t_s'", "'t_ms'"))


def clocks(rate: float, form: str, start: datetime) -> list[str]:
    moments = [start + timedelta(seconds=round(number / rate, 3)) for number in range(ROWS)]
    return [moment.strftime(form)[: -3 if form.endswith("%f") else None] for moment in moments]


@pytest.mark.parametrize(
    ("form", "separator"),
    [
        ("%H:%M:%S.%f", ","),
        ("%Y-%m-%dT%H:%M:%S.%f", ";"),
        ("%d/%m/%Y %H:%M:%S.%f", "\t"),
        ("%d.%m.%Y %H:%M:%S.%f", ";"),
    ],
)
def test_times_of_day_are_read_across_midnight(tmp_path: Path, form: str, separator: str) -> None:
    times = clocks(125.0, form, datetime(2024, 12, 31, 23, 59, 58))
    expect(read(tmp_path, table(f"time{separator}V1", times, VALUES, separator=separator)), 125.0, ["V1"])


def test_bracketed_times_of_physiobank_are_read(tmp_path: Path) -> None:
    times = [f"'[{clock} 05/03/2001]'" for clock in clocks(250.0, "%H:%M:%S.%f", datetime(2001, 3, 5, 7))]
    head = "'Time and date','V5'\n'[hh:mm:ss.mmm dd/mm/yyyy]','mV'"
    expect(read(tmp_path, table(head, times, VALUES)), 250.0, ["V5"])


@pytest.mark.parametrize("separator", [";", "\t", "  ", " \t "])
@pytest.mark.parametrize("whole", [1, 3, 450])
def test_the_decimal_sign_is_that_of_most_rows(tmp_path: Path, separator: str, whole: int) -> None:
    values = np.where(np.arange(ROWS) < whole, 0.0, VALUES)
    cells = [f"{value:g}".replace(".", ",") for value in values]
    times = [cell.replace(".", ",") for cell in ticks(250.0)]
    found = read(tmp_path, table(separator.join(("time_s", "V2")), times, cells, separator=separator))
    np.testing.assert_array_equal(found.signals[:, 0], values)
    assert (found.leads, found.sampling_rate) == (["V2"], 250.0)


def test_a_decimal_comma_may_stand_in_quotes_or_alone(tmp_path: Path) -> None:
    cells = [f'"{value}"'.replace(".", ",") for value in VALUES]
    expect(read(tmp_path, table('"V1","V2"', cells, cells), sampling_rate=250), 250.0, ["V1", "V2"])
    alone = [f"{value}".replace(".", ",") for value in VALUES]
    expect(read(tmp_path, table("V1", alone), sampling_rate=250), 250.0, ["V1"])
    expect(read(tmp_path, table("", alone), sampling_rate=250), 250.0, ["1"])


def test_a_comma_that_may_be_either_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, "1,5\n2,7\n1,9\n", sampling_rate=250)
    assert "line 1: '1,5'" in error.message
    assert "two whole numbers" in error.message
    counts = table("", *np.random.default_rng(1).integers(1000, 1050, (2, ROWS)))
    assert read(tmp_path, counts, sampling_rate=250, gain=200).leads == ["1", "2"]


def test_both_decimal_signs_in_one_file_name_line_and_cell(tmp_path: Path) -> None:
    content = table("V1;V2", VALUES, VALUES, separator=";").splitlines()
    content[300] = content[300].replace(".", ",")
    error = refusal(tmp_path, "\n".join(content), sampling_rate=250)
    assert f"line 301, column 1: '{VALUES[299]}'".replace(".", ",") in error.message.replace(".", ",")
    assert "decimal sign" in error.message


def test_a_watch_says_rate_unit_and_lead_above_its_samples(tmp_path: Path) -> None:
    head = 'Name,X\nSymptoms,\nDevice,"Watch7,1"\nHigh Pass,40 Hz\nSample Rate,512 hertz\n\n\nLead,Lead II\nUnit,µV\n'
    expect(read(tmp_path, table(head, VALUES)), 512.0, ["Lead II"], 1e-3)
    german = head.replace("Sample Rate,512 hertz", "Abtastrate,512 Hertz").replace("Unit", "Einheit")
    cells = [f"{value}".replace(".", ",") for value in VALUES]
    expect(read(tmp_path, table(german, cells)), 512.0, ["Lead II"], 1e-3)
    assert "512" in refusal(tmp_path, table(head, VALUES), sampling_rate=250).message


def test_a_chest_strap_says_time_in_three_ways(tmp_path: Path) -> None:
    phone = clocks(130.0, "%Y-%m-%dT%H:%M:%S.%f", datetime(2023, 1, 2, 3))
    phone = [phone[number // 73 * 73] for number in range(ROWS)]
    head = "Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV]"
    nano, milli = ticks(130.0, 1e-9, 6e17, 0), ticks(130.0, 1e-3, 0, 4)
    expect(read(tmp_path, table(head, phone, nano, milli, VALUES * 1000, separator=";"), "r.txt"), 130.0, ["ecg"])


@pytest.mark.parametrize(
    ("device", "supply", "gain", "sensor"),
    [("bitalino_rev", 3300, 1100, "ECGBIT"), ("biosignalsplux", 3000, 1000, "ECG")],
)
def test_opensignals_counts_become_millivolts(
    tmp_path: Path, device: str, supply: float, gain: float, sensor: str
) -> None:
    about = {"sensor": ["EDA", sensor], "device": device, "sampling rate": 1000, "resolution": [4, 1, 10, 12]}
    about |= {"column": ["nSeq", "DI", "A1", "A2"], "label": ["A1", "A2"]}
    head = f"# OpenSignals Text File Format\n# {json.dumps({'00:11': about})}\n# EndOfHeader"
    counts = np.rint((VALUES * gain / supply + 0.5) * 4096).astype(int)
    empty, moved = [""] * ROWS, np.arange(ROWS) % 16
    content = table(head, moved, moved * 0, counts // 9, counts, empty, separator="\t")
    found = read(tmp_path, content, "r.txt")
    assert (found.sampling_rate, found.leads, found.assumed) == (1000.0, [sensor], [])
    np.testing.assert_allclose(found.signals[:, 0], (counts / 4096 - 0.5) * supply / gain)
    np.testing.assert_allclose(found.signals[:, 0], VALUES, atol=1e-3)
    raw = read(tmp_path, content.replace(f'"{sensor}"', '"RAW"'), "r.txt")
    assert (raw.leads, raw.assumed, raw.signals[3, 0]) == (["A2"], ["A2"], counts[3])


@pytest.mark.parametrize(
    "about",
    [
        {"sensor": ["ECG"], "sampling rate": 100},
        {"sensor": ["ECG"], "sampling rate": 100, "resolution": [10**6]},
        {"sensor": ["ECG"], "sampling rate": "fast", "resolution": [10]},
        {"sensor": ["ECG"] * 9, "sampling rate": 100, "resolution": [10] * 9},
        {"sensor": 7},
        [],
    ],
)
def test_a_damaged_opensignals_header_is_one_sentence(tmp_path: Path, about: Any) -> None:
    head = f"# OpenSignals Text File Format\n# {json.dumps({'00:11': about})}\n# EndOfHeader"
    content = table(head, np.arange(ROWS), np.arange(ROWS) % 9, separator="\t")
    assert "OpenSignals header" in refusal(tmp_path, content, "r.txt").message


def test_labchart_says_interval_names_and_units(tmp_path: Path) -> None:
    head = (
        "Interval=\t0.002 s\nExcelDateTime=\t4.4e+04\t01/01/2020 10:00:00\nTimeFormat=\tStartOfBlock\nDateFormat=\t\n"
    )
    head += "ChannelTitle=\tECG\tPulse\nRange=\t10.000 mV\t180.0 mmHg\nUnitName=\tuV\tmmHg"
    lines = table(head, ticks(500.0, decimals=3), VALUES, VALUES * 9, separator="\t").splitlines()
    lines[60] += "\t#* noise here"
    expect(read(tmp_path, "\n".join(lines), "r.txt"), 500.0, ["ECG"], 1e-3)
    twice = "\n".join([*lines, *head.splitlines(), "0\t1\t2"])
    assert "second block of LabChart" in refusal(tmp_path, twice, "r.txt").message


@pytest.mark.parametrize("line", ["sep=;\n", '"sep=;"\r\n', "\ufeffSEP=;;;\r\n"])
def test_a_line_that_tells_a_spreadsheet_the_separator_is_no_header(tmp_path: Path, line: str) -> None:
    rows = table("Zeit;II", ticks(360), VALUES, separator=";")
    expect(read(tmp_path, line + rows), 360, ["II"])
    expect(read(tmp_path, line + rows.split("\n", 1)[1], sampling_rate=360), 360, ["1"])
    assert "line 12," in refusal(tmp_path, line + rows.replace(f";{VALUES[9]}\n", ";many\n")).message


def test_rows_that_are_no_numbers_are_shown_before_they_are_taken_for_a_preamble(tmp_path: Path) -> None:
    rows = [re.sub("-(.*)", r"(\1)", f"{size:.3f}") for size in (*-np.abs(VALUES[:300]) - 0.001, *VALUES[300:])]
    assert rows[299] in refusal(tmp_path, table("II", rows), sampling_rate=360).message


def test_comments_text_and_names_behind_a_hash(tmp_path: Path) -> None:
    said = read(tmp_path, table("# fs = 250\n# unit: uV\n# V1 V2", VALUES, VALUES, separator=" "), "r.txt")
    expect(said, 250.0, ["V1", "V2"], 1e-3)
    notes = ["beat"] * ROWS
    expect(read(tmp_path, table("V1_uV,note", VALUES, notes), sampling_rate=250), 250.0, ["V1"], 1e-3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04rest", "workbook"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"<?xml version='1.0'?>", "XML"),
        (b'{"a": 1}', "JSON"),
    ],
)
def test_other_formats_are_named(tmp_path: Path, content: bytes, words: str) -> None:
    error = refusal(tmp_path, content)
    assert words in error.message
    assert error.hint


def beating(size: float, offset: float = 0.0, rate: float = 250.0, seconds: int = 20) -> np.ndarray:
    """Peaks of a size every 0.8 s on a slow wave of the same size."""
    at = np.arange(int(rate * seconds)) / rate
    return np.asarray(offset + size * np.exp(-(((at % 0.8) - 0.4) ** 2) / 2e-4) + 0.02 * size * np.sin(at * 40))


@pytest.mark.parametrize(("size", "offset"), [(250, 1024), (1500, 0), (60, 512), (1000, 2e6), (1e-3, 0), (2e-3, 0.3)])
def test_what_swings_as_no_ecg_does_is_refused_where_nobody_said_the_unit(size: float, offset: float) -> None:
    signals = beating(size, offset)[:, None]
    with pytest.raises(EcganError) as caught:
        check_size_of_ecg("r", signals, 250.0, ["V1"], ["V1"])
    assert "--unit" in caught.value.hint
    assert "--gain" in caught.value.hint
    assert ("--unit V`" in caught.value.hint) == (size < 1)
    warning = check_size_of_ecg("r", signals, 250.0, ["V1"], [])
    assert ("V1" in warning) == (size > 1)
    assert warning


def test_thirty_millivolts_are_doubted_only_where_nobody_said_the_unit() -> None:
    signals = beating(30, 0)[:, None]
    with pytest.raises(EcganError, match="swings by"):
        check_size_of_ecg("r", signals, 250.0, ["V1"], ["V1"])
    assert check_size_of_ecg("r", signals, 250.0, ["V1"], []) == ""


@pytest.mark.parametrize("offset", [0, -300, 290])
@pytest.mark.parametrize("size", [0.15, 1, 8])
def test_the_offset_of_electrodes_is_no_matter(size: float, offset: float) -> None:
    signals = beating(size, offset)[:, None] + np.linspace(0, 40, 5000)[:, None]
    signals[2000:2010] = 400  # an artefact
    signals[100:900] = np.nan
    assert not check_size_of_ecg("r", signals, 250.0, ["V1"], ["V1"])


def test_counts_become_millivolts_by_their_gain(tmp_path: Path) -> None:
    counts = np.rint(beating(200.0, 1024)).astype(int)
    content = table("sample #,MLII", np.arange(len(counts)), counts)
    found = read(tmp_path, content, sampling_rate=250, gain=200, baseline=1000)
    np.testing.assert_allclose(found.signals[:, 0], (counts - 1000) / 200)
    found = read(tmp_path, content, sampling_rate=250, gain=200)
    np.testing.assert_allclose(found.signals[:, 0], (counts - np.median(counts)) / 200)
    assert found.assumed == []
    assert read(tmp_path, content, sampling_rate=250).assumed == ["MLII"]
    assert read(tmp_path, content, sampling_rate=250, unit="uV").assumed == []
    for options, word in (({"gain": 0}, "0"), ({"gain": 200, "unit": "uV"}, "uV"), ({"baseline": 3}, "3")):
        assert word in refusal(tmp_path, content, sampling_rate=250, **options).message
    said = content.replace("MLII", "MLII (mV)")
    assert "mV" in refusal(tmp_path, said, sampling_rate=250, gain=200).message


def test_rates_and_beats_that_no_heart_has() -> None:
    assert strange_rate(0.36, 360)
    assert strange_rate(45, 360)
    assert not strange_rate(45, 45)
    assert not strange_rate(80, 360)
    assert strange_rate(360_000, 360)
    assert strange_heart(400, 60)
    assert not strange_heart(300, 60)
    assert strange_heart(5, 60)
    assert not strange_heart(1, 6)


BOMBS = {
    "blank lines": b"\n" * 400_000 + b"V1\n1\n2\n",
    "columns": (b"0.5," * 150_000 + b"1\n") * 3 + b"0.5,1\n",
    "tabs": (b"0.5\t" * 150_000 + b"1\n") * 3 + b"0.5\t1\n",
    "rows": (b"0.5," * 150_000 + b"1\n") * 3,
    "one line": b"1," * 3_000_000,
    "one word": b"1" * 3_000_000,
    "late line": b"1,2\n" * 300_000 + b"1," * 2_000_000,
    "preamble": b"so it is\n" * 400_000 + b"1,2\n",
    "quotes": b'"' * 900_000,
    "braces": b"# OpenSignals\n# " + b'{"a":' * 100_000 + b"\n1\t2\n",
}


READ = {"blank lines": 2, "rows": 150_001}


@pytest.mark.parametrize("bomb", BOMBS)
def test_whatever_the_text_time_and_memory_are_bounded(tmp_path: Path, bomb: str) -> None:
    before, since = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    (tmp_path / "r.csv").write_bytes(BOMBS[bomb])
    if bomb in READ:
        assert len(read_recording(tmp_path / "r.csv", sampling_rate=250).signals) == READ[bomb]
    else:
        with pytest.raises(EcganError, match="line of more than 1,048,576" if bomb == "late line" else ""):
            read_recording(tmp_path / "r.csv", sampling_rate=250)
    assert time.process_time() - since < 3
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


@pytest.mark.parametrize(
    "name", ["label", "Class", "annotation", "beat_label", "Label (int)", "is_anomaly", "AAMI class", "col", ""]
)
def test_classes_of_beats_are_no_lead(tmp_path: Path, name: str) -> None:
    ecg = np.round(np.sin(np.arange(600) / 9), 3)
    classes = (np.arange(600) % 200 == 50) * (np.arange(600) // 200 + 1)
    head = f"II (mV),{name}\n" if name else ""
    file = tmp_path / "r.csv"
    file.write_text(head + "".join(f"{value},{number}\n" for value, number in zip(ecg, classes, strict=True)))
    found = read_recording(file, sampling_rate=250)
    np.testing.assert_array_equal(found.signals, ecg[:, None])
    assert found.leads == (["II"] if name else ["1"])
    if "int" not in name:  # which is no voltage, as the file says
        assert list(found.left_out) == [name or "2"]
        assert any("4 whole numbers" in text for text in found.warnings)


def test_whole_numbers_that_are_a_signal_stay_one(tmp_path: Path) -> None:
    counts = np.rint(40 * np.sin(np.arange(600) / 9)).astype(int)
    file = tmp_path / "r.csv"
    file.write_text("II,chest,V1\n" + "".join(f"{n},{2 * n + 1},{n // 12}\n" for n in counts))
    found = read_recording(file, sampling_rate=250, gain=200, baseline=0)
    assert (found.leads, found.left_out) == (
        ["II", "chest", "V1"],
        {},
    )  # V1 takes few values, and is a lead by its name
    np.testing.assert_allclose(found.signals[:, 1], (2 * counts + 1) / 200)
    file.write_text("label\n" + "0\n2\n1\n2\n" * 200)
    with pytest.raises(EcganError, match="'label' holds classes"):
        read_recording(file, sampling_rate=250)
    file.write_text("c\n" + "0\n2\n1\n2\n" * 200)
    assert read_recording(file, sampling_rate=250).leads == ["c"]  # nothing else could be the signal


@pytest.mark.parametrize("row", ["0,004,-0,123,1,2", "1,030,0,5,2,1", "12,7,-0,25,1,1"])
def test_commas_that_stand_for_both_are_refused(tmp_path: Path, row: str) -> None:
    file = tmp_path / "r.csv"
    file.write_text(f"{row}\n" * 50)
    with pytest.raises(EcganError, match="commas seem to be decimal signs") as caught:
        read_recording(file, sampling_rate=250)
    assert "semicolons" in caught.value.hint
    file.write_text("t,II\n" + "1,130,0\n" * 50)
    with pytest.raises(EcganError, match="header has 2 cells") as caught:
        read_recording(file, sampling_rate=250)
    assert "semicolons" in caught.value.hint
    file.write_text("II,V1,V2\n" + "".join(f"{1024 + 37 * n % 90},{31 * n % 101},{55 * n % 77}\n" for n in range(50)))
    assert read_recording(file, sampling_rate=250).signals[1].tolist() == [1061, 31, 55]


@pytest.mark.parametrize("decimal", [".", ","])
def test_cells_may_be_parted_by_bars_and_minus_signs_be_those_of_typography(tmp_path: Path, decimal: str) -> None:
    ecg = np.round(np.sin(np.arange(300) / 9), 3)
    text = "time_s|II\n" + "".join(f"{row / 250:.3f}|{value:.3f}\n" for row, value in enumerate(ecg))
    (tmp_path / "r.csv").write_text(text.replace(".", decimal).replace("-", "\u2212"), encoding="utf-8")
    found = read_recording(tmp_path / "r.csv")
    np.testing.assert_array_equal(found.signals[:, 0], ecg)
    assert (found.leads, found.sampling_rate) == (["II"], 250)


def test_what_is_packed_is_to_be_unpacked(tmp_path: Path) -> None:
    for name, words in (("r.csv", "gzip"), ("r.csv.gz", "compressed")):
        (tmp_path / name).write_bytes(gzip.compress(b"II\n1\n2\n"))
        with pytest.raises(EcganError, match=words) as caught:
            read_recording(tmp_path / name, sampling_rate=250)
        assert "npack" in caught.value.hint


@pytest.mark.parametrize("seconds", [1.2, 2.0, 10.0, 399.0, 450.0])
def test_stretches_swing_as_they_do_one_by_one(seconds: float) -> None:
    signals = np.random.default_rng(0).normal(size=(round(100 * seconds), 2)).cumsum(axis=0)
    signals[50:90, 1] = np.nan
    width = min(200, len(signals))
    starts = np.unique(np.linspace(0, len(signals) - width, 200).astype(int))
    expected = [np.nanmax(part, axis=0) - np.nanmin(part, axis=0) for part in (signals[at:][:width] for at in starts)]
    np.testing.assert_array_equal(swing(signals, 100.0), np.median(expected, axis=0))


@pytest.mark.parametrize("name", ["tick", "timestamp", ""])
def test_a_clock_that_begins_again_is_no_lead(tmp_path: Path, name: str) -> None:
    clock = (4000 + np.rint(np.arange(ROWS) * 1000 / 360)).astype(int) % 4400
    content = table(f"{name},V1" if name else "", clock, VALUES)
    expect(read(tmp_path, content, sampling_rate=360), 360.0, ["V1" if name else "1"])
    assert "rate" in refusal(tmp_path, content).message


@pytest.mark.parametrize("options", [{}, {"sampling_rate": 250.0}])
@pytest.mark.parametrize("order", ["newest first", "any"])
@pytest.mark.parametrize("clock", [ticks(250.0), clocks(250.0, "%H:%M:%S.%f", datetime(2024, 5, 1, 10))])
def test_rows_that_are_not_in_the_order_of_time_are_refused(
    tmp_path: Path, options: dict[str, float], order: str, clock: list[str]
) -> None:
    rows = np.random.default_rng(0).permutation(ROWS) if order == "any" else np.arange(ROWS)[::-1]
    content = table("time,V1", np.array(clock)[rows], VALUES)
    assert "order of time" in refusal(tmp_path, content, **options).message


def test_whole_seconds_tell_the_rate_as_roughly_as_there_are_few(tmp_path: Path) -> None:
    times = [f"10:00:{second:02d}" for second in (np.arange(ROWS) + 40) // 125]
    content = table("time,V1", times, VALUES)
    expect(read(tmp_path, content, sampling_rate=125), 125.0, ["V1"])
    assert "300" in refusal(tmp_path, content, sampling_rate=300).message


def test_a_board_counts_its_samples_again_and_again(tmp_path: Path) -> None:
    unix = ticks(250.0, 1, 1_700_000_000, 6)
    head = "%OpenBCI Raw EXG Data\n%Sample Rate = 250 Hz\nSample Index, EXG Channel 0, Timestamp"
    content = table(head, np.arange(ROWS) % 256, VALUES * 1000, unix, separator=", ")
    expect(read(tmp_path, content, "r.txt", unit="uV"), 250.0, ["EXG Channel 0"])
    lost = table("Sample Index,V1", np.delete(np.arange(ROWS + 1), 9), VALUES)
    assert "one by one" in refusal(tmp_path, lost, sampling_rate=250).message
    expect(read(tmp_path, table("time_s,Sample", ticks(250.0), VALUES)), 250.0, ["Sample"])


@pytest.mark.parametrize(
    ("head", "factor", "lead"),
    [
        ("V5-uV", 1000, "V5"),
        ("V5/µV", 1000, "V5"),
        ("V5, mV", 1, "V5"),
        ("ECG in uV", 1000, "ECG"),
        ("ecguV", 1000, "ecg"),
        ("ECGmV", 1, "ECG"),
        ("uV", 1000, "1"),
        ("V5 [Microvolt]", 1000, "V5"),
        ("V5 (milliV)", 1, "V5"),
    ],
)
def test_the_unit_may_be_any_part_of_a_name(tmp_path: Path, head: str, factor: float, lead: str) -> None:
    found = read(tmp_path, table(f"Zeit/s;{head}", ticks(250.0), np.round(VALUES * factor, 6), separator=";"))
    expect(found, 250.0, [lead])
    assert not found.assumed


@pytest.mark.parametrize("unit", ["adu", "raw", "counts", "ADC units", "no units", "LSB"])
def test_a_unit_of_counts_is_none_and_asks_for_a_gain(tmp_path: Path, unit: str) -> None:
    content = table(f"time_s,V5 [{unit}]", ticks(250.0), np.rint(VALUES * 2000 + 512))
    expect(read(tmp_path, content, gain=2000.0, baseline=512.0), 250.0, ["V5"])
    assert "--gain" in refusal(tmp_path, content).hint


def test_separators_at_the_ends_of_rows_alone(tmp_path: Path) -> None:
    rows = "".join(f"{time};{value};\n" for time, value in zip(ticks(250.0), VALUES, strict=True))
    expect(read(tmp_path, f"time_s;V5\n{rows}"), 250.0, ["V5"])


@pytest.mark.parametrize("line", ["250 Hz", "# Sampling rate 250Hz", "fs 250 Hz"])
def test_a_line_may_say_nothing_but_a_rate(tmp_path: Path, line: str) -> None:
    expect(read(tmp_path, table(f"{line}\nV5 [mV]", VALUES)), 250.0, ["V5"])


@pytest.mark.parametrize("numbers", [True, False])
def test_acqknowledge_says_how_many_samples_follow(tmp_path: Path, numbers: bool) -> None:
    above = "dog.acq\n4 msec/sample\n2 channels\nECG lead\nmV\nPulse\nmmHg\nsec\tCH1\tCH2\t"
    counts = [f"\t{ROWS}\t{ROWS}\t"] if numbers else []
    rows = [f"{time}\t{value}\t{80 + value}\t" for time, value in zip(ticks(250.0), VALUES, strict=True)]
    found = read(tmp_path, "\n".join([above, *counts, *rows]), "r.txt")
    expect(found, 250.0, ["ECG lead"])
    assert not found.assumed


def test_a_column_of_marks_may_be_empty(tmp_path: Path) -> None:
    found = read(tmp_path, table("time_s,V5,marker", ticks(250.0), VALUES, [""] * ROWS))
    expect(found, 250.0, ["V5"])
    assert "marker" in found.left_out


@pytest.mark.parametrize(("key", "unit"), [("units", "uV"), ("unit", ["uV", "uV"]), ("units", ["uV", "mV"])])
def test_an_archive_says_one_unit_or_one_a_lead(tmp_path: Path, key: str, unit: Any) -> None:
    second = 1 if unit == ["uV", "mV"] else 1000
    signal = np.stack([VALUES * 1000, VALUES * second], axis=1)
    np.savez(tmp_path / "r.npz", signal=signal, fs=250, **{key: unit})
    found = read_recording(tmp_path / "r.npz")
    np.testing.assert_allclose(found.signals, np.stack([VALUES, VALUES], axis=1), atol=1e-9)
    np.savez(tmp_path / "r.npz", signal=signal, fs=250, units=["uV"] * 3)
    with pytest.raises(EcganError, match="3 units"):
        read_recording(tmp_path / "r.npz")


OTHERS = [
    "HR",
    "heart_rate",
    "RR_ms",
    "Battery",
    "temperature",
    "Respiration",
    "acc_x",
    "AX",
    "gyro_z",
    "X-axis",
    "PPG",
]
OTHERS += [
    "ECG_Rate",
    "ECG_R_Peaks",
    "ECG_Quality",
    "ECG_Phase_Atrial",
    "C4-M1",
    "LOC-A2",
    "THOR RES",
    "Nasal Pressure",
]
OTHERS += ["Trigger", "DC01", "LOC", "Fp1", "LeadOff", "BodyPos", "Leg L"]
LEADS = ["ECG", "II", "C4", "X", "ECG_Clean", "ECG_R", "Abdomen_1", "Thorax_1", "II-V1", "LA-RA", "A1", "artefact free"]


@pytest.mark.parametrize("name", OTHERS)
def test_columns_of_other_kinds_are_no_leads_beside_an_ecg(tmp_path: Path, name: str) -> None:
    expect(read(tmp_path, table(f"time_s,V5,{name}", ticks(250.0), VALUES, VALUES + 71.3)), 250.0, ["V5"])


@pytest.mark.parametrize("name", ["hr", "pulse", "ECG_Rate"])
def test_the_only_signal_may_be_called_as_it_likes(tmp_path: Path, name: str) -> None:
    expect(read(tmp_path, table(f"timer,{name}", ticks(250.0, 1e-3), VALUES)), 250.0, [name])


@pytest.mark.parametrize("name", LEADS)
def test_no_lead_is_taken_for_another_kind(tmp_path: Path, name: str) -> None:
    expect(read(tmp_path, table(f"time_s,{name},V5", ticks(250.0), VALUES, VALUES)), 250.0, [name, "V5"])


@pytest.mark.parametrize("clock", [ticks(250.0), clocks(250.0, "%H:%M:%S.%f", datetime(2024, 5, 1, 10))])
def test_empty_rows_of_a_spreadsheet_are_no_samples(tmp_path: Path, clock: list[str]) -> None:
    expect(read(tmp_path, table("time,V1", clock, VALUES) + ",\n" * 900), 250.0, ["V1"])
    gone = [*map(str, VALUES[:-3]), "", "", ""]
    found = read(tmp_path, table("time,V1", clock, gone) + ",\n" * 900)
    assert (len(found.signals), found.sampling_rate) == (ROWS, 250.0)


@pytest.mark.parametrize(
    "head",
    [
        "Sampling Rate (Hz),250,\nI,V5,",
        "fs=250,gain=1,x=2\nI,V5,Resp",
        "mV,mV,\nI,V5,\n",
        "Sample rate,250 Hz,\nI,V5,note",
    ],
)
def test_keys_and_units_above_the_names_are_no_names(tmp_path: Path, head: str) -> None:
    given = {} if "250" in head else {"sampling_rate": 250}
    found = read(tmp_path, table(head, VALUES, VALUES, [""] * ROWS), **given)
    expect(found, 250.0, ["I", "V5"])


def test_a_column_of_one_whole_number_is_no_lead_beside_one(tmp_path: Path) -> None:
    found = read(tmp_path, table("patient,fs,V5,V6", [7] * ROWS, [250] * ROWS, VALUES, [0] * ROWS), sampling_rate=250)
    expect(replace(found, signals=found.signals[:, :1]), 250.0, ["V5", "V6"])
    assert set(found.left_out) == {"patient", "fs"}
    off = read(tmp_path, table("ch1,ch2", VALUES, [0] * ROWS), sampling_rate=250)
    assert off.leads == ["ch1", "ch2"]
    assert read(tmp_path, table("", VALUES, [4] * ROWS), sampling_rate=250).leads == ["1", "2"]


@pytest.mark.parametrize("in_s", [1.0, 1e-3, 1e-6])
def test_a_rate_of_50_hz_is_not_taken_for_one_of_50_khz(tmp_path: Path, in_s: float) -> None:
    content = table("time,V1", ticks(50.0, in_s), VALUES)
    assert "no sampling rate" in refusal(tmp_path, content).message
    assert read(tmp_path, table("time_s,V1", ticks(50.0), VALUES)).sampling_rate == 50.0


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_text_of_two_bytes_a_letter_is_read(tmp_path: Path, encoding: str) -> None:
    content = table("Zeit (s)\tEKG (µV)", ticks(250.0), VALUES * 1000, separator="\t").replace(".", ",")
    found = read(tmp_path, ("\ufeff" if encoding.endswith("be") else "") + content, encoding=encoding)
    expect(found, 250.0, ["EKG"])


THOUSANDS = [
    (",", ".", "\t"),
    (".", ",", ";"),
    (",", ".", ","),
    ("\u202f", ",", ";"),
    ("\u00a0", ",", "\t"),
    ("'", ".", ","),
]


def grouped(values: Any, thousands: str, decimal: str, separator: str, decimals: int = 1) -> list[str]:
    texts = [f"{value:,.{decimals}f}".translate({44: thousands, 46: decimal}) for value in values]
    return [f'"{text}"' if separator in text else text for text in texts]


@pytest.mark.parametrize(("thousands", "decimal", "separator"), THOUSANDS)
def test_signs_between_thousands_are_no_part_of_a_number(
    tmp_path: Path, thousands: str, decimal: str, separator: str
) -> None:
    signs = (thousands, decimal, separator)
    times, large = grouped(np.arange(ROWS) * 4, *signs), grouped(VALUES * 10_000, *signs)
    found = read(tmp_path, table(f"time_ms{separator}V1 (uV)", times, large, separator=separator))
    expect(found, 250.0, ["V1"], 10.0)
    whole = grouped(np.rint(VALUES * 10_000), *signs, decimals=0)
    found = read(tmp_path, table(f"time_ms{separator}V1 (uV)", times, whole, separator=separator))
    expect(found, 250.0, ["V1"], 10.0)


@pytest.mark.parametrize("sign", [",", "."])
def test_a_sign_that_may_stand_between_thousands_is_refused(tmp_path: Path, sign: str) -> None:
    counts = grouped(1000 + np.rint(VALUES * 100), sign, "-", ";", decimals=0)
    error = refusal(tmp_path, table("V1", counts), sampling_rate=250)
    first = next(number for number, cell in enumerate(counts, 2) if sign in cell)
    assert f"line {first}, column 1" in error.message
    assert counts[first - 2] in error.message


@pytest.mark.parametrize(
    ("head", "cells", "separator"),
    [
        ("time,V1", ("{:.3f} s", "{:.3f} mV"), ","),
        ("time,V1", ("{:.3f}", "{:.3f}mV"), ","),
        ("time V1", ("{:.3f}", "{:.3f} mV"), " "),
        ("time;V1 (mV)", ("{:.3f} s", "{:.3f} mV"), ";"),
    ],
)
def test_a_unit_may_stand_in_every_cell(tmp_path: Path, head: str, cells: tuple[str, str], separator: str) -> None:
    times, values = [cells[0].format(at / 250) for at in range(ROWS)], [cells[1].format(value) for value in VALUES]
    found = read(tmp_path, table(head, times, values, separator=separator))
    expect(found, 250.0, ["V1"])
    assert not found.assumed
    micro = [cell.replace("mV", "µV") for cell in values]
    if "(mV)" not in head:
        expect(read(tmp_path, table(head, times, micro, separator=separator)), 250.0, ["V1"], 1e-3)
    else:
        assert "in its cells" in refusal(tmp_path, table(head, times, micro, separator=separator)).message
    error = refusal(tmp_path, table(head, times, [*values[:-1], micro[-1]], separator=separator))
    assert f"line {ROWS + 1}, column 2" in error.message


TURNED = np.round(np.random.default_rng(6).normal(0, 0.4, (2, ROWS)), 3)


def turned(names: Any, rows: Any, separator: str = ",") -> str:
    return "".join(separator.join([*name, *row]) + "\n" for name, row in zip(names, rows, strict=True))


@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
@pytest.mark.parametrize("names", [[["I"], ["II"]], [[], []], [["0"], ["1"]]])
@pytest.mark.parametrize("end", [[], [""]])
def test_a_table_with_a_row_a_lead_is_turned_round(tmp_path: Path, separator: str, names: Any, end: list[str]) -> None:
    rows = [[*map(str, row), *end] for row in TURNED]
    found = read(tmp_path, turned(names, rows, separator), sampling_rate=250)
    assert found.leads == (["I", "II"] if names[0] == ["I"] else ["1", "2"])
    np.testing.assert_allclose(found.signals, TURNED.T)


def test_rows_of_time_and_units_are_understood_in_a_table_that_is_turned_round(tmp_path: Path) -> None:
    rows = [ticks(250.0), TURNED[0].astype(str), (TURNED[1] * 1000).astype(str)]
    found = read(tmp_path, turned([["time (s)"], ["I (mV)"], ["II (uV)"]], rows))
    assert (found.sampling_rate, found.leads) == (250.0, ["I", "II"])
    np.testing.assert_allclose(found.signals, TURNED.T)
    found = read(tmp_path, "Sample Rate,250 Hz\n" + turned([["I"], ["II"]], TURNED.astype(str)))
    np.testing.assert_allclose(found.signals, TURNED.T)


def test_many_rows_without_names_are_no_leads(tmp_path: Path) -> None:
    assert "turn the table round" in refusal(tmp_path, turned([[]] * 20, [TURNED[0].astype(str)] * 20)).hint
    ragged = [TURNED[0].astype(str), TURNED[1].astype(str)[1:]]
    assert "turn the table round" in refusal(tmp_path, turned([["I"], ["II"]], ragged)).hint


def test_one_number_and_a_comma(tmp_path: Path) -> None:
    assert refusal(tmp_path, "1,\n")


WATCHES = [
    ("Messrate,250 Hertz", "Ableitung,Ableitung I", "Einheit,µV"),
    ("Frecuencia de muestreo,250 hercios", "Derivación,Derivación I", "Unidad,µV"),
    ("Meetfrequentie,250 hertz", "Afleiding,Afleiding I", "Eenheid,µV"),
    ("Mätfrekvens,250 hertz", "Avledning,Avledning I", "Enhet,µV"),
    ("Näytteenottotaajuus,250 hertsiä", "Kytkentä,Kytkentä I", "Yksikkö,µV"),
    ("サンプルレート,250ヘルツ", "誘導,I誘導", "単位,µV"),
    ("Частота дискретизации,250 Гц", "Отведение,Отведение I", "Единица,мкВ"),
    ("Rychlost,250 Hz", "Elektroda,I", "Co to je,µV"),
]


@pytest.mark.parametrize("lines", WATCHES)
@pytest.mark.parametrize("decimal", [".", ","])
def test_a_watch_may_speak_another_language(tmp_path: Path, lines: tuple[str, ...], decimal: str) -> None:
    values = [f"{value * 1000:.3f}".replace(".", decimal) for value in VALUES]
    found = read(tmp_path, "\n".join(["Name,x", 'Device,"Watch6,1"', lines[0], "", *lines[1:], "", *values]) + "\n")
    assert (found.sampling_rate, found.assumed) == (250.0, [])
    np.testing.assert_allclose(found.signals[:, 0], VALUES, atol=1e-9)


RATES = [
    *["Sample Rate,250", "Abtastfrequenz;250", "Sample interval: 4 ms", "Sampling period (s): 0.004", "SR: 250"],
    *["Sample Rate (samples/s): 250", "Samples per second: 250", "Sample frequency 250", "Sample Rate,250,Hz"],
    *["Rate (Hz): 250", "Sampling Rate: 0.25 kHz", "// fs = 250 Hz", "ECG sampling rate: 250 Hz"],
    "ECG sampling rate: 250 Hz\nACC sampling rate: 50 Hz",
]


@pytest.mark.parametrize("said", RATES)
@pytest.mark.parametrize("names", ["", "V1\n", "V1,V2\n"])
def test_a_rate_is_said_in_many_ways(tmp_path: Path, said: str, names: str) -> None:
    content = table("", VALUES, VALUES) if "V2" in names else table("", VALUES)
    found = read(tmp_path, f"{said}\n{names}{content}")
    expect(found, 250.0, ["V1", "V2"] if "V2" in names else [names.strip() or "1"])


OTHER_RATES = ["Accelerometer: 100 Hz", "Baseline: 0.5 Hz", "Frequency response: 100 Hz"]
OTHER_RATES += ["Samples: 3000", "Number of samples,700", "LPF: 150 Hz", "Filtre: 100 Hz", "Upper frequency: 100 Hz"]


@pytest.mark.parametrize("said", OTHER_RATES)
def test_no_other_number_of_a_preamble_is_the_rate(tmp_path: Path, said: str) -> None:
    assert "sampling rate" in refusal(tmp_path, f"{said}\n{table('V1,V2', VALUES, VALUES)}").message
    found = read(tmp_path, f"Sampling rate: 250 Hz\n{said}\n{table('V1,V2', VALUES, VALUES)}")
    expect(found, 250.0, ["V1", "V2"])


@pytest.mark.parametrize("title", ["My recording,\n", "My recording,\n,\n", "Patient: X,\nWard 3,\n"])
def test_a_title_as_wide_as_the_table_is_no_name(tmp_path: Path, title: str) -> None:
    expect(read(tmp_path, title + table("Time (s),V1 {mV}", ticks(250.0), VALUES)), 250.0, ["V1"])


@pytest.mark.parametrize(
    "form", ["%H:%M:%S:MMM", "%Y-%m-%d %H:%M:%S.MMM UTC", "%a %b %d %H:%M:%S.MMM %Y", "%Y-%m-%d_%H:%M:%S.MMM"]
)
def test_other_forms_of_times_of_day(tmp_path: Path, form: str) -> None:
    moments = [datetime(2024, 5, 1, 23, 59, 59) + timedelta(milliseconds=4 * at) for at in range(ROWS)]
    times = [moment.strftime(form).replace("MMM", f"{moment.microsecond // 1000:03d}") for moment in moments]
    expect(read(tmp_path, table("time,V1", times, VALUES)), 250.0, ["V1"])


def test_times_may_count_parts_of_a_second(tmp_path: Path) -> None:
    expect(read(tmp_path, table("time [s/256],V1", range(ROWS), VALUES)), 256.0, ["V1"])


def test_times_that_were_cut_off_are_even(tmp_path: Path) -> None:
    values = np.tile(VALUES, 5)[:3000]
    cut = [int(at * 1000 / 512) for at in range(3000)]
    found = read(tmp_path, table("timestamp [ms],V1", cut, values))
    assert found.sampling_rate == 512.0
    np.testing.assert_allclose(found.signals[:, 0], values)
    for gap in range(1, ROWS, 97):
        lost = [int((at + (at >= gap)) * 1000 / 512) for at in range(ROWS)]
        assert "not evenly" in refusal(tmp_path, table("timestamp [ms],V1", lost, VALUES)).message


def test_a_time_may_be_missing_where_the_rate_is_given(tmp_path: Path) -> None:
    for times in (ticks(250.0), clocks(250.0, "%H:%M:%S.%f", datetime(2024, 5, 1, 10))):
        content = table("time,V1", [*times[:300], "", *times[301:]], VALUES)
        expect(read(tmp_path, content, sampling_rate=250), 250.0, ["V1"])
        assert "Give the sampling rate" in refusal(tmp_path, content).hint


@pytest.mark.parametrize("wrap", [50, 10**9])
def test_numbers_of_packets_are_no_lead_and_no_time(tmp_path: Path, wrap: int) -> None:
    packets = [at // 7 % wrap for at in range(ROWS)]
    expect(read(tmp_path, table("packet,V1", packets, VALUES), sampling_rate=250), 250.0, ["V1"])


def test_notes_may_begin_far_below(tmp_path: Path) -> None:
    notes = ["" if at < 600 or at % 50 else "VPB" for at in range(ROWS)]
    found = read(tmp_path, table("V1,note,V2", VALUES, notes, VALUES), sampling_rate=250)
    expect(found, 250.0, ["V1", "V2"])
    late = ["" if at < 600 else "0.25" for at in range(ROWS)]
    found = read(tmp_path, table("V1,V2,note", VALUES, late, notes), sampling_rate=250)
    expect(found, 250.0, ["V1", "V2"])
    assert np.isnan(found.signals[:600, 1]).all()
    assert (found.signals[600:, 1] == 0.25).all()


NO_NUMBERS = [
    "1.#QNAN",
    "-1.#IND",
    "#N/A",
    "#NV",
    "#DIV/0!",
    "N/A",
    "NULL",
    "None",
    "<NA>",
    "-nan",
    "--",
    "\\N",
]


@pytest.mark.parametrize("cell", NO_NUMBERS)
@pytest.mark.parametrize("head", ["time_s,V1,V2", "time_s,V2,V1"])
def test_what_programs_write_for_a_missing_number(tmp_path: Path, cell: str, head: str) -> None:
    values = [cell if at == 300 else str(value) for at, value in enumerate(VALUES)]
    first, second = (values, VALUES) if head.endswith("V2") else (VALUES, values)
    found = read(tmp_path, table(head, ticks(250.0), first, second))
    assert np.isnan(found.signals[300, found.leads.index("V1")])
    np.testing.assert_allclose(np.delete(found.signals, 300, axis=0), np.delete(np.c_[VALUES, VALUES], 300, axis=0))


def test_infinity_is_no_missing_number_and_no_comment(tmp_path: Path) -> None:
    content = table("time_s,V1", ticks(250.0), ["1.#INF", *VALUES[1:]])
    assert "infinite" in refusal(tmp_path, content).message


@pytest.mark.parametrize("end", ["\x1a", "\r\n\x1a", "\0\0"])
def test_signs_of_an_end_are_no_row(tmp_path: Path, end: str) -> None:
    expect(read(tmp_path, table("time_s,V1", ticks(250.0), VALUES) + end), 250.0, ["V1"])


@pytest.mark.parametrize("name", ["sample_rate", "sfreq", "Fs"])
def test_other_names_of_a_rate_count_where_there_is_no_usual_one(tmp_path: Path, name: str) -> None:
    np.savez(tmp_path / "r.npz", signal=VALUES, **{name: 250})
    assert read_recording(tmp_path / "r.npz").sampling_rate == 250
    np.savez(tmp_path / "r.npz", signal=VALUES, fs=360, **{name: 250})
    assert read_recording(tmp_path / "r.npz").sampling_rate == 360
