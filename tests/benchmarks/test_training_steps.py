"""A training step of each model at the published size."""

import pytest
import torch

from ecgan.models.aegan import Aegan, AeganOptions
from ecgan.models.vaegan import Vaegan, VaeganOptions

CLASSES = {"aegan": (Aegan, AeganOptions), "vaegan": (Vaegan, VaeganOptions)}


@pytest.mark.parametrize("way", ["ours", "reference: an optimizer that is not fused"])
@pytest.mark.parametrize("name", list(CLASSES))
def test_training_step(benchmark, name: str, way: str) -> None:
    cls, options = CLASSES[name]
    benchmark.group = f"{name}, 64 beats of 1 × 320"
    benchmark.extra_info["beats"] = 64
    model = cls(options(width=1.0, latent_size=50), channels=1, length=320)
    optimizers, x = model.optimizers(), torch.rand(64, 1, 320)
    for group in (group for optimizer in optimizers.values() for group in optimizer.param_groups):
        group.update({} if way == "ours" else {"fused": False, "foreach": False})
    losses = benchmark(model.train_batch, x, optimizers, 0)
    assert all(torch.isfinite(loss) for loss in losses.values())
