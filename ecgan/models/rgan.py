"""RGAN: recurrent generator and discriminator, one layer of LSTM and a linear layer each; the rest is as in `dcgan`.

As in ECGAN's `rgan`, after Esteban et al., "Real-valued (medical) time series generation with recurrent conditional
GANs", 2017.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ecgan.models.base import OutputName
from ecgan.models.dcgan import Gan, GanOptions, SignalDiscriminator, between
from ecgan.models.layers.recurrence import Lstm, hidden_size
from ecgan.registry import register_model

DIFFERENCE = 0.01  # ε of central differences, the norm of a whole sample, where the slope is at most one
_TINY = 1e-30  # a sample without a gradient has no direction


class RganOptions(GanOptions):
    """Parameters of `rgan`; the defaults are the published ones."""

    generator_rounds: int = Field(3, ge=1, description="generator steps on a batch")


class RecurrentGenerator(nn.Module):
    """z (B, Z) → signal (B, C, L): the one z is the input of every time step."""

    holds_input: ClassVar[bool] = True  # of its `recurrence`, which `ecgan.inversion.folding` then makes quicker

    def __init__(self, channels: int, length: int, latent: int, width: float, output: OutputName) -> None:
        super().__init__()
        self.length = length
        self.recurrence = Lstm(latent, hidden_size(width))
        self.head = nn.Linear(hidden_size(width), channels)
        self.output = output

    def forward(self, z: Tensor) -> Tensor:
        """Generate."""
        repeated = z.unsqueeze(1).expand(-1, self.length, -1)  # (B, Z) → (B, L, Z)
        x = self.head(self.recurrence(repeated)[0]).transpose(1, 2)  # (B, L, C) → (B, C, L)
        return torch.tanh(x) if self.output == "tanh" else torch.sigmoid(x)


class RecurrentDiscriminator(SignalDiscriminator):
    """x (B, C, L) → one logit a time step (B, L), which has seen the signal up to there; their mean is the sample's."""

    def __init__(self, channels: int, width: float, *, spectral: bool) -> None:
        super().__init__()
        self.recurrence = Lstm(channels, hidden_size(width))
        head = nn.Linear(hidden_size(width), 1)
        self.head = spectral_norm(head) if spectral else head

    def _hidden(self, x: Tensor) -> Tensor:
        h: Tensor = self.recurrence(x.transpose(1, 2))[0]  # (B, C, L) → (B, L, C) → (B, L, H)
        return h

    def features(self, x: Tensor) -> Tensor:
        """Return the hidden states of all time steps, (B, F) with F = L · H."""
        return self._hidden(x).flatten(1)

    def logits(self, x: Tensor) -> Tensor:
        """Return the logit of each time step, (B, L)."""
        logits: Tensor = self.head(self._hidden(x))
        return logits.squeeze(2)


def directional_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """`gradient_penalty` by first derivatives alone, for critics that fused kernels compute, such as an LSTM.

    With g = ∇D(x̃) and û = g / ‖g‖ held fast, ∂(‖g‖ − 1)²/∂θ = 2 (‖g‖ − 1) · ∂/∂θ ∂D/∂û, for the derivative along û of
    D is ‖g‖, and turning û does not lengthen it. That derivative is taken as the central difference
    (D(x̃ + εû) − D(x̃ − εû)) / 2ε. The value is exact, the gradient of the critic's parameters up to ε² and rounding,
    about 1e-4 of it. In float32 whatever the precision, and so must the backward pass be: differences of bfloat16 hold
    nothing.

    Args:
        critic: Maps (B, C, L) to values of any shape that begins with B; values of one sample are added up.
        real: Real samples (B, C, L).
        fake: Generated samples of the same shape.
    """
    mixed = between(real, fake)
    with torch.autocast(mixed.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(critic(mixed).sum(), mixed)
        norms: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)  # (B, C, L) → (B,)
        length = DIFFERENCE / norms.clamp(min=1)  # of the step: the steeper, the shorter
        step = gradient * (length / norms.clamp(min=_TINY)).reshape(-1, *(1 for _ in real.shape[1:]))
        ahead, behind = critic(torch.cat([mixed.detach() + step, mixed.detach() - step])).chunk(2)
    slopes = (ahead - behind).flatten(1).sum(dim=1) if ahead.ndim > 1 else ahead - behind
    pull = ((norms - 1) * slopes / length).mean()  # its gradient is that of the penalty
    return pull + ((norms - 1).square().mean() - pull).detach()


@register_model("rgan")
class Rgan(Gan):
    """RGAN with the Wasserstein loss."""

    title = "RGAN: recurrent generator and discriminator"
    source = "Esteban, Hyland and Rätsch, arXiv 1706.02633"
    Options: ClassVar[Any] = RganOptions
    options: RganOptions

    def build_generator(self) -> nn.Module:
        """Return the recurrent generator."""
        o = self.options
        return RecurrentGenerator(self.channels, self.length, o.latent_size, o.width, o.output)

    def build_discriminator(self) -> SignalDiscriminator:
        """Return the recurrent discriminator."""
        return RecurrentDiscriminator(self.channels, self.options.width, spectral=self.options.spectral_norm)

    def penalty(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the gradient penalty without a second derivative, which takes a fused kernel many times as long."""
        return directional_penalty(self.discriminator, real, fake)
