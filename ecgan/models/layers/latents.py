"""Distributions of latents: what a model generates from."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from ecgan.arithmetic import square_root

PriorName = Literal["normal", "truncated_normal", "uniform", "encoder"]
BOUND = 2.0  # of the truncated normal distribution, in standard deviations
MOST_FITTED = 4096


def spread(count: int, most: int) -> Tensor:
    """Indices of `count` samples, of `most` evenly spaced ones from the first to the last where there are more."""
    return torch.linspace(0, count - 1, min(count, most), dtype=torch.float64).long()


class Prior(nn.Module):
    """The distribution that latents z (n, Z) are drawn from.

    - `normal`: N(0, 1), independent;
    - `truncated_normal`: N(0, 1) restricted to [−2, 2], by the inverse of its distribution function;
    - `uniform`: U(0, 1);
    - `encoder`: a normal distribution with mean and covariance of the training samples' latents, for autoencoders,
      whose latents follow no prior of their own. Mean and factor are stored with the weights.

    Args:
        kind: One of the above.
        size: Z.
    """

    mean: Tensor
    factor: Tensor

    def __init__(self, kind: PriorName, size: int) -> None:
        super().__init__()
        self.kind = kind
        self.size = size
        if kind == "encoder":
            self.register_buffer("mean", torch.zeros(size))
            self.register_buffer("factor", torch.eye(size))

    def fit(self, z: Tensor) -> None:
        """Take mean and covariance of latents (n, Z)."""
        latents = z.detach().double().cpu()
        centred = latents - latents.mean(dim=0)
        covariance = centred.T @ centred / max(1, len(latents) - 1)  # (Z, Z)
        values, vectors = torch.linalg.eigh(covariance)
        with torch.no_grad():
            self.mean.copy_(latents.mean(dim=0))
            self.factor.copy_(vectors * square_root(values.clamp(min=0)))  # factor @ factor.T is the covariance

    def sample(self, count: int) -> Tensor:
        """Draw latents (count, Z); drawn on the CPU, so that every device sees the same."""
        if self.kind == "uniform":
            return torch.rand(count, self.size)
        if self.kind == "truncated_normal":
            edge = math.erf(BOUND / math.sqrt(2))
            return math.sqrt(2) * torch.erfinv((2 * torch.rand(count, self.size) - 1) * edge)
        z = torch.randn(count, self.size)
        if self.kind == "encoder":
            z = self.mean.cpu() + z @ self.factor.cpu().T
        return z
