"""How far strategies move when trained weights differ by rounding alone: `python paper/robustness/spread.py`.

Fits every strategy to the components that `components.py` kept, once as published (`detect.choice: best`) and once as
by default (`stable`). Beside this file:

- `rows.csv`: AUROC and average precision on the reporting half and on test, and what was chosen, of each fit;
- `spread.csv`: test AUROC and average precision of each model and fold over the perturbed trainings: mean ± standard
  deviation and, in brackets, the range;
- `summary.csv`: the same over models and folds: mean of means, root mean square of standard deviations, largest range;
- `reporting.csv`: as `summary.csv`, on the reporting half.

Choices between ways to choose were made on the reporting half; test was looked at afterwards.
"""

import csv
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from components import PERTURBATIONS, kept, parameters

from ecgan.evaluation.ranking import auroc, average_precision
from ecgan.registry import STRATEGIES
from ecgan.runtime import set_threads

HERE = Path(__file__).parent
NAMES = ("reconstruction", "smoothed", "lambda_grid", "lambda_gamma_grid", "svm_lambda", "svm_lambda_gamma")
CHOICES = ("best", "stable")
KEYS = ("dataset", "model", "fold")
MEASURES = {"auroc": auroc, "ap": average_precision}
COLUMNS = ("strategy", "choice", "report_auroc", "report_ap", "test_auroc", "test_ap", "chosen")


def parts(path: Path) -> dict[str, dict[str, Any]]:
    """Components and labels of one training, by part and name."""
    found: dict[str, dict[str, Any]] = {"fit": {}, "report": {}, "test": {}}
    with np.load(path) as stored:
        for key in stored.files:
            part, name = key.split("/")
            found[part][name] = stored[key]
    return found


def fitted(data: dict[str, dict[str, Any]], name: str, choice: str) -> dict[str, Any]:
    """Fit one strategy to the fitting half; return what it reaches on the others."""
    strategy = STRATEGIES.get(name)(choice=choice)
    strategy.fit(data["fit"], data["fit"]["labels"])
    row: dict[str, Any] = {"strategy": name, "choice": choice}
    for part, (key, measure) in product(("report", "test"), MEASURES.items()):
        row[f"{part}_{key}"] = round(measure(strategy.score(data[part]), data[part]["labels"] != 0), 6)
    return row | {"chosen": " ".join(f"{key} {value:.4g}" for key, value in strategy.parameters().items())}


def spread(rows: pd.DataFrame, part: str) -> pd.DataFrame:
    """Mean, standard deviation and range on a part, by dataset, model, fold, strategy and choice."""
    rows = rows[rows["perturbation"] > 0]
    measured = [f"{part}_{key}" for key in MEASURES]
    found = rows.groupby([*KEYS, "strategy", "choice"], sort=False)[measured].agg(["mean", "std", np.ptp])
    found.columns = [f"{key.removeprefix(f'{part}_')} {what}" for key, what in found.columns]
    return found.reset_index()


def summary(spreads: pd.DataFrame) -> pd.DataFrame:
    """The same over models and folds."""
    ways = {"mean": "mean", "std": lambda values: np.sqrt(np.square(values).mean()), "ptp": "max"}
    columns = {f"{key} {what}": way for key in MEASURES for what, way in ways.items()}
    return spreads.groupby(["dataset", "strategy", "choice"], sort=False).agg(columns).reset_index()


def write(name: str, table: pd.DataFrame, keys: list[str]) -> None:
    """Write a table for reading: a line for each strategy, published and default side by side."""
    lines = []
    for key, group in table.groupby(keys, sort=False):
        cells = [
            f"{_short(way[f'{measure} mean'])} ± {_short(way[f'{measure} std'])} ({_short(way[f'{measure} ptp'])})"
            for measure in MEASURES
            for way in group.to_dict("records")
        ]
        lines.append([*key, *cells])
    head = [*keys, *(f"{measure}, {choice}" for measure in ("AUROC", "AP") for choice in CHOICES)]
    with (HERE / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *lines])


def _short(value: float) -> str:
    return f"{value:.4f}".removeprefix("0")


def main() -> int:
    """Fit everything, write row by row, then sum up."""
    set_threads(1)
    keys = [*KEYS, "perturbation"]
    with (HERE / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*keys, *COLUMNS], lineterminator="\n")
        writer.writeheader()
        for dataset, count in PERTURBATIONS.items():
            params = parameters(dataset)
            for run in product([dataset], params.models, params.split.folds, range(count + 1)):
                data = parts(kept(*run))
                for name, choice in product(NAMES, CHOICES):
                    writer.writerow(dict(zip(keys, run, strict=True)) | fitted(data, name, choice))
    rows = pd.read_csv(HERE / "rows.csv")
    test = spread(rows, "test")
    write("spread.csv", test, [*KEYS, "strategy"])
    write("summary.csv", summary(test), ["dataset", "strategy"])
    write("reporting.csv", summary(spread(rows, "report")), ["dataset", "strategy"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
