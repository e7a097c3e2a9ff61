"""What a discriminator of a plain GAN gives."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn


class SignalDiscriminator(ABC, nn.Module):
    """Judges signals; without a sigmoid, so that it serves as a Wasserstein critic too.

    Attributes:
        recurrent: Whether a fused kernel runs over time, which takes many times as long to differentiate twice.
    """

    recurrent: ClassVar[bool] = False

    @abstractmethod
    def features(self, x: Tensor) -> Tensor:
        """Return the last hidden features of x (B, C, L), flattened, (B, F)."""

    @abstractmethod
    def logits(self, x: Tensor) -> Tensor:
        """Return every logit that is given for x (B, C, L), (B, T); higher = more like real data."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean logit of x (B, C, L), (B,)."""
        return self.logits(x).mean(dim=1)
