"""How well classifiers name classes: accuracy and F1, every class, and what was taken for what."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.errors import EcganError
from ecgan.evaluation.classification import confusion
from ecgan.evaluation.examples import AGAIN
from ecgan.evaluation.result import Result
from ecgan.reporting.grid import Cell, Column, Grid, quantity
from ecgan.reporting.inputs import Plot
from ecgan.reporting.matrix import Matrix, matrices_figure
from ecgan.reporting.tables import Facts, Metrics, mean_std, name_of, records

OVERALL: Final = {"accuracy": "Accuracy", "f1_macro": "F1 macro", "f1_micro": "F1 micro"}
SINGLE: Final = {"precision": "Precision", "recall": "Recall", "f1": "F1"}


@dataclass(frozen=True, eq=False)
class Naming:
    """What a report says of classifiers: tables, one row a classifier (and class), confusion matrices, files."""

    overall: Grid
    classes: Grid
    notes: tuple[str, ...]
    plot: Plot
    frames: dict[str, pd.DataFrame]


def naming(runs: Sequence[Result], shared: Facts) -> Naming | None:
    """Tables and figure of the runs that name classes; None where there are none.

    Raises:
        EcganError: An incomplete `metrics.json`, or classes in `confusion.csv` that nobody knows.
    """
    found = [run for run in runs if run.metrics.get("classification") is not None]
    if not found:
        return None
    metrics = [run.metrics for run in found]
    overall, classes = overall_table(metrics), classes_table(metrics, shared)
    notes = (
        "Each sample gets the most likely class; the threshold of the other tables has no say in it.",
        "F1 macro: mean of the classes, rare ones count as much as frequent ones. F1 micro: all samples alike, "
        "which equals the accuracy.",
        "Classifiers learn from the labels of all classes (S); they are no rivals of methods that see normal "
        "samples only, but show what labels are worth.",
    )
    caption = "Rows: true class; columns: named class; shares of the row above, samples of all folds below."
    plot = Plot("figures/confusion.svg", "What was taken for what", caption, _figure(found, shared))
    frames = {"classification.csv": overall, "classification_per_class.csv": classes}
    return Naming(_overall_grid(overall), _class_grid(classes), notes, plot, frames)


def overall_table(metrics: Sequence[Metrics]) -> pd.DataFrame:
    """One row a classifier: accuracy, macro and micro F1 as mean and standard deviation over the folds."""
    rows = []
    for name, group in _by_name(metrics).items():
        row: dict[str, Any] = {"method": name, "folds": len(group)}
        for metric in OVERALL:
            row |= _mean(metric, [_entry(one, metric) for one in group])
        rows.append(row)
    return pd.DataFrame(rows)


def classes_table(metrics: Sequence[Metrics], shared: Facts) -> pd.DataFrame:
    """One row a classifier and class: precision, recall and F1 over the folds, and the class's test samples."""
    rows = []
    for name, group in _by_name(metrics).items():
        entries = [_entry(one, "per_class") for one in group]
        for label in [label for label in shared.classes if any(label in entry for entry in entries)]:
            given = [entry[label] for entry in entries if label in entry]
            row: dict[str, Any] = {"method": name, "class": label}
            row["count"] = sum(int(one["count"]) for one in given)
            for metric in SINGLE:
                row |= _mean(metric, [one[metric] for one in given])
            rows.append(row)
    return pd.DataFrame(rows)


def _by_name(metrics: Sequence[Metrics]) -> dict[str, list[Metrics]]:
    groups: dict[str, list[Metrics]] = {}
    for one in metrics:
        groups.setdefault(name_of(one), []).append(one)
    return groups


def _entry(one: Metrics, key: str) -> Any:
    try:
        return one["classification"][key]
    except (KeyError, TypeError):
        where = f"metrics of {name_of(one)}, fold {one.get('fold')}"
        raise EcganError(f"{where}: classification lacks {key!r}", AGAIN) from None


def _mean(metric: str, values: Sequence[Any]) -> dict[str, float]:
    mean, std, _ = mean_std(math.nan if value is None else float(value) for value in values)
    return {f"{metric}_mean": mean, f"{metric}_std": std}


def _overall_grid(table: pd.DataFrame) -> Grid:
    columns = (Column("Method"), *(Column(title, number=True) for title in OVERALL.values()))
    return Grid(columns, tuple((Cell(row["method"]), *_cells(row, OVERALL)) for row in records(table)))


def _class_grid(table: pd.DataFrame) -> Grid:
    head = (Column("Method"), Column("Class"), Column("Test samples", number=True))
    columns = (*head, *(Column(title, number=True) for title in SINGLE.values()))
    rows = []
    for row in records(table):
        count = Cell(f"{row['count']:,}", value=float(row["count"]))
        rows.append((Cell(row["method"]), Cell(row["class"]), count, *_cells(row, SINGLE)))
    return Grid(columns, tuple(rows))


def _cells(row: dict[str, Any], metrics: dict[str, str]) -> tuple[Cell, ...]:
    return tuple(quantity(row[f"{metric}_mean"], row[f"{metric}_std"]) for metric in metrics)


def _figure(runs: Sequence[Result], shared: Facts) -> str:
    counts: dict[str, NDArray[np.int64]] = {}
    for run in runs:
        name = name_of(run.metrics)
        counts[name] = counts.get(name, 0) + _counts(run, shared.classes)
    panels = []
    for name, table in counts.items():
        rows = table.sum(axis=1, keepdims=True)
        shares = np.divide(table, rows, out=np.full(table.shape, np.nan), where=rows > 0)
        sizes = [[f"{size:,}" for size in row] for row in table]
        panels.append(Matrix(name, shared.classes, shared.classes, shares, sizes))
    return matrices_figure(panels, "Confusion of classes: " + ", ".join(counts), below="named", beside="true")


def _counts(run: Result, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """Samples by true (rows) and named class (columns), (K, K)."""
    frame = run.confusion
    if not {"actual", "predicted"} <= set(frame.columns):
        raise EcganError(f"confusion.csv of {name_of(run.metrics)} lacks the columns actual and predicted", AGAIN)
    named = frame[["actual", "predicted"]].astype(str)
    unknown = named[~named.isin(classes).all(axis=1)]
    if len(unknown):
        actual, predicted = unknown.iloc[0]
        raise EcganError(
            f"confusion.csv of {name_of(run.metrics)} holds the class {actual!r} or {predicted!r},"
            " which metrics.json does not know",
            AGAIN,
        )
    ids = named.apply(lambda column: pd.Index(classes).get_indexer(column)).to_numpy(np.int64)
    return confusion(ids[:, 1], ids[:, 0], len(classes))
