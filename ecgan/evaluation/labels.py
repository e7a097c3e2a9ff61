"""Metrics of decisions: normal or abnormal, at one threshold; and what was flagged of each class.

Metrics are computed from the four counts of the table of truth (abnormal is positive), so that thousands of tables
are done at once. A question that no sample answers has the answer NaN (null in JSON): the sensitivity without an
abnormal sample, the PPV when nothing was flagged. Two exceptions follow the field and scikit-learn: the Matthews
correlation is 0 when a row or column of the table is empty, and the F1 of a class that has samples is 0 when none
of them was found.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bool = NDArray[np.bool_]

METRICS = ("f1_abnormal", "f1_weighted", "mcc", "sensitivity", "specificity", "ppv", "accuracy")


def label_metrics(predicted: Bool, abnormal: Bool) -> dict[str, float]:
    """Metrics of one set of decisions.

    Args:
        predicted: Whether each sample was called abnormal, shape (n,).
        abnormal: Whether it is, shape (n,).

    Returns:
        `METRICS` by name: F1 of the abnormal class, F1 averaged over both classes by their number of samples,
        Matthews correlation, sensitivity (recall of the abnormal), specificity (recall of the normal), positive
        predictive value (precision of the abnormal), accuracy.
    """
    table = cells(predicted, abnormal).sum(axis=0, dtype=np.float64)
    return {name: float(value) for name, value in metrics_of(*table).items()}


def cells(predicted: Bool, abnormal: Bool) -> Bool:
    """Which cell of the table of truth each sample is in: (n, 4), columns TP, FP, FN, TN."""
    return np.stack(
        [predicted & abnormal, predicted & ~abnormal, ~predicted & abnormal, ~predicted & ~abnormal], axis=1
    )


def metrics_of(tp: Any, fp: Any, fn: Any, tn: Any) -> dict[str, Any]:
    """`METRICS` from counts or weights of true and false positives and negatives; arrays of one shape or numbers."""
    tp, fp, fn, tn = (np.asarray(count, dtype=np.float64) for count in (tp, fp, fn, tn))
    positive, negative, total = tp + fn, tn + fp, tp + fp + fn + tn
    f1_abnormal = ratio(2 * tp, 2 * tp + fp + fn)
    f1_normal = ratio(2 * tn, 2 * tn + fp + fn)
    weighted = positive * np.nan_to_num(f1_abnormal) + negative * np.nan_to_num(f1_normal)
    margins = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    correlation = np.divide(tp * tn - fp * fn, margins, out=np.zeros(np.shape(margins)), where=margins > 0)
    return {
        "f1_abnormal": f1_abnormal,
        "f1_weighted": ratio(weighted, total),
        "mcc": np.clip(correlation, -1.0, 1.0),
        "sensitivity": ratio(tp, positive),
        "specificity": ratio(tn, negative),
        "ppv": ratio(tp, tp + fp),
        "accuracy": ratio(tp + tn, total),
    }


def per_class(predicted: NDArray[np.bool_], labels: NDArray[np.int64], classes: list[str]) -> dict[str, dict[str, Any]]:
    """Count samples and flagged samples by class.

    Args:
        predicted: Whether each sample was called abnormal, shape (n,).
        labels: Class id of each sample, shape (n,); 0 is normal.
        classes: Class name by id.

    Returns:
        By class name `count` and `flagged`; for abnormal classes also `sensitivity`, the share of the class that was
        flagged, and `ppv`, the flagged of the class among them and the flagged normals (samples of the other abnormal
        classes are left out, as in ANSI/AAMI EC57). NaN where nothing is there to divide by.
    """
    count = np.bincount(labels, minlength=len(classes))
    flagged = np.bincount(labels[predicted], minlength=len(classes))
    table: dict[str, dict[str, Any]] = {}
    for index, name in enumerate(classes):
        row: dict[str, Any] = {"count": int(count[index]), "flagged": int(flagged[index])}
        if index > 0:
            row["sensitivity"] = share(row["flagged"], row["count"])
            row["ppv"] = share(row["flagged"], row["flagged"] + int(flagged[0]))
        table[name] = row
    return table


def share(part: float, whole: float) -> float:
    """Return a quotient, NaN where nothing is there to divide by."""
    return float(part) / float(whole) if whole else math.nan


def ratio(numerator: Any, denominator: Any) -> Any:
    """Return quotients of arrays, NaN where nothing is there to divide by."""
    return np.divide(numerator, denominator, out=np.full(np.shape(numerator), np.nan), where=denominator > 0)
