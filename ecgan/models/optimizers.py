"""Optimizers by name."""

from collections.abc import Iterable

import torch
from torch import nn

from ecgan.models.options import OptimizerOptions


def build_optimizer(options: OptimizerOptions, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer that `options` describes, its steps fused over all parameters where it can be."""
    lr, decay = options.lr, options.weight_decay
    betas = (options.betas[0], options.betas[1])
    if options.name == "adam":
        return torch.optim.Adam(parameters, lr, betas, options.eps, decay, fused=True)
    if options.name == "adamw":
        return torch.optim.AdamW(parameters, lr, betas, options.eps, decay, fused=True)
    if options.name == "rmsprop":
        return torch.optim.RMSprop(parameters, lr, eps=options.eps, weight_decay=decay, momentum=options.momentum)
    return torch.optim.SGD(parameters, lr, options.momentum, weight_decay=decay)
