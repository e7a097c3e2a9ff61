"""Beats from an R peak to a fifth of the way beyond the next."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgan.ecg.segments import LENGTH, cut_segments, segment_ends

RAMP = np.arange(3000.0)[:, None]


def test_a_beat_ends_a_fifth_of_the_next_interval_behind_the_next_peak() -> None:
    positions = np.array([10, 110, 169, 400])
    # 110 + 59 // 5, 169 + 231 // 5, and the last but one by its own interval: 400 + 231 // 5
    assert segment_ends(positions).tolist() == [110 + 11, 169 + 46, 400 + 46]
    beats, kept = cut_segments(RAMP, positions, 1)
    assert kept.tolist() == [True, True, True, False]
    assert beats.shape == (3, 1, LENGTH)
    np.testing.assert_allclose(beats[0, 0, :111], np.arange(111) / 110)
    assert not beats[0, 0, 111:].any()


def test_every_third_sample_from_the_peak_on() -> None:
    signal = np.random.default_rng(0).normal(size=(2000, 1))
    beats, _ = cut_segments(signal, np.array([100, 400, 700]), 3)
    part = signal[100:460:3, 0]  # 400 + 300 // 5
    expected = (part - part.min()) / np.ptp(part)
    np.testing.assert_array_equal(beats[0, 0, : len(part)], expected)
    assert not beats[0, 0, len(part) :].any()


def test_a_long_beat_is_cut_off_and_scaled_by_what_is_left() -> None:
    beats, _ = cut_segments(RAMP, np.array([0, 1000, 2000]), 3)
    np.testing.assert_allclose(beats[0, 0], np.arange(LENGTH) / (LENGTH - 1))


def test_what_is_no_beat_still_ends_the_one_before() -> None:
    positions, chosen = np.array([0, 50, 150, 250]), np.array([True, False, True, True])
    beats, kept = cut_segments(RAMP, positions, 1, chosen)
    assert kept.tolist() == [True, False, True, False]
    assert np.flatnonzero(beats[0, 0])[-1] == 50 + 100 // 5 - 1


def test_the_end_of_the_recording_ends_a_beat() -> None:
    beats, kept = cut_segments(RAMP[:130], np.array([0, 100, 200]), 1)
    assert kept.tolist() == [True, True, False]
    assert np.flatnonzero(beats[1, 0])[-1] == 29


def test_a_flat_beat_is_zero_and_missing_samples_stay_missing() -> None:
    signal = np.ones((400, 2))
    signal[:, 1] = np.arange(400.0)
    signal[20, 1] = np.nan
    beats, _ = cut_segments(signal, np.array([0, 100, 200]), 1)
    assert not beats[:, 0].any()
    assert np.isnan(beats[0, 1, 20])
    assert np.isfinite(np.delete(beats[0, 1], 20)).all()
    assert np.nanmax(beats[0, 1]) == 1.0


@pytest.mark.parametrize("positions", [[], [5]])
def test_one_peak_is_no_beat(positions: list[int]) -> None:
    beats, kept = cut_segments(RAMP, np.array(positions, dtype=np.int64), 1)
    assert beats.shape == (0, 1, LENGTH)
    assert kept.tolist() == [False] * len(positions)


@given(st.lists(st.integers(1, 400), min_size=2, max_size=12), st.integers(1, 4), st.integers(0, 2**31))
def test_every_beat_reaches_from_zero_to_one(gaps: list[int], step: int, seed: int) -> None:
    positions = np.cumsum(gaps)
    signal = np.random.default_rng(seed).normal(size=(5000, 1))
    beats, kept = cut_segments(signal, positions, step)
    assert len(beats) == kept.sum() == len(positions) - 1
    ends = segment_ends(positions)
    for beat, start, end in zip(beats[:, 0], positions, ends, strict=False):
        steps = min(LENGTH, -(-int(end - start) // step))
        assert beat.min() == 0
        assert beat.max() == (1.0 if steps > 1 else 0.0)
        assert not beat[steps:].any()
