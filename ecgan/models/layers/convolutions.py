"""Convolutions over time: the strided ones of BeatGAN, and the form that kernels are quickest in.

Five strided convolutions halve the length five times, so the innermost feature map has k0 = L / 32 steps (Zhou et al.,
IJCAI 2019; layers as in ECGAN, Lüer et al., arXiv 2310.18091). Where a length is odd, a convolution leaves nothing out
and gives (L − 1) / 2 steps, and the transposed convolution that undoes it keeps the one step that it otherwise cuts
off: every length from 32 on fits, multiples of 32 get the published layers, and parameters are those of the multiple
below. All convolutions are free of bias.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from ecgan.errors import EcganError

NormName = Literal["batch", "group", "none"]

SLOPE = 0.2  # of LeakyReLU
STRIDE = 32  # five halvings


class Convolutions(nn.Sequential):
    """Layers over (B, C, L), one after the other, with the channels of a time step side by side in memory.

    The same function, with the same weights under the same names, as `nn.Sequential`. A signal is taken for an image of
    one row, since the kernels for images know this layout (channels last) and those for signals do not: convolutions
    of oneDNN take three quarters of the time in float32 and half of it in bfloat16, batch norm less than half.
    """

    training_layout: ClassVar[bool] = True  # not for the layers that `ecgan.models.layers.folding` puts in

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layers to x (B, C, L)."""
        x = x.unsqueeze(2).contiguous(memory_format=torch.channels_last)  # (B, C, L) → (B, C, 1, L)
        for layer in self:
            x = _applied(layer, x)
            x = x.contiguous(memory_format=torch.channels_last)  # one channel or step fits both layouts
        return x.squeeze(2)


def _applied(layer: nn.Module, x: Tensor) -> Tensor:
    """Apply a layer that is made for (B, C, L) to x (B, C, 1, L)."""
    if isinstance(layer, nn.Conv1d) and layer.padding_mode == "zeros" and not isinstance(layer.padding, str):
        (stride,), (padding,), (dilation,) = layer.stride, layer.padding, layer.dilation
        weight = layer.weight.unsqueeze(2)
        return F.conv2d(x, weight, layer.bias, (1, stride), (0, padding), (1, dilation), layer.groups)
    if isinstance(layer, nn.ConvTranspose1d) and not isinstance(layer.padding, str):
        (stride,), (padding,), (odd,), (dilation,) = layer.stride, layer.padding, layer.output_padding, layer.dilation
        weight, ends = layer.weight.unsqueeze(2), ((0, padding), (0, odd))
        return F.conv_transpose2d(x, weight, layer.bias, (1, stride), *ends, layer.groups, (1, dilation))
    if type(layer) is nn.BatchNorm1d:  # one that processes share computes by itself
        return _normalised(layer, x)
    found: Tensor = layer(x)
    return found


def _normalised(layer: nn.BatchNorm1d, x: Tensor) -> Tensor:
    """Batch norm of x (B, C, 1, L); the layer itself refuses four axes, and a view of three would cost copies."""
    if layer.training and layer.num_batches_tracked is not None:
        layer.num_batches_tracked.add_(1)
    momentum = 0.0 if layer.momentum is None else layer.momentum
    statistics = layer.running_mean, layer.running_var
    return F.batch_norm(x, *statistics, layer.weight, layer.bias, layer.training, momentum, layer.eps)


def hidden_channels(width: float) -> list[int]:
    """Channels after each of the five convolutions: 32 … 512 at width 1; even, so that two groups divide them."""
    return [max(2, 2 * round(base * width / 2)) for base in (32, 64, 128, 256, 512)]


def halvings(length: int) -> list[int]:
    """Return the steps before and after each of five convolutions, [L, L // 2, …, L // 32].

    Raises:
        EcganError: The length does not fit.
    """
    if length < STRIDE:
        raise EcganError(
            f"beats of {length} time steps do not fit this architecture, which needs at least {STRIDE}.",
            f"Cut beats of {STRIDE} or more steps (`preprocess`), or choose another model.",
        )
    return [length >> times for times in range(6)]


def normalisation(norm: NormName, channels: int) -> nn.Module:
    """Return the layer that `norm` names for a (B, channels, L) input; `group` has two groups, one if they are odd."""
    if norm == "batch":
        return nn.BatchNorm1d(channels)
    return nn.GroupNorm(2 - channels % 2, channels) if norm == "group" else nn.Identity()


def body(channels: int, hidden: list[int], norm: NormName, *, spectral: bool = False) -> Convolutions:
    """Five convolutions, (B, C, L) → (B, hidden[-1], L // 32); the first has neither norm nor spectral norm."""
    layers: list[nn.Module] = []
    for index, (before, after) in enumerate(zip([channels, *hidden], hidden, strict=False)):
        convolution: nn.Module = nn.Conv1d(before, after, 4, 2, 1, bias=False)
        if index and spectral:
            convolution = spectral_norm(convolution)
        layers.append(convolution)
        if index:
            layers.append(normalisation(norm, after))
        layers.append(nn.LeakyReLU(SLOPE, inplace=True))
    return Convolutions(*layers)


class Encoder(nn.Module):
    """x (B, C, L) → (B, outputs): five strided convolutions and one over what they leave."""

    def __init__(
        self, channels: int, length: int, outputs: int, width: float, norm: NormName, *, spectral: bool = False
    ) -> None:
        super().__init__()
        hidden = hidden_channels(width)
        self.body = body(channels, hidden, norm, spectral=spectral)
        self.head = nn.Conv1d(hidden[-1], outputs, halvings(length)[-1], bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Encode."""
        z: Tensor = self.head(self.body(x)).flatten(1)  # (B, outputs, 1) → (B, outputs)
        return z
