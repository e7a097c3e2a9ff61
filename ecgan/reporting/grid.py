"""Tables for readers: the same cells as Markdown, HTML and on the terminal."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from ecgan.reporting.tables import (
    CLASSICAL,
    CLASSIFIER,
    FAMILIES,
    GENERATIVE,
    METRICS,
    ON_LATENTS,
    Facts,
    Tables,
    detector_of,
    family_of,
    records,
    span,
)

MARKS: Final = {GENERATIVE: "●", CLASSICAL: "○", CLASSIFIER: "◆"}
WORDS: Final = {GENERATIVE: "generative model", CLASSICAL: "classical method", CLASSIFIER: "classifier"}
NOTHING: Final = "–"


@dataclass(frozen=True)
class Column:
    """A heading, whether its cells are numbers, and what it means."""

    title: str
    number: bool = False
    meaning: str = ""


_CONTEXT: Final = Column("Context", meaning="what a method looks at besides a sample: nothing, its record, its rhythm")


@dataclass(frozen=True)
class Cell:
    """A value as text.

    Attributes:
        text: The value.
        spread: What stands behind it, such as "± .004".
        value: For sorting; None sorts by the text.
        strong: Whether it is set in bold.
    """

    text: str
    spread: str = ""
    value: float | None = None
    strong: bool = False

    @property
    def full(self) -> str:
        """Value and spread."""
        return f"{self.text} {self.spread}" if self.spread else self.text


@dataclass(frozen=True)
class Grid:
    """A table as it is shown."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def without(self, *titles: str) -> "Grid":
        """The same without the columns of these titles."""
        kept = [place for place, column in enumerate(self.columns) if column.title not in titles]
        rows = tuple(tuple(row[place] for place in kept) for row in self.rows)
        return Grid(tuple(self.columns[place] for place in kept), rows)


def short(value: float) -> str:
    """Three decimals without the leading zero: ".912", "-.050", "1.000"; "–" for what is not defined."""
    if math.isnan(value):
        return NOTHING
    text = f"{value:.3f}".replace("-0.000", "0.000")
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def quantity(mean: float, std: float = math.nan, defined: int | None = None, folds: int | None = None) -> Cell:
    """Mean and standard deviation, ".912 ± .004"; says so where some folds have no value."""
    spread = "" if math.isnan(std) else f"± {short(std)}"
    if defined is not None and folds is not None and 0 < defined < folds:
        spread = f"{spread} ({defined} of {folds})".strip()
    return Cell(short(mean), spread, None if math.isnan(mean) else mean)


def marks_text(results: pd.DataFrame) -> str:
    """What the marks in front of rows mean; families that are not there are not named."""
    present = [family for family in FAMILIES if family in set(results["family"])]
    marks = ", ".join(f"{MARKS[family]} best {WORDS[family]}" for family in present)
    return f"{marks} by mean AUROC on test, within U and within S"


def results_grid(results: pd.DataFrame) -> Grid:
    """The results (`ecgan.reporting.tables.Tables.results`) for readers."""
    columns = [Column("", meaning=marks_text(results)), Column("Method"), Column("Detector"), Column("Strategy")]
    columns += [Column("Labels", meaning="U or S, see the legend"), _CONTEXT, Column("Folds", number=True)]
    for name, title in METRICS.items():
        columns.append(Column(title, number=True))
        columns += [Column("AUROC interval", number=True)] if name == "auroc" else []
    rows = []
    for row in records(results):
        best = bool(row["best"])
        cells = [Cell(MARKS[row["family"]] if best else ""), Cell(row["method"], strong=best), Cell(row["detector"])]
        cells += [Cell(row["strategy"]), Cell(row["supervision"]), Cell(row["context"])]
        cells.append(Cell(str(row["folds"]), value=float(row["folds"])))
        for name in METRICS:
            cell = quantity(row[f"{name}_mean"], row[f"{name}_std"], row[f"{name}_folds"], row["folds"])
            cells.append(Cell(cell.text, cell.spread, cell.value, strong=best and name == "auroc"))
            cells += [interval(row["auroc_interval_low"], row["auroc_interval_high"])] if name == "auroc" else []
        rows.append(tuple(cells))
    folds = [] if results["folds"].nunique() > 1 else ["Folds"]
    return Grid(tuple(columns), tuple(rows)).without(*_one_detector(results), *folds)


def interval(low: float, high: float) -> Cell:
    """Two limits."""
    if math.isnan(low) or math.isnan(high):
        return Cell(NOTHING)
    return Cell(f"{short(low)} to {short(high)}", value=low)


