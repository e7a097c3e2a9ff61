"""Beats of the length that they have: from an R peak to a fifth of the way beyond the next, padded with zeros.

This is how the published beats of Kachuee, Fazeli and Sarrafzadeh (ECG Heartbeat Classification: A Deep Transferable
Representation, ICHI 2018) lie in their files. The paper asks for 1.2 times the heart period after each R peak; the
files have, for the R peaks at p, the samples from p[i] up to p[i + 1] + (p[i + 2] - p[i + 1]) // 5.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LENGTH = 187
"""Time steps of a beat; longer ones are cut off, shorter ones padded."""

F64 = NDArray[np.float64]


def segment_ends(positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where the beats at ascending positions (n,) end, shape (n - 1,): the last has no end.

    The last but one, whose next interval has no successor, ends a fifth of its own length later.
    """
    gaps = np.diff(positions)
    return np.asarray(positions[1:] + np.append(gaps[1:], gaps[-1:]) // 5, dtype=np.int64)


def cut_segments(
    signals: NDArray[Any], positions: NDArray[np.int64], step: int, chosen: NDArray[np.bool_] | None = None
) -> tuple[F64, NDArray[np.bool_]]:
    """Cut a beat at every R peak but the last, and scale it to 0…1.

    Args:
        signals: Recording, shape (T, C).
        positions: Where the R peaks are, ascending, shape (n,).
        step: Every how many samples of the recording make a time step of the beat; nothing is filtered.
        chosen: Which of the positions are beats that are wanted, shape (n,); all of them if None. The others still
            end the beats before them.

    Returns:
        The beats (m, C, LENGTH), each lead of each beat from 0 to 1 (a constant one 0), NaN where a sample is missing
        and 0 behind the beat's end; and which positions they belong to, shape (n,).
    """
    kept = np.zeros(len(positions), dtype=bool)
    kept[:-1] = (positions[:-1] >= 0) & (positions[:-1] < len(signals))
    if chosen is not None:
        kept &= chosen
    if not kept.any():
        return np.zeros((0, signals.shape[1], LENGTH)), kept
    index = positions[kept][:, None] + step * np.arange(LENGTH)  # (m, LENGTH)
    inside = index < np.minimum(segment_ends(positions)[kept[:-1]], len(signals))[:, None]
    found = signals[np.minimum(index, len(signals) - 1)].transpose(0, 2, 1)  # (m, LENGTH, C) to (m, C, LENGTH)
    values = np.where(inside[:, None], found, np.nan)
    low = np.fmin.reduce(values, axis=2, keepdims=True)
    width = np.fmax.reduce(values, axis=2, keepdims=True) - low
    scaled = (values - low) / np.where(width > 0, width, 1.0)
    return np.where(inside[:, None], scaled, 0.0), kept
