"""R peaks against recordings whose beats are known."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from ecgan.ecg.aami import BEAT_SYMBOLS
from ecgan.ecg.peaks import find_r_peaks
from ecgan.ecg.records import Record, read_record
from ecgan.ecg.simulated_patients import simulate
from ecgan.errors import EcganError

RATE = 360.0


@pytest.fixture(scope="module")
def record() -> Record:
    return simulate(0, seed=1, minutes=3, noise=1.0, variability=1.0)


def beats(record: Record) -> NDArray[np.int64]:
    chosen = [symbol in BEAT_SYMBOLS for symbol in record.symbols]
    return record.samples[np.asarray(chosen)]


def distances(found: NDArray[np.int64], expected: NDArray[np.int64]) -> NDArray[np.int64]:
    """Distance of each expected position to the closest one found."""
    return np.abs(found[:, None] - expected[None, :]).min(axis=0)


@pytest.mark.parametrize("sign", [1, -1])
def test_every_beat_is_found_where_it_is_annotated(record: Record, sign: int) -> None:
    found = find_r_peaks(sign * record.select(["MLII"])[:, 0], RATE)
    expected = beats(record)
    assert found.dtype == np.int64
    assert np.all(np.diff(found) > 0)
    assert abs(len(found) - len(expected)) <= 1
    away = distances(found, expected[1:-1])
    assert np.mean(away <= 3) > 0.9
    assert np.median(away) <= 1


def test_an_inverted_lead_has_the_same_peaks(record: Record) -> None:
    for lead in record.signals.T:
        assert np.array_equal(find_r_peaks(-lead, RATE), find_r_peaks(lead, RATE))


def test_ectopic_beats_that_the_first_look_misses_are_found_in_the_second() -> None:
    record = simulate(1, seed=1, minutes=2, noise=1.0, variability=1.0)  # 15 ventricular beats; the detector finds 4
    ventricular = record.samples[np.asarray(record.symbols) == "V"]
    found = find_r_peaks(record.select(["MLII"])[:, 0], RATE)
    assert np.sum(distances(found, ventricular) <= 0.15 * RATE) >= 8
    assert np.mean(distances(beats(record), found) <= 0.2 * RATE) > 0.97


def test_a_peak_is_the_largest_wave_of_its_complex() -> None:
    """Left bundle branch block: the detector marks the steepest part of the broad complex, annotations its largest."""
    lead = simulate(3, seed=1, minutes=2, noise=1.0, variability=1.0).select(["MLII"])[:, 0]
    sections = butter(2, [3.0, 40.0], btype="bandpass", fs=RATE, output="sos")
    size = np.abs(sosfiltfilt(sections, lead))
    found = find_r_peaks(lead, RATE)
    largest = [size[peak] == size[max(0, peak - 20) : peak + 21].max() for peak in found]
    assert np.mean(largest) > 0.9  # 0.25 of those that the detector marks


def test_unit_and_offset_do_not_matter(record: Record) -> None:
    lead = record.signals[:, 0]
    assert np.array_equal(find_r_peaks(1000 * lead + 5000, RATE), find_r_peaks(lead, RATE))


@pytest.mark.parametrize("rate", [128.0, 250.0, 500.0])
def test_other_rates_give_the_same_beats(record: Record, rate: float) -> None:
    time = np.arange(int(180 * rate)) / rate
    lead = np.interp(time, np.arange(len(record.signals)) / RATE, record.signals[:, 0])
    found = np.rint(find_r_peaks(lead, rate) * RATE / rate).astype(np.int64)
    away = distances(found, find_r_peaks(record.signals[:, 0], RATE))
    assert np.mean(away <= 4) > 0.97


def test_gaps_hold_no_peaks_and_cost_only_the_beats_inside(record: Record) -> None:
    lead = record.signals[:, 0].copy()
    whole = find_r_peaks(lead, RATE)
    lead[int(60 * RATE) : int(75 * RATE)] = np.nan  # a lead that came off
    lead[int(100.2 * RATE) : int(100.3 * RATE)] = np.inf  # a short gap
    found = find_r_peaks(lead, RATE)
    assert np.isfinite(lead[found]).all()
    outside = whole[(whole < 59.5 * RATE) | ((whole > 75.5 * RATE) & (np.abs(whole - 100.25 * RATE) > RATE))]
    assert np.mean(distances(found, outside) == 0) > 0.98
    assert not np.any((found > 60 * RATE) & (found < 75 * RATE))


NOTHING = {
    "empty": np.zeros(0),
    "constant": np.full(5000, 1.5),
    "offset": np.full(5000, 1e4) + np.finfo(float).eps * np.arange(5000),
    "missing": np.full(5000, np.nan),
    "short": np.arange(100) % 7,
    "one value": np.concatenate([[1.0], [np.nan] * 9]),
}


@pytest.mark.parametrize("values", NOTHING.values(), ids=NOTHING.keys())
def test_where_there_is_nothing_nothing_is_found(values: NDArray[np.float64]) -> None:
    assert len(find_r_peaks(values, RATE)) == 0


def test_a_flat_start_and_flat_stretches_hold_no_peaks(record: Record) -> None:
    lead = record.signals[:, 0].copy()
    lead[: int(20 * RATE)] = lead[int(20 * RATE)]
    found = find_r_peaks(lead, RATE)
    assert found.min() > 19.5 * RATE
    assert len(found) > 100


@pytest.mark.parametrize("rate", [0.0, -1.0, 25.0, float("nan")])
def test_a_rate_that_is_too_low_is_refused(rate: float) -> None:
    with pytest.raises(EcganError, match="80 Hz"):
        find_r_peaks(np.zeros(1000), rate)


@pytest.mark.mirror
@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("ECGAN_MIRROR"), reason="set ECGAN_MIRROR to a mirror of PhysioNet")
def test_real_records_have_the_stated_sensitivity_and_precision() -> None:
    folder = Path(os.environ["ECGAN_MIRROR"]) / "physionet.org/files/mitdb/1.0.0"
    matched = near = annotated = detected = 0
    ventricular = np.zeros(2)
    for name in (folder / "RECORDS").read_text().split():
        record = read_record(folder, name)
        found = find_r_peaks(record.signals[:, record.leads.index("MLII") if "MLII" in record.leads else 0], RATE)
        expected = beats(record)
        away = distances(found, expected)
        annotated, detected = annotated + len(expected), detected + len(found)
        kinds = np.asarray([symbol for symbol in record.symbols if symbol in BEAT_SYMBOLS])
        ventricular += [np.sum(away[kinds == "V"] <= 0.15 * RATE), np.sum(kinds == "V")]
        matched += int(np.sum(away <= 0.15 * RATE))
        near += int(np.sum(away <= 2))
    assert matched / annotated > 0.993
    assert ventricular[0] / ventricular[1] > 0.945
    assert matched / detected > 0.985
    assert near / matched > 0.945
