"""Plain GANs: a generator against a discriminator, without an encoder; `dcgan` has convolutional ones.

After Radford et al., "Unsupervised representation learning with deep convolutional generative adversarial networks",
ICLR 2016; one-dimensional layers, free of bias, as in ECGAN's `dcgan`. Wasserstein loss with gradient penalty or
clipped weights, or binary cross-entropy (Goodfellow et al., "Generative adversarial nets", NeurIPS 2014). The
discriminator gives logits: a Wasserstein critic is not bounded.

`rgan` has recurrent networks, and `rdcgan` its generator and the discriminator of `dcgan`.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from ecgan.evaluation.discrepancy import mmd2
from ecgan.models.base import GenerativeModel, GenerativeOptions, Optimizers, OutputName, batched
from ecgan.models.layers.convolutions import NormName, normalisation
from ecgan.models.layers.initialisation import InitOptions, initialise
from ecgan.models.layers.latents import Prior, spread
from ecgan.models.layers.optimizers import OptimizerOptions, build_optimizer, descend
from ecgan.registry import register_model
from ecgan.sharing import draw

LossName = Literal["wasserstein", "bce"]

COMPARED = 512  # most validation samples, and as many generated ones, behind the validation loss
INNER = 128  # time steps after the generator's last convolution
KERNELS = (5, 5, 3, 3, 3)  # of the discriminator
LAST_KERNEL = 4
NORM = "normalisation in the discriminator; batch ties beats together and excludes the gradient penalty"
_ADAM = OptimizerOptions(betas=[0.5, 0.99])
_SEED = 20260  # of the latents behind the validation loss: the same at every evaluation
_BATCH = 256


class GanOptions(GenerativeOptions):
    """A generator and a discriminator."""

    init: InitOptions = Field(InitOptions(name="normal", std=0.02), description="initial weights")
    latent_size: int = Field(5, ge=1, description="Z, the number of latent dimensions")
    latent: Literal["normal", "truncated_normal", "uniform"] = Field(
        "normal", description="distribution that new beats are generated from"
    )
    loss: LossName = Field("wasserstein", description="what generator and discriminator play for")
    penalty_weight: float = Field(10.0, ge=0, description="weight of wasserstein's gradient penalty; 0 leaves it out")
    clipping: float = Field(
        0.0, ge=0, description="bound on the weights of wasserstein's discriminator, in place of the penalty; 0 is off"
    )
    spectral_norm: bool = Field(False, validate_default=True, description="spectral normalisation of the discriminator")
    discriminator_rounds: int = Field(1, ge=1, description="discriminator steps on a batch")
    generator_rounds: int = Field(1, ge=1, description="generator steps on a batch")
    generator: OptimizerOptions = Field(_ADAM, description="optimizer of the generator")
    discriminator: OptimizerOptions = Field(_ADAM, description="optimizer of the discriminator")

    @property
    def penalised(self) -> bool:
        """Whether the discriminator's gradient is penalised."""
        return self.loss == "wasserstein" and self.penalty_weight > 0

    @field_validator("clipping")
    @classmethod
    def _one_bound(cls, clipping: float, info: ValidationInfo) -> float:
        if clipping > 0 and info.data.get("loss") == "wasserstein" and info.data.get("penalty_weight", 0) > 0:
            raise ValueError("it takes the place of the gradient penalty; allowed: 0, or penalty_weight 0 beside it")
        return clipping

    @field_validator("spectral_norm")
    @classmethod
    def _bounded_critic(cls, spectral_norm: bool, info: ValidationInfo) -> bool:
        free = info.data.get("penalty_weight") == 0 and info.data.get("clipping") == 0
        if free and not spectral_norm and info.data.get("loss") == "wasserstein":
            raise ValueError(
                "nothing bounds the slope of wasserstein's discriminator; allowed: a penalty_weight above 0, "
                "a clipping above 0, or spectral_norm true"
            )
        return spectral_norm


class ConvolutionalGanOptions(GanOptions):
    """A convolutional discriminator."""

    discriminator_norm: NormName = Field("group", description=NORM)

    @field_validator("discriminator_norm")
    @classmethod
    def _no_batch_under_penalty(cls, norm: NormName, info: ValidationInfo) -> NormName:
        if norm == "batch" and info.data.get("loss") == "wasserstein" and info.data.get("penalty_weight", 0) > 0:
            raise ValueError(
                "with it a beat's value depends on the other beats of the batch, so that the gradient penalty means "
                "nothing; allowed: group, none, or batch with penalty_weight 0 or loss bce"
            )
        return norm


