"""Scores of beats by a model at the published size."""

import pytest
import torch

from ecgan.models.aegan import Aegan, AeganOptions
from ecgan.models.base import batched


@pytest.mark.benchmark(group="aegan, 256 beats of 1 × 320")
@pytest.mark.parametrize("way", ["ours", "reference: one beat after the other"])
def test_scoring(benchmark, way: str) -> None:
    benchmark.extra_info["scored"] = 256
    model = Aegan(AeganOptions(width=1.0, latent_size=50), channels=1, length=320).eval()
    batch = 256 if way == "ours" else 1
    scores = benchmark.pedantic(batched, (model.validation_scores, torch.rand(256, 1, 320), batch), rounds=3)
    assert scores.shape == (256,)
