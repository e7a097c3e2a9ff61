"""R peaks: found where they are, and nowhere else."""

from typing import Any

import numpy as np
import pytest

from ecgan.ecg.filters import fir_bandpass
from ecgan.ecg.hamilton import correct_r_peaks, detect_r_peaks
from ecgan.ecg.simulated_patients import simulate

RATE = 360.0


def bumps(length: int, places: Any, width: float, height: float) -> np.ndarray[Any, Any]:
    time = np.arange(length)[:, None]
    return (height * np.exp(-((time - np.asarray(places)) ** 2) / (2 * width**2))).sum(axis=1)


def filtered(values: Any) -> np.ndarray[Any, Any]:
    return fir_bandpass(values, RATE, 3.0, 45.0, order=108)


def assert_same_places(found: Any, expected: Any, tolerance: int) -> None:
    assert len(found) == len(expected)
    assert np.abs(np.asarray(found) - np.asarray(expected)).max() <= tolerance


@pytest.mark.parametrize("height", [1.0, -1.0, 0.01, 40.0])
def test_every_beat_once_whatever_its_direction_and_scale(height: float) -> None:
    places = np.arange(300, 7000, 290)
    assert_same_places(detect_r_peaks(filtered(bumps(7200, places, 4, height)), RATE), places, 1)


def test_t_waves_are_no_beats() -> None:
    places = np.arange(300, 7000, 290)
    broad = bumps(7200, places + 100, 8, 0.9)  # high enough for a beat, but less than half as steep
    assert_same_places(detect_r_peaks(filtered(bumps(7200, places, 4, 1.0) + broad), RATE), places, 1)


@pytest.mark.parametrize(("up", "down", "is_upright"), [(1.0, -0.5, True), (0.5, -1.0, False)])
def test_the_r_peak_is_the_deflection_that_stands_out(up: float, down: float, is_upright: bool) -> None:
    places = np.arange(300, 7000, 290)
    ecg = bumps(7200, places, 4, up) + bumps(7200, places + 14, 4, down)
    found = detect_r_peaks(filtered(ecg), RATE)
    assert_same_places(found, places if is_upright else places + 14, 2)


@pytest.mark.parametrize(("after", "is_found"), [(460, True), (290, False)])
def test_half_the_threshold_is_enough_after_one_and_a_half_intervals_without_a_beat(after: int, is_found: bool) -> None:
    places = np.arange(300, 9000, 290)
    small = places[14] + after
    ecg = bumps(9200, np.delete(places, [15, 16]), 4, 1.0) + bumps(9200, [small], 4, 0.35)
    found = detect_r_peaks(filtered(ecg), RATE)
    assert (np.abs(found - small).min() <= 1) == is_found


def test_noise_between_beats_is_no_beat() -> None:
    rng = np.random.default_rng(0)
    places = np.arange(300, 7000, 290)
    ecg = bumps(7200, places, 4, 1.0) + rng.normal(0, 0.04, 7200)
    assert_same_places(detect_r_peaks(filtered(ecg), RATE), places, 2)


def test_an_artefact_many_times_higher_is_no_beat() -> None:
    places = np.arange(300, 7000, 290)
    ecg = bumps(7200, places, 4, 1.0) + bumps(7200, [places[10] + 145], 4, 12.0)
    found = detect_r_peaks(filtered(ecg), RATE)
    assert np.abs(found - (places[10] + 145)).min() > 50


def test_the_beats_of_a_simulated_patient_are_found() -> None:
    record = simulate(0, seed=3, minutes=1.0, noise=0.5, variability=1.0)
    peaks = correct_r_peaks(filtered(record.signals[:, 0]), detect_r_peaks(filtered(record.signals[:, 0]), RATE), RATE)
    beats = record.samples[1:][np.asarray(record.symbols[1:]) == "N"]
    near = np.abs(peaks[:, None] - beats).min(axis=0)
    assert (near < 10).mean() > 0.95


@pytest.mark.parametrize("ecg", [np.zeros(7200), np.zeros(10), np.zeros(0), np.linspace(0, 1, 7200)])
def test_a_line_has_no_beats(ecg: np.ndarray[Any, Any]) -> None:
    assert detect_r_peaks(ecg, RATE).tolist() == []


def test_correction_moves_to_the_maximum_within_the_tolerance() -> None:
    ecg = bumps(1000, [200, 500], 4, 1.0)
    np.testing.assert_array_equal(correct_r_peaks(ecg, np.array([190, 483]), RATE), [200, 500])
    np.testing.assert_array_equal(correct_r_peaks(ecg, np.array([482]), RATE), [482 + 17])  # 500 is out of reach


def test_correction_joins_peaks_and_drops_those_at_the_border() -> None:
    ecg = bumps(1000, [200], 4, 1.0)
    np.testing.assert_array_equal(correct_r_peaks(ecg, np.array([5, 195, 204, 990]), RATE), [200])
    assert correct_r_peaks(ecg, np.zeros(0, dtype=np.int64), RATE).tolist() == []