class DcganOptions(ConvolutionalGanOptions):
    """Parameters of `dcgan`; the defaults are the published ones, but for the discriminator's normalisation."""

    norm: NormName = Field("batch", description="normalisation in the generator")
    discriminator_rounds: int = Field(2, ge=1, description="discriminator steps on a batch")


class SignalDiscriminator(ABC, nn.Module):
    """Judges signals; without a sigmoid, so that it serves as a Wasserstein critic too."""

    @abstractmethod
    def features(self, x: Tensor) -> Tensor:
        """Return the last hidden features of x (B, C, L), flattened, (B, F)."""

    @abstractmethod
    def logits(self, x: Tensor) -> Tensor:
        """Return every logit that is given for x (B, C, L), (B, T); higher = more like real data."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean logit of x (B, C, L), (B,)."""
        return self.logits(x).mean(dim=1)


def hidden_channels(width: float) -> list[int]:
    """Channels after each of the discriminator's five convolutions: 16 … 256 at width 1; even, for two groups."""
    return [max(2, 2 * round(base * width / 2)) for base in (16, 32, 64, 128, 256)]


class ConvolutionalGenerator(nn.Module):
    """z (B, Z) → signal (B, C, L): six transposed convolutions give 128 steps, a linear layer turns them into L."""

    def __init__(
        self, channels: int, length: int, latent: int, width: float, norm: NormName, output: OutputName
    ) -> None:
        super().__init__()
        hidden = hidden_channels(width)[::-1]
        layers: list[nn.Module] = [nn.ConvTranspose1d(latent, hidden[0], 4, bias=False)]
        for before, after in zip(hidden, [*hidden[1:], channels], strict=True):
            layers += [normalisation(norm, before), nn.ReLU(inplace=True)]
            layers.append(nn.ConvTranspose1d(before, after, 4, 2, 1, bias=False))
        if length != INNER:
            layers += [normalisation(norm, channels), nn.ReLU(inplace=True), nn.Linear(INNER, length)]
        self.body = nn.Sequential(*layers)
        self.output = output

    def forward(self, z: Tensor) -> Tensor:
        """Generate."""
        x: Tensor = self.body(z.unsqueeze(2))  # (B, Z) → (B, Z, 1) → (B, C, L)
        return torch.tanh(x) if self.output == "tanh" else torch.sigmoid(x)


