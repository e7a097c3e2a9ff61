"""How far a rerun may move: the tolerance that the report states and `ecgan compare` applies.

Rounding is no reason for another conclusion. A rerun whose numbers lie where other patients might have put them says
the same as the report; so the bootstrap intervals of the report are the tolerance, metric by metric, fold by fold.

The intervals hold the threshold fixed. A rerun chooses it anew, and sensitivity and PPV then trade against each other:
they are not judged one by one; F1 and MCC, which weigh them, are.
"""

import math

JUDGED = ("auroc", "ap", "f1_abnormal", "f1_weighted", "mcc")
"""Metrics that have a tolerance, as they are called in metrics.json."""


def tolerance_text(level: float) -> str:
    """The tolerance in one sentence.

    Args:
        level: Level of the bootstrap intervals, such as 0.95.
    """
    return (
        "A rerun with other arithmetic (another torch, Arm, a GPU) agrees if in every fold AUROC, AP, F1 and MCC lie "
        f"within the {level:.0%} bootstrap intervals found here; sensitivity and PPV trade against each other as the "
        "threshold moves and are not judged. ecgan compare checks that."
    )


def within(old: float, new: float, low: float, high: float) -> bool | None:
    """Tell whether a metric of a rerun is within the tolerance.

    Args:
        old: The reference's value; NaN where it is not defined.
        new: The rerun's.
        low: Lower end of the reference's bootstrap interval; NaN where there is none.
        high: Its upper end.

    Returns:
        None where there is no interval to judge by. A percentile interval need not hold the value that it was made for;
        that value and what lies between it and the interval agree.
    """
    if math.isnan(old) or math.isnan(low) or math.isnan(high):
        return None
    return min(low, old) <= new <= max(high, old)  # False where `new` is NaN
