"""A model of your own: an autoencoder of two fully connected layers."""

from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from ecgan.config.options import Options
from ecgan.models.base import GenerativeModel, Optimizers
from ecgan.models.layers.latents import Prior
from ecgan.models.layers.optimizers import OptimizerOptions, build_optimizer
from ecgan.registry import register_model


class DenseOptions(Options):
    """Parameters; these are the keys of the section `modules.dense`. Every model has `batch_size`."""

    batch_size: int = Field(32, ge=2, description="samples in a training step")
    latent_size: int = Field(4, ge=1, description="Z, the number of latent dimensions")
    optimizer: OptimizerOptions = Field(OptimizerOptions(lr=1e-2), description="optimizer of both layers")


@register_model("dense")
class Dense(GenerativeModel):
    """x̂ = W₂ W₁ x; the mean squared error is its loss, and while it trains its score of abnormality."""

    title = "two fully connected layers (example plug-in)"
    Options: ClassVar[Any] = DenseOptions

    def __init__(self, options: DenseOptions, *, channels: int, length: int, classes: int = 2) -> None:
        super().__init__(options, channels=channels, length=length, classes=classes)
        self.prior = Prior("encoder", options.latent_size)  # new samples: a normal distribution fitted to latents
        self.encoder = nn.Linear(channels * length, options.latent_size)
        self.decoder = nn.Linear(options.latent_size, channels * length)

    @property
    def output_range(self) -> None:
        """All values: there is no activation behind the last layer."""

    def optimizers(self) -> Optimizers:
        """One optimizer for all parameters."""
        return {"autoencoder": build_optimizer(self.options.optimizer, self.parameters())}

    def train_batch(
        self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Do one step on the mean squared error of x (B, C, L)."""
        loss = F.mse_loss(self.decode(self.encode(x)), x)
        optimizers["autoencoder"].zero_grad(set_to_none=True)
        loss.backward()
        optimizers["autoencoder"].step()
        return {"reconstruction": loss.detach()}

    def encode(self, x: Tensor) -> Tensor:
        """Map x (B, C, L) to z (B, Z)."""
        z: Tensor = self.encoder(x.flatten(1))  # (B, C, L) → (B, C·L)
        return z

    def decode(self, z: Tensor) -> Tensor:
        """Map z (B, Z) to a signal (B, C, L)."""
        x: Tensor = self.decoder(z)
        return torch.unflatten(x, 1, (self.channels, self.length))  # (B, C·L) → (B, C, L)
