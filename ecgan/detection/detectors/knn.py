"""The simplest memory: how far a sample is from the training samples that are most like it."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from ecgan.config.options import Options
from ecgan.detection.base import F32, F64, Detector, State
from ecgan.detection.components import TOO_LARGE, check_finite
from ecgan.detection.neighbours import Neighbours
from ecgan.detection.stored import stored_array
from ecgan.errors import EcganError
from ecgan.registry import register_detector


class KnnOptions(Options):
    """Parameters of the detector `knn`."""

    neighbours: int = Field(5, ge=1, description="Number k of nearest training samples that are looked at")


@register_detector("knn")
class Knn(Detector):
    """Mean distance to the k nearest training samples (Angiulli and Pizzuti 2002).

    Samples are flattened to C·L values and compared by Euclidean distance, see `ecgan.detection.neighbours`.
    """

    title: ClassVar[str] = "nearest neighbours"
    source: ClassVar[str] = "Angiulli and Pizzuti, PKDD 2002"
    Options: ClassVar[type[Options]] = KnnOptions

    _reference: F32 | None = None  # (m, C, L)

    def fit(self, train: F32) -> None:
        """Keep the training samples (m, C, L)."""
        if len(train) < self.options.neighbours:
            raise EcganError(
                f"detectors.knn.neighbours is {self.options.neighbours}, and there are {len(train)} training samples.",
                "Lower detectors.knn.neighbours.",
            )
        self._reference = np.ascontiguousarray(train, dtype=np.float32)
        self._neighbours = Neighbours(self._reference.reshape(len(train), -1))  # (m, C * L)

    def components(self, x: F32) -> dict[str, F64]:
        """The mean "distance" of each of x (n, C, L) from its k nearest training samples, in the unit of x."""
        if self._reference is None:
            raise EcganError("the detector 'knn' has not been fitted.")
        if x.shape[1:] != self._reference.shape[1:]:
            raise EcganError(
                f"the samples have shape {x.shape[1:]} (leads, steps) and those that 'knn' learned"
                f" {self._reference.shape[1:]}."
            )
        width = self._reference.shape[1] * self._reference.shape[2]
        flat = x.reshape(len(x), width).astype(np.float32, copy=False)
        distances, _ = self._neighbours.nearest(flat, self.options.neighbours)
        found = {"distance": distances.mean(axis=1)}
        check_finite(found, TOO_LARGE)
        return found

    def state(self) -> State:
        """The training samples."""
        return State(arrays={} if self._reference is None else {"reference": self._reference})

    def restore(self, state: State) -> None:
        """Take back the training samples."""
        self.fit(stored_array(state, "reference", dtype=np.float32, ndim=3))
