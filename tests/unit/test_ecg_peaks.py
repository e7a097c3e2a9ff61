"""R peaks against recordings whose beats are known."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from ecgan.ecg.aami import BEAT_SYMBOLS, CLASSES, class_ids
from ecgan.ecg.peaks import find_r_peaks, matches, stretches_without
from ecgan.ecg.qrs import _gradient, _still, cleaned
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


def test_ventricular_beats_are_found_too() -> None:
    record = simulate(1, seed=1, minutes=2, noise=1.0, variability=1.0)
    ventricular = record.samples[np.asarray(record.symbols) == "V"]
    for signals in (record.signals, record.signals[:, 0], record.signals[:, 1]):
        found = find_r_peaks(signals, RATE)
        assert len(ventricular) == 15
        assert np.all(distances(found, ventricular) <= 0.15 * RATE)
        assert np.mean(distances(beats(record), found) <= 0.2 * RATE) > 0.97


@pytest.mark.parametrize("begin", [0.0, 0.7, 1.0, 30.0, 179.0])
@pytest.mark.parametrize("size", [10.0, -100.0])
def test_a_second_of_a_lead_that_jumps_costs_a_beat_at_most(record: Record, begin: float, size: float) -> None:
    jump = np.zeros(len(record.signals))
    jump[int(begin * RATE) : int((begin + 1) * RATE)] = size  # mV
    expected = beats(record)
    away = (expected < (begin - 1) * RATE) | (expected > (begin + 2) * RATE)
    for signals in (record.signals[:, 0] + jump, record.signals + jump[:, None]):
        found = find_r_peaks(signals, RATE)
        assert np.all(distances(found, expected[away]) <= 0.15 * RATE)
        assert np.sum(distances(expected, found) > 0.15 * RATE) <= 4


def test_a_much_lower_beat_is_found_where_one_is_missing() -> None:
    lead, expected = plain(60)
    low = lead * np.where(np.abs(np.arange(len(lead)) - expected[30]) < 0.3 * RATE, 0.2, 1.0)
    early = int(expected[30] + 0.45 * RATE)  # as low, where none is missing
    low[early - 36 : early + 36] += 0.2 * lead[expected[10] - 36 : expected[10] + 36]
    found = find_r_peaks(low, RATE)
    assert np.all(distances(found, expected) <= 2)
    assert len(found) == len(expected)


def test_t_waves_are_no_beats() -> None:
    """Each is nearly half of its beat, and all of them together are a rhythm."""
    lead, expected = plain(60)
    found = find_r_peaks(lead + 0.4 * pulses(expected + 0.3 * RATE, len(lead)), RATE)
    assert len(found) == len(expected)
    assert np.all(distances(found, expected) <= 2)


def test_what_doubles_a_beat_is_none() -> None:
    lead, expected = plain(60)
    found = find_r_peaks(lead + 0.4 * pulses(expected[5:-1:6] + 0.4 * RATE, len(lead)), RATE)
    assert len(found) == len(expected)
    assert np.all(distances(found, expected) <= 2)
    early = expected[5:-1:6] + 0.4 * RATE  # a beat between two, as high as they are, is one
    assert len(find_r_peaks(lead + 0.7 * pulses(early, len(lead)), RATE)) == len(expected) + len(early)


def test_marks_stand_in_the_first_lead_that_shows_the_beats(record: Record) -> None:
    first, second = (np.abs(qrs(lead)) for lead in record.signals.T)
    found = find_r_peaks(record.signals, RATE)
    assert np.mean([first[peak] == first[max(0, peak - 7) : peak + 8].max() for peak in found]) > 0.95
    other = find_r_peaks(record.signals, RATE, [1])
    assert np.mean([second[peak] == second[max(0, peak - 7) : peak + 8].max() for peak in other]) > 0.95
    np.testing.assert_array_equal(other, find_r_peaks(record.signals[:, ::-1], RATE))
    noise = np.random.default_rng(0).normal(size=len(first))
    three = np.stack([record.signals[:, 0], noise, record.signals[:, 1]], axis=1)
    assert np.mean(distances(find_r_peaks(three, RATE, [1, 2]), other) == 0) > 0.95


DEAD = {
    "flat": lambda length, rng: np.full(length, 0.3),
    "missing": lambda length, rng: np.full(length, np.nan),
    "noise": lambda length, rng: rng.normal(size=length),
    "drift": lambda length, rng: rng.normal(size=length).cumsum() * 0.05,
    "clicks": lambda length, rng: pulses(np.arange(100, length, 900), length) + 0.01 * rng.normal(size=length),
    "mains": lambda length, rng: 2 * np.sin(2 * np.pi * 50 / RATE * np.arange(length)),
}


@pytest.mark.parametrize("dead", DEAD.values(), ids=DEAD.keys())
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("patient", [0, 3])
def test_a_dead_lead_costs_the_others_nothing(dead: Any, place: int, patient: int) -> None:
    record = simulate(patient, seed=1, minutes=1, noise=1.0, variability=1.0)
    signals = record.signals.copy()
    signals[:, place] = dead(len(signals), np.random.default_rng(0))
    alone = find_r_peaks(signals[:, 1 - place], RATE)
    found = find_r_peaks(signals, RATE)
    assert abs(len(found) - len(alone)) <= 2
    assert np.all(distances(found, beats(record)) <= 0.15 * RATE)
    assert np.mean(distances(alone, found) == 0) > 0.95  # marked in the lead that shows them


def test_leads_stand_in_for_each_other(record: Record) -> None:
    signals, expected = record.signals.copy(), beats(record)
    signals[int(40 * RATE) : int(80 * RATE), 0] = np.nan
    signals[int(60.3 * RATE) : int(120.3 * RATE), 1] = 0.0
    found = find_r_peaks(signals, RATE)
    neither = (expected > 59.5 * RATE) & (expected < 80.5 * RATE)
    assert np.all(distances(found, expected[~neither]) <= 0.15 * RATE)
    assert not np.any((found > 60.4 * RATE) & (found < 80 * RATE))


@pytest.mark.parametrize("gone", [np.nan, 0.0])
def test_a_good_lead_that_comes_off_for_seconds_leaves_its_beats_to_a_bad_one(gone: float) -> None:
    lead, expected = plain(60)
    noisy = lead + np.random.default_rng(1).normal(0, 0.15, len(lead))
    for start in range(10, 45, 6):
        lead[int(start * RATE) : int((start + 2.3) * RATE)] = gone
    found = find_r_peaks(np.stack([lead, noisy], axis=1), RATE)
    assert np.all(distances(found, expected) <= 0.06 * RATE)
    assert len(found) <= len(expected) + 2


def test_a_beat_with_samples_missing_is_marked_beside_them() -> None:
    lead, expected = plain(60)
    for peak in expected[::3]:
        lead[peak - 1 : peak + 2] = np.nan
    found = find_r_peaks(lead, RATE)
    assert np.isfinite(lead[found]).all()
    assert len(found) == len(expected)
    assert np.all(distances(found, expected) <= 3)


def plain(count: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A lead of QRS complexes of 1 mV, one in 0.8 s, in a little noise; and where its beats are."""
    expected = np.rint((0.5 + 0.8 * np.arange(count)) * RATE).astype(np.int64)
    length = int((0.8 * count + 0.5) * RATE)
    return pulses(expected, length) + np.random.default_rng(0).normal(0, 0.005, length), expected


