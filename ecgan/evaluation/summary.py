"""The figures of a detect run: what `metrics.json` says of test and validation."""

from collections.abc import Mapping
from typing import Any

from ecgan.evaluation.bootstrap import Bootstrap, bootstrap
from ecgan.evaluation.findings import per_finding
from ecgan.evaluation.labels import label_metrics, per_class
from ecgan.evaluation.ranking import F64, Bool, auroc, average_precision, best_cut, check_scores
from ecgan.samples import Samples

_VALIDATION = ("auroc", "ap", "f1_abnormal", "f1_weighted", "mcc")


def evaluate(
    scores: Mapping[str, F64],
    predictions: Mapping[str, Bool],
    samples: Samples,
    *,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Everything that is reported of the test set.

    Args:
        scores: Scores (n,) by strategy, higher = more abnormal.
        predictions: Decisions (n,) by strategy, at thresholds that were chosen elsewhere.
        samples: With labels; their patients, where they are known, are what the intervals draw.
        replicates: Bootstrap replicates; 0 for no intervals.
        level: Level of the intervals.
        seed: Seed of the bootstrap.

    Returns:
        By strategy the entry `test` of metrics.json: `auroc`, `ap`, the label metrics, each with `_low` and `_high`,
        `per_class`, `per_finding` where samples have findings, `false_alarms_per_hour` (NaN where samples have no
        clock), and `best_f1_on_test`, the F1 of the abnormal class at the threshold that would have been best on this
        very set: an upper bound, not a result. And the entry `bootstrap`.

    Raises:
        EcganError: A score is not a finite number.
    """
    labels, patients = samples.class_ids, samples.patients
    abnormal = labels != 0
    for name, values in scores.items():
        check_scores(name, values)
    resampled = bootstrap(
        scores, predictions, abnormal, patients=patients, replicates=replicates, level=level, seed=seed
    )
    tests = {
        name: {
            **_with_intervals(_figures(scores[name], predictions[name], abnormal), name, resampled),
            "per_class": per_class(predictions[name], labels, samples.about.classes),
            **_by_finding(scores[name], predictions[name], samples),
            "false_alarms_per_hour": _alarm_rate(predictions[name], abnormal, samples.hours),
            "best_f1_on_test": best_cut(scores[name], abnormal).f1 if abnormal.any() else float("nan"),
        }
        for name in scores
    }
    return tests, resampled.summary()


def evaluate_validation(
    scores: Mapping[str, F64], predictions: Mapping[str, Bool], samples: Samples
) -> dict[str, dict[str, float]]:
    """By strategy the entry `validation` of metrics.json, from the half that nothing was fitted on.

    Arguments as for `evaluate`; NaN where the half cannot answer.
    """
    for name, values in scores.items():
        check_scores(name, values)
    figures = {name: _figures(values, predictions[name], samples.class_ids != 0) for name, values in scores.items()}
    return {name: {metric: found[metric] for metric in _VALIDATION} for name, found in figures.items()}


def _figures(scores: F64, predicted: Bool, abnormal: Bool) -> dict[str, float]:
    return {
        "auroc": auroc(scores, abnormal),
        "ap": average_precision(scores, abnormal),
        **label_metrics(predicted, abnormal),
    }


def _by_finding(scores: F64, predicted: Bool, samples: Samples) -> dict[str, Any]:
    found = per_finding(scores, predicted, samples)
    return {"per_finding": found} if found else {}


def _alarm_rate(predicted: Bool, abnormal: Bool, hours: float | None) -> float:
    """Normal samples that are called abnormal in an hour of all samples."""
    return float((predicted & ~abnormal).sum()) / hours if hours else float("nan")


def _with_intervals(figures: dict[str, float], name: str, resampled: Bootstrap) -> dict[str, float]:
    ends = resampled.intervals[name]
    return {
        **figures,
        **{f"{metric}_{end}": ends[metric][side] for side, end in enumerate(("low", "high")) for metric in figures},
    }
