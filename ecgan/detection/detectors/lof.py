"""Density seen locally: how much thinner the training samples lie around a sample than around its neighbours."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from ecgan.config.options import Options
from ecgan.detection.base import F32, F64, State
from ecgan.detection.classical import Classical, check_width, drawn, too_few
from ecgan.detection.neighbours import Neighbours
from ecgan.detection.stored import AGAIN, stored_array
from ecgan.errors import EcganError
from ecgan.registry import register_detector
from ecgan.runtime import derive_seed

_LEAST = 1e-10  # mean reachability of samples that lie on top of each other, as in scikit-learn


class LofOptions(Options):
    """Parameters of the detector `lof`."""

    neighbours: int = Field(20, ge=1, description="Number k of nearest training samples that are looked at")
    samples: int = Field(
        10_000,
        ge=2,
        description="Most training samples that are kept, drawn at random if there are more: time grows with the"
        " square of their number",
    )


@register_detector("lof")
class Lof(Classical):
    """Local outlier factor of new samples (Breunig, Kriegel, Ng and Sander 2000).

    With the k nearest training samples o of x, the reachability of x from o is max(d(x, o), distance of o to its own
    k-th neighbour); the density of x is one over the mean reachability, and the factor the mean density of the
    neighbours over the density of x: about 1 inside a cluster, larger outside.
    """

    title: ClassVar[str] = "local outlier factor"
    source: ClassVar[str] = "Breunig, Kriegel, Ng and Sander, SIGMOD 2000"
    Options: ClassVar[type[Options]] = LofOptions
    component: ClassVar[str] = "outlier_factor"

    _reference: F32  # (m, C * L)
    _reach: F64  # (m,), distance of each training sample to its k-th neighbour
    _density: F64  # (m,)

    def check_count(self, count: int) -> None:
        """Refuse training sets in which not every sample has k others."""
        if count <= self.options.neighbours:
            raise too_few(self.name, "neighbours", self.options.neighbours, count)

    def learn(self, rows: F32) -> None:
        """Find the neighbours of every row (m, C·L) among the others."""
        from sklearn.neighbors import NearestNeighbors

        k: int = self.options.neighbours
        self._remember(drawn(rows, max(self.options.samples, k + 1), derive_seed(self.seed, "samples")))
        wide = self._reference.astype(np.float64)
        distances, indices = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(wide).kneighbors()
        self._reach = np.ascontiguousarray(distances[:, -1])
        self._density = _density(distances, self._reach[indices])

    def score(self, rows: F32) -> F64:
        """Outlier factor of the rows (b, C·L)."""
        distances, indices = self._search.nearest(rows, self.options.neighbours)
        density = _density(distances, self._reach[indices])
        factor: F64 = self._density[indices].mean(axis=1) / density
        return factor

    def learned(self) -> State:
        """The training samples that were kept, the distance to the k-th neighbour and the density of each."""
        return State(arrays={"reference": self._reference, "reach": self._reach, "density": self._density})

    def relearn(self, state: State, width: int) -> None:
        """Take back what `learned` gave."""
        reference = stored_array(state, "reference", dtype=np.float32, ndim=2)
        check_width("reference", reference, width)
        self.check_count(len(reference))
        reach, density = (stored_array(state, key, dtype=np.float64, ndim=1) for key in ("reach", "density"))
        if not len(reference) == len(reach) == len(density):
            raise EcganError("the stored samples and what is stored of their neighbours differ in number.", AGAIN)
        self._remember(reference)
        self._reach, self._density = reach, density

    def _remember(self, reference: F32) -> None:
        self._reference = reference
        self._search = Neighbours(reference)


def _density(distances: F64, reach: F64) -> F64:
    """One over the mean reachability (n,) from distances (n, k) to the neighbours and their own reach (n, k)."""
    density: F64 = 1.0 / (np.maximum(distances, reach).mean(axis=1) + _LEAST)
    return density
