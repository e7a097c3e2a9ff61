"""A few typical samples instead of all: how far a sample is from the most similar one of them."""

from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.spatial.distance import cdist

from ecgan.config.options import Options
from ecgan.detection.base import F32, F64, State
from ecgan.detection.classical import Classical, check_width, drawn, too_few
from ecgan.detection.stored import stored_array
from ecgan.registry import register_detector
from ecgan.runtime import derive_seed


class KmeansOptions(Options):
    """Parameters of the detector `kmeans`."""

    clusters: int = Field(16, ge=1, description="Number of centroids")
    starts: int = Field(3, ge=1, le=100, description="Times that the clustering is begun anew; the best one is kept")
    samples: int = Field(
        20_000, ge=1, description="Most training samples that are clustered, drawn at random if there are more"
    )


@register_detector("kmeans")
class Kmeans(Classical):
    """Euclidean distance to the nearest centroid of k-means (Lloyd 1982, begun as in Arthur and Vassilvitskii 2007)."""

    title: ClassVar[str] = "nearest centroid of k-means"
    source: ClassVar[str] = "Lloyd, IEEE Trans. Information Theory 1982"
    Options: ClassVar[type[Options]] = KmeansOptions
    component: ClassVar[str] = "distance"

    _centroids: F64  # (k, C * L)

    def check_count(self, count: int) -> None:
        """Refuse fewer training samples than centroids."""
        if count < self.options.clusters:
            raise too_few(self.name, "clusters", self.options.clusters, count)

    def learn(self, rows: F32) -> None:
        """Cluster the rows (m, C·L)."""
        from sklearn.cluster import KMeans
        from threadpoolctl import threadpool_limits

        chosen = drawn(rows, max(self.options.samples, self.options.clusters), derive_seed(self.seed, "samples"))
        model = KMeans(
            self.options.clusters,
            n_init=self.options.starts,
            random_state=derive_seed(self.seed, "kmeans") % 2**32,
            algorithm="lloyd",
        )
        with threadpool_limits(1):  # several threads add up in the order in which they finish
            model.fit(chosen.astype(np.float64))
        self._centroids = np.ascontiguousarray(model.cluster_centers_, dtype=np.float64)

    def score(self, rows: F32) -> F64:
        """Distance of the rows (b, C·L) to the nearest centroid, in the unit of the samples."""
        nearest: F64 = cdist(rows.astype(np.float64), self._centroids).min(axis=1)
        return nearest

    def learned(self) -> State:
        """The centroids."""
        return State(arrays={"centroids": self._centroids})

    def relearn(self, state: State, width: int) -> None:
        """Take back the centroids."""
        centroids = stored_array(state, "centroids", dtype=np.float64, ndim=2)
        check_width("centroids", centroids, width)
        self._centroids = centroids
