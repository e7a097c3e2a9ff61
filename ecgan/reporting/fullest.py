"""Where on ECG paper most of a trace lies."""

import math

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def fullest(values: F64, square: float, most: int) -> tuple[int, int]:
    """From which to which multiple of `square` a strip of at most so many squares holds most values, shape (n,)."""
    at = np.sort(values / square)
    floors = np.floor(at)
    ends = np.searchsorted(at, floors + most, side="right")
    first = int(np.argmax(ends - np.arange(len(at))))
    return int(floors[first]), max(math.ceil(at[ends[first] - 1]), int(floors[first]) + 1)
