"""Rules for the threshold of `patient_specific`, compared on DS1 by leaving each patient out: no look at DS2.

`python paper/own_normal/thresholds.py` writes `thresholds.csv`: for each rule the threshold of all patients, then what
the thresholds that the others give do to each patient: false alarms an hour (normal beats that are flagged) on average
and of the worst, patients above 150, and the shares of S, V and F beats that are flagged. MLII and the other lead,
record 201 left out. Rules: a budget of all together; the same in a share of patients (`alarms_by_patient`); a mean
whose upper limit (95 %, patients drawn again) is within the budget; the highest threshold with certain sensitivities.

The records lie where `look.py` finds them.
"""

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from look import beats, score
from numpy.typing import NDArray

from ecgan.datasets.mitbih import DS1
from ecgan.detection.thresholds import Budgets, fit_threshold

OUT = Path(__file__).parent / "thresholds.csv"
COLUMNS = ("rule", "threshold", "alarms_per_hour", "worst", "above_150", "s_flagged", "v_flagged", "f_flagged")
HOURS, MOST = 0.5, 150.0
GRID, DRAWS = np.linspace(0.5, 4.0, 141), 1000

F64 = NDArray[np.float64]
Rows = NDArray[np.bool_]
Rule = Callable[[F64, NDArray[np.str_], NDArray[np.int64]], float]
"""From scores, classes and patients (n,) to a threshold."""


def pooled(budget: float) -> Rule:
    """Allow so many false alarms an hour of all patients together."""

    def rule(scores: F64, names: NDArray[np.str_], patients: NDArray[np.int64]) -> float:
        labels, hours = (names != "N").astype(np.int64), HOURS * len(np.unique(patients))
        return fit_threshold(scores, labels, "alarms_per_hour", alarms=budget * hours).value

    return rule


def by_patient(budget: float, share: float) -> Rule:
    """Allow so many an hour in a share of the patients."""

    def rule(scores: F64, names: NDArray[np.str_], patients: NDArray[np.int64]) -> float:
        rows = np.unique(patients, return_inverse=True)[1].ravel().astype(np.int64)
        budgets = Budgets(rows, np.full(rows.max() + 1, budget * HOURS))
        labels = (names != "N").astype(np.int64)
        return fit_threshold(scores, labels, "alarms_by_patient", quantile=share, budgets=budgets).value

    return rule


def limited(budget: float, share: float) -> Rule:
    """Allow so many an hour on average, with confidence: the mean of patients drawn again stays below."""

    def rule(scores: F64, names: NDArray[np.str_], patients: NDArray[np.int64]) -> float:
        normal = [np.sort(scores[(patients == one) & (names == "N")]) for one in np.unique(patients)]
        rates = np.stack([len(own) - np.searchsorted(own, GRID) for own in normal]) / HOURS  # (p, thresholds)
        drawn = np.random.default_rng(0).integers(0, len(rates), (DRAWS, len(rates)))
        limit = np.quantile(np.stack([rates[rows].mean(axis=0) for rows in drawn]), share, axis=0)
        return float(GRID[np.argmax(limit <= budget)])

    return rule


def sensitive(**least: float) -> Rule:
    """Take the highest threshold at which such shares of the classes are flagged."""

    def rule(scores: F64, names: NDArray[np.str_], patients: NDArray[np.int64]) -> float:
        return min(float(np.quantile(scores[names == name], 1 - of, method="lower")) for name, of in least.items())

    return rule


RULES: dict[str, Rule] = {
    **{f"{budget} an hour, all together": pooled(budget) for budget in (60, 40, 30, 20)},
    **{f"{budget} an hour in 90 % of patients": by_patient(budget, 0.9) for budget in (150, 100, 60)},
    "150 an hour in 95 % of patients": by_patient(150, 0.95),
    "60 an hour, upper limit": limited(60, 0.95),
    "S .92, V .985, F .5": sensitive(S=0.92, V=0.985, F=0.5),
    "S .95, V .99, F .8": sensitive(S=0.95, V=0.99, F=0.8),
    "S .97, V .99, F .8": sensitive(S=0.97, V=0.99, F=0.8),
}


def held(rule: Rule, scores: F64, names: NDArray[np.str_], patients: NDArray[np.int64]) -> dict[str, str]:
    """What a rule does to patients whom it has not seen."""
    flagged, normal = np.zeros(len(scores), dtype=bool), names == "N"
    for one in np.unique(patients):
        own, others = patients == one, patients != one
        flagged[own] = scores[own] >= rule(scores[others], names[others], patients[others])
    rates = np.array([np.count_nonzero(flagged & normal & (patients == one)) for one in np.unique(patients)]) / HOURS
    found = {"alarms_per_hour": f"{rates.mean():.1f}", "worst": f"{rates.max():.0f}"}
    found |= {"above_150": str(int((rates > MOST).sum())), "threshold": f"{rule(scores, names, patients):.3f}"}
    return found | {f"{name.lower()}_flagged": f"{flagged[names == name].mean():.4f}" for name in "SVF"}


def write(scores: F64, names: NDArray[np.str_], records: NDArray[np.str_]) -> None:
    """Write a row of each rule."""
    patients = np.unique(records, return_inverse=True)[1].ravel().astype(np.int64)
    with OUT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for name, rule in RULES.items():
            writer.writerow({"rule": name} | held(rule, scores, names, patients))


def main() -> int:
    """Score DS1 and write."""
    data, _, _ = beats(tuple(name for name in DS1 if name != "201"), "MLII and other", "annotated")
    table = data.table
    write(score(data, {})[0]["total"], table["class_name"].to_numpy(str), table["record"].to_numpy(str))
    return 0


if __name__ == "__main__":
    sys.exit(main())
