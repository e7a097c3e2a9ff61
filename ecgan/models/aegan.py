"""BeatGAN: an adversarially regularised autoencoder (Zhou et al., "BeatGAN", IJCAI 2019).

Discriminator: BCE(D(x), 1) + BCE(D(G(E(x))), 0). Encoder and decoder: MSE(f(x̂), f(x)) + MSE(x̂, x), where f is the
discriminator's last hidden feature map (pairwise feature matching). Layers as in ECGAN's `aegan`.

`autoencoder` is the same without a discriminator, `vaegan` has a variational encoder, and `vae` both.
"""

from abc import abstractmethod
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from ecgan.models.base import GenerativeModel, GenerativeOptions, Optimizers, OutputName
from ecgan.models.layers.convolutions import Convolutions, Encoder, NormName, halvings, hidden_channels, normalisation
from ecgan.models.layers.initialisation import initialise
from ecgan.models.layers.latents import Prior
from ecgan.models.layers.optimizers import OptimizerOptions, build_optimizer, descend
from ecgan.registry import register_model


class EncoderOptions(GenerativeOptions):
    """An encoder and a decoder; sizes and rates are what was found to be quick, docs/tuning.md."""

    batch_size: int = Field(128, ge=2, description="beats in a training step")
    width: float = Field(0.25, gt=0, le=4, description="factor on the number of channels; 1 is the published size")
    latent_size: int = Field(10, ge=1, description="Z, the number of latent dimensions")
    norm: NormName = Field("batch", description="normalisation in encoder and decoder")
    encoder_spectral_norm: bool = Field(False, description="spectral normalisation of the encoder's inner convolutions")


class AeganOptions(EncoderOptions):
    """An encoder and a decoder that train against a discriminator; the presets hold what is published."""

    discriminator_norm: NormName = Field("none", description="normalisation in the discriminator")
    spectral_norm: bool = Field(True, description="spectral normalisation of the discriminator's inner convolutions")
    discriminator_rounds: int = Field(1, ge=1, description="discriminator steps on a batch")
    discriminator_every: int = Field(4, ge=1, description="batches from one with discriminator steps to the next")
    generator_rounds: int = Field(1, ge=1, description="encoder and decoder steps on a batch")
    feature_weight: float = Field(1.0, ge=0, description="weight of feature matching, the adversarial term")
    generator: OptimizerOptions = Field(OptimizerOptions(lr=5e-3), description="optimizer of encoder and decoder")
    discriminator: OptimizerOptions = Field(OptimizerOptions(lr=5e-4), description="optimizer of the discriminator")


class Decoder(nn.Module):
    """z (B, Z) → signal (B, C, L), in (−1, 1) for tanh and (0, 1) for sigmoid."""

    def __init__(
        self, channels: int, length: int, latent: int, width: float, norm: NormName, output: OutputName
    ) -> None:
        super().__init__()
        hidden, steps = hidden_channels(width)[::-1], halvings(length)[::-1]
        layers: list[nn.Module] = [nn.ConvTranspose1d(latent, hidden[0], steps[0], bias=False)]
        for index, (before, after) in enumerate(zip(hidden, [*hidden[1:], channels], strict=True)):
            odd = steps[index + 1] - 2 * steps[index]  # 1 where the length to come is odd
            layers += [normalisation(norm, before), nn.ReLU(inplace=True)]
            layers.append(nn.ConvTranspose1d(before, after, 4, 2, 1, output_padding=odd, bias=False))
        self.body = Convolutions(*layers)
        self.output = output

    def logits(self, z: Tensor) -> Tensor:
        """Decode up to the last activation, for a loss that takes logits."""
        x: Tensor = self.body(z.unsqueeze(2))  # (B, Z) → (B, Z, 1) → (B, C, L)
        return x

    def forward(self, z: Tensor) -> Tensor:
        """Decode."""
        x = self.logits(z)
        return torch.tanh(x) if self.output == "tanh" else torch.sigmoid(x)


class Discriminator(Encoder):
    """x (B, C, L) → logit of being real (B,)."""

    def __init__(self, channels: int, length: int, width: float, norm: NormName, *, spectral: bool) -> None:
        super().__init__(channels, length, 1, width, norm, spectral=spectral)

    def features(self, x: Tensor) -> Tensor:
        """Return the last hidden feature map, (B, F) with F = channels · k0."""
        h: Tensor = self.body(x)
        return h.flatten(1)  # (B, H, k0) → (B, H·k0)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logit, (B,)."""
        return super().forward(x).flatten()  # (B, 1) → (B,)


def reconstruction(logits: Tensor, x: Tensor, output: OutputName) -> tuple[Tensor, Tensor]:
    """Apply a decoder's last activation and compare with the input.

    Args:
        logits: What a decoder gives before its last activation, (B, C, L).
        x: The input, in (−1, 1) for tanh and in (0, 1) for sigmoid.
        output: The activation.

    Returns:
        The reconstruction (B, C, L) and its loss, averaged over samples, channels and time: the squared error for
        tanh, the binary cross-entropy for sigmoid.
    """
    if output == "sigmoid":
        return torch.sigmoid(logits), F.binary_cross_entropy_with_logits(logits, x)
    fake = torch.tanh(logits)
    return fake, F.mse_loss(fake, x)


