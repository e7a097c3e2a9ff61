"""Downsampling by largest triangles, a whole batch at once, beside packages that take one series after the other."""

import lttb as package
import numpy as np
import pytest
from tsdownsample import LTTBDownsampler

from ecgan.preprocessing.lttb import lttb, pylttb

REFERENCE = "reference: package lttb, a loop"
WAYS = ["ours, variant lttb", "ours, variant pylttb", "package tsdownsample, a loop", REFERENCE]


def run(way: str, x: np.ndarray, points: int) -> np.ndarray:
    time, sampler = np.arange(float(x.shape[2])), LTTBDownsampler()
    ways = {
        WAYS[0]: lambda: lttb(x, points),
        WAYS[1]: lambda: pylttb(x, points),
        WAYS[2]: lambda: np.stack([s[:, sampler.downsample(s[0], n_out=points)] for s in x]),
        WAYS[3]: lambda: np.stack([package.downsample(np.stack([time, s[0]], 1), points) for s in x]),
    }
    return ways[way]()


@pytest.mark.benchmark(group="1,000 series of 5,000 steps to 500")
@pytest.mark.parametrize("way", WAYS)
def test_series(benchmark, way: str) -> None:
    x = np.random.default_rng(0).normal(size=(1000, 1, 5000)).cumsum(axis=2)
    rounds = 1 if way == REFERENCE else 5
    assert len(benchmark.pedantic(run, (way, x, 500), rounds=rounds, warmup_rounds=rounds // 5)) == 1000


@pytest.mark.benchmark(group="10,000 beats of 187 steps to 160")
@pytest.mark.parametrize("way", WAYS)
def test_beats(benchmark, way: str) -> None:
    x = np.random.default_rng(0).normal(size=(10_000, 1, 187)).astype(np.float32)
    rounds = 1 if way == REFERENCE else 5
    assert len(benchmark.pedantic(run, (way, x, 160), rounds=rounds, warmup_rounds=rounds // 5)) == 10_000
