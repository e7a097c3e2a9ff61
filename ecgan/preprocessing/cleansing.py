"""Samples that are left out: with too large gaps, flat, or out of range."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.preprocessing.options import Cleansing

FLAT = 1.5e-4
"""Largest range of a flat lead, in the unit of the data. Data are rounded to 1e-4: what varies by no more than one such
step is stored as a constant or flips between two neighbouring values, as a lead does whose electrode is off. (Half a
step more, so that float32 makes no difference.)"""

FAULTS = ("with too large gaps", "flat", "out of range")
_SAMPLES = 4096  # looked at in one go


def find_faults(data: NDArray[Any], options: Cleansing) -> dict[str, NDArray[np.bool_]]:
    """Say which samples are to be left out, and why; a sample with several faults is counted under the first.

    Samples are (n, C, L), NaN where a value is missing; an infinite value is out of any range.

    Returns:
        The fault in words → which of the n samples have it, shape (n,); no fault is named that no sample has.
    """
    if not options.drop:
        return {}
    parts = [_faults(data[start : start + _SAMPLES], options) for start in range(0, len(data), _SAMPLES)]
    found = np.concatenate(parts, axis=1) if parts else np.zeros((len(FAULTS), 0), dtype=bool)
    first = found & (np.cumsum(found, axis=0) == 1)
    return {word: rows for word, rows in zip(FAULTS, first, strict=True) if rows.any()}


def _faults(part: NDArray[Any], options: Cleansing) -> NDArray[np.bool_]:
    """Return gaps, flat and out of range of a part (n, C, L), shape (3, n)."""
    found = np.zeros((3, len(part)), dtype=bool)
    limit = np.finfo(np.float64).max if options.limit is None else options.limit
    for lead in range(part.shape[1]):
        values = np.ascontiguousarray(part[:, lead])  # (n, L)
        lowest = np.fmin.reduce(values, axis=1).astype(np.float64)  # of the values that are there
        highest = np.fmax.reduce(values, axis=1).astype(np.float64)
        with np.errstate(invalid="ignore"):
            flat = highest - lowest <= FLAT
        gaps = np.isnan(values).mean(axis=1) > options.max_missing
        found |= np.stack([gaps, flat, np.maximum(highest, -lowest) > limit])
    return found
