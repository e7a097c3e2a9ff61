"""The inverse mapping of a model that has an encoder: the encoder itself."""

from pathlib import Path

from torch import Tensor

from ecgan.inversion.base import Inversion
from ecgan.models.base import GenerativeModel


class EncoderInversion(Inversion):
    """z = E(x), the posterior's mean where the encoder is stochastic; nothing to learn, no weights of its own."""

    method = "encoder"

    @classmethod
    def suits(cls, model: GenerativeModel) -> bool:
        """Whether the model has an encoder."""
        return model.has_encoder

    def fit(self, train: Tensor) -> None:
        """Learn nothing: the encoder was trained with the model."""

    def restore(self, folder: Path) -> None:
        """Read nothing: the encoder comes with the model."""

    def invert(self, x: Tensor) -> Tensor:
        """Encode x (B, C, L) to z (B, Z)."""
        return self.model.encode(x)
