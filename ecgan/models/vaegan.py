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

from ecgan.models.aegan import Aegan, AeganOptions, EncoderDecoder, EncoderOptions, reconstruction
from ecgan.models.layers.convolutions import SLOPE, NormName, body, halvings, hidden_channels, normalisation
from ecgan.models.layers.latents import PriorName
from ecgan.registry import register_model
from ecgan.sharing import draw


class VariationalOptions(EncoderOptions):
    """A variational encoder; the weight of the divergence in epoch t is β·w(t)."""

    latent: PriorName = Field("normal", description="distribution that new beats are generated from")
    kl_beta: float = Field(1e-4, ge=0, description="β, weight of the divergence from the prior")
    kl_warmup: int = Field(0, ge=0, description="epochs without the divergence")
    kl_anneal: int = Field(0, ge=0, description="epochs over which its weight then rises to β")


class VaeganOptions(VariationalOptions, AeganOptions):
    """Parameters of `vaegan`."""


class VariationalEncoder(nn.Module):
    """x (B, C, L) → mean and log-variance of z, each (B, Z)."""

    def __init__(
        self, channels: int, length: int, latent: int, width: float, norm: NormName, *, spectral: bool = False
    ) -> None:
        super().__init__()
        hidden, steps = hidden_channels(width), halvings(length)[-1]
        self.body = body(channels, hidden, norm, spectral=spectral)
        self.mean = self._head(hidden[-1], steps, latent, norm)
        self.log_variance = self._head(hidden[-1], steps, latent, norm)

    @staticmethod
    def _head(channels: int, steps: int, latent: int, norm: NormName) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv1d(channels, 16, 1, bias=False),
            normalisation(norm, 16),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Flatten(),  # (B, 16, k0) → (B, 16·k0)
            nn.Linear(16 * steps, latent),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode to mean and log-variance."""
        h = self.body(x)
        return self.mean(h), self.log_variance(h)


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, 1)) = −½ Σ (1 + log σ² − μ² − σ²), summed over Z and averaged over the batch.

    Kingma and Welling, "Auto-encoding variational Bayes", ICLR 2014, appendix B.

    Args:
        mean: μ (B, Z).
        log_variance: log σ² (B, Z).
    """
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum() / mean.shape[0]


def kl_weight(epoch: int, warmup: int, anneal: int) -> float:
    """w(t) for epoch t = 0, 1, …: 0 during the warm-up, then (t − warmup + 1) / anneal up to 1."""
    if epoch < warmup:
        return 0.0
    return min(1.0, (epoch - warmup + 1) / anneal) if anneal else 1.0


class Variational(EncoderDecoder):
    """The encoder gives a normal distribution of latents (Kingma and Welling, ICLR 2014)."""

    encoder_class: ClassVar[type[nn.Module]] = VariationalEncoder
    options: VariationalOptions

    def reconstructed(self, x: Tensor, epoch: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return x̂ = G(z), z drawn from the posterior, and the terms β·w(t)·KL and reconstruction (a mean)."""
        o = self.options
        mean, log_variance = self.encoder(x)
        noise = draw(lambda count: torch.randn(count, o.latent_size, dtype=mean.dtype, device=mean.device), x)
        z = mean + noise * (0.5 * log_variance).exp()
        fake, loss = reconstruction(self.decoder.logits(z), x, o.output)
        weight = o.kl_beta * kl_weight(epoch, o.kl_warmup, o.kl_anneal)
        return fake, {"reconstruction": loss, "kl": weight * kl_divergence(mean, log_variance)}

    def encode(self, x: Tensor) -> Tensor:
        """Map x (B, C, L) to the mean of its posterior (B, Z), not to a random draw."""
        mean: Tensor = self.encoder(x)[0]
        return mean


@register_model("vaegan")
class Vaegan(Variational, Aegan):
    """β-VAEGAN."""

    title = "β-VAEGAN: BeatGAN with a variational encoder"
    source = "Lüer et al., arXiv 2310.18091"
    Options: ClassVar[Any] = VaeganOptions
    options: VaeganOptions
