"""A linear yardstick: what is left of a sample outside the principal components of the training samples."""

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from ecgan.config.options import Options
from ecgan.detection.base import F64, Detector, State
from ecgan.detection.classical import check_shape
from ecgan.detection.components import TOO_LARGE, check_finite, chunks
from ecgan.detection.stored import AGAIN, stored_array
from ecgan.errors import EcganError
from ecgan.registry import register_detector
from ecgan.samples import Samples


class PcaOptions(Options):
    """Parameters of the detector `pca`."""

    components: int = Field(10, ge=1, description="Number of principal components that count as normal")


@register_detector("pca")
class Pca(Detector):
    """Mean squared residual after projection on the first principal components.

    Samples are flattened to C·L values. The components are the eigenvectors of the training covariance in
    float64, ordered by falling eigenvalue; each is turned so that its largest entry by magnitude is positive.
    """

    title: ClassVar[str] = "principal components"
    source: ClassVar[str] = "Jackson and Mudholkar, Technometrics 1979"
    Options: ClassVar[type[Options]] = PcaOptions

    _mean: F64 | None = None  # (C, L)
    _basis: F64 | None = None  # (C * L, k), orthonormal columns

    def fit(self, train: Samples) -> None:
        """Learn mean and principal components from the training samples."""
        x = train.signals
        n, width = len(x), int(np.prod(x.shape[1:]))
        wanted: int = self.options.components
        if wanted >= min(n, width):
            raise EcganError(
                f"detectors.pca.components is {wanted}, and the training set of {n} samples with {width} values"
                f" each has no more than {max(min(n, width) - 1, 0)} that leave a residual.",
                "Lower detectors.pca.components.",
            )
        self._mean = x.mean(axis=0, dtype=np.float64)
        covariance = np.zeros((width, width))
        for part in chunks(n):
            centred = (x[part] - self._mean).reshape(-1, width)  # (b, C * L)
            covariance += centred.T @ centred
        _, vectors = np.linalg.eigh(covariance / n)  # ascending
        self._basis = _turned(vectors[:, ::-1][:, :wanted])

    def components(self, samples: Samples) -> dict[str, F64]:
        """The mean squared residual "reconstruction" of n samples, in squares of their unit."""
        x = samples.signals
        if self._mean is None or self._basis is None:
            raise EcganError("the detector 'pca' has not been fitted.", "Fit it first: `fit`, or `ecgan detect`.")
        check_shape(self.name, x, self._mean.shape)
        error = np.empty(len(x), dtype=np.float64)
        for part in chunks(len(x)):
            centred = (x[part] - self._mean).reshape(-1, len(self._basis))  # (b, C * L)
            residual = centred - (centred @ self._basis) @ self._basis.T
            error[part] = np.square(residual).mean(axis=1)
        found = {"reconstruction": error}
        check_finite(found, TOO_LARGE)
        return found

    def state(self) -> State:
        """Mean and principal components."""
        if self._mean is None or self._basis is None:
            return State()
        return State(arrays={"mean": self._mean, "basis": self._basis})

    def restore(self, state: State) -> None:
        """Take back mean and principal components."""
        mean = stored_array(state, "mean", dtype=np.float64, ndim=2)
        basis = stored_array(state, "basis", dtype=np.float64, ndim=2)
        if len(basis) != mean.size:
            raise EcganError(f"the stored mean has {mean.size} values and the components {len(basis)}.", AGAIN)
        self._mean, self._basis = mean, basis


def _turned(vectors: F64) -> F64:
    largest: Any = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0)
    return np.ascontiguousarray(vectors * np.where(largest < 0, -1.0, 1.0))
