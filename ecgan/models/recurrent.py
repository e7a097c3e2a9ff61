"""Recurrent networks of `rgan` and `rnn`: one layer of LSTM (Hochreiter and Schmidhuber, 1997) and a linear layer.

As in ECGAN's `rgan`, after Esteban et al., "Real-valued (medical) time series generation with recurrent conditional
GANs", 2017. They run over any number of time steps.
"""

from typing import ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ecgan.models.discriminator import SignalDiscriminator
from ecgan.models.options import OutputName


def hidden_size(width: float) -> int:
    """Size of the hidden state, 128 at width 1."""
    return max(2, round(128 * width))


class Lstm(nn.LSTM):
    """One layer over (B, L, inputs), computed by the fused kernel of the device (oneDNN on a CPU, cuDNN on a GPU).

    It stays in training mode. That changes no value, as it has no dropout; but outside training mode the fused kernels
    do not keep what the gradient needs, and latents are searched with the networks in evaluation mode.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden, batch_first=True)

    def train(self, mode: bool = True) -> Self:
        """Stay in training mode."""
        return super().train(True)


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

    recurrent: ClassVar[bool] = True

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


class RecurrentClassifier(nn.Module):
    """x (B, C, L) → logits of the classes (B, K), from the last hidden state."""

    def __init__(self, channels: int, classes: int, width: float) -> None:
        super().__init__()
        self.recurrence = Lstm(channels, hidden_size(width))
        self.head = nn.Linear(hidden_size(width), classes)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        _, (last, _) = self.recurrence(x.transpose(1, 2))  # (B, C, L) → (B, L, C); last (1, B, H)
        logits: Tensor = self.head(last[0])
        return logits
