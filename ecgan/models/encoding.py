"""What models with encoder and decoder share; whether they train alone or against a discriminator is theirs."""

import itertools
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ecgan.models.base import GenerativeModel
from ecgan.models.latents import Prior
from ecgan.models.losses import kl_divergence, kl_weight, reconstruction
from ecgan.models.networks import Decoder, Encoder, VariationalEncoder
from ecgan.models.options import EncoderOptions, VariationalOptions
from ecgan.sharing import draw


class EncoderDecoder(GenerativeModel):
    """An encoder, a decoder and a prior; a subclass says what the encoder is and what is lost on the way."""

    options: EncoderOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {"train": {"ema": 0.99}}

    def __init__(self, options: EncoderOptions, *, channels: int, length: int, classes: int = 2) -> None:
        super().__init__(options, channels=channels, length=length, classes=classes)
        o = options
        self.prior = Prior(o.latent, o.latent_size)
        self.encoder = self.build_encoder()
        self.decoder = Decoder(channels, length, o.latent_size, o.width, o.norm, o.output)

    @abstractmethod
    def build_encoder(self) -> nn.Module:
        """Return the encoder."""

    @abstractmethod
    def reconstructed(self, x: Tensor, epoch: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the reconstruction of x (B, C, L) and its weighted loss terms, scalars by name."""

    @property
    def output_range(self) -> tuple[float, float]:
        """(−1, 1) for tanh, (0, 1) for sigmoid."""
        return (-1.0, 1.0) if self.options.output == "tanh" else (0.0, 1.0)

    def decode(self, z: Tensor) -> Tensor:
        """Map z (B, Z) to a signal (B, C, L)."""
        x: Tensor = self.decoder(z)
        return x

    def autoencoder_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters of encoder and decoder, which one optimizer trains."""
        return itertools.chain(self.encoder.parameters(), self.decoder.parameters())


class Deterministic(EncoderDecoder):
    """The encoder gives a latent."""

    def build_encoder(self) -> nn.Module:
        """Return the deterministic encoder."""
        o, spectral = self.options, self.options.encoder_spectral_norm
        return Encoder(self.channels, self.length, o.latent_size, o.width, o.norm, spectral=spectral)

    def encode(self, x: Tensor) -> Tensor:
        """Map x (B, C, L) to z (B, Z)."""
        z: Tensor = self.encoder(x)
        return z


class Variational(EncoderDecoder):
    """The encoder gives a normal distribution of latents (Kingma and Welling, ICLR 2014)."""

    options: VariationalOptions

    def build_encoder(self) -> nn.Module:
        """Return the variational encoder."""
        o, spectral = self.options, self.options.encoder_spectral_norm
        return VariationalEncoder(self.channels, self.length, o.latent_size, o.width, o.norm, spectral=spectral)

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
