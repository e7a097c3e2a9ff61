"""Filters: what passes, what does not, and that nothing moves in time."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from ecgan.ecg.filters import butterworth_bandpass, fir_bandpass
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
