"""The simplest memory: how far a sample is from the training samples that are most like it."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from ecgan.config.options import Options
from ecgan.detection.base import F32, F64, Detector, State
from ecgan.detection.classical import check_shape, too_few
from ecgan.detection.components import TOO_LARGE, check_finite
from ecgan.detection.neighbours import Neighbours
from ecgan.detection.stored import stored_array
from ecgan.errors import EcganError
from ecgan.registry import register_detector
from ecgan.samples import Samples


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

    def fit(self, train: Samples) -> None:
        """Keep the training samples."""
        self._check_count(len(train))
        self._keep(train.signals)

    def _check_count(self, count: int) -> None:
        if count < self.options.neighbours:
            raise too_few(self.name, "neighbours", self.options.neighbours, count)

    def _keep(self, reference: F32) -> None:
        self._reference = np.ascontiguousarray(reference, dtype=np.float32)
        self._neighbours = Neighbours(self._points(self._reference))

    def _points(self, signals: F32) -> F32:
        """What is compared of samples (n, C, L): their values, (n, C * L)."""
        return signals.reshape(len(signals), signals.shape[1] * signals.shape[2]).astype(np.float32, copy=False)

    def components(self, samples: Samples) -> dict[str, F64]:
        """The mean "distance" of each of n samples from its k nearest training samples, in their unit."""
        x = samples.signals
        if self._reference is None:
            raise EcganError(
                f"the detector {self.name!r} has not been fitted.", "Fit it first: `fit`, or `ecgan detect`."
            )
        check_shape(self.name, x, self._reference.shape[1:])
        distances, _ = self._neighbours.nearest(self._points(x), self.options.neighbours)
        found = {"distance": distances.mean(axis=1)}
        check_finite(found, TOO_LARGE)
        return found

    def state(self) -> State:
        """The training samples."""
        return State(arrays={} if self._reference is None else {"reference": self._reference})

    def restore(self, state: State) -> None:
        """Take back the training samples."""
        reference = stored_array(state, "reference", dtype=np.float32, ndim=3)
        self._check_count(len(reference))
        self._keep(reference)
