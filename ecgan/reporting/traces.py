"""Diagrams that look into single runs, as SVG text: training curves and distributions of scores."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ecgan.evaluation.ranking import F64
from ecgan.evaluation.result import Result
from ecgan.reporting.figures import Curve
from ecgan.reporting.grid import NOTHING
from ecgan.reporting.style import COLOURS, DASHES, INK, MUTED, clip, name_axes, new_figure, place, style, svg_text
from ecgan.reporting.tables import Facts

_BINS: Final = 44
_PANEL = 50.0


def training_figure(lines: Sequence[Curve]) -> str | None:
    """Training losses, validation loss and validation AUROC over the epochs; one row per model.

    Thin lines are folds, the thick one their mean; a dot marks the version that was used (`v12` is epoch 12).

    Returns:
        The SVG, or None where nothing was trained.
    """
    trained = [line for line in lines if any(run.history is not None and len(run.history) for run in line.runs)]
    if not trained:
        return None
    with style():
        height = _PANEL * len(trained) + 4
        figure = new_figure(180, height)
        for row, line in enumerate(trained):
            bottom = height - (row + 1) * _PANEL + 10
            axes = [place(figure, left, bottom, 46, high) for left, high in ((12, 20), (72, 26), (132, 26))]
            figure.text(12 / 180, (bottom + 34) / height, clip(line.method, 40), fontweight="bold", fontsize=9)
            _draw_training(axes, line, last=row == len(trained) - 1)
        return svg_text(figure, "Training curves of " + ", ".join(line.method for line in trained))


def scores_figure(lines: Sequence[Curve], shared: Facts) -> str | None:
    """Scores of each class in the first fold, every class scaled to its own highest bar; coloured = flagged.

    Returns:
        The SVG, or None where there are no scores.
    """
    shown = [line for line in lines if line.runs and len(line.runs[0].scores)]
    if not shown:
        return None
    with style():
        rows = math.ceil(len(shown) / 2)
        panel = 18 + 7.5 * max(len(_classes(line, shared)) for line in shown)
        figure = new_figure(180, rows * panel + 2)
        for number, line in enumerate(shown):
            row, column = divmod(number, 2)
            bottom = (rows - row - 1) * panel + 9
            axes = place(figure, 14 + 90 * column, bottom, 52, panel - 16)
            _draw_scores(axes, line, line.runs[0], _classes(line, shared))
        return svg_text(figure, "Distribution of the scores in each class: " + ", ".join(line.label for line in shown))


def _draw_training(axes: Sequence[Axes], line: Curve, *, last: bool) -> None:
    histories = [run.history for run in line.runs if run.history is not None and len(run.history)]
    names = [name for name in histories[0].columns if name != "epoch" and not name.startswith("vali_")]
    names = [name for name in names if pd.api.types.is_numeric_dtype(histories[0][name])]
    for number, name in enumerate(names):
        look = {"color": COLOURS[number % len(COLOURS)], "linestyle": DASHES[number % len(DASHES)]}
        _draw_folds(axes[0], histories, name, look)
        row, column = divmod(number, 2)
        where: dict[str, Any] = {"transform": axes[0].transAxes, "clip_on": False}
        x, y = 0.52 * column, 1.26 - 0.11 * row
        axes[0].plot([x, x + 0.07], [y + 0.035] * 2, linewidth=1.2, **look, **where)
        axes[0].text(x + 0.09, y, clip(name, 18), color=look["color"], fontsize=6, **where)
    look = {"color": line.line["color"]}
    for place_, name, title in ((1, "vali_loss", "Validation loss"), (2, "vali_auroc", "Validation AUROC")):
        _draw_folds(axes[place_], histories, name, look)
        axes[place_].set_title(title, loc="left", fontsize=7.5, color=MUTED, pad=4)
        for run in line.runs:
            _mark_version(axes[place_], run, name)
    axes[0].text(0, 1.4, "Training losses", fontsize=7.5, color=MUTED, transform=axes[0].transAxes)
    for one in axes:
        one.tick_params(labelsize=6.5)
        one.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        one.yaxis.set_major_locator(MaxNLocator(4))
        one.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
        if last:
            name_axes(one, x="Epoch", below=6.6, size=7.5)


def _draw_folds(axes: Axes, histories: Sequence[pd.DataFrame], name: str, look: dict[str, Any]) -> None:
    found = [history[["epoch", name]].dropna() for history in histories if name in history.columns]
    found = [history[np.isfinite(history[name])] for history in found]
    found = [history for history in found if len(history)]
    for history in found if len(found) > 1 else []:
        axes.plot(history["epoch"], history[name], linewidth=0.6, alpha=0.55, **look)
    if found:
        mean = pd.concat(found).groupby("epoch")[name].mean()
        axes.plot(mean.index.to_numpy(), mean.to_numpy(), linewidth=1.5, **look)


def _mark_version(axes: Axes, run: Result, name: str) -> None:
    version = str(run.metrics.get("version") or "")
    if run.history is None or name not in run.history.columns or not version[1:].isdigit():
        return
    row = run.history[run.history["epoch"] == int(version[1:])]
    if len(row) and math.isfinite(float(row[name].iloc[0])):
        point = (float(row["epoch"].iloc[0]), float(row[name].iloc[0]))
        axes.plot(*point, "o", color=INK, markersize=3.6, markeredgewidth=0, clip_on=False, zorder=5)


def _classes(line: Curve, shared: Facts) -> list[str]:
    names = set(line.runs[0].scores["class"].astype(str))
    return [name for name in shared.classes if name in names] + sorted(names - set(shared.classes))


def _draw_scores(axes: Axes, line: Curve, run: Result, names: Sequence[str]) -> None:
    threshold = run.metrics["strategies"][line.strategy]["threshold"]["value"]
    scores = run.scores[line.strategy].to_numpy(np.float64)
    classes = run.scores["class"].astype(str).to_numpy()
    flagged = run.scores[f"{line.strategy}_predicted"].to_numpy().astype(bool)
    cut = math.nan if threshold is None else float(threshold)
    edges = _edges(scores, cut)
    inside = np.clip(scores, edges[0], edges[-1])
    for row, name in enumerate(reversed(names)):
        mask = classes == name
        counts = np.histogram(inside[mask], edges)[0]
        heights = row + 0.82 * counts / max(int(counts.max()), 1)
        below = edges[1:] <= cut + 1e-12 if math.isfinite(cut) else np.ones(len(counts), dtype=bool)
        _steps(axes, edges, heights, row, below, MUTED)
        _steps(axes, edges, heights, row, ~below, line.line["color"])
        share = f"{flagged[mask].mean():.0%} of {mask.sum():,}"
        axes.text(1.03, row + 0.12, share, transform=axes.get_yaxis_transform(), fontsize=6.8, color=INK)
        axes.text(-0.03, row + 0.12, clip(name, 9), transform=axes.get_yaxis_transform(), fontsize=7.5, ha="right")
    if math.isfinite(cut):
        axes.plot([cut, cut], [0, len(names) + 0.05], color=INK, linewidth=0.8, clip_on=False)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, len(names))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.tick_params(labelsize=6.8)
    axes.text(
        0, len(names) + 0.28, clip(line.label, 34), fontsize=8, fontweight="bold", transform=axes.get_yaxis_transform()
    )
    axes.text(1.03, len(names) + 0.28, "flagged", fontsize=6.8, color=MUTED, transform=axes.get_yaxis_transform())
    words = NOTHING if math.isnan(cut) else f"{cut:.3g}"
    name_axes(axes, x=f"score, fold {run.metrics['fold']}, threshold {words}", below=6.4, size=7)


def _steps(axes: Axes, edges: F64, heights: F64, base: float, chosen: Any, colour: str) -> None:
    """Filled steps of the chosen bins above their base line."""
    if chosen.any():
        values = np.where(chosen, heights, base)
        axes.stairs(values, edges, baseline=base, fill=True, color=colour, alpha=0.9, linewidth=0)


def _edges(scores: F64, threshold: float) -> F64:
    """Equal bins of which one begins at the threshold; what lies beyond the 99th percentile is counted in the last."""
    finite = scores[np.isfinite(scores)]
    low, high = (float(finite.min()), float(np.quantile(finite, 0.99))) if len(finite) else (0.0, 1.0)
    if math.isfinite(threshold):
        low, high = min(low, threshold), max(high, threshold)
    if not high > low:
        low, high = low - 0.5, low + 0.5
    if not math.isfinite(threshold):
        return np.linspace(low, high, _BINS + 1)
    width = (high - low) / (_BINS - 2)
    left, right = math.ceil((threshold - low) / width), max(1, math.ceil((high - threshold) / width))
    return np.asarray(threshold + width * np.arange(-left, right + 1), dtype=np.float64)
