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
from torch.nn import functional as F

from ecgan.models.adversarial import AdversarialAutoencoder
from ecgan.models.latents import PriorName
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


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, 1)), summed over the latent dimensions, averaged over the batch; both (B, Z)."""
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum() / mean.shape[0]


def kl_weight(epoch: int, warmup: int, anneal: int) -> float:
    """w(t) for epoch t = 0, 1, …: 0 during the warm-up, then (t − warmup + 1) / anneal up to 1."""
    if epoch < warmup:
        return 0.0
    return min(1.0, (epoch - warmup + 1) / anneal) if anneal else 1.0


@register_model("vaegan")
class Vaegan(AdversarialAutoencoder):
    """β-VAEGAN."""

    title = "β-VAEGAN: BeatGAN with a variational encoder"
    Options: ClassVar[Any] = VaeganOptions
    options: VaeganOptions

    def build_encoder(self) -> nn.Module:
        """Return the variational encoder."""
        o = self.options
        return VariationalEncoder(self.channels, self.length, o.latent_size, o.width, o.norm)

    def reconstruct(self, x: Tensor, epoch: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return x̂ = G(z), z drawn from the posterior, and the terms β·w·KL and reconstruction."""
        o = self.options
        mean, log_variance = self.encoder(x)
        z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        logits = self.decoder.logits(z)
        weight = o.kl_beta * kl_weight(epoch, o.kl_warmup, o.kl_anneal)
        if o.output == "sigmoid":
            fake, loss = torch.sigmoid(logits), F.binary_cross_entropy_with_logits(logits, x)
        else:
            fake = torch.tanh(logits)
            loss = F.mse_loss(fake, x)
        return fake, {"reconstruction": loss, "kl": weight * kl_divergence(mean, log_variance)}

    def encode(self, x: Tensor) -> Tensor:
        """Map x (B, C, L) to the mean of its posterior (B, Z), not to a random draw."""
        mean: Tensor = self.encoder(x)[0]
        return mean
