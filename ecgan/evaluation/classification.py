"""How well classes are named: accuracy, precision, recall and F1 of each class and over all."""

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.evaluation.labels import share
from ecgan.samples import Samples

Ids = NDArray[np.int64]


def classification(predicted: Ids, samples: Samples) -> dict[str, Any]:
    """The entry `classification` of metrics.json.

    Args:
        predicted: The class id that was named for each sample, shape (n,).
        samples: With labels.

    Returns:
        `accuracy`; `f1_macro`, the mean F1 of the classes that occur or were named; `f1_micro`, F1 of all decisions
        together (the accuracy, as each sample has one class and gets one name); `per_class`, by class name
        `precision` (share of the samples so named that are), `recall` (share of the class that was so named), `f1`
        and `count`. NaN where there is nothing to divide by.
    """
    labels, classes = samples.class_ids, samples.about.classes
    table = confusion(predicted, labels, len(classes))
    hits, named, there = np.diag(table), table.sum(axis=0), table.sum(axis=1)
    per_class = {
        name: {
            "precision": share(hits[k], named[k]),
            "recall": share(hits[k], there[k]),
            "f1": share(2 * hits[k], named[k] + there[k]),
            "count": int(there[k]),
        }
        for k, name in enumerate(classes)
    }
    f1 = [row["f1"] for row in per_class.values() if not math.isnan(row["f1"])]
    return {
        "accuracy": share(hits.sum(), len(labels)),
        "f1_macro": float(np.mean(f1)) if f1 else math.nan,
        "f1_micro": share(2 * hits.sum(), named.sum() + there.sum()),
        "per_class": per_class,
    }


def confusion(predicted: Ids, labels: Ids, count: int) -> Ids:
    """Samples by true class (rows) and named class (columns), shape (K, K); `count` is K."""
    pairs = np.bincount(labels * count + predicted, minlength=count * count)
    return pairs.reshape(count, count).astype(np.int64)


def confusion_frame(samples: Samples, predicted: NDArray[Any], names: list[str]) -> pd.DataFrame:
    """One row a sample, as in confusion.csv, which `dvc plots` counts with its template `confusion`.

    Args:
        samples: With labels.
        predicted: What was decided of each sample (n,), an index into `names`.
        names: The class names for a classifier, otherwise "normal" and "abnormal".

    Returns:
        Columns `actual` and `predicted`.
    """
    actual = np.asarray(samples.about.classes, dtype=object)[samples.class_ids]
    return pd.DataFrame({"actual": actual, "predicted": np.asarray(names, dtype=object)[predicted.astype(np.int64)]})
