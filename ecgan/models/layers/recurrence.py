"""One layer of LSTM (Hochreiter and Schmidhuber, 1997) over any number of time steps."""

from typing import Self

from torch import nn


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
