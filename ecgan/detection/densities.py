"""How thinly beats lie among the usual ones of their record, and what is true of the beats most like each."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.detection.base import F64
from ecgan.detection.components import chunks
from ecgan.ecg.directions import directions_of_few
from ecgan.ecg.template import aligned, evenly
from ecgan.quantiles import median
from ecgan.runtime import side_by_side

Int = NDArray[np.int64]

STRETCH = 2048
"""About how many beats around a beat, or before it, are searched for those like it: most of a half-hour record."""

REFERENCE = 512
"""Most usual beats that a distance is taken to, evenly drawn from the record."""

_ROWS = 512
_AT_ONCE = 128  # of these, so that their distances stay near the processor
_FEW = 48  # rows whose directions come out of a smaller matrix; the last bits of longer recordings stay as they were
_TINY = 1e-12  # the unit of beats that are all the same
_FLOOR = 0.1


@dataclass(frozen=True)
class Space:
    """The main directions in which rows differ: mean (D,) and basis (D, k), by principal components."""

    mean: F64
    basis: F64

    @classmethod
    def learn(cls, rows: F64, components: int) -> "Space":
        """Return the `components` main directions of rows (m, D), fewer where there are not as many."""
        mean = rows.mean(axis=0)
        centred = rows - mean
        count = min(components, rows.shape[1], len(rows) - 1)
        if len(rows) < min(_FEW, rows.shape[1]):
            return cls(mean, directions_of_few(centred, count))
        _, vectors = np.linalg.eigh(centred.T @ centred)  # (D, D), by rising variance
        return cls(mean, np.ascontiguousarray(vectors[:, ::-1][:, :count]))

    def apply(self, rows: F64) -> F64:
        """Return the coordinates (n, k) of rows (n, D)."""
        return np.asarray((rows - self.mean) @ self.basis)


def shapes(signals: NDArray[Any], shifts: Int, part: slice, template: F64, components: int = 16) -> F64:
    """Return coordinates in which samples of one shape lie together, (n, C·k).

    Each sample is taken without its mean and in units of the template, lead by lead; one that is larger than the
    template counts as if it were as large, so that its shape decides. Coordinates are along a lead's main directions.

    Args:
        signals: Shape (n, C, L).
        shifts: Time steps that each lies later than the template, (n,).
        part: The time steps that are compared, a slice of 0…L.
        template: What usual samples look like, (C, L).
        components: k, main directions of a lead at most.
    """
    usual = template[:, part] - template[:, part].mean(axis=1, keepdims=True)
    sizes = np.maximum(np.linalg.norm(usual, axis=1), _TINY)[:, None] * np.sqrt(len(template))

    def rows(chosen: Any) -> F64:
        found = aligned(signals[chosen], shifts[chosen], part).astype(np.float64)
        found = (found - found.mean(axis=2, keepdims=True)) / sizes
        norms = np.sqrt(np.square(found).sum(axis=(1, 2), keepdims=True))
        return np.asarray(found / np.maximum(norms, 1.0))

    some = rows(evenly(np.arange(len(signals)), REFERENCE))
    spaces = [Space.learn(some[:, lead], components) for lead in range(some.shape[1])]
    parts = []
    for chunk in chunks(len(signals), REFERENCE):
        found = rows(chunk)
        parts.append(np.concatenate([space.apply(found[:, lead]) for lead, space in enumerate(spaces)], axis=1))
    return np.concatenate(parts)


def thinness(points: F64, reference: Int, share: float, least: int) -> F64:
    """Return how far each point lies from the usual ones: log of a distance in units of what is usual, (n,).

    The distance is that to the usual point at which a share of them is nearer, or to the `least`-nearest, if that is
    farther (half of them at most). A quantile in place of the nearest does not let a few beats of a kind, which lie
    among the usual ones, vouch for each other. Its median over the usual points is the unit, of which a tenth is added
    before the logarithm.

    Args:
        points: Coordinates of all beats of a record, (n, k).
        reference: Indices of the usual ones, (m,), at least one.
        share: The share, 0 to 1.
        least: The rank that is taken at least.
    """
    usual = points[evenly(reference, REFERENCE)]
    rank = max(round(share * len(usual)), min(least, len(usual) // 2), 1)

    def distances(part: slice) -> F64:
        return np.asarray(np.sqrt(np.partition(_squares(points[part], usual), rank - 1, axis=1)[:, rank - 1]))

    far = np.concatenate(side_by_side(distances, list(chunks(len(points), _AT_ONCE))))
    unit = max(float(median(far[reference])), _TINY)
    return np.log(far / unit + _FLOOR)


def mean_of_nearest(points: F64, values: F64, count: int, known: Int) -> F64:
    """Return the mean of a value over the beats most like each, itself among them, (n,).

    Args:
        points: Coordinates of all beats of a record, in the order of time, (n, k).
        values: The value of each, (n,).
        count: How many are looked at; a quarter of those that the first may be compared with at most.
        known: The last beat that each may be compared with, (n,), rising: n − 1 for the whole record.
    """

    def means(part: slice) -> F64:
        begin, end = _around(part, len(points), known)
        wanted, found = max(min(count, (known[0] + 1) // 4, end - begin), 1), []
        for first in range(part.start, part.stop, _AT_ONCE):
            some = slice(first, min(first + _AT_ONCE, part.stop))
            squares = _squares(points[some], points[begin:end])
            if known[first] + 1 < end:  # causal
                squares[np.arange(begin, end) > known[some, None]] = np.inf
            nearest = np.argpartition(squares, wanted - 1, axis=1)[:, :wanted]
            there = np.isfinite(np.take_along_axis(squares, nearest, axis=1))
            found.append((values[begin:end][nearest] * there).sum(axis=1) / there.sum(axis=1))
        return np.concatenate(found)

    return np.concatenate(side_by_side(means, list(chunks(len(points), _ROWS))))


def _around(part: slice, count: int, known: Int) -> tuple[int, int]:
    """Begin and end of the beats among which those of a part are looked for: around it, or before it and known."""
    if known[0] + 1 < count:  # causal: what follows must not move the begin
        begin = max(part.start - STRETCH, 0)
        return begin, min(begin + 2 * STRETCH, int(known[part][-1]) + 1)
    begin = min(max(part.start + (_ROWS - STRETCH) // 2, 0), max(count - STRETCH, 0))
    return begin, min(begin + STRETCH, count)


def _squares(x: F64, y: F64) -> Any:
    """Squared distances (b, m) of rows x (b, k) to rows y (m, k)."""
    squares = np.square(x).sum(axis=1)[:, None] + np.square(y).sum(axis=1) - 2 * x @ y.T
    return np.maximum(squares, 0.0, out=squares)
