"""Intervals of all metrics by the bootstrap."""

import numpy as np
import pytest

from ecgan.evaluation.bootstrap import bootstrap
from ecgan.evaluation.labels import label_metrics
from ecgan.evaluation.ranking import auroc, average_precision


@pytest.mark.benchmark(group="5,000 samples, 100 replicates")
@pytest.mark.parametrize("way", ["ours", "reference: a loop that copies samples"])
def test_bootstrap(benchmark, way: str) -> None:
    rng = np.random.default_rng(0)
    scores, abnormal = rng.random(5000), rng.random(5000) < 0.3

    def loop() -> list[object]:
        draws = [rng.integers(0, 5000, 5000) for _ in range(100)]
        return [
            (
                auroc(scores[draw], abnormal[draw]),
                average_precision(scores[draw], abnormal[draw]),
                label_metrics(scores[draw] > 0.5, abnormal[draw]),
            )
            for draw in draws
        ]

    def ours() -> object:
        return bootstrap({"r": scores}, {"r": scores > 0.5}, abnormal, replicates=100).intervals

    assert benchmark.pedantic(ours if way == "ours" else loop, rounds=3, warmup_rounds=1)
