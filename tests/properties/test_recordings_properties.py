"""Recordings of any shape, rate and names read back as written; damaged files give a sentence, never a traceback."""

import tempfile
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgan.ecg.files.recordings import read_recording
from ecgan.ecg.leads import match_leads
from ecgan.ecg.records import Record, write_record
from ecgan.errors import EcganError

NAMES = st.lists(
    st.sampled_from(["I", "II", "aVR", "MLII", "V1", "V6", "ECG II", "Lead X", "vx", "1"]),
    min_size=1,
    max_size=4,
    unique=True,
)
RATES = st.one_of(st.integers(1, 5000).map(float), st.floats(0.5, 2000).map(lambda rate: round(rate, 3)))
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def recordings(draw: st.DrawFn) -> Record:
    """A recording in steps of 1/200 mV, some samples missing, at least one of them there."""
    leads = draw(NAMES)
    length = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    signals = rng.integers(-2047, 2048, (length, len(leads))) / 200
    signals[rng.random(signals.shape) < draw(st.sampled_from([0.0, 0.2, 0.9]))] = np.nan
    signals[0, 0] = 0.5
    count = draw(st.integers(0, min(length, 8)))
    samples = np.sort(rng.choice(length, count, replace=False)).astype(np.int64)
    symbols = [str(symbol) for symbol in rng.choice(list("NVASF/"), count)]
    return Record("r", signals, draw(RATES), leads, samples, symbols)


def expect_same(found: Record, written: Record, tolerance: float = 1e-12) -> None:
    np.testing.assert_allclose(found.signals, written.signals, atol=tolerance, rtol=0)
    assert (found.leads, found.name) == (written.leads, written.name)
    assert found.sampling_rate == pytest.approx(written.sampling_rate, rel=1e-9)


