"""What `dcgan`, `rgan` and `rdcgan` share: a generator against a discriminator, without an encoder.

Wasserstein loss with gradient penalty or clipped weights, or binary cross-entropy (Goodfellow et al., "Generative
adversarial nets", NeurIPS 2014). The discriminator gives logits: a Wasserstein critic is not bounded.
"""

import math
from abc import abstractmethod
from typing import Literal

import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn

from ecgan.models.base import GenerativeModel, Optimizers, batched
from ecgan.models.discrepancy import mmd2
from ecgan.models.discriminator import SignalDiscriminator
from ecgan.models.initialisation import initialise
from ecgan.models.latents import Prior, spread
from ecgan.models.losses import (
    clip_weights,
    directional_penalty,
    generator_bce,
    gradient_penalty,
    two_component_bce,
    wasserstein_critic,
    wasserstein_generator,
)
from ecgan.models.optimizers import build_optimizer
from ecgan.models.options import GenerativeOptions, InitOptions, NormName, OptimizerOptions
from ecgan.sharing import draw

COMPARED = 512  # most validation samples, and as many generated ones, behind the validation loss
_SEED = 20260  # of the latents behind the validation loss: the same at every evaluation
_BATCH = 256
NORM = "normalisation in the discriminator; batch ties beats together and excludes the gradient penalty"
_ADAM = OptimizerOptions(betas=[0.5, 0.99])


class GanOptions(GenerativeOptions):
    """A generator and a discriminator."""

    init: InitOptions = Field(InitOptions(name="normal", std=0.02), description="initial weights")
    latent_size: int = Field(5, ge=1, description="Z, the number of latent dimensions")
    latent: Literal["normal", "truncated_normal", "uniform"] = Field(
        "normal", description="distribution that new beats are generated from"
    )
    loss: Literal["wasserstein", "bce"] = Field("wasserstein", description="what generator and discriminator play for")
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


class Gan(GenerativeModel):
    """A generator and a discriminator; a subclass brings both networks."""

    options: GanOptions

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
        adversarial = wasserstein_critic if o.loss == "wasserstein" else two_component_bce
        losses = {"discriminator": adversarial(real_logit, fake_logit)}
        if o.penalised:
            penalty = directional_penalty if self.discriminator.recurrent else gradient_penalty
            losses["penalty"] = o.penalty_weight * penalty(self.discriminator, x, fake)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(x.device.type, enabled=False):  # or the backward pass would round again
            torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
        if o.loss == "wasserstein" and o.clipping:
            clip_weights(self.discriminator, o.clipping)
        return {name: loss.detach() for name, loss in losses.items()}

    def _generator_step(self, fake: Tensor, optimizer: torch.optim.Optimizer) -> Tensor:
        self.discriminator.requires_grad_(False)  # its gradients would go unused
        logit = self._logits(fake)
        loss = wasserstein_generator(logit) if self.options.loss == "wasserstein" else generator_bce(logit)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
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
        normal = x[labels == 0]
        if len(normal) < 2:
            return math.nan
        real = normal[spread(len(normal), COMPARED).to(x.device)]
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(_SEED)
            z = self.sample_latents(len(real)).to(x.device)
        return mmd2(real, batched(self.decode, z, _BATCH))
