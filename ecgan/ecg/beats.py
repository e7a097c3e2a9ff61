"""Beats as arrays: windows around given positions, and the intervals between them."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.ecg.aami import BEAT_SYMBOLS, CLASSES, class_ids
from ecgan.ecg.records import Record
from ecgan.errors import EcganError

_BEATS = frozenset(BEAT_SYMBOLS)


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


def window_starts(length: int, window: int, step: int) -> NDArray[np.int64]:
    """Return where the windows of one recording of `length` samples begin.

    They begin every `step` samples. Where the last of these does not end with the recording, one more is placed so that
    it does: it overlaps the one before by more than the others do, and no sample is lost. A step that is larger than
    the window leaves out what lies between, as it says.

    Returns:
        Ascending positions, int64, shape (n,); empty where the recording is shorter than a window.

    Raises:
        EcganError: A window or step below 1.
    """
    if window < 1 or step < 1:
        raise EcganError(f"windows of {window} samples every {step} cannot be cut.", "Both are at least 1.")
    last = length - window
    if last < 0:
        return np.empty(0, dtype=np.int64)
    starts = np.arange(0, last + 1, step, dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, np.int64(last))


def rr_intervals(positions: NDArray[np.int64], sampling_rate: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the time to the previous and to the next beat, of all beats of a record at ascending positions (n,).

    Returns:
        Two arrays of shape (n,), in seconds; NaN where there is no such beat.
    """
    gaps = np.diff(np.asarray(positions, dtype=np.float64)) / sampling_rate
    none = np.full(min(len(positions), 1), np.nan)
    return np.concatenate([none, gaps]), np.concatenate([gaps, none])


def beat_times(record: Record, rows: NDArray[np.int64]) -> pd.DataFrame:
    """Say when beats of a record occurred, one row each: `sample`, `time_s`, `rr_prev_s`, `rr_next_s`.

    `rows` (n,) are their annotations, or R peaks; the intervals count all that mark beats.
    """
    return pd.DataFrame(_times(record, rows))


def _times(record: Record, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """The columns of `beat_times`."""
    beats = np.array([symbol in _BEATS for symbol in record.symbols], dtype=bool)
    previous, following = np.full((2, len(record.samples)), np.nan)
    previous[beats], following[beats] = rr_intervals(record.samples[beats], record.sampling_rate)
    return {
        "sample": record.samples[rows],
        "time_s": (record.samples[rows] / record.sampling_rate).round(6),
        "rr_prev_s": previous[rows].round(6),
        "rr_next_s": following[rows].round(6),
    }


def beat_table(record: Record, rows: NDArray[np.int64], *, annotated: bool = True) -> pd.DataFrame:
    """Describe beats, one row each: `record`, `patient`, `beat_times`, and where they are annotated `symbol`, `aami`.

    `rows` (n,) are their annotations, or R peaks, whose symbols do not say what the beats are.
    """
    return pd.DataFrame(beat_columns(record, rows, annotated=annotated), index=range(len(rows)))


def beat_columns(record: Record, rows: NDArray[np.int64], *, annotated: bool = True) -> dict[str, Any]:
    """The columns of `beat_table`."""
    times = _times(record, rows)
    names = pd.array([record.name] * len(rows), dtype="str")
    columns: dict[str, Any] = {"record": names, "patient": names}
    columns |= {name: times.pop(name) for name in ("sample", "time_s")}
    if annotated:
        columns["symbol"] = np.asarray(record.symbols, dtype=np.str_)[rows]
        columns["aami"] = np.asarray(CLASSES)[class_ids(record.symbols, "aami")[rows]]
    return columns | times