@SLOW
@given(recordings(), st.sampled_from(["212", "16"]))
def test_wfdb(record: Record, storage: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_record(Path(folder), record, storage=storage)
        found = read_recording(Path(folder) / "r", annotator="atr")
    expect_same(found, record)
    assert (found.samples.tolist(), found.symbols) == (record.samples.tolist(), record.symbols)


@SLOW
@given(
    recordings(), st.sampled_from([",", ";", "\t"]), st.booleans(), st.booleans(), st.sampled_from(["mV", "uV", "V"])
)
def test_text(record: Record, separator: str, comma: bool, timed: bool, unit: str) -> None:
    factor = {"mV": 1.0, "uV": 1e3, "V": 1e-3}[unit]
    frame = pd.DataFrame(record.signals * factor, columns=[f"{lead} ({unit})" for lead in record.leads])
    if timed := timed and len(frame) > 1:
        frame.insert(0, "time_s", np.arange(len(frame)) / record.sampling_rate)
    decimal = "," if comma and separator != "," else "."
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.csv"
        frame.to_csv(path, sep=separator, decimal=decimal, index=False)
        found = read_recording(path, sampling_rate=None if timed else record.sampling_rate)
    expect_same(found, record, 1e-9)


@SLOW
@given(recordings(), st.booleans(), st.sampled_from(["signal", "signals"]), st.sampled_from(["fs", "sampling_rate"]))
def test_npz(record: Record, turned: bool, key: str, rate: str) -> None:
    signals = record.signals
    stored = {key: signals.T if turned else signals, rate: record.sampling_rate, "leads": record.leads}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.npz"
        np.savez(path, **stored)  # type: ignore[arg-type]
        if signals.shape[0] == signals.shape[1] > 1:
            with pytest.raises(EcganError, match="which axis is time"):
                read_recording(path)
            return
        found = read_recording(path)
    expect_same(found, record, 0.0)


@SLOW
@given(recordings())
def test_edf(record: Record) -> None:
    pyedflib = pytest.importorskip("pyedflib")
    rate, seconds = 100, 2
    signals = np.resize(np.nan_to_num(record.signals), (rate * seconds, len(record.leads)))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "r.edf"
        writer = pyedflib.EdfWriter(str(path), len(record.leads))
        for index, lead in enumerate(record.leads):
            header = {"label": lead, "dimension": "mV", "sample_frequency": rate, "transducer": "", "prefilter": ""}
            limits = {"physical_min": -11, "physical_max": 11, "digital_min": -32768, "digital_max": 32767}
            writer.setSignalHeader(index, header | limits)
        writer.writeSamples([np.ascontiguousarray(column) for column in signals.T])
        writer.close()
        found = read_recording(path)
    expect_same(found, Record("r", signals, rate, record.leads, record.samples, []), 22 / 65535)


def damaged(content: bytes, seed: int) -> bytes:
    """A file with bytes changed, cut off or repeated."""
    rng = np.random.default_rng(seed)
    changed = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        position = int(rng.integers(len(changed)))
        changed[position] = int(rng.choice([0, 32, 45, 48, 57, 65, 255, int(rng.integers(256))]))
    end = int(rng.integers(len(changed) + 1)) if rng.random() < 0.3 else len(changed)
    return bytes(changed[:end]) + (bytes(changed[:7]) if rng.random() < 0.2 else b"")


@cache
def whole() -> dict[str, dict[str, bytes]]:
    """One whole recording in each format: the files by name."""
    with tempfile.TemporaryDirectory() as name:
        return _whole(Path(name))


def _whole(folder: Path) -> dict[str, dict[str, bytes]]:
    rng = np.random.default_rng(1)
    signals = rng.integers(-400, 400, (200, 2)) / 200
    record = Record("r", signals, 100.0, ["II", "V1"], np.array([50, 150], dtype=np.int64), ["N", "V"])
    (folder / "wfdb").mkdir()
    write_record(folder / "wfdb", record)
    for name in ("csv", "npy", "npz", "edf"):
        (folder / name).mkdir()
    pd.DataFrame({"time": np.arange(200) / 100, "II (mV)": signals[:, 0]}).to_csv(folder / "csv/r.csv", index=False)
    np.save(folder / "npy/r.npy", signals)
    np.savez(folder / "npz/r.npz", signal=signals, fs=100.0, leads=record.leads)
    pyedflib = pytest.importorskip("pyedflib")
    writer = pyedflib.EdfWriter(str(folder / "edf/r.edf"), 2)
    for index, lead in enumerate(record.leads):
        header = {"label": lead, "dimension": "mV", "sample_frequency": 100, "transducer": "", "prefilter": ""}
        limits = {"physical_min": -11, "physical_max": 11, "digital_min": -32768, "digital_max": 32767}
        writer.setSignalHeader(index, header | limits)
    writer.writeSamples([np.ascontiguousarray(column) for column in signals.T])
    writer.close()
    return {part.name: {f.name: f.read_bytes() for f in part.iterdir()} for part in folder.iterdir()}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["wfdb", "csv", "npy", "npz", "edf"]), st.integers(0, 10**9), st.integers(0, 2))
def test_a_damaged_file_never_ends_in_a_traceback(kind: str, seed: int, which: int) -> None:
    files = whole()[kind]
    hurt = sorted(files)[which % len(files)]
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(damaged(content, seed) if name == hurt else content)
        path = Path(folder) / ("r" if kind == "wfdb" else f"r.{kind}")
        try:
            found = read_recording(path, sampling_rate=100.0, annotator="atr" if kind == "wfdb" else None)
        except EcganError as error:
            found = None
            message = error.message
    if found is None:
        assert message
        assert "\n" not in message
        return
    assert found.signals.shape[1] == len(found.leads) >= 1
    assert found.signals.size < 10_000
    assert not np.isinf(found.signals).any()


@given(st.lists(st.sampled_from(["I", "II", "aVR", "MLII", "V1", "vx"]), min_size=1, unique=True), st.data())
def test_every_lead_is_found_under_any_spelling(leads: list[str], data: st.DataObject) -> None:
    prefixes = st.sampled_from(["", "ECG ", "Lead ", "EKG_", " lead: "])
    spelt = [data.draw(prefixes) + (lead.lower() if data.draw(st.booleans()) else lead.upper()) for lead in leads]
    assert match_leads(leads, spelt) == list(range(len(leads)))
    assert match_leads(spelt[::-1], leads) == list(range(len(leads)))[::-1]
