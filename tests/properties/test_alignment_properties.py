"""Marks of any beats, moved: what may change, and what may not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgan.ecg.alignment import MOST_MOVED_MS, mark_shifts
from ecgan.ecg.beats import cut_windows

rates = st.sampled_from([125.0, 250.0, 360.0, 500.0])
METHODS = ("deflection", "template")


def recording(rate: float, seed: int, leads: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A minute of beats (T, C) at irregular times, every fifth one broad and downward, and their marks (n,)."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.6, 1.1, 60))
    time = np.arange(round((times[-1] + 1) * rate)) / rate
    signals = np.zeros((len(time), leads))
    for index, at in enumerate(times):
        near = np.abs(time - at) < 0.5
        width, height = (0.04, -1.2) if index % 5 == 4 else (0.012, 1.0)
        wave = height * np.exp(-0.5 * ((time[near] - at) / width) ** 2)
        wave = wave + 0.2 * np.exp(-0.5 * ((time[near] - at - 0.28) / 0.04) ** 2)
        signals[near] += wave[:, None] * np.linspace(1.0, -0.5, leads)
    signals += rng.normal(0, 0.01, signals.shape)
    return signals, np.rint(times * rate).astype(np.int64)


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=15)
@given(rates, st.integers(0, 10**6), st.floats(-0.011, 0.011), st.integers(1, 2))
def test_where_all_marks_sit_does_not_matter(method, rate: float, seed: int, off_s: float, leads: int) -> None:
    signals, marks = recording(rate, seed, leads)
    beside = marks + round(off_s * rate)
    own, other = (at + mark_shifts(signals, at, rate, method) for at in (marks, beside))
    assert (own == other).mean() > 0.95
    around = round(0.3 * rate)
    (first, inside), (second, there) = (cut_windows(signals, at, around, around) for at in (own, other))
    both = inside & there & (own == other)
    np.testing.assert_array_equal(first[both[inside]], second[both[there]])
    assert np.abs(other - beside).max() <= MOST_MOVED_MS * rate / 1000


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=15)
@given(rates, st.integers(0, 10**6), st.sampled_from([-1.0, 1.0]), st.integers(-6, 6), st.floats(-10, 10))
def test_gain_polarity_and_offset_do_not_matter(
    method, rate: float, seed: int, sign: float, power: int, offset: float
) -> None:
    signals, marks = recording(rate, seed)
    own = mark_shifts(signals, marks, rate, method)
    other = mark_shifts(sign * 2.0**power * signals + offset, marks, rate, method)
    assert (own == other).mean() > 0.95


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=15)
@given(st.integers(20, 400), st.lists(st.integers(0, 399), max_size=12), st.booleans())
def test_any_recording_can_be_aligned(method, length: int, marks: list[int], gaps: bool) -> None:
    signals = np.random.default_rng(length).normal(size=(length, 2))
    signals[: length // 3] = np.nan if gaps else 0.0
    at = np.sort(np.minimum(np.array(marks, dtype=np.int64), length - 1))
    shifts = mark_shifts(signals, at, 360.0, method)
    assert shifts.shape == at.shape
    assert np.abs(shifts).max(initial=0) <= MOST_MOVED_MS * 0.36
