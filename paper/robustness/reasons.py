"""Why the published rule jumps: `python paper/robustness/reasons.py` writes `reasons.csv` beside this file.

For each model and fold of the demonstration, from the fitting half of the unperturbed training that `components.py`
kept:

- the share of samples in the lowest tenth of the range of R;
- the best F1 of a λ below 1, the F1 of λ = 1, and the standard error of their difference by a bootstrap of 200 draws;
- in what share of these draws λ = 1 is not the choice, and the lowest λ that is;
- AUROC at λ = 1, at the weights with the best F1 over λ and γ, and with 1/49 of the weight on Z' instead of R'.
"""

import csv
import sys
from itertools import product
from pathlib import Path

import numpy as np
from components import kept, parameters
from numpy.typing import NDArray
from spread import parts

from ecgan.detection.scales import Range
from ecgan.detection.weighing import GRID_STEPS, best_weights, simplex, weighted_sum
from ecgan.evaluation.ranking import auroc, best_cut

OUT = Path(__file__).parent / "reasons.csv"
DRAWS = 200
HEAD = (
    "model", "fold", "R in the lowest tenth", "best F1 of λ < 1", "F1 of λ = 1", "error of the difference",
    "draws with λ < 1", "lowest λ drawn", "AUROC of λ = 1", "of the best F1 over λ, γ", "of 1/49 on Z'",
)  # fmt: skip

F64 = NDArray[np.float64]


def f1_of(scaled: list[F64], abnormal: NDArray[np.bool_]) -> F64:
    """The best F1 of each λ, from 1 to 0."""
    return np.array([best_cut(weighted_sum(weights, scaled), abnormal).f1 for weights in simplex(2)])


def reasons(model: str, fold: int) -> list[object]:
    """One row."""
    half = parts(kept("ecgsyn", model, fold, 0))["fit"]
    abnormal = half["labels"] != 0
    values = [half[name] for name in ("reconstruction", "discrimination", "latent")]
    scaled = [Range.learn(part).apply(part) for part in values]
    f1 = f1_of(scaled[:2], abnormal)
    other = 1 + int(f1[1:].argmax())
    rng, gains, chosen = np.random.default_rng(0), [], []
    for _ in range(DRAWS):
        rows = rng.integers(0, len(abnormal), len(abnormal))
        drawn = f1_of([part[rows] for part in scaled[:2]], abnormal[rows])
        gains.append(drawn[other] - drawn[0])
        chosen.append(simplex(2)[int(drawn.argmax())][0])
    step = (1 - 1 / GRID_STEPS, 0.0, 1 / GRID_STEPS)
    areas = [auroc(weighted_sum(w, scaled), abnormal) for w in ((1.0, 0.0, 0.0), best_weights(scaled, abnormal), step)]
    numbers = (np.mean(scaled[0] < 0.1), f1[other], f1[0], np.std(gains), np.mean(np.array(chosen) < 1), min(chosen))
    return [model, fold, *(f"{number:.3f}".removeprefix("0") for number in (*numbers, *areas))]


def main() -> int:
    """Write a row for each model and fold."""
    params = parameters("ecgsyn")
    rows = [reasons(*run) for run in product(params.models, params.split.folds)]
    with OUT.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([HEAD, *rows])
    return 0


if __name__ == "__main__":
    sys.exit(main())
