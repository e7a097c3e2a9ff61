"""Convolutions over time, computed in the form that kernels are quickest in."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Convolutions(nn.Sequential):
    """Layers over (B, C, L), one after the other, with the channels of a time step side by side in memory.

    The same function, with the same weights under the same names, as `nn.Sequential`. A signal is taken for an image of
    one row, since the kernels for images know this layout (channels last) and those for signals do not: convolutions
    of oneDNN take three quarters of the time in float32 and half of it in bfloat16, batch norm less than half.
    """

    training_layout: ClassVar[bool] = True  # not for the layers that `ecgan.models.folding` puts in

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
