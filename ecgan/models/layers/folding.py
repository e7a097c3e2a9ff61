"""Networks made ready for use without training: the same function of their input, with less work in it.

A batch norm with the statistics of training is a scale and a shift of each channel, which the layer before it can
take into its weights and bias (Jacob et al., CVPR 2018, section 3.2). A spectral norm divides a weight by a number that
no longer changes. A transposed convolution is slower than what it can be written as.
"""

import copy
import itertools
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.nn.utils.fusion import fuse_conv_bn_eval

Network = TypeVar("Network", bound=nn.Module)


def folded(network: Network) -> Network:
    """Return a copy that gives the same but for rounding, in evaluation mode, frozen.

    Parametrised tensors, such as weights under a spectral norm, are replaced by what they are in evaluation mode. In
    every `nn.Sequential` a batch norm behind a convolution, transposed or not, becomes part of it, and transposed
    convolutions become `Doubling` or `Unrolling` where they can. Everything else is copied as it is.
    """
    copied = copy.deepcopy(network).eval()
    for module in list(copied.modules()):
        if parametrize.is_parametrized(module):
            _make_plain(module)
    for module in list(copied.modules()):
        if getattr(module, "training_layout", False):
            module.__class__ = nn.Sequential  # its layout is for the layers of training, not for those below
        if isinstance(module, nn.Sequential):
            _fold_batch_norms(module)
            for index, layer in enumerate(module):
                module[index] = _quicker(layer)
    return copied.requires_grad_(False)


class Doubling(nn.Module):
    """A transposed convolution with kernel 4, stride 2 and padding 1, as a convolution with kernel 2.

    Of the weights w0 … w3, step 2i of the output is w1·x[i] + w3·x[i − 1] and step 2i + 1 is w0·x[i + 1] + w2·x[i]: two
    convolutions of neighbours, computed as one with twice the channels (Shi et al., CVPR 2016, section 3.2).
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, layer: nn.ConvTranspose1d) -> None:
        super().__init__()
        w = layer.weight.detach()  # (in, out, 4)
        pairs = torch.cat([w[..., [3, 1]], w[..., [2, 0]]], dim=1)  # (in, 2 · out, 2): even steps, then odd ones
        self.register_buffer("weight", pairs.transpose(0, 1).contiguous())
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach().repeat(2))
        self.odd = layer.output_padding[0]  # 1 where the output has one more even step

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, in, L) to (B, out, 2L), or to one step more."""
        steps = x.shape[2]
        even, odd = F.conv1d(x, self.weight, self.bias, padding=1).chunk(2, dim=1)  # (B, out, L + 1) each
        if not self.odd:
            return torch.stack([even[..., :steps], odd[..., 1:]], dim=3).flatten(2)  # (B, out, L, 2) → (B, out, 2L)
        both = torch.stack([even, F.pad(odd[..., 1:], (0, 1))], dim=3).flatten(2)  # (B, out, 2L + 2)
        return both[..., : 2 * steps + 1]


class Unrolling(nn.Module):
    """A transposed convolution with stride 1 and no padding, as a matrix product where its input is one step."""

    bias: Tensor | None

    def __init__(self, layer: nn.ConvTranspose1d) -> None:
        super().__init__()
        self.layer = layer
        steps = layer.kernel_size[0]
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach().repeat_interleave(steps))

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, in, L) to (B, out, L + kernel − 1)."""
        if x.shape[2] != 1:
            convolved: Tensor = self.layer(x)
            return convolved
        weight = self.layer.weight.flatten(1)  # (in, out, kernel) → (in, out · kernel)
        product = x.squeeze(2) @ weight if self.bias is None else torch.addmm(self.bias, x.squeeze(2), weight)
        y: Tensor = product.unflatten(1, (self.layer.out_channels, -1))  # (B, out · kernel) → (B, out, kernel)
        return y


def _make_plain(module: nn.Module) -> None:
    """Take off every parametrisation; `remove_parametrizations` would break other copies, which share the class."""
    assert isinstance(module.parametrizations, nn.ModuleDict)
    values = {name: getattr(module, name).detach().clone() for name in module.parametrizations}
    module.__class__ = type(module).__bases__[0]
    del module.parametrizations
    for name, value in values.items():
        module.register_parameter(name, nn.Parameter(value))


def _fold_batch_norms(layers: nn.Sequential) -> None:
    for index, (first, second) in enumerate(itertools.pairwise(list(layers))):
        if not isinstance(second, nn.BatchNorm1d) or second.training or not second.track_running_stats:
            continue
        transposed = type(first) is nn.ConvTranspose1d and first.groups == 1
        if transposed or type(first) is nn.Conv1d:
            layers[index] = fuse_conv_bn_eval(first, second, transpose=transposed)  # type: ignore[type-var]
            layers[index + 1] = nn.Identity()


def _quicker(layer: nn.Module) -> nn.Module:
    """Return a layer that computes the same in less time, or the layer."""
    if type(layer) is not nn.ConvTranspose1d or layer.groups != 1 or layer.dilation != (1,):
        return layer
    shape = (layer.kernel_size[0], layer.stride[0], layer.padding[0])
    if shape == (4, 2, 1):
        return Doubling(layer)
    return Unrolling(layer) if shape[1:] == (1, 0) else layer