def pulses(positions: NDArray[Any], length: int) -> NDArray[np.float64]:
    """Waves of 1 mV of the width of a QRS complex, (length,)."""
    time = np.arange(length)[:, None] - positions  # (T, n)
    return np.exp(-0.5 * (time / (0.012 * RATE)) ** 2).sum(axis=1)


def qrs(lead: NDArray[np.float64]) -> NDArray[np.float64]:
    return sosfiltfilt(butter(2, [3.0, 40.0], btype="bandpass", fs=RATE, output="sos"), lead)


def test_a_peak_is_the_largest_wave_of_its_complex() -> None:
    """Left bundle branch block: the detector marks the steepest part of the broad complex, annotations its largest."""
    lead = simulate(3, seed=1, minutes=2, noise=1.0, variability=1.0).select(["MLII"])[:, 0]
    size = np.abs(qrs(lead))
    found = find_r_peaks(lead, RATE)
    largest = [size[peak] == size[max(0, peak - 20) : peak + 21].max() for peak in found]
    assert np.mean(largest) > 0.9  # 0.25 of those that the detector marks


@pytest.mark.parametrize("rate", [128.0, 200.0, 250.0, 257.3, 500.0, 1000.0])
def test_other_rates_give_the_same_beats(record: Record, rate: float) -> None:
    time = np.arange(int(180 * rate)) / rate
    lead = np.interp(time, np.arange(len(record.signals)) / RATE, record.signals[:, 0])
    found = np.rint(find_r_peaks(lead, rate) * RATE / rate).astype(np.int64)
    expected = find_r_peaks(record.signals[:, 0], RATE)
    assert np.mean(distances(found, expected) <= 4) > 0.97
    assert abs(len(found) - len(expected)) <= 1


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
    "rounding": 1e4 + 2e-12 * np.random.default_rng(0).integers(0, 2, 5000),
    "missing": np.full(5000, np.nan),
    "short": np.arange(100) % 7,
    "one value": np.concatenate([[1.0], [np.nan] * 9]),
}


