"""A training step of each model at the published size and at a quarter of its width, in both precisions."""

import pytest
import torch

from ecgan.registry import MODELS
from ecgan.runtime import autocast, reuse_memory
from tests.benchmarks.roof import gemm_rate, gigaflops
from tests.unfused import unfused_optimizers, unfused_step

NAMES = ("aegan", "vaegan", "autoencoder", "vae", "dcgan", "rgan", "rdcgan", "cnn", "rnn")
PUBLISHED = {  # what the defaults of the others are
    "aegan": {"latent_size": 50, "batch_size": 64},
    "vaegan": {"latent_size": 50, "batch_size": 256},
    "autoencoder": {"latent_size": 5, "batch_size": 64},
    "vae": {"latent_size": 5, "batch_size": 64},
}
CPU = torch.device("cpu")


@pytest.mark.parametrize("way", ["ours", "reference: a plain step, nothing shared or fused"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("width", [1.0, 0.25])
@pytest.mark.parametrize("name", NAMES)
def test_training_step(benchmark, name: str, width: float, precision: str, way: str) -> None:
    reuse_memory()
    cls = MODELS.get(name)
    options = cls.Options(width=width, **(PUBLISHED.get(name, {}) if width == 1 else {}))
    beats = options.batch_size
    benchmark.group = f"{name}, {beats} beats of 1 × 320, width {width:g}, {precision}"
    model = cls(options, channels=1, length=320, classes=5).train()
    labels = torch.arange(beats) % 5 if model.classifies else None
    x = torch.rand(beats, 1, 320) - 0.5
    optimizers = model.optimizers() if way == "ours" else unfused_optimizers(model)

    def step() -> dict:
        with autocast(precision, CPU):
            if way == "ours":
                return model.train_batch(x, optimizers, 0, labels)
            return unfused_step(model, x, optimizers, labels)

    work, roof = gigaflops(step), gemm_rate(precision, torch.get_num_threads())
    benchmark.extra_info.update(beats=beats, gflop=work, roof_gflops=roof)
    losses = benchmark.pedantic(step, rounds=5, warmup_rounds=2)
    assert all(torch.isfinite(torch.as_tensor(loss)) for loss in losses.values())
