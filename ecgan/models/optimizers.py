"""Optimizers by name."""

from collections.abc import Iterable

import torch
from torch import nn

from ecgan.models.adabelief import AdaBelief
from ecgan.models.options import OptimizerOptions


def build_optimizer(options: OptimizerOptions, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer that `options` describes, its steps fused over all parameters where it can be."""
    o, betas = options, (options.betas[0], options.betas[1])
    if o.name == "adam":
        return torch.optim.Adam(parameters, o.lr, betas, o.eps, o.weight_decay, fused=True)
    if o.name == "adamw":
        return torch.optim.AdamW(parameters, o.lr, betas, o.eps, o.weight_decay, fused=True)
    if o.name == "adabelief":
        return AdaBelief(parameters, o.lr, betas, o.eps, o.weight_decay)
    if o.name == "rmsprop":
        return torch.optim.RMSprop(parameters, o.lr, o.alpha, o.eps, o.weight_decay, centered=o.centered, foreach=True)
    momentum, dampening = (o.momentum, o.dampening) if o.name == "momentum" else (0.0, 0.0)
    return torch.optim.SGD(parameters, o.lr, momentum, dampening, o.weight_decay, foreach=True)
