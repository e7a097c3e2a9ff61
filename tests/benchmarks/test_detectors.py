"""Classical detectors, fitted and asked: ours learn from a bounded number of samples and score in blocks."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

from ecgan.registry import DETECTORS
from tests.making import samples

TRAIN, SCORED = 20_000, 10_000
PACKAGE = {
    "isolation_forest": lambda: IsolationForest(max_samples=256, random_state=0),
    "kmeans": lambda: KMeans(16, n_init=3, random_state=0),
    "lof": lambda: LocalOutlierFactor(novelty=True),
    "ocsvm": lambda: OneClassSVM(nu=0.05),
    "pca": lambda: PCA(10, random_state=0),
}


def beats(count: int, seed: int) -> np.ndarray:
    """Beats of 320 steps around 30 shapes."""
    shapes = np.random.default_rng(0).normal(size=(30, 320)).cumsum(axis=1).astype(np.float32) / 10
    rng = np.random.default_rng(seed)
    return shapes[rng.integers(0, 30, count)] + rng.normal(0, 0.3, (count, 320)).astype(np.float32)


@pytest.mark.parametrize("way", ["ours", "reference: scikit-learn, all samples"])
@pytest.mark.parametrize("name", list(PACKAGE))
def test_detector(benchmark, name: str, way: str) -> None:
    benchmark.group = f"{name}: {TRAIN:,} beats of 320 steps learned, {SCORED:,} scored"
    train, x = beats(TRAIN, 1), beats(SCORED, 2)
    cls = DETECTORS.get(name)
    detector = cls(cls.Options())

    def ours() -> np.ndarray:
        detector.fit(samples(train[:, None]))
        return next(iter(detector.components(samples(x[:, None])).values()))

    def package() -> np.ndarray:
        estimator = PACKAGE[name]().fit(train)
        if hasattr(estimator, "score_samples"):
            return estimator.score_samples(x)
        return estimator.transform(x)

    assert len(benchmark.pedantic(ours if way == "ours" else package, rounds=1)) == SCORED
