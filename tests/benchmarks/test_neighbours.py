"""Nearest neighbours among training beats, block by block."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from ecgan.registry import DETECTORS
from tests.making import samples


@pytest.mark.benchmark(group="knn: 4,000 beats among 60,000 of 320 steps")
@pytest.mark.parametrize("way", ["ours", "reference: scikit-learn, brute force"])
def test_knn(benchmark, way: str) -> None:
    rng = np.random.default_rng(0)
    train, x = rng.random((60_000, 1, 320), dtype=np.float32), rng.random((4000, 1, 320), dtype=np.float32)
    cls = DETECTORS.get("knn")
    detector = cls(cls.Options())
    detector.fit(samples(train))
    package = NearestNeighbors(n_neighbors=5, algorithm="brute").fit(train[:, 0])
    ways = {
        "ours": lambda: detector.components(samples(x))["distance"],
        "reference: scikit-learn, brute force": lambda: package.kneighbors(x[:, 0])[0].mean(axis=1),
    }
    benchmark.extra_info["scored"] = len(x)
    distances = benchmark.pedantic(ways[way], rounds=3, warmup_rounds=1)
    np.testing.assert_allclose(distances[:50], detector.components(samples(x[:50]))["distance"], rtol=1e-3)
