"""Weights of a few components, from 1,275 candidates: by the best F1, or the simplest that are as good as any.

`best_weights`: the F1 of a candidate is found by sorting its scores. Counting them into bins is quicker, and bounds
it: where the threshold lies in a bin, at best all abnormal samples of the bin are above it and no normal one. A
candidate whose bound is below what another one surely reaches is not sorted.

`stable_weights`: the F1 rests on the few samples near one threshold, and moves in steps. AUROC rests on all pairs of a
normal and an abnormal sample, and its standard error says which differences mean something.
"""

import numpy as np
from numpy.typing import NDArray

from ecgan.detection.base import F64
from ecgan.detection.components import chunks, has_extent
from ecgan.evaluation.ranking import Placements, best_cut, placements

GRID_STEPS = 49
_BINS = 1024
_SAMPLE = 2000
_ROWS = 16_384  # what stays in a processor's cache

Weights = tuple[float, ...]


def simplex(parts: int) -> list[Weights]:
    """Weights of `parts` (2 or 3) components in steps of 1/49 that add up to 1, the first falling, then the second."""
    found: list[Weights] = []
    for first in range(GRID_STEPS, -1, -1):
        rest = GRID_STEPS - first
        counts = [(first, rest)] if parts == 2 else [(first, k, rest - k) for k in range(rest, -1, -1)]
        found.extend(tuple(count / GRID_STEPS for count in row) for row in counts)
    return found


def weighted_sum(weights: Weights, parts: list[F64]) -> F64:
    """Σ w·e, added from the left: the same bytes for a sample whatever is scored beside it."""
    total = weights[0] * parts[0]
    for weight, part in zip(weights[1:], parts[1:], strict=True):
        total = total + weight * part
    return total


def best_weights(parts: list[F64], abnormal: NDArray[np.bool_]) -> Weights:
    """Return the weights of `simplex` with the best F1 over all thresholds; of equally good ones the first.

    The components are (n,) each, and some of the n samples are abnormal.
    """
    candidates = simplex(len(parts))
    kinds = [[part[which] for part in parts] for which in (abnormal, ~abnormal)]
    some = [part[:: max(1, len(abnormal) // _SAMPLE)] for part in parts]
    most = np.empty(len(candidates))
    for index, weights in enumerate(candidates):
        edges = _edges(np.sort(weighted_sum(weights, some)), float(abnormal.mean()))
        hits, alarms = (_counts(weights, kind, *edges) for kind in kinds)
        most[index] = _bound(hits, alarms)
    best, chosen = -1.0, 0
    for index in np.argsort(-most, kind="stable").tolist():  # the most promising first
        if most[index] < best * (1 - 1e-12):  # more than the rounding of two ways to compute one number
            break
        f1 = best_cut(weighted_sum(candidates[index], parts), abnormal).f1
        if f1 > best or (f1 == best and index < chosen):
            best, chosen = f1, index
    return candidates[chosen]


def stable_weights(parts: list[F64], abnormal: NDArray[np.bool_]) -> Weights:
    """Return the first weights of `simplex` whose AUROC is within one standard error of the best.

    The rule of Breiman et al. (Classification and Regression Trees, 1984, section 3.4.3) with the standard error of the
    difference of two AUROCs on the same samples (DeLong et al., Biometrics 1988). Where it cannot be known, with a
    single sample of a kind, the first weights are taken. The components are (n,) each, of samples of both kinds.
    """
    candidates = simplex(len(parts))

    def placed(weights: Weights) -> Placements:
        return placements(weighted_sum(weights, parts), abnormal)

    areas = np.array([placed(weights).area for weights in candidates])
    best = int(np.argmax(areas))
    reference = placed(candidates[best])
    simplest = (
        index
        for index, weights in enumerate(candidates)
        if areas[best] - areas[index] <= placed(weights).error_of_difference(reference)
    )
    return candidates[next(simplest, best)]


def _edges(ordered: F64, share: float) -> tuple[float, float]:
    """Return between which scores the threshold is likely to be, from a sample of them, rising.

    Above the upper one there are a tenth as many samples as are abnormal, above the lower one four times as many.
    Another range would cost time and nothing else.
    """
    last = len(ordered) - 1
    low, high = (max(0, last - int(factor * share * len(ordered))) for factor in (4.0, 0.1))
    return float(ordered[low]), float(ordered[high])


def _counts(weights: Weights, parts: list[F64], low: float, high: float) -> NDArray[np.int64]:
    """Count samples by bins of equal width from `low` to `high`, by falling score; the outer bins have no end."""
    scale = _BINS / (high - low) if has_extent(low, high) else 1.0
    counts = np.zeros(_BINS + 1, dtype=np.int64)
    for rows in chunks(len(parts[0]), _ROWS):
        bins = weighted_sum(weights, [part[rows] for part in parts])
        bins -= low
        bins *= scale
        counts += np.bincount(np.clip(bins, 0, _BINS, out=bins).astype(np.intp), minlength=_BINS + 1)
    return counts[::-1]


def _bound(hits: NDArray[np.int64], alarms: NDArray[np.int64]) -> float:
    """Return what the F1 of any threshold is at most, from abnormal and normal samples by bin and falling score."""
    above = np.cumsum(hits)
    return float((2 * above / (above + (np.cumsum(alarms) - alarms) + above[-1])).max())
