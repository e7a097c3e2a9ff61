"""Exact search for the nearest of many samples, quick enough for 100,000 beats."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.detection.base import F32, F64
from ecgan.detection.components import chunks

_GROUP = 64
_ROWS = 256
_SPARE = 8


class Neighbours:
    """Nearest reference samples by Euclidean distance.

    Candidates are found with one matrix product in float32, block by block; their distances are then computed anew
    in float64 from the differences, so that a distance depends on the two samples alone and not on those that are
    looked up beside them.

    Args:
        reference: The samples among which neighbours are looked for, (m, D) float32.
    """

    def __init__(self, reference: F32) -> None:
        self._reference = reference
        self._centre: F32 = reference.mean(axis=0, dtype=np.float64).astype(np.float32)
        padded = -(-len(reference) // _GROUP) * _GROUP  # whole groups, filled with samples infinitely far away
        self._shifted: F32 = np.zeros((padded, reference.shape[1]), dtype=np.float32)
        real = self._shifted[: len(reference)]
        np.subtract(reference, self._centre, out=real)
        self._half_square: F32 = np.full(padded, np.inf, dtype=np.float32)
        self._half_square[: len(reference)] = np.einsum("ij,ij->i", real, real) / 2

    def nearest(self, x: F32, count: int) -> tuple[F64, NDArray[np.intp]]:
        """Distances (n, count) of the rows x (n, D) to their nearest reference samples, rising, and their indices.

        Of equally near samples the one with the smaller index comes first.
        """
        distances = np.empty((len(x), count), dtype=np.float64)
        indices = np.empty((len(x), count), dtype=np.intp)
        for part in chunks(len(x), _ROWS):
            distances[part], indices[part] = self._block(x[part], count)
        return distances, indices

    def _block(self, x: F32, count: int) -> tuple[F64, NDArray[np.intp]]:
        found = np.sort(self._candidates(x, min(count + _SPARE, len(self._reference))), axis=1)  # (b, c)
        square = np.empty(found.shape, dtype=np.float64)
        for column in range(found.shape[1]):
            difference = self._reference[found[:, column]].astype(np.float64) - x
            square[:, column] = np.square(difference, out=difference).sum(axis=1)
        order = np.argsort(square, axis=1, kind="stable")[:, :count]
        return np.sqrt(np.take_along_axis(square, order, axis=1)), np.take_along_axis(found, order, axis=1)

    def _candidates(self, x: F32, count: int) -> NDArray[np.intp]:
        """Indices (b, count) of the reference samples nearest to the rows x, within float32 precision.

        ‖x − r‖² orders the samples r like ‖r‖²/2 − x·r. The `count` smallest lie in the `count` groups with the
        smallest minima, so that only those are searched.
        """
        keys: Any = (x - self._centre) @ self._shifted.T  # (b, m), float32
        np.subtract(self._half_square, keys, out=keys)
        groups = len(self._shifted) // _GROUP
        minima = keys.reshape(len(x), _GROUP, groups).min(axis=1)  # (b, groups): group g holds g, g + groups, ...
        best = _smallest(minima, min(count, groups))
        inside: Any = (best[:, :, None] + groups * np.arange(_GROUP)).reshape(len(x), -1)
        chosen = _smallest(np.take_along_axis(keys, inside, axis=1), count)
        return np.take_along_axis(inside, chosen, axis=1)


def _smallest(values: NDArray[Any], count: int) -> NDArray[np.intp]:
    """Indices (b, count) of the smallest values of each row, in no order."""
    if count >= values.shape[1]:
        return np.broadcast_to(np.arange(values.shape[1]), values.shape)
    return np.argpartition(values, count - 1, axis=1)[:, :count]
