"""A convolutional autoencoder: `aegan` without its discriminator.

Loss: the mean squared error for a tanh output, the mean binary cross-entropy for sigmoid. Layers as in
ECGAN's `autoencoder`.
"""

from typing import Any, ClassVar

from pydantic import Field
from torch import Tensor

from ecgan.models.aegan import EncoderDecoder, EncoderOptions, reconstruction
from ecgan.models.base import Optimizers
from ecgan.models.layers.initialisation import initialise
from ecgan.models.layers.optimizers import OptimizerOptions, build_optimizer, descend
from ecgan.registry import register_model


class AutoencoderOptions(EncoderOptions):
    """An encoder and a decoder that train together, without a discriminator."""

    optimizer: OptimizerOptions = Field(OptimizerOptions(lr=5e-3), description="optimizer of encoder and decoder")


@register_model("autoencoder")
class Autoencoder(EncoderDecoder):
    """An autoencoder."""

    title = "autoencoder: BeatGAN without its discriminator"
    source = "Zhou et al., BeatGAN, IJCAI 2019"
    Options: ClassVar[Any] = AutoencoderOptions
    options: AutoencoderOptions

    def __init__(self, options: AutoencoderOptions, *, channels: int, length: int, classes: int = 2) -> None:
        super().__init__(options, channels=channels, length=length, classes=classes)
        initialise(self, options.init)

    def optimizers(self) -> Optimizers:
        """One optimizer for encoder and decoder."""
        return {"autoencoder": build_optimizer(self.options.optimizer, self.autoencoder_parameters())}

    def reconstructed(self, x: Tensor, epoch: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return x̂ = G(E(x)) and the reconstruction loss."""
        fake, loss = reconstruction(self.decoder.logits(self.encode(x)), x, self.options.output)
        return fake, {"reconstruction": loss}

    def train_batch(
        self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Do one step on the sum of the loss terms."""
        _, terms = self.reconstructed(x, epoch)
        descend(optimizers["autoencoder"], sum(terms.values(), x.new_zeros(())))
        return {name: term.detach() for name, term in terms.items()}
