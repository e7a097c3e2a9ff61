"""Windows of a recording lose nothing, repeat nothing and never reach beyond it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgan.ecg.beats import cut_windows, window_starts
from ecgan.errors import EcganError

SIZES = st.integers(1, 60)


@given(length=st.integers(0, 300), window=SIZES, step=SIZES)
def test_nothing_is_lost_and_nothing_reaches_beyond(length: int, window: int, step: int) -> None:
    starts = window_starts(length, window, step)
    assert starts.dtype == np.int64
    assert (length < window) == (len(starts) == 0)
    covered = np.zeros(length, dtype=bool)
    for start in starts:
        assert 0 <= start <= length - window
        covered[start : start + window] = True
    if len(starts):
        assert (np.diff(starts) > 0).all(), "no window twice"
        assert starts[0] == 0
        assert starts[-1] == length - window
        assert (np.diff(starts)[:-1] == step).all(), "only the last is placed otherwise"
        assert step > window or covered.all()


@given(length=st.integers(1, 200), window=SIZES, step=SIZES, leads=st.integers(1, 3))
def test_windows_hold_what_stands_there(length: int, window: int, step: int, leads: int) -> None:
    signals = np.arange(length * leads, dtype=np.float32).reshape(length, leads)  # (T, C)
    starts = window_starts(length, window, step)
    windows, there = cut_windows(signals, starts, 0, window)
    assert there.all()
    assert windows.shape == (len(starts), leads, window)
    assert windows.dtype == np.float32
    for start, found in zip(starts, windows, strict=True):
        assert np.array_equal(found, signals[start : start + window].T)
    windows[:] = -1
    assert signals.min() == 0, "a copy"


def test_the_last_full_window_of_a_ten_second_recording_is_there() -> None:
    assert window_starts(5000, 1250, 250).tolist() == list(range(0, 3751, 250))
    assert window_starts(5100, 1250, 250).tolist() == [*range(0, 3751, 250), 3850]


def test_windows_beyond_the_recording_are_left_out_and_empty_ones_are_refused() -> None:
    windows, there = cut_windows(np.zeros((10, 1)), np.array([-1, 0, 7]), 0, 4)
    assert len(windows) == 1
    assert there.tolist() == [False, True, False]
    for window, step in ((0, 1), (1, 0)):
        with pytest.raises(EcganError, match="at least 1"):
            window_starts(10, window, step)
