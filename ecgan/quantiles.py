"""Quantiles of finite numbers, as NumPy has them: of a dozen beats it takes longer to prepare than to find them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def median(values: NDArray[Any], axis: int = 0) -> NDArray[Any]:
    """Return `np.median` along an axis, bit by bit, of numbers of which none is NaN and at least one is there."""
    low, high = (values.shape[axis] - 1) // 2, values.shape[axis] // 2
    ordered = np.partition(values, (low, high), axis=axis)
    return np.asarray((ordered.take(low, axis) + ordered.take(high, axis)) / 2)


def quantiles(values: F64, shares: Sequence[float], axis: int = 0) -> list[F64]:
    """Return `np.quantile` along an axis, bit by bit, for each share; of the same numbers as `median`."""
    last = values.shape[axis] - 1
    places = [divmod(share * last, 1.0) for share in shares]
    pairs = [(int(low), min(int(low) + 1, last)) for low, _ in places]
    ordered = np.partition(values, sorted({row for pair in pairs for row in pair}), axis=axis)
    found = []
    for (first, second), (_, rest) in zip(pairs, places, strict=True):
        low, high = ordered.take(first, axis), ordered.take(second, axis)
        found.append(np.asarray(low + (high - low) * rest if rest < 0.5 else high - (high - low) * (1 - rest)))
    return found
