"""Transformations of samples as torch modules: x (B, C, L) in the unit of the data → what the model sees, float32.

They compute in float64, as `ecgan.preprocessing.transformations` does.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ecgan.preprocessing.transformations import Transformation
from ecgan.preprocessing.transformations.fourier import Fourier
from ecgan.preprocessing.transformations.scaling import Affine, Individual, Unchanged
from ecgan.preprocessing.transformations.whitening import Whitening


def input_module(transformation: Transformation, length: int) -> nn.Module:
    """Return a fitted transformation of samples of so many steps as a module, (B, C, L) → (B, D, L)."""
    if isinstance(transformation, Unchanged):
        return nn.Identity()
    if isinstance(transformation, Fourier):
        return _Spectrum(transformation, length)
    if isinstance(transformation, Affine):
        return _Scaled(transformation.terms())
    if isinstance(transformation, Individual):
        return _Individual(transformation.target)
    assert isinstance(transformation, Whitening)
    return _Whitened(transformation)


class _Scaled(nn.Module):
    """(x − shift) / scale · width + base, with one shift, scale and base a channel."""

    shift: Tensor
    scale: Tensor
    base: Tensor

    def __init__(self, terms: tuple[Any, Any, Any, float]) -> None:
        super().__init__()
        for name, values in zip(("shift", "scale", "base"), terms[:3], strict=True):
            self.register_buffer(name, torch.from_numpy(np.array(values, dtype=np.float64)))  # (C, 1)
        self.width = terms[3]

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, C, L)."""
        return ((x.double() - self.shift) / self.scale * self.width + self.base).float()


class _Individual(nn.Module):
    """Each sample's range in each lead to the target range; constants to its middle."""

    def __init__(self, target: tuple[float, float]) -> None:
        super().__init__()
        self.low, self.high = target

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, C, L)."""
        wide = x.double()
        low, high = wide.amin(dim=2, keepdim=True), wide.amax(dim=2, keepdim=True)
        constant = high <= low
        extent = torch.where(constant, torch.ones_like(low), high - low)
        base = torch.where(constant, torch.full_like(low, (self.low + self.high) / 2), torch.full_like(low, self.low))
        return ((wide - low) / extent * (self.high - self.low) + base).float()


class _Whitened(nn.Module):
    """Each lead multiplied with its matrix, then scaled."""

    mean: Tensor
    matrices: Tensor

    def __init__(self, whitening: Whitening) -> None:
        super().__init__()
        assert whitening.mean is not None
        self.register_buffer("mean", torch.from_numpy(np.ascontiguousarray(whitening.mean)))  # (C, L)
        self.register_buffer("matrices", torch.from_numpy(np.ascontiguousarray(whitening.matrices)))  # (C, L, L)
        self.scaled = _Scaled(whitening.terms())

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, C, L)."""
        rest = (x.double() - self.mean).unsqueeze(2)  # (B, C, 1, L)
        y: Tensor = self.scaled(torch.matmul(rest, self.matrices).squeeze(2))
        return y


class _Spectrum(nn.Module):
    """The discrete Fourier transform as a product with cosines and sines, then scaled."""

    cosines: Tensor
    sines: Tensor

    def __init__(self, fourier: Fourier, length: int) -> None:
        super().__init__()
        self.scaled = _Scaled(fourier.terms())
        steps = torch.arange(length, dtype=torch.float64)
        angles = 2 * math.pi / length * (steps[:, None] * steps % length)  # (L, L)
        self.register_buffer("cosines", torch.cos(angles) / math.sqrt(length))
        self.register_buffer("sines", -torch.sin(angles) / math.sqrt(length))

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, C, L)."""
        wide = x.double()
        parts = torch.stack([wide @ self.cosines, wide @ self.sines], dim=2)  # (B, C, 2, L)
        y: Tensor = self.scaled(parts.flatten(1, 2))
        return y
