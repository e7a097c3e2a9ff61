"""What a model is: networks with their own parameters, defaults and losses."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ecgan.config.options import Options


class Model(ABC, nn.Module):
    """A model; one file in `ecgan/models/`, registered with `@register_model("name", "alias")`.

    Attributes:
        Options: Its parameters, which type `modules.<name>`.
        defaults: Overrides of other sections' defaults, such as `{"train": {"batch_size": 256}}`.
        options: The parameters it was built with.
        channels: C, the number of leads.
        length: L, the number of time steps.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    Options: ClassVar[type[Options]]
    defaults: ClassVar[dict[str, dict[str, Any]]] = {}

    def __init__(self, options: Any, *, channels: int, length: int) -> None:
        super().__init__()
        self.options = options
        self.channels = channels
        self.length = length

    @property
    @abstractmethod
    def output_range(self) -> tuple[float, float] | None:
        """The range of values that the model can reconstruct, or None for all; data are scaled to it."""

    @abstractmethod
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Fresh optimizers by name."""

    @abstractmethod
    def train_batch(self, x: Tensor, optimizers: dict[str, torch.optim.Optimizer], epoch: int) -> dict[str, Tensor]:
        """Do one step of every optimizer on the batch x (B, C, L); return detached scalar losses by name."""

    def encode(self, x: Tensor) -> Tensor:
        """Map x (B, C, L) to its latent z (B, Z), the mean where the encoder is stochastic."""
        raise NotImplementedError(f"{self.name} has no encoder")

    @property
    def has_encoder(self) -> bool:
        """Whether `encode` is there; without it the inverse mapping is learned or searched for."""
        return type(self).encode is not Model.encode

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """Map z (B, Z) to a signal (B, C, L)."""

    def features(self, x: Tensor) -> Tensor | None:
        """The discriminator's last hidden features of x (B, C, L), shape (B, F); None where there is none."""
        return None

    def validation_scores(self, x: Tensor) -> Tensor:
        """Score x (B, C, L) during training, (B,), higher = more abnormal: the mean squared reconstruction error."""
        return (self.decode(self.encode(x)) - x).square().mean(dim=(1, 2))


def batched(function: Callable[[Tensor], Tensor], x: Tensor, batch_size: int) -> Tensor:
    """Apply `function` to x (n, …) in batches and concatenate; no gradients, the caller has set eval mode."""
    with torch.inference_mode():
        return torch.cat([function(part) for part in torch.split(x, batch_size)])