@pytest.mark.parametrize("values", NOTHING.values(), ids=NOTHING.keys())
def test_where_there_is_nothing_nothing_is_found(values: NDArray[np.float64]) -> None:
    assert len(find_r_peaks(values, RATE)) == 0


def test_a_flat_start_and_flat_stretches_hold_no_peaks(record: Record) -> None:
    lead = record.signals[:, 0].copy()
    for size in (0.0, 1e-4):  # mV of noise
        lead[: int(30 * RATE)] = size * np.random.default_rng(0).normal(size=int(30 * RATE))
        found = find_r_peaks(lead, RATE)
        assert found.min() > 29.5 * RATE
        assert len(found) > 100


@pytest.mark.parametrize("rate", [0.0, -1.0, 25.0, float("nan")])
def test_a_rate_that_is_too_low_is_refused(rate: float) -> None:
    with pytest.raises(EcganError, match="80 Hz"):
        find_r_peaks(np.zeros(1000), rate)


def test_a_long_stretch_with_signal_and_without_beats_is_told(record: Record) -> None:
    signals, peaks = record.signals.copy(), beats(record)
    assert stretches_without(peaks, signals, RATE) == []
    quiet = (peaks > 60 * RATE) & (peaks < 80 * RATE)
    (told,) = stretches_without(peaks[~quiet], signals, RATE)
    assert 58 < told[0] < 60 < 80 < told[1] < 82
    assert len(stretches_without(peaks[peaks > 10 * RATE], signals, RATE)) == 1
    assert stretches_without(peaks[:0], signals, RATE) == [(0.0, 180.0)]
    noise = np.random.default_rng(0).normal(size=23 * 360)
    for nothing, alone in ((0.3, [told]), (1e-3 * noise, [told]), (np.nan, [])):  # what is missing was not recorded
        signals[59 * 360 : 82 * 360, 0] = nothing
        assert stretches_without(peaks[~quiet], signals, RATE) == [told]
        found = stretches_without(peaks[~quiet], signals[:, :1], RATE)
        assert len(found) == len(alone)
        np.testing.assert_allclose(found, alone, atol=3)  # a beat that is cut off at the border is none


@pytest.mark.parametrize("size", [0.0, 0.002, 0.02])
def test_beats_that_are_found_in_noise_alone_hide_no_asystole(record: Record, size: float) -> None:
    signals, gone = record.signals.copy(), slice(50 * 360, 110 * 360)
    signals[gone] = size * np.random.default_rng(0).normal(size=signals[gone].shape)
    (told,) = stretches_without(find_r_peaks(signals, RATE), signals, RATE)
    assert 48 < told[0] < 51
    assert 109 < told[1] < 112


@pytest.mark.parametrize(
    ("expected", "found", "which"),
    [
        ([100, 200, 300], [101, 310], [0, -1, 1]),
        ([100, 140], [119], [0, -1]),  # one to one: the nearer has it
        ([100], [80, 95, 130], [1]),
        ([100, 500], [160], [-1, -1]),
        ([], [3], []),
        ([3], [], [-1]),
    ],
)
def test_beats_match_one_to_one_within_a_distance(expected: list[int], found: list[int], which: list[int]) -> None:
    assert matches(np.asarray(expected, dtype=np.int64), np.asarray(found, dtype=np.int64), 54).tolist() == which


FOUND = {
    "MLII": {"all": 0.998, "N": 0.9985, "S": 0.995, "V": 0.995, "F": 0.995, "Q": 0.995, "ppv": 0.993, "near": 0.945},
    "other": {"all": 0.98, "N": 0.98, "S": 0.99, "V": 0.985, "F": 0.99, "Q": 0.995, "ppv": 0.97, "near": 0.3},
    "both": {"all": 0.9985, "N": 0.9985, "S": 0.998, "V": 0.996, "F": 0.995, "Q": 0.995, "ppv": 0.993, "near": 0.93},
}
"""Least sensitivity, of each class too, positive predictive value, and share within two samples of the annotation."""


class Counts:
    """What was found of the annotated beats of some records."""

    def __init__(self) -> None:
        self.annotated, self.matched = np.zeros(len(CLASSES)), np.zeros(len(CLASSES))
        self.near = self.detected = 0

    def add(self, record: Record, kinds: np.ndarray, found: np.ndarray) -> None:
        away = distances(found, beats(record))
        self.annotated += np.bincount(kinds, minlength=len(CLASSES))
        self.matched += np.bincount(kinds[away <= 0.15 * RATE], minlength=len(CLASSES))
        self.near, self.detected = self.near + int(np.sum(away <= 2)), self.detected + len(found)

    def shares(self) -> dict[str, float]:
        sensitivity = dict(zip(CLASSES, self.matched / self.annotated, strict=True))
        matched = self.matched.sum()
        return sensitivity | {
            "all": matched / self.annotated.sum(),
            "ppv": matched / self.detected,
            "near": self.near / matched,
        }


