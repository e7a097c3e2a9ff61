"""The simplest memory: how far a sample is from the training samples that are most like it."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ecgan.config.options import Options
from ecgan.detection.base import F32, F64, Detector, State
from ecgan.detection.components import check_finite, chunks
from ecgan.detection.stored import stored_array
from ecgan.errors import EcganError
from ecgan.registry import register_detector

_GROUP = 64
_ROWS = 256
_SPARE = 8


class KnnOptions(Options):
    """Parameters of the detector `knn`."""

    neighbours: int = Field(5, ge=1, description="Number k of nearest training samples that are looked at")


@register_detector("knn")
class Knn(Detector):
    """Mean distance to the k nearest training samples (Angiulli and Pizzuti 2002).

    Samples are flattened to C·L values and compared by Euclidean distance. Candidates are found with one matrix
    product in float32, block by block; their distances are then computed anew in float64 from the differences, so
    that a score depends on the sample and the training set and not on the samples that are scored beside it.
    """

    title: ClassVar[str] = "nearest neighbours"
    Options: ClassVar[type[Options]] = KnnOptions

    _reference: F32 | None = None  # (m, C, L)

    def fit(self, train: F32) -> None:
        """Keep the training samples (m, C, L)."""
        if len(train) < self.options.neighbours:
            raise EcganError(
                f"detectors.knn.neighbours is {self.options.neighbours}, and there are {len(train)} training samples.",
                "Lower detectors.knn.neighbours.",
            )
        self._remember(np.ascontiguousarray(train, dtype=np.float32))

    def components(self, x: F32) -> dict[str, F64]:
        """The mean "distance" of each of x (n, C, L) from its k nearest training samples, in the unit of x."""
        if self._reference is None:
            raise EcganError("the detector 'knn' has not been fitted.")
        if x.shape[1:] != self._reference.shape[1:]:
            raise EcganError(
                f"the samples have shape {x.shape[1:]} (leads, steps) and those that 'knn' learned"
                f" {self._reference.shape[1:]}."
            )
        distance = np.empty(len(x), dtype=np.float64)
        for part in chunks(len(x), _ROWS):
            distance[part] = self._distance(x[part].reshape(-1, self._shifted.shape[1]).astype(np.float32, copy=False))
        found = {"distance": distance}
        check_finite(found)
        return found

    def state(self) -> State:
        """The training samples."""
        return State(arrays={} if self._reference is None else {"reference": self._reference})

    def restore(self, state: State) -> None:
        """Take back the training samples."""
        self.fit(stored_array(state, "reference", dtype=np.float32, ndim=3))

    def _remember(self, reference: F32) -> None:
        """Lay the training samples out for the search, padded to whole groups with samples infinitely far away."""
        self._reference = reference
        flat = reference.reshape(len(reference), -1)  # (m, C * L)
        self._centre: F32 = flat.mean(axis=0, dtype=np.float64).astype(np.float32)
        padded = -(-len(flat) // _GROUP) * _GROUP
        self._shifted: F32 = np.zeros((padded, flat.shape[1]), dtype=np.float32)
        real = self._shifted[: len(flat)]
        np.subtract(flat, self._centre, out=real)
        self._half_square: F32 = np.full(padded, np.inf, dtype=np.float32)
        self._half_square[: len(flat)] = np.einsum("ij,ij->i", real, real) / 2

    def _distance(self, x: F32) -> F64:
        """Mean distance of the rows x (b, C * L) from their k nearest training samples."""
        assert self._reference is not None
        k: int = self.options.neighbours
        candidates = self._candidates(x, min(k + _SPARE, len(self._reference)))  # (b, c)
        flat = self._reference.reshape(len(self._reference), -1)
        square = np.empty(candidates.shape, dtype=np.float64)
        for column in range(candidates.shape[1]):
            difference = flat[candidates[:, column]].astype(np.float64) - x
            square[:, column] = np.square(difference, out=difference).sum(axis=1)
        nearest: F64 = np.sqrt(np.sort(square, axis=1)[:, :k]).mean(axis=1)
        return nearest

    def _candidates(self, x: F32, count: int) -> NDArray[np.intp]:
        """Indices (b, count) of the training samples nearest to the rows x, within float32 precision.

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
