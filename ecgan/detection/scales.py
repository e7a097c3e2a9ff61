"""Scales on which components are weighed, learned on the fit half of validation.

`Range` maps the smallest value to 0 and the largest to 1. A single outlier sets it: where the largest value is a
hundred times the usual one, all usual values lie within a hundredth of the scale. `NormalScores` maps a value to the
standard normal quantile of the share of samples below it, so that no sample has more say than its rank.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from ecgan.detection.base import F64, State
from ecgan.detection.components import has_extent
from ecgan.detection.stored import AGAIN, stored_array, stored_mapping, stored_number
from ecgan.errors import EcganError

KNOTS = 257
_PREFIX = "normal_scores/"


@dataclass(frozen=True)
class Range:
    """(e − low) / (high − low), not clipped; low and high are the smallest and largest value of the fit half."""

    low: float
    high: float

    @classmethod
    def learn(cls, values: F64) -> "Range":
        """The extremes of `values` (n,)."""
        return cls(float(values.min()), float(values.max()))

    def apply(self, values: F64) -> F64:
        """Scaled values, same shape; a range without extent (a constant component) only loses its offset."""
        return (values - self.low) / _span(self.low, self.high)


@dataclass(frozen=True)
class NormalScores:
    """Φ⁻¹ of the share of the fit half below a value, linear between knots (van der Waerden's scores, 1952).

    Beyond the ends, where no sample tells, a score goes on rising, by less than 1: a value that is far out stays near
    those that were seen, and above all that are less far out.

    Attributes:
        values: Values of the knots (k,), strictly rising.
        scores: Their normal scores (k,), strictly rising.
    """

    values: F64
    scores: F64

    @classmethod
    def learn(cls, values: F64) -> "NormalScores":
        """Learn from `values` (n,): at most 257 of the sorted ones are kept, evenly spaced by their scores."""
        n, normal = len(values), NormalDist()
        end = normal.inv_cdf(n / (n + 1))
        places = [round(normal.cdf(score) * (n + 1)) - 1 for score in np.linspace(-end, end, KNOTS).tolist()]
        places = sorted({min(max(place, 0), n - 1) for place in places} | {0, n - 1})
        ordered = np.sort(values)[places]
        scores = np.array([normal.inv_cdf((place + 1) / (n + 1)) for place in places])
        new = np.append(True, np.diff(ordered) > np.maximum(1e-12 * np.abs(ordered[1:]), 1e-290))
        which = np.cumsum(new) - 1  # values that are equal, but for rounding, share the mean of their scores
        return cls(ordered[new], np.bincount(which, weights=scores) / np.bincount(which))

    def apply(self, values: F64) -> F64:
        """Normal scores, same shape."""
        first, last = self.spans
        above, below = np.maximum(values - self.values[-1], 0.0), np.maximum(self.values[0] - values, 0.0)
        scores: F64 = np.interp(values, self.values, self.scores)
        scores += above / (last + above) - below / (first + below)
        return scores

    @property
    def spans(self) -> tuple[float, float]:
        """From the lowest knot to the median, and from there to the highest: the unit of what is farther out."""
        middle = float(np.interp(0.0, self.scores, self.values))
        return _span(float(self.values[0]), middle), _span(middle, float(self.values[-1]))


Scale = Range | NormalScores


def scales_state(scales: dict[str, Scale]) -> State:
    """What `restore_scales` takes back: ranges as values, normal scores as arrays (k, 2) of values and scores."""
    ranges = {name: [scale.low, scale.high] for name, scale in scales.items() if isinstance(scale, Range)}
    knots = {
        f"{_PREFIX}{name}": np.stack([scale.values, scale.scores], axis=1)  # (k, 2)
        for name, scale in scales.items()
        if isinstance(scale, NormalScores)
    }
    return State(knots, {"ranges": ranges} if ranges else {})


def restore_scales(state: State, names: tuple[str, ...]) -> tuple[Scale, ...]:
    """Take back the scales of the named components.

    Raises:
        EcganError: A scale is missing or broken.
    """
    if any(key.startswith(_PREFIX) for key in state.arrays):
        return tuple(_stored_scores(state, name) for name in names)
    ranges = stored_mapping(state.values, "ranges")
    return tuple(_stored_range(ranges, name) for name in names)


def _stored_scores(state: State, name: str) -> NormalScores:
    knots = stored_array(state, f"{_PREFIX}{name}", dtype=np.float64, ndim=2)
    if len(knots) == 0 or knots.shape[1] != 2 or (np.diff(knots, axis=0) <= 0).any():
        raise EcganError(f"the stored normal scores of {name!r} are no rising pairs of numbers.", AGAIN)
    return NormalScores(*np.ascontiguousarray(knots.T))


def _stored_range(ranges: dict[str, Any], name: str) -> Range:
    ends = ranges.get(name)
    if not isinstance(ends, list) or len(ends) != 2:
        raise EcganError(f"the stored range of {name!r} is {ends!r}; expected two numbers.", AGAIN)
    pair = {"low": ends[0], "high": ends[1]}
    return Range(stored_number(pair, "low"), stored_number(pair, "high"))


def _span(low: float, high: float) -> float:
    return high - low if has_extent(low, high) else 1.0
