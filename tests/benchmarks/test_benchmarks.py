"""How long things take; run with `make bench`, skipped by `make test`. Nothing here asserts a time.

Each group has a plain reference beside ours, in the same run.
"""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from ecgan.ecg.beats import cut_windows
from ecgan.evaluation.bootstrap import bootstrap
from ecgan.models.aegan import Aegan, AeganOptions
from ecgan.models.base import batched
from ecgan.models.vaegan import Vaegan, VaeganOptions
from ecgan.registry import DETECTORS

RNG = np.random.default_rng(0)


@pytest.mark.benchmark(group="beat cutting: 2,000 windows of 2 × 320")
@pytest.mark.parametrize("way", ["ours", "loop"])
def test_cutting(benchmark, way: str) -> None:
    signal = RNG.normal(size=(650_000, 2))
    positions = np.sort(RNG.integers(200, 649_000, 2000))
    if way == "ours":
        windows = benchmark(lambda: cut_windows(signal, positions, 140, 180)[0])
    else:
        windows = benchmark(lambda: np.stack([signal[p - 140 : p + 180] for p in positions]))
    assert windows.shape == (2000, 320, 2)


@pytest.mark.benchmark(group="training step: 64 beats of 1 × 320, published size")
@pytest.mark.parametrize("name", ["aegan", "vaegan"])
def test_training_step(benchmark, name: str) -> None:
    classes = {"aegan": (Aegan, AeganOptions), "vaegan": (Vaegan, VaeganOptions)}
    cls, options = classes[name]
    model = cls(options(), channels=1, length=320)
    optimizers, x = model.optimizers(), torch.rand(64, 1, 320)
    losses = benchmark(model.train_batch, x, optimizers, 0)
    assert all(torch.isfinite(loss) for loss in losses.values())


@pytest.mark.benchmark(group="scoring: 512 beats of 1 × 320 by aegan, published size")
@pytest.mark.parametrize("batch", [256, 1])
def test_scoring(benchmark, batch: int) -> None:
    model = Aegan(AeganOptions(), channels=1, length=320).eval()
    x = torch.rand(512, 1, 320)
    scores = benchmark.pedantic(batched, (model.validation_scores, x, batch), rounds=3)
    assert scores.shape == (512,)


@pytest.mark.benchmark(group="knn: 2,000 beats against 8,000 of 320 steps")
@pytest.mark.parametrize("way", ["ours", "scikit-learn"])
def test_knn(benchmark, way: str) -> None:
    train, x = RNG.random((8000, 1, 320), dtype=np.float32), RNG.random((2000, 1, 320), dtype=np.float32)
    if way == "ours":
        cls = DETECTORS.get("knn")
        detector = cls(cls.Options())
        detector.fit(train)
        distances = benchmark(lambda: detector.components(x)["distance"])
    else:
        neighbours = NearestNeighbors(n_neighbors=5, algorithm="brute").fit(train[:, 0])
        distances = benchmark(lambda: neighbours.kneighbors(x[:, 0])[0].mean(axis=1))
    assert distances.shape == (2000,)


@pytest.mark.benchmark(group="bootstrap of AUROC: 5,000 samples, 50 replicates")
@pytest.mark.parametrize("way", ["ours, all metrics", "loop, AUROC alone"])
def test_bootstrap(benchmark, way: str) -> None:
    scores, abnormal = RNG.random(5000), RNG.random(5000) < 0.3

    def loop() -> list[float]:
        draws = (RNG.integers(0, 5000, 5000) for _ in range(50))
        return [roc_auc_score(abnormal[draw], scores[draw]) for draw in draws]

    def ours() -> object:
        return bootstrap({"r": scores}, {"r": scores > 0.5}, abnormal, replicates=50)

    assert benchmark(ours if way.startswith("ours") else loop)
