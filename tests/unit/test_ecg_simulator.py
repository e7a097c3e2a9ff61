"""The simulated patients: the model's equation, the rhythm, and that each is the same whoever else is there."""

import numpy as np
import pytest

from ecgan.ecg.simulated_patients import PROFILES, patient_name, simulate
from ecgan.ecg.simulator import RR_RATE, Waves, integrate, rr_process

RATE = 360.0


def test_the_vectorised_solution_is_that_of_the_equation() -> None:
    rng = np.random.default_rng(0)
    waves = Waves(
        time=np.array([[0.5, 0.8], [1.4, 1.75]]),
        width=np.array([[0.012, 0.05], [0.03, 0.045]]),
        height=rng.uniform(-1, 1, (2, 2, 1)),
    )
    count, fine = 800, 20
    time = np.arange(count * fine) / (RATE * fine)
    drift = 0.1 * np.sin(time)
    away = time[:, None, None] - waves.time
    pull = (-waves.height[:, :, 0] * away / waves.width**2 * np.exp(-(away**2) / (2 * waves.width**2))).sum(axis=(1, 2))
    z = np.zeros(len(time))
    for k in range(1, len(time)):  # Euler's method in small steps
        z[k] = z[k - 1] + (pull[k - 1] - (z[k - 1] - drift[k - 1])) / (RATE * fine)
    found = integrate(waves, drift[::fine, None], RATE)
    np.testing.assert_allclose(found[:, 0], z[::fine], atol=0.02)


def test_a_wave_has_its_height_where_it_should() -> None:
    waves = Waves(time=np.array([[1.0]]), width=np.array([[0.012]]), height=np.array([[[1.3, -0.4]]]))
    z = integrate(waves, np.zeros((720, 2)), RATE)
    assert z[:, 0].argmax() == z[:, 1].argmin() == 360
    np.testing.assert_allclose(z[360], [1.3, -0.4], rtol=0.05)


def test_waves_beyond_the_border_do_no_harm() -> None:
    waves = Waves(time=np.array([[-0.01], [2.0]]), width=np.full((2, 1), 0.02), height=np.ones((2, 1, 1)))
    assert np.isfinite(integrate(waves, np.zeros((720, 1)), RATE)).all()


def test_intervals_have_the_mean_the_spread_and_the_two_rhythms() -> None:
    series = rr_process(np.random.default_rng(1), 600, mean=0.9, spread=0.05, ratio=0.5)
    assert series.mean() == pytest.approx(0.9)
    assert series.std() == pytest.approx(0.05)
    power = np.abs(np.fft.rfft(series - series.mean())) ** 2
    frequency = np.fft.rfftfreq(len(series), 1 / RR_RATE)
    slow, fast = (power[(frequency > low) & (frequency < high)].sum() for low, high in ((0.05, 0.15), (0.2, 0.3)))
    assert (slow + fast) / power.sum() > 0.99
    assert slow / fast == pytest.approx(0.5, rel=0.1)


def test_the_same_seed_gives_the_same_patient_and_another_seed_another_one() -> None:
    first, again, other = (simulate(2, seed, 0.5, 1.0, 1.0) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.signals, again.signals)
    assert first.symbols == again.symbols
    assert not np.array_equal(first.signals, other.signals)


def test_two_patients_of_one_kind_are_two_patients() -> None:
    first, second = (simulate(index, 0, 0.5, 1.0, 1.0) for index in (0, len(PROFILES)))
    assert not np.array_equal(first.samples, second.samples)
    assert not np.array_equal(first.signals, second.signals)


def test_annotations_are_in_order_inside_the_record_and_start_with_the_rhythm() -> None:
    for index in range(len(PROFILES)):
        record = simulate(index, seed=1, minutes=1.0, noise=1.0, variability=1.0)
        assert record.name == patient_name(index)
        assert (np.diff(record.samples) > 0).all()
        assert record.samples.max() < len(record.signals)
        assert (record.symbols[0], record.notes[0]) == ("+", "(N")
        assert len(record.symbols) == len(record.notes) == len(record.samples)


def test_premature_beats_are_premature_and_ventricular_ones_pause() -> None:
    record = simulate(6, seed=1, minutes=10.0, noise=1.0, variability=1.0)
    symbols = np.asarray(record.symbols[1:])
    gaps = np.diff(record.samples[1:]) / RATE
    usual = np.median(gaps)
    for symbol in "VAF":
        assert np.median(gaps[:-1][symbols[1:-1] == symbol]) < 0.95 * usual
    ectopic = np.flatnonzero(symbols[1:-1] == "V")
    np.testing.assert_allclose(np.median(gaps[ectopic] + gaps[ectopic + 1]), 2 * usual, rtol=0.05)


def test_ventricular_beats_are_broad() -> None:
    record = simulate(1, seed=1, minutes=5.0, noise=0.0, variability=1.0)
    symbols = np.asarray(record.symbols)
    lead = record.signals[:, 0]
    area = {}
    for symbol in "NV":
        around = record.samples[symbols == symbol][2:-2, None] + np.arange(-36, 36)
        beat = lead[around] - np.median(lead)
        area[symbol] = np.median(np.abs(beat).sum(axis=1) / np.abs(beat).max(axis=1))
    assert area["V"] > 1.7 * area["N"]


def test_bundle_branch_patients_have_their_own_symbol_on_all_ordinary_beats() -> None:
    assert {profile.ordinary for profile in PROFILES} == {"N", "L", "R"}
    left = simulate(3, seed=1, minutes=1.0, noise=1.0, variability=1.0)
    assert "L" in left.symbols
    assert "N" not in left.symbols
