"""BeatGAN: an adversarially regularised autoencoder (Zhou et al., "BeatGAN", IJCAI 2019).

Discriminator: BCE(D(x), 1) + BCE(D(G(E(x))), 0). Encoder and decoder: MSE(f(x̂), f(x)) + MSE(x̂, x), where f is the
discriminator's last hidden feature map. Sizes and defaults as in ECGAN's `aegan`.
"""

from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from ecgan.models.adversarial import AdversarialAutoencoder
from ecgan.models.networks import Encoder
from ecgan.models.options import AdversarialOptions
from ecgan.registry import register_model


class AeganOptions(AdversarialOptions):
    """Parameters of `aegan`; the defaults are the published ones."""


@register_model("aegan", "beatgan")
class Aegan(AdversarialAutoencoder):
    """BeatGAN."""

    title = "BeatGAN: autoencoder with adversarial feature matching"
    Options: ClassVar[Any] = AeganOptions

    def build_encoder(self) -> nn.Module:
        """Return the deterministic encoder."""
        o = self.options
        return Encoder(self.channels, self.length, o.latent_size, o.width, o.norm, spectral=o.encoder_spectral_norm)

    def reconstruct(self, x: Tensor, epoch: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return x̂ = G(E(x)) and the reconstruction loss MSE(x̂, x)."""
        fake = self.decode(self.encode(x))
        return fake, {"reconstruction": F.mse_loss(fake, x)}

    def encode(self, x: Tensor) -> Tensor:
        """Map x (B, C, L) to z (B, Z)."""
        z: Tensor = self.encoder(x)
        return z
