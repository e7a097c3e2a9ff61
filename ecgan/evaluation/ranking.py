"""Metrics of the order that scores put samples in: AUROC, average precision, the best F1 over all thresholds.

Everything follows from one sort: samples by falling score, cut into groups of equal scores, and the weight of
abnormal and normal samples at or above each distinct score. Equal scores are never ordered among themselves.
Abnormal samples are the positives.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError
from ecgan.evaluation.labels import ratio

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Ranking:
    """Samples by falling score.

    Attributes:
        order: Indices (n,) of the samples by falling score.
        ends: Positions (g,) in `order` of the last sample of each group of equal scores.
        values: The distinct scores (g,), falling.
    """

    order: NDArray[np.intp]
    ends: NDArray[np.intp]
    values: F64

    def cumulated(self, weights: F64) -> F64:
        """Weight (…, g) of all samples at or above each distinct score, from `weights` (…, n) in `order`."""
        total: F64 = np.cumsum(weights, axis=-1)
        return total if len(self.ends) == len(self.order) else total[..., self.ends]


@dataclass(frozen=True)
class Cut:
    """The best place to cut a ranking: every sample with a score of at least `upper` is called abnormal.

    Attributes:
        f1: F1 of the abnormal class there.
        upper: The lowest score that is called abnormal.
        lower: The next lower score, or None if there is none.
    """

    f1: float
    upper: float
    lower: float | None


@dataclass(frozen=True)
class Placements:
    """How many samples of the other kind each sample is on the right side of; equal scores count one half.

    Attributes:
        abnormal: Number of normal samples below each abnormal one (m,).
        normal: Number of abnormal samples above each normal one (n,).
    """

    abnormal: F64
    normal: F64

    @property
    def area(self) -> float:
        """AUROC."""
        return float(self.abnormal.sum()) / (len(self.abnormal) * len(self.normal))

    def error_of_difference(self, other: "Placements") -> float:
        """Standard error of the difference of two AUROCs on the same samples; infinite where a kind has one sample.

        Source: DeLong, DeLong and Clarke-Pearson, Biometrics 1988.
        """
        m, n = len(self.abnormal), len(self.normal)
        if min(m, n) < 2:
            return float("inf")
        first = _variance(self.abnormal - other.abnormal) / (m * n**2)
        second = _variance(self.normal - other.normal) / (n * m**2)
        return float(np.sqrt(first + second))


def rank(scores: F64) -> Ranking:
    """Sort `scores` (n,) and find the groups of equal ones."""
    order: NDArray[np.intp] = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    return Ranking(order, ends, ordered[ends])


def placements(scores: F64, abnormal: Bool) -> Placements:
    """Place each sample among those of the other kind.

    Args:
        scores: Shape (n,), higher = more abnormal.
        abnormal: Shape (n,); both kinds are there.
    """
    hits, alarms = scores[abnormal], scores[~abnormal]
    return Placements(_below(np.sort(alarms), hits), len(hits) - _below(np.sort(hits), alarms))


def check_scores(name: str, scores: F64) -> None:
    """Refuse scores that are NaN or infinite, with their number: a model that diverged ranks nothing."""
    broken = int(np.count_nonzero(~np.isfinite(scores)))
    if broken:
        raise EcganError(
            f"the scores of {name!r} are no finite numbers for {broken} of {len(scores)} samples.",
            "The model has probably diverged: look at its history.csv, lower its learning rate and train again.",
        )


def auroc(scores: F64, abnormal: Bool, weights: F64 | None = None) -> float:
    """Area under the ROC curve: the chance that an abnormal sample has a higher score than a normal one.

    Equal scores count one half. The same as `sklearn.metrics.roc_auc_score`.

    Args:
        scores: Shape (n,), higher = more abnormal.
        abnormal: Shape (n,).
        weights: Weight of each sample, shape (n,); 1 by default.

    Returns:
        0 to 1; NaN where there is no abnormal or no normal sample.
    """
    hits, alarms = _cumulated(scores, abnormal, weights)
    return float(auroc_of(hits, alarms))


def average_precision(scores: F64, abnormal: Bool, weights: F64 | None = None) -> float:
    """Precision averaged over the steps of recall, without interpolation.

    The same as `sklearn.metrics.average_precision_score`. Arguments as for `auroc`; NaN where there is no abnormal
    sample.
    """
    hits, alarms = _cumulated(scores, abnormal, weights)
    return float(average_precision_of(hits, alarms))


def auroc_of(hits: F64, alarms: F64) -> Any:
    """AUROC (…) from the weights (…, g) of abnormal and of normal samples at or above each distinct score."""
    width = np.diff(alarms, axis=-1, prepend=0.0)
    height = hits - np.diff(hits, axis=-1, prepend=0.0) / 2
    return ratio(np.einsum("...g,...g->...", width, height), hits[..., -1] * alarms[..., -1])


def average_precision_of(hits: F64, alarms: F64) -> Any:
    """Average precision (…) from the weights (…, g) at or above each distinct score."""
    flagged = hits + alarms
    precision = np.divide(hits, flagged, out=np.zeros_like(flagged), where=flagged > 0)
    step = np.diff(hits, axis=-1, prepend=0.0)
    return ratio(np.einsum("...g,...g->...", step, precision), hits[..., -1])


def best_cut(scores: F64, abnormal: Bool) -> Cut:
    """Find the threshold with the best F1 of the abnormal class among all there are.

    Of thresholds that are equally good the highest is taken, the one that flags the fewest samples.

    Args:
        scores: Shape (n,), n > 0.
        abnormal: Shape (n,); at least one sample must be abnormal for F1 to mean anything.
    """
    ranking = rank(scores)
    hits = ranking.cumulated(abnormal[ranking.order].astype(np.float64))
    f1 = 2 * hits / ((ranking.ends + 1) + np.count_nonzero(abnormal))
    best = int(np.argmax(f1))
    lower = float(ranking.values[best + 1]) if best + 1 < len(f1) else None
    return Cut(float(f1[best]), float(ranking.values[best]), lower)


def _below(ordered: F64, scores: F64) -> F64:
    """Return how many of the rising `ordered` lie below each score, those that are equal as one half."""
    twice = np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")
    half: F64 = twice / 2
    return half


def _variance(counts: F64) -> float:
    """Unbiased variance of halves of whole numbers (n,): their sums are exact, whatever the order."""
    total, squares = float(counts.sum()), float(np.square(counts).sum())
    return max(squares - total**2 / len(counts), 0.0) / (len(counts) - 1)


def _cumulated(scores: F64, abnormal: Bool, weights: F64 | None) -> tuple[F64, F64]:
    if len(scores) == 0:
        return np.zeros(1), np.zeros(1)
    ranking = rank(scores)
    weight = np.ones(len(scores)) if weights is None else weights[ranking.order].astype(np.float64)
    positive = abnormal[ranking.order]
    return ranking.cumulated(weight * positive), ranking.cumulated(weight * ~positive)
