"""A convolutional autoencoder with the networks of BeatGAN, and what it shares with the variational one.

Loss: the mean squared error for a tanh output, the mean binary cross-entropy for sigmoid. Layers as in
ECGAN's `autoencoder`.
"""

from typing import Any, ClassVar

from torch import Tensor

from ecgan.models.base import Optimizers
from ecgan.models.encoding import Deterministic, EncoderDecoder
from ecgan.models.initialisation import initialise
from ecgan.models.losses import reconstruction
from ecgan.models.optimizers import build_optimizer
from ecgan.models.options import AutoencoderOptions
from ecgan.registry import register_model


class PlainAutoencoder(EncoderDecoder):
    """Encoder and decoder trained by one optimizer, without a discriminator."""

    options: AutoencoderOptions

    def __init__(self, options: AutoencoderOptions, *, channels: int, length: int, classes: int = 2) -> None:
        super().__init__(options, channels=channels, length=length, classes=classes)
        initialise(self, options.init)

    def optimizers(self) -> Optimizers:
        """One optimizer for encoder and decoder."""
        return {"autoencoder": build_optimizer(self.options.optimizer, self.autoencoder_parameters())}

    def train_batch(
        self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Do one step on the sum of the loss terms."""
        _, terms = self.reconstructed(x, epoch)
        optimizers["autoencoder"].zero_grad(set_to_none=True)
        sum(terms.values(), x.new_zeros(())).backward()
        optimizers["autoencoder"].step()
        return {name: term.detach() for name, term in terms.items()}


@register_model("autoencoder")
class Autoencoder(Deterministic, PlainAutoencoder):
    """An autoencoder."""

    title = "autoencoder: BeatGAN without its discriminator"
    source = "Zhou et al., BeatGAN, IJCAI 2019"
    Options: ClassVar[Any] = AutoencoderOptions
    options: AutoencoderOptions

    def reconstructed(self, x: Tensor, epoch: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return x̂ = G(E(x)) and the reconstruction loss."""
        fake, loss = reconstruction(self.decoder.logits(self.encode(x)), x, self.options.output)
        return fake, {"reconstruction": loss}
