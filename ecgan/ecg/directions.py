"""The main directions in which a few rows differ."""

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

_NOTHING = 1e-12  # of the variance along the first direction: rounding


def directions_of_few(centred: F64, count: int) -> F64:
    """Return the `count` main directions (D, k) of fewer centred rows (m, D) than they are long, fewer of alike ones.

    They are the eigenvectors of (D, D), out of those of (m, m): of a dozen beats in a hundredth of the time.
    """
    values, vectors = np.linalg.eigh(centred @ centred.T)  # by rising variance
    there = values > _NOTHING * values[-1]
    values, vectors = values[there][::-1][:count], vectors[:, there][:, ::-1][:, :count]
    return np.asarray(centred.T @ (vectors / np.sqrt(values)))
