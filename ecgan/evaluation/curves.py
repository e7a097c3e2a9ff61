"""ROC and precision-recall points on a common grid for plots: one column a strategy, the one that decides twice."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ecgan.evaluation.ranking import F64, Bool, rank

POINTS = 201
DECIDES = "decides"
"""Column of the curve that `dvc plots` draws: that of the strategy that decides, whatever its name."""


def roc_frame(scores: Mapping[str, F64], abnormal: Bool, decides: str | None = None) -> pd.DataFrame:
    """True-positive rates over a grid of 201 false-positive rates.

    Between the points of the empirical curve values lie on the straight line that equal scores stand for; at a
    vertical step the upper end is taken, except at 0, where the curve starts with what is flagged without a false
    alarm.

    Args:
        scores: Scores (n,) by strategy.
        abnormal: Whether each sample is abnormal, shape (n,).
        decides: The strategy that decides, if one does.

    Returns:
        Columns `fpr`, `decides` if one does, and one a strategy; NaN where a class has no samples.
    """
    grid = np.linspace(0, 1, POINTS)
    return _frame("fpr", grid, {name: _roc(values, abnormal, grid) for name, values in scores.items()}, decides)


def pr_frame(scores: Mapping[str, F64], abnormal: Bool, decides: str | None = None) -> pd.DataFrame:
    """Precision over a grid of 201 recalls: that of the highest threshold that reaches the recall.

    Arguments as for `roc_frame`. Returns columns `recall`, `decides` if one does, and one a strategy; NaN without
    abnormal samples.
    """
    grid = np.linspace(0, 1, POINTS)
    return _frame("recall", grid, {name: _pr(values, abnormal, grid) for name, values in scores.items()}, decides)


def _frame(along: str, grid: F64, curves: dict[str, F64], decides: str | None) -> pd.DataFrame:
    return pd.DataFrame({along: grid, **({} if decides is None else {DECIDES: curves[decides]}), **curves})


def _counts(scores: F64, abnormal: Bool) -> tuple[F64, F64]:
    """Abnormal and normal samples at or above each distinct score, falling."""
    ranking = rank(scores)
    positive = abnormal[ranking.order]
    return ranking.cumulated(positive.astype(np.float64)), ranking.cumulated((~positive).astype(np.float64))


def _roc(scores: F64, abnormal: Bool, grid: F64) -> F64:
    if not abnormal.any() or abnormal.all():
        return np.full(len(grid), np.nan)
    hits, alarms = (np.concatenate([[0.0], counts]) for counts in _counts(scores, abnormal))
    tpr, fpr = hits / hits[-1], alarms / alarms[-1]
    last = np.flatnonzero(np.append(np.diff(fpr) > 0, True))  # upper end of each vertical step
    curve: F64 = np.interp(grid, fpr[last], tpr[last])
    return curve


def _pr(scores: F64, abnormal: Bool, grid: F64) -> F64:
    if not abnormal.any():
        return np.full(len(grid), np.nan)
    hits, alarms = _counts(scores, abnormal)
    first = np.searchsorted(hits, grid * hits[-1] * (1 - 1e-12), side="left")  # first threshold with enough hits
    precision: F64 = hits[first] / (hits[first] + alarms[first])
    return precision
