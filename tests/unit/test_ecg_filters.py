"""Filters: what passes, what does not, and that nothing moves in time."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import signal

from ecgan.ecg import filters
from ecgan.ecg.filters import bandpass_sections, both_ways, butterworth_bandpass, fir_bandpass, median_baseline, notch
from ecgan.errors import EcganError

BANDS = [
    partial(fir_bandpass, sampling_rate=360.0, low=3.0, high=45.0, order=108),
    partial(butterworth_bandpass, sampling_rate=360.0, low=0.5, high=40.0),
]


def tone(frequency: float) -> np.ndarray[Any, Any]:
    return np.sin(2 * np.pi * frequency * np.arange(3600) / 360)


@pytest.mark.parametrize("band", BANDS)
def test_the_band_passes_and_the_rest_does_not(band: Callable[..., Any]) -> None:
    middle = slice(900, 2700)
    np.testing.assert_allclose(band(tone(15.0))[middle], tone(15.0)[middle], atol=0.03)
    assert np.abs(band(tone(100.0))[middle]).max() < 0.02
    assert np.abs(band(np.ones(3600))[middle]).max() < 0.05


@pytest.mark.parametrize("band", BANDS)
def test_a_peak_stays_where_it_is(band: Callable[..., Any]) -> None:
    spike = np.exp(-((np.arange(3600) - 1800.0) ** 2) / (2 * 4.0**2))
    assert int(band(spike).argmax()) == 1800


@pytest.mark.parametrize("band", BANDS)
def test_channels_are_filtered_one_by_one(band: Callable[..., Any]) -> None:
    both = np.stack([tone(10.0), tone(70.0)], axis=1)
    np.testing.assert_allclose(band(both)[:, 1], band(both[:, 1]), atol=1e-12)


def test_the_fir_filter_has_an_odd_number_of_taps() -> None:
    impulse = np.zeros(1001)
    impulse[500] = 1.0
    response = fir_bandpass(impulse, 360.0, 3.0, 45.0, order=108)
    assert np.flatnonzero(np.abs(response) > 1e-12)[[0, -1]].tolist() == [392, 608]  # 109 taps, twice
    np.testing.assert_allclose(response, response[::-1], atol=1e-12)


def test_a_band_beyond_half_the_sampling_rate_is_refused() -> None:
    with pytest.raises(EcganError, match=r"0\.5 to 80 Hz does not fit a signal sampled at 125 Hz"):
        butterworth_bandpass(tone(5.0), 125.0, 0.5, 80.0)


def test_a_short_signal_is_refused() -> None:
    with pytest.raises(EcganError, match="too short"):
        fir_bandpass(np.zeros(100), 360.0, 3.0, 45.0, order=108)


@pytest.mark.parametrize("mains", [50, 60])
def test_the_notch_takes_out_the_mains_with_harmonics_and_leaves_their_neighbours(mains: int) -> None:
    middle = slice(900, 2700)
    for harmonic in range(mains, 180, mains):
        assert np.abs(notch(tone(harmonic), 360.0, mains)[middle]).max() < 0.01
    for frequency in (5.0, 40.0, mains - 6.0, mains + 6.0):
        np.testing.assert_allclose(notch(tone(frequency), 360.0, mains)[middle], tone(frequency)[middle], atol=0.06)


def test_the_notch_leaves_a_peak_where_it_is_and_its_width_is_what_it_says() -> None:
    spike = np.exp(-((np.arange(3600) - 1800.0) ** 2) / (2 * 4.0**2))
    assert int(notch(spike, 360.0, 50).argmax()) == 1800
    edge = notch(tone(51.0), 360.0, 50)[900:2700]  # half the width from the centre: -6 dB
    assert np.abs(edge).max() == pytest.approx(0.5, abs=0.02)


def test_a_notch_beyond_half_the_sampling_rate_is_refused() -> None:
    with pytest.raises(EcganError, match="notch at 50 Hz does not fit a signal sampled at 100 Hz"):
        notch(np.zeros(1000), 100.0, 50)
    with pytest.raises(EcganError, match="too short"):
        notch(np.zeros(300), 360.0, 50)


def test_the_baseline_is_the_wander_without_the_waves() -> None:
    time = np.arange(3600) / 360
    wander = 0.5 * np.sin(2 * np.pi * 0.2 * time)
    waves = np.zeros(3600)
    for beat in range(180, 3400, 300):  # a QRS complex of 100 ms and a T wave of 220 ms
        waves[beat - 18 : beat + 18] += 1.5 * np.hanning(36)
        waves[beat + 60 : beat + 140] += 0.5 * np.hanning(80)
    both = np.stack([wander + waves, wander[::-1] + waves], axis=1)
    found = median_baseline(both, 360.0)
    assert found.shape == (3600, 2)
    assert np.abs(found[:, 0] - wander)[180:-180].max() < 0.2  # of a wander of ±0.5 and waves of 1.5
    np.testing.assert_array_equal(found[:, 1], median_baseline(both[:, 1], 360.0))
    np.testing.assert_array_equal(median_baseline(both[::-1, 0], 360.0), found[::-1, 0])  # zero phase
    np.testing.assert_array_equal(median_baseline(np.full(400, 0.7), 360.0), np.full(400, 0.7))


def test_a_baseline_needs_600_ms_and_a_sampling_rate() -> None:
    with pytest.raises(EcganError, match="too short"):
        median_baseline(np.zeros(200), 360.0)
    with pytest.raises(EcganError, match="sampled at 4 Hz cannot be told"):
        median_baseline(np.zeros(200), 4.0)


@pytest.mark.parametrize("shape", [(40,), (999,), (1000,), (2, 1001), (3, 2500)])
@pytest.mark.parametrize("padding", [None, 30])
def test_piece_by_piece_it_is_filtered_as_by_scipy_bit_by_bit(
    shape: tuple[int, ...], padding: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "_PIECE", 500)
    values = np.random.default_rng(0).normal(size=shape)
    given = values.copy()
    lowpass = signal.butter(3, 40.0, fs=360.0, output="sos")  # of an odd order SciPy continues a signal by less
    for sections in (bandpass_sections(0.5, 40.0, 360.0), lowpass):
        expected = signal.sosfiltfilt(sections, values, padlen=padding)
        np.testing.assert_array_equal(both_ways(sections, values, padding), expected)
    np.testing.assert_array_equal(values, given)