class ConvolutionalDiscriminator(SignalDiscriminator):
    """x (B, C, L) → logit (B,) for any L: five convolutions leave ⌈L / 32⌉ steps, a sixth judges up to four at once.

    The published critic normalises by the statistics of the batch, in evaluation too, so that the value of a beat
    depends on the beats beside it; and a penalty on the gradient of each beat's own value then means nothing
    (Gulrajani et al., NeurIPS 2017, section 4). Group normalisation has as many parameters and looks at one beat.
    """

    def __init__(self, channels: int, length: int, width: float, norm: NormName, *, spectral: bool) -> None:
        super().__init__()
        hidden = hidden_channels(width)
        layers: list[nn.Module] = []
        for before, after, kernel in zip([channels, *hidden], hidden, KERNELS, strict=False):
            convolution: nn.Module = nn.Conv1d(before, after, kernel, 2, kernel // 2, bias=False)
            layers.append(spectral_norm(convolution) if spectral else convolution)
            layers += [normalisation(norm, after), nn.LeakyReLU(0.01, inplace=True)]
        self.body = nn.Sequential(*layers)
        left = -(-length // 2 ** len(KERNELS))
        self.head = nn.Conv1d(hidden[-1], 1, min(LAST_KERNEL, left), bias=False)

    def features(self, x: Tensor) -> Tensor:
        """Return the last hidden feature map, (B, F) with F = channels · ⌈L / 32⌉."""
        h: Tensor = self.body(x)
        return h.flatten(1)  # (B, H, T) → (B, H·T)

    def logits(self, x: Tensor) -> Tensor:
        """Return the one logit of each sample, the mean over the places that the last convolution sees, (B, 1)."""
        logits: Tensor = self.head(self.body(x))
        return logits.mean(dim=2)  # (B, 1, T) → (B, 1)


def discriminator_loss(loss: LossName, real: Tensor, fake: Tensor) -> Tensor:
    """Loss of a discriminator of real and generated samples, by its logits of them, (B,) and (B',).

    `wasserstein`: E[D(x̂)] − E[D(x)] (Arjovsky et al., "Wasserstein GAN", ICML 2017, algorithm 1), without penalty.
    `bce`: BCE(D(x), 1) + BCE(D(x̂), 0) (Goodfellow et al. 2014, equation 1).
    """
    if loss == "wasserstein":
        return fake.mean() - real.mean()
    # softplus(−l) is BCE with target 1, softplus(l) with target 0, for a logit l
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_loss(loss: LossName, fake: Tensor) -> Tensor:
    """Loss of a generator, by the discriminator's logits of what it generated, (B,), attached to the generator.

    `wasserstein`: −E[D(x̂)] (Arjovsky et al. 2017, algorithm 1). `bce`: −log D(x̂), which does not saturate (Goodfellow
    et al. 2014, section 3).
    """
    return -fake.mean() if loss == "wasserstein" else F.softplus(-fake).mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """E[(‖∇D(αx + (1 − α)x̂)‖₂ − 1)²] (Gulrajani et al., "Improved training of Wasserstein GANs", NeurIPS 2017, eq. 3).

    The norm is that of each sample's gradient over all channels and time steps; α is drawn from U(0, 1) for each
    sample. Gradients flow into the critic only.

    Args:
        critic: Maps (B, C, L) to values of any shape that begins with B; values of one sample are added up.
        real: Real samples (B, C, L).
        fake: Generated samples of the same shape.
    """
    mixed = between(real, fake)
    with torch.backends.cudnn.flags(enabled=False):  # cuDNN's recurrent layers cannot be differentiated twice
        (gradient,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
    norms: Tensor = torch.linalg.vector_norm(gradient.flatten(1).float(), dim=1)  # (B, C, L) → (B,)
    return (norms - 1).square().mean()


def between(real: Tensor, fake: Tensor) -> Tensor:
    """Return αx + (1 − α)x̂ (B, C, L) with α of each sample from U(0, 1), a leaf that gradients are asked of."""
    ones = [1 for _ in real.shape[1:]]
    share = draw(lambda count: torch.rand(count, *ones), real).to(real)  # on the CPU, the same on every device
    mixed: Tensor = share * real + (1 - share) * fake
    return mixed.detach().requires_grad_()


class Gan(GenerativeModel):
    """A generator and a discriminator; a subclass brings both networks."""

    options: GanOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {
        "train": {"generation": {"metrics": ["mmd", "tstr", "trts", "memorisation"], "figures": True}},
    }

    def __init__(self, options: GanOptions, *, channels: int, length: int, classes: int = 2) -> None:
        super().__init__(options, channels=channels, length=length, classes=classes)
        self.prior = Prior(options.latent, options.latent_size)
        self.generator = self.build_generator()
        self.discriminator = self.build_discriminator()
        initialise(self, options.init)

    @abstractmethod
    def build_generator(self) -> nn.Module:
        """Return the generator, z (B, Z) → (B, C, L)."""

    @abstractmethod
    def build_discriminator(self) -> SignalDiscriminator:
        """Return the discriminator."""

    @property
    def output_range(self) -> tuple[float, float]:
        """(−1, 1) for tanh, (0, 1) for sigmoid."""
        return (-1.0, 1.0) if self.options.output == "tanh" else (0.0, 1.0)

    def optimizers(self) -> Optimizers:
        """One optimizer for each network, each with its own settings."""
        return {
            "generator": build_optimizer(self.options.generator, self.generator.parameters()),
            "discriminator": build_optimizer(self.options.discriminator, self.discriminator.parameters()),
        }

    def train_batch(
        self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Do the discriminator's steps, then the generator's; the last fakes of the former serve the first of these."""
        rounds = self.options.discriminator_rounds
        for step in range(rounds):
            with torch.set_grad_enabled(step == rounds - 1):
                fake = self._generate(x)
            losses = self._discriminator_step(x, fake.detach(), optimizers["discriminator"])
        for step in range(self.options.generator_rounds):
            if step:
                fake = self._generate(x)
            losses["generator"] = self._generator_step(fake, optimizers["generator"])
        return losses

    def _generate(self, x: Tensor) -> Tensor:
        """Generate as many signals as x holds, (B, C, L)."""
        return self.decode(draw(self.sample_latents, x))

    def _discriminator_step(self, x: Tensor, fake: Tensor, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
        o = self.options
        if getattr(o, "discriminator_norm", "none") == "batch":  # statistics of real and fake batches stay apart
            real_logit, fake_logit = self._logits(x), self._logits(fake)
        else:
            real_logit, fake_logit = self._logits(torch.cat([x, fake])).chunk(2)
        losses = {"discriminator": discriminator_loss(o.loss, real_logit, fake_logit)}
        if o.penalised:
            losses["penalty"] = o.penalty_weight * self.penalty(x, fake)
        with torch.autocast(x.device.type, enabled=False):  # or the backward pass would round again
            descend(optimizer, torch.stack(list(losses.values())).sum())
        if o.loss == "wasserstein" and o.clipping:  # Arjovsky et al. 2017, algorithm 1
            for parameter in self.discriminator.parameters():
                parameter.data.clamp_(-o.clipping, o.clipping)
        return {name: loss.detach() for name, loss in losses.items()}

    def penalty(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the gradient penalty of the discriminator between real and generated samples, both (B, C, L)."""
        return gradient_penalty(self.discriminator, real, fake)

    def _generator_step(self, fake: Tensor, optimizer: torch.optim.Optimizer) -> Tensor:
        self.discriminator.requires_grad_(False)  # its gradients would go unused
        loss = generator_loss(self.options.loss, self._logits(fake))
        descend(optimizer, loss)
        self.discriminator.requires_grad_(True)
        return loss.detach()

    def _logits(self, x: Tensor) -> Tensor:
        return self.discriminator.logits(x).float()

    def decode(self, z: Tensor) -> Tensor:
        """Map z (B, Z) to a signal (B, C, L)."""
        x: Tensor = self.generator(z)
        return x

    def features(self, x: Tensor) -> Tensor:
        """Return the discriminator's last hidden features of x (B, C, L), (B, F)."""
        return self.discriminator.features(x)

    def discriminate(self, x: Tensor) -> Tensor:
        """Return the discriminator's logit (a critic's value) of x (B, C, L), (B,)."""
        logit: Tensor = self.discriminator(x)
        return logit

    def validation_scores(self, x: Tensor) -> Tensor:
        """Score x (B, C, L) during training, (B,): −discriminate(x), for want of a reconstruction."""
        return -self.discriminate(x)

    def validation_loss(self, x: Tensor, labels: Tensor, scores: Tensor) -> float:
        """Unbiased MMD² between at most 512 normal validation samples and as many generated ones (`mmd2`).

        The latents are the same at each evaluation, and the bandwidth is that of the validation samples, so that
        values of different epochs compare. NaN where fewer than two samples are normal.
        """
        normal = (labels == 0).nonzero()[:, 0]
        if len(normal) < 2:
            return math.nan
        real = x[normal[spread(len(normal), COMPARED).to(normal.device)].to(x.device)]
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(_SEED)
            z = self.sample_latents(len(real)).to(x.device)
        return mmd2(real, batched(self.decode, z, _BATCH))


@register_model("dcgan")
class Dcgan(Gan):
    """DCGAN with the Wasserstein loss."""

    title = "DCGAN: convolutional generator and discriminator"
    source = "Radford, Metz and Chintala, ICLR 2016"
    Options: ClassVar[Any] = DcganOptions
    options: DcganOptions

    def build_generator(self) -> nn.Module:
        """Return the convolutional generator."""
        o = self.options
        return ConvolutionalGenerator(self.channels, self.length, o.latent_size, o.width, o.norm, o.output)

    def build_discriminator(self) -> SignalDiscriminator:
        """Return the convolutional discriminator."""
        o = self.options
        norm, spectral = o.discriminator_norm, o.spectral_norm
        return ConvolutionalDiscriminator(self.channels, self.length, o.width, norm, spectral=spectral)
