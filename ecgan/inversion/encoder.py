"""The inverse mapping of a model that has an encoder: the encoder itself."""

from collections.abc import Callable
from typing import ClassVar

from torch import Tensor

from ecgan.inversion.base import Inversion
from ecgan.models.base import GenerativeModel, Model, batched
from ecgan.registry import register_inversion
from ecgan.runtime import autocast


@register_inversion("encoder")
class EncoderInversion(Inversion):
    """z = E(x), the posterior's mean where the encoder is stochastic; no weights of its own."""

    title: ClassVar[str] = "the model's own encoder"

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Whether the model has an encoder."""
        return isinstance(model, GenerativeModel) and model.has_encoder

    @property
    def one_pass(self) -> Callable[[Tensor], Tensor]:
        """The encoder."""
        return self.model.encode

    def invert(self, x: Tensor, batch_size: int = 1024) -> Tensor:
        """Encode x (n, C, L) to z (n, Z)."""
        with autocast(self.precision, x.device):
            return batched(self.one_pass, x, batch_size).float()
