"""How well the leads of a beat can be read: noise, and leads that carry nothing.

Beats are arrays (n, C, L) as in `ecgan.ecg.template`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.template import FEW, Int, aligned, evenly, window
from ecgan.quantiles import median

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

QUIET_MS = ((-300.0, -120.0), (200.0, 480.0))
"""Windows between the steep waves of two beats, ms from the R peak."""

_FLAT = 0.02  # of the usual deflection: less is no contact
_CLIPPED = 0.2  # of a beat's samples at one and the same extreme value
_TINY = 1e-12
_ROWS = 4096


def noise(beats: NDArray[Any], usual: NDArray[Any], centre: int, sampling_rate: float) -> F64:
    """Return the noise of each lead of each beat in units of what is usual in the record.

    Root mean square of the second differences, which waves of the ECG hardly have outside the QRS complex, in the
    quieter one of two windows: an early beat's window may hold the QRS of its neighbour.

    Args:
        beats: All beats of a record, (n, C, L).
        usual: Indices or mask (n,) of the usual ones, at least one.
        centre: Index of the R peak.
        sampling_rate: Hz.

    Returns:
        Shape (n, C), 1 for what is usual; where samples hold neither window, 1.
    """
    parts = [window(*span, sampling_rate=sampling_rate, centre=centre, length=beats.shape[2]) for span in QUIET_MS]
    found = np.full(beats.shape[:2], np.inf)
    for part in parts:
        if part.stop - part.start < 3:
            continue
        size = np.concatenate([_roughness(beats[start : start + _ROWS, :, part]) for start in _starts(beats)])
        found = np.minimum(found, size / np.maximum(median(size[usual]), _TINY))
    return np.where(np.isfinite(found), found, 1.0)


def dead(beats: NDArray[Any], usual: NDArray[Any]) -> Bool:
    """Say which leads of which beats carry no ECG: flat (no contact), or stuck at an extreme value (saturated).

    Args:
        beats: All beats of a record, (n, C, L).
        usual: Indices or mask (n,) of the usual ones, at least one.

    Returns:
        Shape (n, C).
    """
    extent = np.ptp(beats, axis=2)
    flat = extent <= _FLAT * median(extent[usual])
    stuck = np.concatenate([_at_extremes(beats[start : start + _ROWS]) > _CLIPPED for start in _starts(beats)])
    return np.asarray(flat | stuck)


def clarity(beats: NDArray[Any], usual: Int, gone: Bool, part: slice, shifts: Int | None = None) -> F64:
    """Return how clear each lead shows the wave in a part of a beat, (C,).

    That is the power of the median wave of the usual beats, in units of the median power of what differs from it: above
    10 for most QRS complexes of MIT-BIH, 2 to 20 for P waves in lead II, below .1 where there is none.

    Args:
        beats: All beats of a record, (n, C, L).
        usual: Indices of the usual ones, at least one; of many, 2,048 evenly drawn ones count.
        gone: Which leads of which beats are dead, (n, C), and count nowhere; a lead that always is has 0.
        part: The part, a slice of 0…L.
        shifts: How many steps each beat lies later than the others, (n,); None: none does.
    """
    found = np.zeros(beats.shape[1])
    for lead in range(beats.shape[1]):
        rows = evenly(usual[~gone[usual, lead]], FEW)
        if len(rows):
            moved = np.zeros(len(rows), dtype=np.int64) if shifts is None else shifts[rows]
            waves = aligned(beats[rows, lead : lead + 1], moved, part)[:, 0].astype(np.float64)
            waves -= waves.mean(axis=1, keepdims=True)
            wave = median(waves)
            power, rest = np.square(wave).mean(), median(np.square(waves - wave).mean(axis=1))
            found[lead] = power / max(rest, _TINY) if power > _TINY else 0.0
    return found


def _starts(beats: NDArray[Any]) -> range:
    return range(0, max(len(beats), 1), _ROWS)


def _roughness(waves: NDArray[Any]) -> F64:
    """Root mean square (n, C) of the second differences of waves (n, C, w)."""
    return np.asarray(np.sqrt(np.mean(np.square(np.diff(waves.astype(np.float64), n=2, axis=2)), axis=2)))


def _at_extremes(beats: NDArray[Any]) -> F64:
    """Share of the samples of beats (n, C, L) that have the lowest value, or the highest, whichever is more, (n, C)."""
    ends = (beats.min(axis=2, keepdims=True), beats.max(axis=2, keepdims=True))
    return np.asarray(np.maximum(*((beats == end).mean(axis=2) for end in ends)))
