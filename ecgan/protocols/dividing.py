"""The arithmetic that protocols share: shares, classes, sorted sets of indices."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Labels = NDArray[np.int64]


def ceil_share(share: float | Fraction, count: int) -> int:
    """Return ⌈share · count⌉ for a share written in decimal, without the error of binary fractions."""
    return math.ceil(Fraction(str(share)) * count)


def allot(counts: NDArray[Any], total: int) -> Indices:
    """Share `total` out in proportion to `counts` (c,) by largest remainder; no share exceeds its count.

    Returns:
        Whole numbers, shape (c,), that add up to `total`, which is at most the sum of the counts.
    """
    everything = int(counts.sum())
    if everything == 0:
        return np.zeros(len(counts), dtype=np.int64)
    shares = np.array([int(count) * total // everything for count in counts], dtype=np.int64)
    remainders = np.array([int(count) * total % everything for count in counts], dtype=np.int64)
    order = np.argsort(-remainders, kind="stable")
    shares[order[: total - int(shares.sum())]] += 1
    return shares


def by_class(labels: Labels, samples: Indices, rng: np.random.Generator) -> list[Indices]:
    """Return the samples of each class that occurs, shuffled."""
    return [rng.permutation(samples[labels[samples] == label]) for label in np.unique(labels[samples])]


def together(parts: list[Indices]) -> Indices:
    """Return several sets of indices as one, sorted."""
    return np.sort(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)


def train_part(labels: Labels, samples: Indices, train_on: str) -> Indices:
    """Return the samples that training sees: with `normal`, the abnormal ones are left out of every set."""
    return np.sort(samples[labels[samples] == 0] if train_on == "normal" else samples)
