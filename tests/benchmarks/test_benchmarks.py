"""How long things take; run with `make bench`, skipped by `make test`. Nothing here asserts a time.

Each group has a plain reference beside ours, in the same run.
"""

import lttb as package
import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from tsdownsample import LTTBDownsampler

from ecgan.ecg.beats import cut_windows
from ecgan.evaluation.bootstrap import bootstrap
from ecgan.models.aegan import Aegan, AeganOptions
from ecgan.models.base import batched
from ecgan.models.vaegan import Vaegan, VaeganOptions
from ecgan.preprocessing.filtering import filter_recording
from ecgan.preprocessing.lttb import lttb, pylttb
from ecgan.preprocessing.options import FilterOptions
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


@pytest.mark.benchmark(group="LTTB: 2,000 series of 5,000 steps to 500")
@pytest.mark.parametrize(
    "way", ["ours, variant lttb", "ours, variant pylttb", "tsdownsample loop", "lttb package loop"]
)
def test_lttb(benchmark, way: str) -> None:
    x = RNG.normal(size=(2000, 5000, 1)).cumsum(axis=1)
    time = np.arange(5000.0)
    sampler = LTTBDownsampler()
    ways = {
        "ours, variant lttb": lambda: lttb(x, 500),
        "ours, variant pylttb": lambda: pylttb(x, 500),
        "tsdownsample loop": lambda: np.stack([s[sampler.downsample(s[:, 0], n_out=500)] for s in x]),
        "lttb package loop": lambda: np.stack([package.downsample(np.stack([time, s[:, 0]], 1), 500) for s in x]),
    }
    rounds = 1 if way == "lttb package loop" else 5
    assert len(benchmark.pedantic(ways[way], rounds=rounds, warmup_rounds=rounds // 5)) == 2000


@pytest.mark.benchmark(group="LTTB: 100,000 beats of 187 steps to 160")
@pytest.mark.parametrize("way", [lttb, pylttb])
def test_lttb_of_beats(benchmark, way) -> None:
    x = RNG.normal(size=(100_000, 187, 1)).astype(np.float32)
    assert benchmark.pedantic(way, (x, 160), rounds=3).shape == (100_000, 160, 1)


@pytest.mark.benchmark(group="filters of half an hour of two leads at 360 Hz")
@pytest.mark.parametrize("name", ["bandpass", "baseline", "notch"])
def test_filters(benchmark, name: str) -> None:
    signals = RNG.normal(size=(650_000, 2)).cumsum(axis=0)
    options = FilterOptions.model_validate({"filters": [name]})
    assert benchmark.pedantic(filter_recording, (signals, 360.0, options), rounds=3).shape == signals.shape


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
