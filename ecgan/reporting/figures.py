"""Diagrams of a report as SVG text: ROC, precision–recall, sensitivity per class. See also `ecgan.reporting.traces`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from ecgan.evaluation.ranking import F64
from ecgan.evaluation.result import Result
from ecgan.reporting.grid import NOTHING, quantity, short
from ecgan.reporting.matrix import Matrix, matrices_figure
from ecgan.reporting.style import COLOURS, INK, MUTED, clip, line_styles, name_axes, new_figure, place, style, svg_text
from ecgan.reporting.tables import ON_LATENTS, Facts, Tables, detector_of, mean_std, records, span

LABEL_LENGTH: Final = 40
_ROW: Final = 4.6


@dataclass(frozen=True)
class Curve:
    """One method as the diagrams show it.

    Attributes:
        label: Method, strategy and supervision, such as "aegan, lambda_grid (S)".
        method: The method (and detector).
        strategy: The strategy with the best validation AUROC.
        runs: Its folds, in order.
        line: Colour and dashes.
    """

    label: str
    method: str
    strategy: str
    runs: tuple[Result, ...]
    line: Mapping[str, Any]


def curves(runs: Sequence[Result], tables: Tables) -> list[Curve]:
    """The methods in the order of the results table, each with its chosen strategy and its own colour.

    Colours go by the order in which methods are given, so that they do not change with the results.
    """
    chosen = tables.chosen
    several = {method for method, _ in chosen if sum(other == method for other, _ in chosen) > 1}
    lines = line_styles([f"{run.metrics['method']}/{detector_of(run.metrics)}" for run in runs])
    found = []
    for row in records(tables.results):
        key = (str(row["method"]), str(row["detector"]))
        if chosen[key] != row["strategy"]:
            continue
        name = f"{key[0]}, {key[1]}" if key[0] in several or key[1].endswith(ON_LATENTS) else key[0]
        own = sorted(
            (run for run in runs if (run.metrics["method"], detector_of(run.metrics)) == key),
            key=lambda run: int(run.metrics["fold"]),
        )
        strategy = "" if row["strategy"] == "plain" else f", {row['strategy']}"
        label = clip(f"{clip(name, 24) if strategy else name}{strategy}", LABEL_LENGTH) + f" ({row['supervision']})"
        found.append(Curve(label, name, str(row["strategy"]), tuple(own), lines[f"{key[0]}/{key[1]}"]))
    return found


def roc_figure(lines: Sequence[Curve]) -> str:
    """True over false positive rate: the mean of the folds, a band from the lowest to the highest fold."""
    with style():
        figure, axes, legend = _square(len(lines))
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)), clip_on=False)
        axes.text(0.61, 0.565, "chance", color=MUTED, fontsize=7.5, rotation=45, rotation_mode="anchor")
        name_axes(axes, x="False positive rate (1 − specificity)", y="True positive rate (sensitivity)")
        _draw_curves(axes, lines, "roc", "fpr")
        _write_legend(legend, lines, "auroc", "AUROC")
        return svg_text(figure, "ROC curves: " + _spoken(lines, "auroc"))


def pr_figure(lines: Sequence[Curve], shared: Facts) -> str:
    """Precision over recall; the dashed line is the share of abnormal test samples."""
    with style():
        figure, axes, legend = _square(len(lines))
        chance = _prevalence(lines)
        if not math.isnan(chance):
            axes.plot([0, 1], [chance, chance], color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)), clip_on=False)
            beside = chance + (0.022 if chance < 0.9 else -0.042)
            axes.text(0.01, beside, f"chance {short(chance)}", color=MUTED, fontsize=7.5)
        name_axes(axes, x="Recall (sensitivity)", y="Precision (positive predictive value)")
        _draw_curves(axes, lines, "pr", "recall")
        _write_legend(legend, lines, "ap", "AP")
        name = shared.dataset and f" on {shared.dataset}"
        return svg_text(figure, f"Precision–recall curves{name}: " + _spoken(lines, "ap"))


def sensitivity_figure(lines: Sequence[Curve], tables: Tables) -> str:
    """Share flagged in each class: bars are means over the folds, dots the folds; false alarms come first.

    More methods than there are colours are written as a table, one row a method.
    """
    table, shared = tables.classes, tables.facts
    present = [name for name in shared.classes if name in set(table.loc[table["count_max"] > 0, "class"])]
    if len(lines) > len(COLOURS):
        return _sensitivity_table(lines, present)
    per_row = math.ceil(max(len(lines), 1) / 2)
    with style():
        figure = new_figure(180, 62 + per_row * _ROW)
        axes = place(figure, 14, 14 + per_row * _ROW, 162, 44)
        step = 0.8 / max(len(lines), 1)
        for number, line in enumerate(lines):
            shares = [_shares(line, name) for name in present]
            x = np.arange(len(present)) - 0.4 + (number + 0.5) * step
            means = [mean_std(share)[0] for share in shares]
            axes.bar(x, np.nan_to_num(means), width=step * 0.86, color=line.line["color"], alpha=0.85, linewidth=0)
            for place_x in x if len(lines) > 1 else []:
                foot = axes.get_xaxis_transform()
                axes.text(place_x, -0.035, str(number + 1), color=MUTED, fontsize=5, ha="center", transform=foot)
            for place_x, share in zip(x, shares, strict=True):
                if len(share) > 1:
                    axes.plot([place_x] * len(share), share, ".", color=INK, markersize=2.6, clip_on=False, zorder=4)
        axes.set_xticks(np.arange(len(present)), [""] * len(present))
        for number, name in enumerate(present):
            for y, words in zip((-0.13, -0.21), _class_label(name, table, shared), strict=True):
                axes.text(number, y, words, color=MUTED, ha="center", transform=axes.get_xaxis_transform())
        axes.set_xlim(-0.5, max(len(present), 1) - 0.5)
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_locator(MultipleLocator(0.25))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        axes.grid(visible=False, axis="x")
        name_axes(axes, y="Flagged", beside=10.9)
        legend = place(figure, 14, 2, 162, per_row * _ROW)
        _write_bar_legend(legend, lines, per_row)
        return svg_text(figure, "Share of each class that was flagged, by method")


def _sensitivity_table(lines: Sequence[Curve], present: Sequence[str]) -> str:
    """Methods by classes, each cell the mean share over the folds and, below, its range."""
    found = [[_shares(line, name) for name in present] for line in lines]
    means = np.array([[mean_std(shares)[0] for shares in row] for row in found]).reshape(len(lines), len(present))
    ends = [[(min(shares), max(shares)) if len(shares) > 1 else () for shares in row] for row in found]
    spreads = [["–".join(dict.fromkeys(f"{share:.0%}" for share in pair)) for pair in row] for row in ends]
    labels = tuple(line.label for line in lines)
    panel = Matrix("Flagged", labels, tuple(present), means, spreads)
    title = "Share of each class that was flagged, by method"
    return matrices_figure([panel], title, below="class", beside="method", left=64)


def _square(rows: int) -> tuple[Figure, Axes, Axes]:
    """A figure with a square diagram of the unit square above a legend of so many rows."""
    legend_height = max(rows, 1) * _ROW + 4
    figure = new_figure(88, 86 + legend_height)
    axes = place(figure, 13, 12 + legend_height, 70, 70)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(0.25))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.tick_params(labelsize=7.5)
    legend = place(figure, 3, 1.5, 82, legend_height - 2)
    legend.set_axis_off()
    legend.set_xlim(0, 82)
    legend.set_ylim(-max(rows, 1) * _ROW, 0)
    return figure, axes, legend


def _draw_curves(axes: Axes, lines: Sequence[Curve], which: str, along: str) -> None:
    for number, line in reversed(list(enumerate(lines))):
        x, folds = _folds(line, which, along)
        if not len(folds):
            continue
        if len(folds) > 1:
            look = {"color": line.line["color"], "alpha": 0.16, "linewidth": 0, "clip_on": False}
            axes.fill_between(x, folds.min(axis=0), folds.max(axis=0), **look)
        first = 0.04 + 0.03 * (number % 7)  # markers of neighbours do not hide each other
        axes.plot(x, folds.mean(axis=0), linewidth=1.5, clip_on=False, markevery=(first, 0.24), **line.line)


def _folds(line: Curve, which: str, along: str) -> tuple[F64, F64]:
    """The curve of every fold where it is defined, on the points of the first: x (P,), y (folds, P)."""
    tables: list[pd.DataFrame] = [getattr(run, which) for run in line.runs]
    found = [
        (table[along].to_numpy(np.float64), table[line.strategy].to_numpy(np.float64))
        for table in tables
        if line.strategy in table.columns and len(table)
    ]
    found = [(x, y) for x, y in found if np.isfinite(y).all()]
    if not found:
        return np.empty(0), np.empty((0, 0))
    grid = found[0][0]
    return grid, np.stack([y if np.array_equal(x, grid) else np.interp(grid, x, y) for x, y in found])


def _write_legend(axes: Axes, lines: Sequence[Curve], metric: str, title: str) -> None:
    axes.text(82, 0, title, ha="right", color=MUTED, fontsize=7.5)
    for row, line in enumerate(lines):
        y = -(row + 1) * _ROW
        axes.plot([0, 4.5, 9], [y + 1.1] * 3, linewidth=1.8, clip_on=False, markevery=[1], **line.line)
        axes.text(11, y, line.label, fontsize=7.5)
        axes.text(82, y, _result(line, metric), fontsize=7.5, ha="right")


def _write_bar_legend(axes: Axes, lines: Sequence[Curve], per_row: int) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, 162)
    axes.set_ylim(-per_row * _ROW, 0)
    for number, line in enumerate(lines):
        x, y = 81 * (number // per_row), -(number % per_row + 1) * _ROW + 1
        axes.plot(
            [x + 1, x + 4], [y + 1, y + 1], linewidth=5, color=line.line["color"], alpha=0.85, solid_capstyle="butt"
        )
        axes.text(x + 7, y, f"{number + 1}  {line.label}" if len(lines) > 1 else line.label, fontsize=7.5)


def _class_label(name: str, table: pd.DataFrame, shared: Facts) -> tuple[str, str]:
    """Name and count of a class."""
    normal = bool(table.loc[table["class"] == name, "sensitivity_mean"].isna().all()) and name == shared.classes[0]
    count = span(shared.counts.get("test", {}).get(name, (0, 0)))
    return f"{clip(name, 18)}{' (false alarms)' if normal else ''}", f"n = {count}"


def _shares(line: Curve, name: str) -> list[float]:
    entries = [run.metrics["strategies"][line.strategy]["test"]["per_class"].get(name) for run in line.runs]
    return [entry["flagged"] / entry["count"] for entry in entries if entry and entry["count"]]


def _result(line: Curve, metric: str) -> str:
    values = [run.metrics["strategies"][line.strategy]["test"][metric] for run in line.runs]
    mean, std, count = mean_std(math.nan if value is None else float(value) for value in values)
    return quantity(mean, std).full if count else NOTHING


def _spoken(lines: Sequence[Curve], metric: str) -> str:
    return "; ".join(f"{line.label} {_result(line, metric)}" for line in lines) or "no results"


def _prevalence(lines: Sequence[Curve]) -> float:
    """Share of abnormal samples among the test samples, over all folds."""
    scores = {int(run.metrics["fold"]): run.scores for line in lines for run in line.runs if len(run.scores)}
    labels = [frame["label"].to_numpy() for frame in scores.values()]
    return float(np.mean(np.concatenate(labels) != 0)) if labels else math.nan
