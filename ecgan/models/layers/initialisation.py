"""Initial weights by name."""

from typing import Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from ecgan.config.options import Options

POWER_ITERATIONS = 30
_WEIGHTED = (nn.Conv1d, nn.ConvTranspose1d, nn.Linear)


class InitOptions(Options):
    """The distribution of initial weights; biases start at 0, batch normalisation at N(1, 0.02)."""

    name: Literal["glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "normal", "uniform"] = Field(
        "glorot_normal", description="distribution of initial weights"
    )
    std: float = Field(0.02, gt=0, description="standard deviation of normal")
    bound: float = Field(0.05, gt=0, description="uniform draws from -bound to bound")


def initialise(module: nn.Module, init: InitOptions) -> None:
    """Draw the weights of every convolution, linear and recurrent layer in `module` as `init` says.

    Biases become 0; batch normalisation starts with weights of N(1, 0.02), as published. Each gate of a recurrent
    layer is a matrix of its own. Random numbers come from torch's global generator, in the order of the layers.
    """
    for layer in module.modules():
        if isinstance(layer, _WEIGHTED):
            draw(_weight(layer), init, transposed=isinstance(layer, nn.ConvTranspose1d))
            _settle(layer)
        elif isinstance(layer, nn.BatchNorm1d):
            if layer.affine:
                nn.init.normal_(layer.weight, 1.0, 0.02)
        elif isinstance(layer, nn.RNNBase):
            _recurrent(layer, init)
        if isinstance(bias := getattr(layer, "bias", None), Tensor):
            nn.init.zeros_(bias)


def draw(weight: Tensor, init: InitOptions, *, transposed: bool = False) -> None:
    """Fill `weight` (out, in, …) in place; that of a transposed convolution is (in, out, …).

    Glorot and Bengio, AISTATS 2010, equations 12 and 16: variance 2 / (fan in + fan out). He et al., ICCV 2015,
    equation 10: variance 2 / fan in. `normal`: N(0, std²). `uniform`: U(−bound, bound).
    """
    mode: Literal["fan_in", "fan_out"] = "fan_out" if transposed else "fan_in"
    if init.name == "glorot_normal":
        nn.init.xavier_normal_(weight)
    elif init.name == "glorot_uniform":
        nn.init.xavier_uniform_(weight)
    elif init.name == "he_normal":
        nn.init.kaiming_normal_(weight, mode=mode, nonlinearity="relu")
    elif init.name == "he_uniform":
        nn.init.kaiming_uniform_(weight, mode=mode, nonlinearity="relu")
    elif init.name == "normal":
        nn.init.normal_(weight, 0.0, init.std)
    else:
        nn.init.uniform_(weight, -init.bound, init.bound)


def _recurrent(layer: nn.RNNBase, init: InitOptions) -> None:
    """Weights (gates · H, in) one gate at a time, so that the number of gates does not change their scale."""
    for name, parameter in layer.named_parameters(recurse=False):
        if name.startswith("bias"):
            nn.init.zeros_(parameter)
        else:
            with torch.no_grad():
                for gate in parameter.split(layer.hidden_size):
                    draw(gate, init)


def _settle(layer: nn.Module) -> None:
    """Let spectral normalisation find the largest singular value of the new weights; each look is one step to it."""
    if hasattr(layer, "parametrizations"):
        with torch.no_grad():
            for _ in range(POWER_ITERATIONS):
                _ = layer.weight


def _weight(layer: nn.Module) -> Tensor:
    """Return the trainable weight, which spectral normalisation keeps elsewhere."""
    parametrizations = getattr(layer, "parametrizations", None)
    return cast(Tensor, layer.weight if parametrizations is None else parametrizations.weight.original)
