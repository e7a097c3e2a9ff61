"""Beats as arrays: windows around given positions, and the intervals between them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def cut_windows(
    signals: NDArray[Any], positions: NDArray[np.int64], before: int, after: int
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Cut the window [p - before, p + after) around each position p.

    Args:
        signals: Record, shape (T, C).
        positions: Samples, shape (m,).
        before: Samples before the position; the position's own sample has this index in the window.
        after: Samples from the position on.

    Returns:
        The windows, shape (n, before + after, C), and which positions they belong to, shape (m,): a position whose
        window would cross the record's border has none.
    """
    positions = np.asarray(positions, dtype=np.int64)
    keep = (positions >= before) & (positions + after <= len(signals))
    length, leads = before + after, signals.shape[1]
    if not keep.any():
        return np.empty((0, length, leads), signals.dtype), keep
    # In a contiguous record a window is one stretch of memory: (T, C) → (T·C,) → (n, L·C) → (n, L, C)
    stretches = np.lib.stride_tricks.sliding_window_view(np.ascontiguousarray(signals).reshape(-1), length * leads)
    return stretches[(positions[keep] - before) * leads].reshape(-1, length, leads), keep


def rr_intervals(positions: NDArray[np.int64], sampling_rate: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the time to the previous and to the next beat.

    Args:
        positions: Samples of all beats of a record, ascending, shape (n,).
        sampling_rate: Hz.

    Returns:
        Two arrays of shape (n,), in seconds; NaN where there is no such beat.
    """
    gaps = np.diff(np.asarray(positions, dtype=np.float64)) / sampling_rate
    none = np.full(min(len(positions), 1), np.nan)
    return np.concatenate([none, gaps]), np.concatenate([gaps, none])
