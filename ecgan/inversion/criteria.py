"""What measures how unlike a signal x and a generated one x̂ are, for each sample by itself; 0 where they agree.

- `residual`: the mean over leads and time of |x − x̂|, in the unit of x;
- `squared`: the mean of (x − x̂)²;
- `cosine`: 1 − the cosine similarity of both signals, flattened and centred: 1 − their correlation;
- `rbf`: 1 − the mean over leads and time of exp(−(x − x̂)² / 2s²), where s is the median difference of two training
  samples at one time step: a value that is far off counts no more than one that is off (correntropy; Liu et al.,
  IEEE Trans. Signal Processing 55, 2007, equation 4);
- `rgan`: 1 − exp(−‖x − x̂‖² / 2σ²), where σ is the median distance of two training samples (Esteban et al. 2017,
  section 4.2, who search latents by this kernel).

Both bandwidths are learned from training samples once and stored with the inverse mapping; nothing about a sample
depends on the samples beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from ecgan.errors import EcganError
from ecgan.evaluation.discrepancy import median_distance
from ecgan.files import RESTORE, shown
from ecgan.models.layers.latents import spread

Criterion = Callable[[Tensor, Tensor], Tensor]
"""x (B, C, L) and x̂ of the same shape to a number for each sample (B,)."""

COMPARED = 512  # training samples behind the bandwidths
_TINY = 1e-8


@dataclass(frozen=True)
class Bandwidth:
    """The widths of the kernels.

    Attributes:
        signal: σ, the median distance of two training samples.
        value: s, the median difference of two training samples at one lead and time step.
    """

    signal: float
    value: float

    @classmethod
    def of(cls, train: Tensor) -> Self:
        """Learn both from training samples (n, C, L), 512 evenly spaced ones where there are more."""
        if len(train) < 2:
            raise EcganError(
                f"{len(train)} training samples are too few to compare two of them.", "Give more training samples."
            )
        rows = spread(len(train), COMPARED)
        x = train[rows.to(train.device)]
        half = len(x) // 2
        differences = (x[:half] - x[half : 2 * half]).abs()
        return cls(median_distance(x), float(differences.median()) or float(differences.mean()) or 1.0)

    @classmethod
    def restore(cls, stored: Any) -> Self:
        """Take back what `asdict` gave and a file kept."""
        numbers = stored if isinstance(stored, dict) else {}
        return cls(_positive(numbers.get("signal")), _positive(numbers.get("value")))


def _positive(number: Any) -> float:
    if not isinstance(number, float) or not 0 < number < float("inf"):
        raise EcganError(
            f"{shown(number)} is no bandwidth of a criterion.",
            RESTORE,
        )
    return number


def criterion_named(name: str, bandwidth: Bandwidth) -> Criterion:
    """Return the criterion `name` with these bandwidths."""
    known: dict[str, Criterion] = {
        "residual": lambda x, y: (x - y).abs().mean(dim=(1, 2)),
        "squared": _squared,
        "cosine": _cosine,
        "rbf": lambda x, y: 1 - torch.exp((x - y).square() / (-2 * bandwidth.value**2)).mean(dim=(1, 2)),
        "rgan": lambda x, y: _kernel(_squared(x, y) * x[0].numel(), bandwidth.signal),
    }
    return known[name]


def _squared(x: Tensor, y: Tensor) -> Tensor:
    return (x - y).square().mean(dim=(1, 2))


def _kernel(squared_distance: Tensor, sigma: float) -> Tensor:
    """1 − exp(−d² / 2σ²), in float64: in float32 all that is farther than 6σ would be equally far."""
    return -torch.expm1(squared_distance.double() / (-2 * sigma**2))


def _cosine(x: Tensor, y: Tensor) -> Tensor:
    """1 − the correlation; two constant signals agree, a constant and another one are uncorrelated."""
    a, b = x.flatten(1), y.flatten(1)
    a, b = a - a.mean(dim=1, keepdim=True), b - b.mean(dim=1, keepdim=True)
    both = (a * b).mean(dim=1) + _TINY
    return 1 - both * ((a.square().mean(dim=1) + _TINY) * (b.square().mean(dim=1) + _TINY)).rsqrt()
