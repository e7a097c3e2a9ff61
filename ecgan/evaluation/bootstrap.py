"""How far a metric would move had other patients come: percentile intervals of the bootstrap.

Where the patient of every sample is known, patients are drawn with replacement and bring all their samples
(cluster bootstrap: beats of one heart are not independent witnesses); otherwise samples are. The threshold is
held fixed. A replicate is a vector of multiplicities, one a unit; every strategy is measured on the same
replicates, and the samples are sorted once a strategy, not once a replicate.

Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3 (percentile interval).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.evaluation.labels import METRICS, cells, metrics_of
from ecgan.evaluation.ranking import F64, Bool, Ranking, auroc_of, average_precision_of, rank

_BLOCK_VALUES = 1_000_000


@dataclass(frozen=True)
class Bootstrap:
    """Intervals of every metric of every strategy.

    Attributes:
        replicates: Number of replicates that the intervals rest on; 0 if none could be made.
        unit: What was drawn: "patient" or "sample".
        units: How many of them there are.
        level: The share of replicates inside each interval.
        redrawn: Draws that held samples of one class only and were drawn anew.
        intervals: By strategy and metric, the lower and the upper end; NaN where there are none.
    """

    replicates: int
    unit: str
    units: int
    level: float
    redrawn: int
    intervals: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """The entry `bootstrap` of metrics.json."""
        return {name: value for name, value in vars(self).items() if name != "intervals"}


@dataclass(frozen=True)
class _Prepared:
    """One strategy, sorted: where its samples are and which unit each belongs to."""

    ranking: Ranking
    units: NDArray[np.intp]
    positive: F64
    table: F64


def bootstrap(
    scores: Mapping[str, F64],
    predictions: Mapping[str, Bool],
    abnormal: Bool,
    *,
    patients: Sequence[Any] | NDArray[Any] | None = None,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Bootstrap:
    """Percentile intervals of AUROC ("auroc"), average precision ("ap") and the label metrics.

    Args:
        scores: Scores (n,) by strategy.
        predictions: Decisions (n,) by strategy, the same names.
        abnormal: Whether each sample is abnormal, shape (n,).
        patients: Patient of each sample, length n; empty or missing entries mean that it is not known.
        replicates: Number of replicates; 0 for no intervals.
        level: Share of replicates inside the interval.
        seed: Seed of the draws.
    """
    unit, codes, units = resampling_units(len(abnormal), patients)
    both = bool(abnormal.any()) and not bool(abnormal.all())
    made = replicates if both else 0
    totals = _class_totals(codes, abnormal, units)
    prepared = {name: _prepare(scores[name], predictions[name], abnormal, codes, units) for name in scores}
    values = {name: {metric: np.empty(made) for metric in ("auroc", "ap", *METRICS)} for name in scores}
    generator = np.random.default_rng(seed)
    block = max(1, _BLOCK_VALUES // max(len(abnormal), 1))
    redrawn = 0
    for start in range(0, made, block):
        size = min(block, made - start)
        multiplicity, again = _draw(generator, totals, size)
        redrawn += again
        for name, strategy in prepared.items():
            for metric, found in _measure(strategy, multiplicity).items():
                values[name][metric][start : start + size] = found
    intervals = {name: {metric: _interval(v, level) for metric, v in row.items()} for name, row in values.items()}
    return Bootstrap(made, unit, units, level, redrawn, intervals)


def resampling_units(n: int, patients: Sequence[Any] | NDArray[Any] | None) -> tuple[str, NDArray[np.intp], int]:
    """What is drawn: its name, the unit of each sample (n,), and the number of units.

    Patients, if every sample has one and there are at least two; a single patient cannot be resampled, and then,
    as where patients are not known, each sample is its own unit.
    """
    if patients is not None and len(patients) == n:
        names = [None if _missing(patient) else str(patient) for patient in patients]
        known = sorted({name for name in names if name is not None})
        if None not in names and len(known) >= 2:
            index = {name: code for code, name in enumerate(known)}
            return "patient", np.array([index[str(name)] for name in names], dtype=np.intp), len(known)
    return "sample", np.arange(n, dtype=np.intp), n


def _missing(patient: Any) -> bool:
    return patient is None or patient == "" or bool(patient != patient)  # NaN differs from itself


def _class_totals(codes: NDArray[np.intp], abnormal: Bool, units: int) -> F64:
    """Abnormal and normal samples of each unit, (units, 2)."""
    counted = [np.bincount(codes, weights=which.astype(np.float64), minlength=units) for which in (abnormal, ~abnormal)]
    return np.stack(counted, axis=1)


def _draw(generator: np.random.Generator, totals: F64, size: int) -> tuple[F64, int]:
    """Multiplicities (size, units) of replicates with both classes, and the number of draws thrown away."""
    units = len(totals)
    drawn = np.empty((size, units))
    made = redrawn = 0
    while made < size:
        picks = generator.integers(0, units, size=units)
        multiplicity = np.bincount(picks, minlength=units).astype(np.float64)
        if (multiplicity @ totals > 0).all():
            drawn[made] = multiplicity
            made += 1
        else:
            redrawn += 1
    return drawn, redrawn


def _prepare(scores: F64, predicted: Bool, abnormal: Bool, codes: NDArray[np.intp], units: int) -> _Prepared:
    ranking = rank(scores)
    inside = cells(predicted, abnormal)  # (n, 4)
    table = np.zeros((units, inside.shape[1]))
    np.add.at(table, codes, inside.astype(np.float64))
    return _Prepared(ranking, codes[ranking.order], abnormal[ranking.order].astype(np.float64), table)


def _measure(strategy: _Prepared, multiplicity: F64) -> dict[str, F64]:
    """Every metric of a block of replicates; `multiplicity` is (b, units)."""
    weights = multiplicity[:, strategy.units]  # (b, n)
    hits = strategy.ranking.cumulated(weights * strategy.positive)
    alarms = strategy.ranking.cumulated(weights) - hits
    counts = multiplicity @ strategy.table  # (b, 4)
    return {
        "auroc": auroc_of(hits, alarms),
        "ap": average_precision_of(hits, alarms),
        **metrics_of(*counts.T),
    }


def _interval(values: F64, level: float) -> tuple[float, float]:
    """Percentile interval over the replicates in which the metric is defined."""
    defined = values[~np.isnan(values)]
    if len(defined) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