class EncoderDecoder(GenerativeModel):
    """An encoder, a decoder and a prior; a subclass says what is lost on the way."""

    encoder_class: ClassVar[type[nn.Module]] = Encoder
    options: EncoderOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {"train": {"ema": 0.99}}

    def __init__(self, options: EncoderOptions, *, channels: int, length: int, classes: int = 2) -> None:
        super().__init__(options, channels=channels, length=length, classes=classes)
        o = options
        self.prior = Prior(o.latent, o.latent_size)
        spectral = o.encoder_spectral_norm
        self.encoder = self.encoder_class(channels, length, o.latent_size, o.width, o.norm, spectral=spectral)
        self.decoder = Decoder(channels, length, o.latent_size, o.width, o.norm, o.output)

    @abstractmethod
    def reconstructed(self, x: Tensor, epoch: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the reconstruction of x (B, C, L) and its weighted loss terms, scalars by name."""

    @property
    def output_range(self) -> tuple[float, float]:
        """(−1, 1) for tanh, (0, 1) for sigmoid."""
        return (-1.0, 1.0) if self.options.output == "tanh" else (0.0, 1.0)

    def encode(self, x: Tensor) -> Tensor:
        """Map x (B, C, L) to z (B, Z)."""
        z: Tensor = self.encoder(x)
        return z

    def decode(self, z: Tensor) -> Tensor:
        """Map z (B, Z) to a signal (B, C, L)."""
        x: Tensor = self.decoder(z)
        return x

    def autoencoder_parameters(self) -> list[nn.Parameter]:
        """Parameters of encoder and decoder, which one optimizer trains."""
        return [*self.encoder.parameters(), *self.decoder.parameters()]


@register_model("aegan", "beatgan")
class Aegan(EncoderDecoder):
    """BeatGAN."""

    title = "BeatGAN: autoencoder with adversarial feature matching"
    source = "Zhou et al., BeatGAN, IJCAI 2019"
    Options: ClassVar[Any] = AeganOptions
    options: AeganOptions

    def __init__(self, options: AeganOptions, *, channels: int, length: int, classes: int = 2) -> None:
        super().__init__(options, channels=channels, length=length, classes=classes)
        o = options
        self.discriminator = Discriminator(channels, length, o.width, o.discriminator_norm, spectral=o.spectral_norm)
        initialise(self, o.init)

    def optimizers(self) -> Optimizers:
        """One optimizer for encoder and decoder, one for the discriminator, each with its own settings."""
        return {
            "generator": build_optimizer(self.options.generator, self.autoencoder_parameters()),
            "discriminator": build_optimizer(self.options.discriminator, self.discriminator.parameters()),
        }

    @property
    def every(self) -> dict[str, int]:
        """The discriminator steps on every `discriminator_every`-th batch."""
        return {"discriminator": self.options.discriminator_every}

    def reconstructed(self, x: Tensor, epoch: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return x̂ = G(E(x)) and the reconstruction loss MSE(x̂, x)."""
        fake = self.decode(self.encode(x))
        return fake, {"reconstruction": F.mse_loss(fake, x)}

    def train_batch(
        self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Do the discriminator's steps, then encoder's and decoder's; one reconstruction serves both."""
        fake, terms = self.reconstructed(x, epoch)
        adversarial: dict[str, Tensor] = {}
        for _ in range(self.options.discriminator_rounds if "discriminator" in optimizers else 0):
            adversarial["discriminator"] = self._discriminator_step(x, fake.detach(), optimizers["discriminator"])
        for step in range(self.options.generator_rounds):
            if step:
                fake, terms = self.reconstructed(x, epoch)
            terms |= self._generator_step(x, fake, terms, optimizers["generator"])
        return adversarial | {name: term.detach() for name, term in terms.items()}

    def _discriminator_step(self, x: Tensor, fake: Tensor, optimizer: torch.optim.Optimizer) -> Tensor:
        """BCE(D(x), 1) + BCE(D(x̂), 0) of logits (Goodfellow et al., NeurIPS 2014, equation 1)."""
        if self.options.discriminator_norm == "batch":  # statistics of real and fake batches stay apart
            real_logit, fake_logit = self.discriminator(x), self.discriminator(fake)
        else:
            real_logit, fake_logit = self.discriminator(torch.cat([x, fake])).chunk(2)
        # softplus(−l) is BCE with target 1, softplus(l) with target 0, for a logit l
        loss = F.softplus(-real_logit).mean() + F.softplus(fake_logit).mean()
        descend(optimizer, loss)
        return loss.detach()

    def _generator_step(
        self, x: Tensor, fake: Tensor, terms: dict[str, Tensor], optimizer: torch.optim.Optimizer
    ) -> dict[str, Tensor]:
        """Feature matching ‖f(x̂) − f(x)‖² (mean), f(x) being a target, plus the model's own terms."""
        self.discriminator.requires_grad_(False)  # its gradients would go unused
        with torch.no_grad():
            target = self.discriminator.features(x)
        matching = self.options.feature_weight * F.mse_loss(self.discriminator.features(fake), target)
        descend(optimizer, matching + sum(terms.values()))
        self.discriminator.requires_grad_(True)
        return {"features": matching}

    def features(self, x: Tensor) -> Tensor:
        """Return the discriminator's last hidden features of x (B, C, L), (B, F)."""
        return self.discriminator.features(x)

    def discriminate(self, x: Tensor) -> Tensor:
        """Return the discriminator's logit of x (B, C, L), (B,)."""
        logit: Tensor = self.discriminator(x)
        return logit