def class_grid(tables: Tables) -> Grid:
    """Sensitivity and PPV per class of each method's chosen strategy, and the false alarms among normal samples."""
    shared, classes = tables.facts, tables.classes
    shown = classes[classes["chosen"].astype(bool)]
    present = [name for name in shared.classes if name in set(shown.loc[shown["count_max"] > 0, "class"])]
    normal = {name for name in present if shown.loc[shown["class"] == name, "sensitivity_mean"].isna().all()}
    normal &= set(present[:1])
    keys = ["method", "detector", "strategy", "supervision", "context"]
    columns = [Column("Method"), Column("Detector"), Column("Strategy"), Column("Labels"), _CONTEXT]
    for name in present:
        if name in normal:
            columns.append(Column(f"{name} flagged", number=True, meaning="false alarms among normal samples"))
        else:
            columns += [Column(f"{name} sens.", number=True, meaning=f"share of {name} that was flagged")]
            columns += [Column(f"{name} PPV", number=True, meaning=f"{name} among flagged {name} and false alarms")]
    rows = []
    for key, group in shown.groupby(keys, sort=False):
        cells = [Cell(str(part)) for part in key]
        entries = {str(entry["class"]): entry for entry in records(group)}
        for name in present:
            for metric in ("flagged",) if name in normal else ("sensitivity", "ppv"):
                entry = entries.get(name, {})
                cells.append(quantity(entry.get(f"{metric}_mean", math.nan), entry.get(f"{metric}_std", math.nan)))
        rows.append(tuple(cells))
    return Grid(tuple(columns), tuple(rows)).without(*_one_detector(shown))


def count_grid(shared: Facts) -> Grid:
    """Samples of each class in each set, per fold."""
    titles = {
        "train": "Training",
        "vali_fit": "Validation, fitting half",
        "vali_report": "Validation, reporting half",
        "test": "Test",
    }
    columns = (Column("Set"), *(Column(name, number=True) for name in shared.classes))
    rows = []
    for part, counts in shared.counts.items():
        cells = [Cell(span(counts[name]) if name in counts else "0") for name in shared.classes]
        rows.append((Cell(titles[part]), *cells))
    return Grid(columns, tuple(rows))


def fold_grid(folds: pd.DataFrame) -> Grid:
    """Every fold of every strategy: what was fitted and what came out."""
    texts = ["Method", "Detector", "Strategy", "Labels", "Context", "Version", "Fitted"]
    titles = [*texts[:5], "Fold", "Version", "Threshold", "Fitted"]
    titles += ["AUROC", "AUROC interval", "AP", "F1 abnormal", "AUROC validation"]
    columns = tuple(Column(title, number=title not in texts) for title in titles)
    rows = []
    for row in records(folds):
        fitted = ", ".join(f"{name} {_brief(value)}" for name, value in json.loads(row["parameters"]).items())
        cells = [Cell(row[name]) for name in ("method", "detector", "strategy", "supervision", "context")]
        cells += [Cell(str(row["fold"]), value=float(row["fold"]))]
        cells += [Cell(row["version"] or NOTHING), Cell(_brief(row["threshold"]), value=row["threshold"])]
        cells += [Cell(fitted or NOTHING), quantity(row["auroc"]), interval(row["auroc_low"], row["auroc_high"])]
        cells += [quantity(row["ap"]), quantity(row["f1_abnormal"]), quantity(row["validation_auroc"])]
        rows.append(tuple(cells))
    return Grid(columns, tuple(rows)).without(*_one_detector(folds))


def method_grid(tables: Tables) -> Grid:
    """What was run: each method with its settings and the strategy that the figures show."""
    chosen = tables.chosen
    columns = ("Method", "Kind", "Detector", "Trained on", "Transformation", "Leads", "Version by", "Shown with")
    rows = []
    for method, detector in chosen:
        one = next(m for m in tables.metrics if (m["method"], detector_of(m)) == (method, detector))
        settings = [one.get(name) for name in ("train_on", "transformation", "leads", "select_by")]
        texts = [method, family_of(one), detector, *settings, chosen[method, detector]]
        rows.append(tuple(Cell(_brief(text)) for text in texts))
    return Grid(tuple(Column(title) for title in columns), tuple(rows))


def markdown_table(grid: Grid) -> str:
    """An aligned pipe table; whatever Markdown or HTML would read as markup is escaped."""
    head = [escape(column.title) for column in grid.columns]
    body = [[f"**{escape(c.full)}**" if c.strong else escape(c.full) for c in row] for row in grid.rows]
    widths = [max(3, *(len(row[place]) for row in [head, *body])) for place in range(len(head))]
    right = [column.number for column in grid.columns]

    def line(cells: Sequence[str]) -> str:
        padded = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True)]
        return "| " + " | ".join(padded) + " |"

    rule = [("-" * (w - 1) + ":") if r else "-" * w for w, r in zip(widths, right, strict=True)]
    return "\n".join([line(head), line(rule), *(line(row) for row in body)]) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, in a paragraph and in a table cell."""
    text = " ".join(str(text).split())
    for sign in ("\\", "`", "*", "[", "]", "|", "~", "$"):
        text = text.replace(sign, f"\\{sign}")
    text = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)  # lambda_grid needs none
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _brief(value: Any) -> str:
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return NOTHING
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(_brief(item) for item in value) if isinstance(value, (list, tuple)) else str(value)


def _one_detector(frame: pd.DataFrame) -> list[str]:
    """The column that says nothing: the detector, unless a method has several, or a model's latents are looked at."""
    several = bool((frame.groupby("method")["detector"].nunique() > 1).any())
    return [] if several or frame["detector"].astype(str).str.endswith(ON_LATENTS).any() else ["Detector"]
