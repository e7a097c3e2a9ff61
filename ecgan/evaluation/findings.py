"""Figures by finding, where samples have several labels each: a sample counts for every finding that it has."""

from typing import Any

from ecgan.evaluation.labels import share
from ecgan.evaluation.ranking import F64, Bool, auroc
from ecgan.samples import FINDING, Samples


def per_finding(scores: F64, predicted: Bool, samples: Samples) -> dict[str, dict[str, Any]]:
    """Figures of the abnormal samples that have a finding, against all normal ones.

    Args:
        scores: Shape (n,), higher = more abnormal.
        predicted: Whether each sample was called abnormal, shape (n,).
        samples: With labels, and in their table a column `finding_<name>` of 0 and 1 for each finding; or none.

    Returns:
        By finding that an abnormal sample has: `count`, the abnormal samples with it; `flagged`; `sensitivity`, the
        share of them that was flagged; `auroc` of them against the normal samples, NaN where there are none of these.
    """
    normal = samples.class_ids == 0
    found: dict[str, dict[str, Any]] = {}
    for column in [str(name) for name in samples.table if str(name).startswith(FINDING)]:
        having = (samples.table[column].to_numpy() == 1) & ~normal
        if not (count := int(having.sum())):
            continue
        rows, flagged = having | normal, int((predicted & having).sum())
        found[column.removeprefix(FINDING)] = {
            "count": count,
            "flagged": flagged,
            "sensitivity": share(flagged, count),
            "auroc": auroc(scores[rows], having[rows]),
        }
    return found
