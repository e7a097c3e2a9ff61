"""BeatGAN: an adversarially regularised autoencoder (Zhou et al., "BeatGAN", IJCAI 2019).

Discriminator: BCE(D(x), 1) + BCE(D(G(E(x))), 0). Encoder and decoder: MSE(f(x̂), f(x)) + MSE(x̂, x), where f is the
discriminator's last hidden feature map. Layers as in ECGAN's `aegan`.
"""

from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional as F

from ecgan.models.adversarial import AdversarialAutoencoder
from ecgan.models.encoding import Deterministic
from ecgan.models.options import AdversarialOptions
from ecgan.registry import register_model


class AeganOptions(AdversarialOptions):
    """Parameters of `aegan`; the presets hold the published ones."""


@register_model("aegan", "beatgan")
class Aegan(Deterministic, AdversarialAutoencoder):
    """BeatGAN."""

    title = "BeatGAN: autoencoder with adversarial feature matching"
    source = "Zhou et al., BeatGAN, IJCAI 2019"
    Options: ClassVar[Any] = AeganOptions
    options: AeganOptions

    def reconstructed(self, x: Tensor, epoch: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return x̂ = G(E(x)) and the reconstruction loss MSE(x̂, x)."""
        fake = self.decode(self.encode(x))
        return fake, {"reconstruction": F.mse_loss(fake, x)}
