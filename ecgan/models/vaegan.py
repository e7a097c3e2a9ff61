"""β-VAEGAN: BeatGAN with a variational encoder (Lüer, Weber, Dolgich, Böhm, arXiv 2310.18091).

Discriminator as in `aegan`. Encoder and decoder: β·w(t)·KL + MSE(f(x̂), f(x)) + reconstruction, where the
reconstruction loss is the mean binary cross-entropy for a sigmoid output and the mean squared error for tanh,
KL = −½ Σ (1 + log σ² − μ² − σ²) / B, and w(t) is 0 before `kl_warmup` epochs, rises linearly over `kl_anneal` epochs
and then stays 1.
"""

from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ecgan.models.adversarial import AdversarialAutoencoder
from ecgan.models.latents import PriorName
from ecgan.models.losses import kl_divergence, kl_weight, reconstruction
from ecgan.models.networks import VariationalEncoder
from ecgan.models.options import AdversarialOptions
from ecgan.registry import register_model


class VaeganOptions(AdversarialOptions):
    """Parameters of `vaegan`; the defaults are the published ones."""

    batch_size: int = Field(256, ge=2, description="beats in a training step")
    latent: PriorName = Field("normal", description="distribution that new beats are generated from")
    kl_beta: float = Field(0.01, ge=0, description="β, weight of the divergence from the prior")
    kl_warmup: int = Field(0, ge=0, description="epochs without the divergence")
    kl_anneal: int = Field(0, ge=0, description="epochs over which its weight then rises to β")


@register_model("vaegan")
class Vaegan(AdversarialAutoencoder):
    """β-VAEGAN."""

    title = "β-VAEGAN: BeatGAN with a variational encoder"
    Options: ClassVar[Any] = VaeganOptions
    options: VaeganOptions

    def build_encoder(self) -> nn.Module:
        """Return the variational encoder."""
        o = self.options
        return VariationalEncoder(
            self.channels, self.length, o.latent_size, o.width, o.norm, spectral=o.encoder_spectral_norm
        )

    def reconstruct(self, x: Tensor, epoch: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return x̂ = G(z), z drawn from the posterior, and the terms β·w·KL and reconstruction."""
        o = self.options
        mean, log_variance = self.encoder(x)
        z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        logits = self.decoder.logits(z)
        weight = o.kl_beta * kl_weight(epoch, o.kl_warmup, o.kl_anneal)
        fake, loss = reconstruction(logits, x, o.output)
        return fake, {"reconstruction": loss, "kl": weight * kl_divergence(mean, log_variance)}

    def encode(self, x: Tensor) -> Tensor:
        """Map x (B, C, L) to the mean of its posterior (B, Z), not to a random draw."""
        mean: Tensor = self.encoder(x)[0]
        return mean
