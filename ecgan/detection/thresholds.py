"""Where a score becomes a decision. A threshold is an object of its own, fitted on validation, never on test."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ecgan.detection.base import F64
from ecgan.errors import EcganError, nearest
from ecgan.evaluation.ranking import best_cut, check_scores
from ecgan.samples import Samples

Method = Literal["best_f1", "quantile", "alarms_per_hour", "alarms_by_patient", "fixed"]
METHODS: tuple[str, ...] = get_args(Method)
OF_TRAINING = "training_quantile"
"""Not chosen on validation: a quantile of the scores of the training samples, where nobody knows labels."""
SOURCES = {**{name: f"validation, {name}" for name in METHODS}, OF_TRAINING: "training scores, quantile"}
"""Where a threshold comes from, in words, by its method."""


@dataclass(frozen=True)
class Threshold:
    """A sample is called abnormal if its score is at least `value`; `method` says how the value was found."""

    method: str
    value: float

    def predict(self, scores: F64) -> NDArray[np.bool_]:
        """Whether each score (n,) is called abnormal."""
        return scores >= self.value


@dataclass(frozen=True)
class Budgets:
    """False alarms that each of p patients is allowed.

    Attributes:
        patients: Which patient each of n samples is of, 0 to p − 1, (n,).
        alarms: False alarms that each is allowed in the time that its samples last, (p,).
    """

    patients: NDArray[np.int64]
    alarms: F64


def fit_threshold(
    scores: F64,
    labels: NDArray[np.int64],
    method: str,
    *,
    quantile: float = 0.95,
    value: float | None = None,
    alarms: float | None = None,
    budgets: Budgets | None = None,
) -> Threshold:
    """Choose a threshold on the fit half of validation, by scores (n,) and class ids (n,) of which 0 is normal.

    - "best_f1": the best F1 of the abnormal class over all thresholds; of equally good ones the highest. The value
      lies midway between the lowest score that is called abnormal and the next lower score (at the lowest score
      itself when everything is called abnormal).
    - "quantile": the lowest value of that kind (midway between neighbouring scores of normal samples) that leaves
      at least the share `quantile` of the normal samples below it; just above the highest of them if only that
      does. Abnormal samples are not looked at.
    - "alarms_per_hour": the same with a number of normal samples that are not below it, at most `alarms`: false
      alarms that are allowed in the time that the samples last (`alarms_in`).
    - "alarms_by_patient": that of "alarms_per_hour" of each patient by itself (`budgets_in`); of these the one that
      keeps the share `quantile` of patients nobody has seen within their budget, as far as patients are alike: of p
      ascending ones the ⌈quantile · (p + 1)⌉-th, at most the last (split conformal prediction, Vovk, Gammerman and
      Shafer, Algorithmic Learning in a Random World, 2005). A patient who makes many alarms counts once.
    - "fixed": `value`, a finite number. No sample is looked at.

    Raises:
        EcganError: The half lacks the samples that the method needs, the fixed value is missing, or a score is not a
            finite number.
    """
    check_scores("validation", scores)
    abnormal = labels != 0
    if method == "best_f1":
        return Threshold(method, _best_f1(scores, abnormal))
    if method == "quantile":
        return Threshold(method, _quantile(scores[~abnormal], quantile))
    if method == "alarms_per_hour":
        return Threshold(method, _within(scores[~abnormal], _known(alarms, method)))
    if method == "alarms_by_patient":
        return Threshold(method, _by_patient(scores, ~abnormal, quantile, budgets))
    if method == "fixed":
        return Threshold(method, _fixed(value))
    raise EcganError(
        f"there is no threshold {method!r}{nearest(method, list(METHODS))}", f"Known thresholds: {', '.join(METHODS)}."
    )


def alarms_in(samples: Samples, alarms_per_hour: float) -> float | None:
    """How many false alarms an hour come to in the time that samples last; None where they have no clock."""
    return None if samples.hours is None else alarms_per_hour * samples.hours


def budgets_in(samples: Samples, alarms_per_hour: float) -> Budgets | None:
    """How many false alarms an hour come to for each patient; None where samples know no clock, or no patients."""
    if samples.patients is None or samples.hours is None:
        return None
    _, rows = np.unique(samples.patients, return_inverse=True)
    rows = rows.ravel().astype(np.int64)
    hours = [samples.facts(rows == one).hours or 0.0 for one in range(rows.max(initial=-1) + 1)]
    return Budgets(rows, alarms_per_hour * np.array(hours))


def _known(alarms: float | None, method: str) -> float:
    if alarms is None:
        raise EcganError(
            f"the threshold {method!r} needs to know how long samples last, and these have no sampling rate.",
            "Set `detect.threshold: quantile`.",
        )
    return alarms


def _within(normal: F64, alarms: float) -> float:
    """The lowest value that leaves at most so many of the normal scores at or above it."""
    allowed = math.floor(alarms + 1e-9)
    return _quantile(normal, max(0.0, 1 - allowed / max(len(normal), 1)))


def _by_patient(scores: F64, normal: NDArray[np.bool_], share: float, budgets: Budgets | None) -> float:
    if budgets is None:
        raise EcganError(
            "the threshold 'alarms_by_patient' needs patients, and how long their samples last; these do not say.",
            "Set `detect.threshold: alarms_per_hour` or `quantile`.",
        )
    own = [normal & (budgets.patients == one) for one in range(len(budgets.alarms))]
    found = [_within(scores[rows], alarms) for rows, alarms in zip(own, budgets.alarms, strict=True) if rows.any()]
    if not found:
        return _quantile(scores[normal], share)  # which says that no sample is normal
    rank = math.ceil(share * (len(found) + 1) - 1e-9)
    return float(np.sort(found)[min(rank, len(found)) - 1])


def _best_f1(scores: F64, abnormal: NDArray[np.bool_]) -> float:
    if not abnormal.any():
        raise EcganError(
            "the validation half for fitting holds no abnormal sample, and the threshold 'best_f1' needs some.",
            "Set `detect.threshold: quantile`, which needs normal samples only.",
        )
    cut = best_cut(scores, abnormal)
    return cut.upper if cut.lower is None else _between(cut.lower, cut.upper)


def _quantile(normal: F64, quantile: float) -> float:
    if len(normal) == 0:
        raise EcganError(
            "the validation half for fitting holds no normal sample, and this threshold needs some.",
            "Set `detect.threshold: best_f1`, or give validation normal samples.",
        )
    ordered = np.sort(normal)
    below = int(np.ceil(quantile * len(normal) - 1e-9))  # 0.55 * 100 is a little more than 55
    if below == 0:
        return float(ordered[0])
    under = ordered[below - 1]
    over = ordered[ordered > under]
    return float(np.nextafter(under, np.inf)) if len(over) == 0 else _between(float(under), float(over[0]))


def _fixed(value: float | None) -> float:
    if value is None or not math.isfinite(value):
        raise EcganError(
            f"the threshold 'fixed' is {value}; expected a finite number.", "Set `detect.threshold_value`."
        )
    return float(value)


def _between(lower: float, upper: float) -> float:
    """A number in (lower, upper], midway where the floats allow it."""
    middle = lower / 2 + upper / 2
    return middle if lower < middle <= upper else upper
