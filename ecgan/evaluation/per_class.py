"""What was flagged of each class: the AAMI classes of heartbeats, or those of any other dataset."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
            row["sensitivity"] = _share(row["flagged"], row["count"])
            row["ppv"] = _share(row["flagged"], row["flagged"] + int(flagged[0]))
        table[name] = row
    return table


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
