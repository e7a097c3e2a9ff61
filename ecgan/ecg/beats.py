"""Beats as arrays: windows around given positions, and the intervals between them."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.ecg.aami import BEAT_SYMBOLS, CLASSES, class_ids
from ecgan.ecg.records import Record


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
        The windows, shape (n, C, before + after), and which positions they belong to, shape (m,): a position whose
        window would cross the record's border has none.
    """
    positions = np.asarray(positions, dtype=np.int64)
    keep = (positions >= before) & (positions + after <= len(signals))
    length, leads = before + after, signals.shape[1]
    if not keep.any():
        return np.empty((0, leads, length), signals.dtype), keep
    # In a contiguous record a window is one stretch of memory: (T, C) → (T·C,) → (n, L·C) → (n, L, C) → (n, C, L)
    stretches = np.lib.stride_tricks.sliding_window_view(np.ascontiguousarray(signals).reshape(-1), length * leads)
    return stretches[(positions[keep] - before) * leads].reshape(-1, length, leads).transpose(0, 2, 1), keep


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


def beat_times(record: Record, rows: NDArray[np.int64]) -> pd.DataFrame:
    """Say when beats of a record occurred, one row each: `sample`, `time_s`, `rr_prev_s`, `rr_next_s`.

    Args:
        record: The record with its annotations, or with its R peaks.
        rows: Which annotations the beats are, shape (n,); the intervals count all that mark beats.
    """
    beats = np.isin(np.asarray(record.symbols, dtype=np.str_), list(BEAT_SYMBOLS))
    previous, following = np.full((2, len(record.samples)), np.nan)
    previous[beats], following[beats] = rr_intervals(record.samples[beats], record.sampling_rate)
    return pd.DataFrame(
        {
            "sample": record.samples[rows],
            "time_s": (record.samples[rows] / record.sampling_rate).round(6),
            "rr_prev_s": previous[rows].round(6),
            "rr_next_s": following[rows].round(6),
        }
    )


def beat_table(record: Record, rows: NDArray[np.int64], *, annotated: bool = True) -> pd.DataFrame:
    """Describe beats, one row each: `record`, `patient`, `beat_times`, and where they are annotated `symbol`, `aami`.

    Args:
        record: The record with its annotations, or with its R peaks.
        rows: Which annotations the beats are, shape (n,).
        annotated: Whether its symbols say what the beats are.
    """
    table = beat_times(record, rows)
    table.insert(0, "record", record.name)
    table.insert(1, "patient", record.name)
    if annotated:
        table.insert(4, "symbol", np.asarray(record.symbols, dtype=np.str_)[rows])
        table.insert(5, "aami", np.asarray(CLASSES)[class_ids(record.symbols, "aami")[rows]])
    return table
