"""R peaks: what changes nothing about them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ecgan.ecg.peaks import find_r_peaks, stretches_without
from ecgan.ecg.simulated_patients import simulate

RATE = 360.0


@pytest.fixture(scope="module")
def signals() -> NDArray[np.float64]:
    """Half a minute of two leads, (T, C)."""
    return simulate(1, seed=4, minutes=0.5, noise=1.0, variability=1.0).signals


@settings(max_examples=15)
@given(
    gains=st.tuples(*[st.floats(0.01, 1e4).flatmap(lambda size: st.sampled_from([size, -size]))] * 2),
    offsets=st.tuples(*[st.floats(-1e3, 1e3)] * 2),
)
def test_neither_gain_nor_polarity_nor_offset_of_any_lead_matters(
    signals: NDArray[np.float64], gains: tuple[float, float], offsets: tuple[float, float]
) -> None:
    found = find_r_peaks(signals * gains + np.multiply(offsets, gains), RATE)
    np.testing.assert_array_equal(found, find_r_peaks(signals, RATE))


@settings(max_examples=15)
@given(repeats=st.integers(1, 4))
def test_a_lead_that_is_there_twice_counts_like_one(signals: NDArray[np.float64], repeats: int) -> None:
    found = find_r_peaks(np.repeat(signals[:, :1], repeats, axis=1), RATE)
    np.testing.assert_array_equal(found, find_r_peaks(signals[:, 0], RATE))


@settings(max_examples=30)
@given(
    rate=st.floats(128.0, 1000.0),
    length=st.integers(0, 3000),
    gaps=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 1500), st.integers(0, 1)), max_size=4),
    seed=st.integers(0, 2**16),
)
def test_whatever_comes_positions_ascend_and_lie_where_a_sample_is(
    rate: float, length: int, gaps: list[tuple[int, int, int]], seed: int
) -> None:
    values = np.random.default_rng(seed).normal(size=(length, 2))
    for start, size, lead in gaps:
        values[start : start + size, lead] = np.nan
    found = find_r_peaks(values, rate)
    assert found.dtype == np.int64
    assert np.all(np.diff(found) > 0)
    assert np.isfinite(values[found]).any(axis=1).all()
    ends = [end for stretch in stretches_without(found, values, rate) for end in stretch]
    assert ends == sorted(ends)
    assert all(0 <= end <= length / rate for end in ends)
