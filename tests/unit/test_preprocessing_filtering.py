"""The filters that a dataset's options ask for: their order, and recordings with gaps."""

import numpy as np
import pytest

from ecgan.ecg.filters import butterworth_bandpass, median_baseline, notch
from ecgan.errors import EcganError
from ecgan.preprocessing.filtering import filter_recording
from ecgan.preprocessing.options import FilterOptions

RATE = 360.0
SIGNALS = np.random.default_rng(0).normal(size=(2000, 2)).cumsum(axis=0) / 20


def test_without_filters_a_recording_stays_as_it_is() -> None:
    np.testing.assert_array_equal(filter_recording(SIGNALS, RATE, FilterOptions()), SIGNALS)


def test_filters_come_one_after_the_other() -> None:
    before = SIGNALS.copy()
    found = filter_recording(
        SIGNALS, RATE, FilterOptions(filters=["baseline", "notch", "bandpass"], mains_hz=60, low_hz=1, high_hz=30)
    )
    expected = SIGNALS - median_baseline(SIGNALS, RATE)
    expected = butterworth_bandpass(notch(expected, RATE, 60), RATE, 1, 30)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(SIGNALS, before)
    other = filter_recording(
        SIGNALS, RATE, FilterOptions(filters=["bandpass", "notch", "baseline"], mains_hz=60, low_hz=1, high_hz=30)
    )
    assert np.abs(other - found).max() > 1e-3


@pytest.mark.parametrize("name", ["bandpass", "baseline", "notch"])
def test_gaps_are_missing_again_afterwards_and_spread_no_further(name: str) -> None:
    gaps = SIGNALS.copy()
    gaps[:30, 0] = gaps[800:860, 0] = gaps[-5:, 0] = np.nan
    found = filter_recording(gaps, RATE, FilterOptions.model_validate({"filters": [name]}))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(gaps))
    whole = filter_recording(SIGNALS, RATE, FilterOptions.model_validate({"filters": [name]}))
    np.testing.assert_array_equal(found[:, 1], whole[:, 1])
    line = SIGNALS[:, 0].copy()
    line[800:860] = np.interp(np.arange(800, 860), [799, 860], SIGNALS[[799, 860], 0])
    line[:30], line[-5:] = line[30], line[-6]
    bridged = filter_recording(line[:, None], RATE, FilterOptions.model_validate({"filters": [name]}))
    there = ~np.isnan(gaps[:, 0])
    np.testing.assert_allclose(found[there, 0], bridged[there, 0], atol=1e-12)


def test_a_lead_without_any_value_stays_missing() -> None:
    gaps = SIGNALS.copy()
    gaps[:, 1] = np.nan
    found = filter_recording(gaps, RATE, FilterOptions(filters=["bandpass", "baseline", "notch"]))
    assert np.isnan(found[:, 1]).all()
    assert np.isfinite(found[:, 0]).all()


def test_a_filter_that_does_not_fit_is_refused() -> None:
    with pytest.raises(EcganError, match=r"0\.5 to 40 Hz does not fit a signal sampled at 70 Hz"):
        filter_recording(SIGNALS, 70.0, FilterOptions(filters=["bandpass"]))


@pytest.mark.parametrize(
    "values",
    [
        {"filters": ["median"]},
        {"filters": ["notch", "notch"]},
        {"mains_hz": 55},
        {"low_hz": 9.0, "high_hz": 9.0},
        {"low_hz": 45.0},
    ],
)
def test_options_that_make_no_sense_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="FilterOptions"):
        FilterOptions.model_validate(values)