@pytest.mark.mirror
@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("ECGAN_MIRROR"), reason="set ECGAN_MIRROR to a mirror of PhysioNet")
def test_real_records_have_the_stated_sensitivity_and_precision() -> None:
    folder = Path(os.environ["ECGAN_MIRROR"]) / "physionet.org/files/mitdb/1.0.0"
    counts = {leads: Counts() for leads in FOUND}
    for name in (folder / "RECORDS").read_text().split():
        record = read_record(folder, name)
        kinds = class_ids([symbol for symbol in record.symbols if symbol in BEAT_SYMBOLS], "aami")
        first = record.leads.index("MLII") if "MLII" in record.leads else 0
        for leads, chosen in {"MLII": [first], "other": [1 - first], "both": [0, 1]}.items():
            counts[leads].add(record, kinds, find_r_peaks(record.signals[:, chosen], RATE))
    for leads, least in FOUND.items():
        shares = counts[leads].shares()
        assert {name: value for name, value in shares.items() if value < least[name]} == {}, leads


@pytest.mark.parametrize(("rate", "steps"), [(128.0, 1), (250.0, 2), (360.0, 1), (360.0, 3), (500.0, 3)])
@pytest.mark.parametrize("count", [1, 3], ids=["alone", "a burst"])
def test_spikes_cost_no_beats_and_are_none(record: Record, rate: float, steps: int, count: int) -> None:
    rng, time = np.random.default_rng(0), np.arange(int(180 * rate)) / rate
    signals = np.stack([np.interp(time, np.arange(len(lead)) / RATE, lead) for lead in record.signals.T], axis=1)
    for at in rng.integers(200, len(signals) - 200, 20).tolist():
        for spike in range(count):
            begin = at + spike * round(0.03 * rate)
            signals[begin : begin + (steps if count == 1 else 1)] += 50.0 * rng.choice([-1.0, 1.0])
    expected = np.round(beats(record) * rate / RATE).astype(np.int64)
    found = find_r_peaks(signals, rate)
    assert np.mean(distances(expected, found) <= 0.05 * rate) > 0.99
    assert np.mean(distances(found, expected) <= 0.05 * rate) > 0.99


def test_the_pulses_of_a_pacemaker_are_no_beats_and_no_marks(record: Record) -> None:
    expected, signals = beats(record), record.signals.copy()
    paced = expected - round(0.15 * RATE)  # as that of an atrium
    signals[paced[paced >= 0], :] += 3.0
    found = find_r_peaks(signals, RATE)
    assert np.mean(distances(expected, found) <= 0.05 * RATE) > 0.99
    assert np.mean(distances(found, expected) <= 0.05 * RATE) > 0.99


def test_what_is_missing_and_a_spike_are_crossed_by_straight_lines() -> None:
    lead = np.sin(np.arange(2000) / 60)
    expected = lead.copy()
    lead[1000] += 5.0
    lead[[0, 1, 500, 501, 1500, 1999]] = np.nan
    expected[[0, 1]], expected[1999] = expected[2], expected[1998]
    given = lead.copy()
    found = cleaned(lead, 360.0)
    np.testing.assert_allclose(found, expected, atol=2e-3)
    np.testing.assert_array_equal(lead, given, err_msg="the lead itself stays as it is")
    others = np.setdiff1d(np.arange(2000), [0, 1, 500, 501, 1000, 1500, 1999])
    np.testing.assert_array_equal(found[others], lead[others])
    assert np.isnan(cleaned(np.full(100, np.nan), 360.0)).all()


@pytest.mark.parametrize("count", [2, 3, 100])
def test_the_slope_is_that_of_numpy_bit_by_bit(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    np.testing.assert_array_equal(_gradient(values, np.empty_like(values)), np.gradient(values))


@pytest.mark.parametrize("seed", range(4))
def test_a_stretch_is_still_if_no_value_changes_for_long_enough(seed: int) -> None:
    lead = np.repeat(np.random.default_rng(seed).integers(0, 3, size=60).astype(float), [1, 2, 3, 4, 5, 9] * 10)
    runs = np.split(lead, np.flatnonzero(np.diff(lead)) + 1)
    expected = np.concatenate([np.full(len(run), len(run) > 4) for run in runs])
    np.testing.assert_array_equal(_still(lead, 4), expected)
    assert expected.any()


def test_peaks_are_the_same_in_threads_and_in_pieces(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = find_r_peaks(record.signals, RATE)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("ECGAN_WORKERS", "2")
    monkeypatch.setattr("ecgan.ecg.peaks._BLOCK_S", 20)
    monkeypatch.setattr("ecgan.ecg.qrs._NEAR", 1000)
    np.testing.assert_array_equal(find_r_peaks(record.signals, RATE), alone)
