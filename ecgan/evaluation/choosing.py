"""Which strategy of a detection decides where a user names none: one rule for scores, exports, reports and examples."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rank:
    """What a strategy is chosen by.

    Attributes:
        supervision: "U", or "S" where abnormal labels fitted more than a threshold.
        auroc: AUROC on the reporting half of validation; None where it is not defined.
    """

    supervision: str
    auroc: float | None


def deciding(ranks: Mapping[str, Sequence[Rank]]) -> str:
    """Return the strategy with the best validation AUROC, mean over folds, among those of supervision U.

    Where every strategy is of supervision S it is the best of these. Equal ones are decided by name; the test set has
    no say.

    Args:
        ranks: Of each strategy its rank on each fold.
    """
    return min(ranks, key=lambda name: (_supervised(ranks[name]), -_mean(ranks[name]), name))


def decides_in(metrics: Mapping[str, Any]) -> str:
    """Return the strategy that decides in the result of one detection, `metrics.json`."""
    found = metrics["strategies"].items()
    return deciding({name: [Rank(one["supervision"], one["validation"]["auroc"])] for name, one in found})


def _supervised(found: Sequence[Rank]) -> bool:
    return any(rank.supervision != "U" for rank in found)


def _mean(found: Sequence[Rank]) -> float:
    values = [rank.auroc for rank in found if rank.auroc is not None and not math.isnan(rank.auroc)]
    return sum(values) / len(values) if values else -math.inf
