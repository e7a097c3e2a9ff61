"""Figures of generated signals as SVG text: beside real ones, along a walk through the latents, in a plane."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from ecgan.arrays import F32
from ecgan.generation.drawn import F64, Drawn, Walk
from ecgan.generation.embedding import TITLES
from ecgan.reporting.style import COLOURS, INK, MUTED, clip, new_figure, place, style, svg_text

COLUMNS: Final = 6
ROWS: Final = 2
MOST_LEADS: Final = 3
POINTS: Final = 128
"""Most points of a trace: cells are small, and so are the files."""
GROUPS: Final = {"real normal": COLOURS[0], "real abnormal": COLOURS[1], "generated": COLOURS[2]}

_WIDTH = 180.0


def draw(drawn: Drawn | None) -> dict[str, str]:
    """Return SVG text by name: samples, walk, and embedding where there are points; nothing of nothing."""
    if drawn is None:
        return {}
    figures = {
        "samples": samples_figure({"Real, normal": drawn.real, "Generated": drawn.generated}, drawn.leads),
        "walk": walk_figure(drawn.walk, drawn.extremes[None, None], drawn.leads),
    }
    if drawn.points:
        figures["embedding"] = embedding_figure(drawn.points, drawn.groups)
    return figures


def samples_figure(groups: Mapping[str, F32], leads: Sequence[str]) -> str:
    """Signals (n, C, L) of each group, by its title, in a grid of six columns and two rows, all on one scale.

    The first three leads are drawn.
    """
    shown = {title: x[: COLUMNS * ROWS, :MOST_LEADS] for title, x in groups.items() if len(x)}
    low, high = _limits(list(shown.values()))
    block = 7.0 + ROWS * 17
    height = block * len(shown) + 7
    with style():
        figure = new_figure(_WIDTH, height)
        for number, (title, x) in enumerate(shown.items()):
            top = block * (len(shown) - number) + 7
            figure.text(5 / _WIDTH, (top - 4) / height, title, fontsize=8.5, color=INK)
            for cell, signal in enumerate(x):
                row, column = divmod(cell, COLUMNS)
                axes = _cell(figure, 5 + 29 * column, top - 7 - 17 * (row + 1), 27, 15.5, (low, high))
                _draw(axes, signal)
        _lead_key(figure, leads, height)
        return svg_text(figure, "Signals: " + ", ".join(shown))


def walk_figure(walk: Walk, real: F32, leads: Sequence[str]) -> str:
    """One row for each coordinate of the latent, one column for each step; the first lead is drawn.

    Real signals (n, C, L) set the scale together with the generated ones of the walk.
    """
    rows, height = len(walk.coordinates), 10.5
    low, high = _limits([walk.signals[:, :, 0], real[:, 0]])
    with style():
        figure = new_figure(_WIDTH, rows * height + 9)
        for row, coordinate in enumerate(walk.coordinates):
            bottom = (rows - row - 1) * height + 8
            name = f"z{coordinate + 1}"
            figure.text(3 / _WIDTH, (bottom + 4) / (rows * height + 9), name, fontsize=7, color=MUTED)
            for column, signal in enumerate(walk.signals[row, :, :1]):
                axes = _cell(figure, 12 + 15.2 * column, bottom, 14.2, height - 1, (low, high))
                _draw(axes, signal, POINTS // 3)
        for column, step in enumerate(walk.steps):
            words = "mean" if abs(step) < 1e-6 else f"{step:+.1f} σ".replace("-", "−")
            where = ((12 + 15.2 * column + 7.1) / _WIDTH, 3 / (rows * height + 9))
            figure.text(*where, words, fontsize=7, color=MUTED, ha="center")
        return svg_text(figure, f"Walk through the latents, lead {clip(leads[0], 16)}")


def embedding_figure(points: Mapping[str, F64], groups: Sequence[str]) -> str:
    """Points (n, 2) of a plane, one panel for each method; real normal, real abnormal and generated signals in colour.

    `groups` has the group of each point, a key of `GROUPS`.
    """
    names = np.asarray(groups)
    count = len(points)
    side = min(80.0, (_WIDTH - 6 * (count + 1)) / count)
    with style():
        figure = new_figure(6 + count * (side + 6), side + 20)
        for number, (method, where) in enumerate(points.items()):
            axes = place(figure, 6 + number * (side + 6), 11, side, side)
            axes.set_title(TITLES[method], loc="left", fontsize=8.5, color=INK)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_xlim(*_padded(where[:, 0]))
            axes.set_ylim(*_padded(where[:, 1]))
            for name, colour in GROUPS.items():
                _dots(axes, where[names == name], colour)
        at = 6.0
        for name, colour in GROUPS.items():
            if name in names:
                words = f"● {name} ({int((names == name).sum())})"
                figure.text(at / (6 + count * (side + 6)), 4 / (side + 20), words, color=colour, fontsize=7)
                at += 26 if count == 1 else 40
        return svg_text(figure, "Signals in a plane by " + ", ".join(TITLES[method] for method in points))


def _cell(figure: Figure, left: float, bottom: float, width: float, height: float, limits: Any) -> Axes:
    """Axes without ticks or frame for one small signal."""
    axes = place(figure, left, bottom, width, height)
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(*limits)
    return axes


def _draw(axes: Axes, signal: F32, points: int = POINTS) -> None:
    """Draw the leads of one signal (C, L), resampled to at most `points` points so that peaks stay."""
    for lead, trace in enumerate(signal):
        rows = _kept(trace, points)
        x = rows / max(1, len(trace) - 1)
        axes.plot(x, trace[rows], color=COLOURS[lead] if len(signal) > 1 else INK, linewidth=0.7, clip_on=False)


def _kept(trace: F32, points: int) -> Any:
    """Indices of the lowest and highest value in equal parts of a trace (L,), first and last included."""
    if len(trace) <= points:
        return np.arange(len(trace))
    edges = np.linspace(0, len(trace), points // 2 + 1).astype(int)
    parts = [(a, trace[a:b]) for a, b in pairwise(edges)]
    ends = [a + function(part) for a, part in parts for function in (np.argmin, np.argmax)]
    return np.unique([0, *map(int, ends), len(trace) - 1])


def _dots(axes: Axes, where: F64, colour: str) -> None:
    """All points of a group as one path of round dots: a tenth of the size of a marker each."""
    if len(where):
        vertices = np.repeat(where, 2, axis=0)
        width = float(np.diff(axes.get_xlim())[0])
        vertices[1::2, 0] += 1e-4 * width  # a line without length is no dot to some programs
        path = Path(vertices, [Path.MOVETO, Path.LINETO] * len(where))
        path.should_simplify = False
        patch = PathPatch(path, facecolor="none", edgecolor=colour, linewidth=2.2, capstyle="round", alpha=0.75)
        axes.add_patch(patch)


def _lead_key(figure: Figure, leads: Sequence[str], height: float) -> None:
    drawn = [clip(lead, 16) for lead in leads[:MOST_LEADS]]
    rest = f" and {len(leads) - len(drawn)} more, not drawn" if len(leads) > len(drawn) else ""
    for number, lead in enumerate(drawn):
        colour = COLOURS[number] if len(drawn) > 1 else MUTED
        words = lead + (rest if number == len(drawn) - 1 else "")
        figure.text((5 + 30 * number) / _WIDTH, 2.5 / height, words, fontsize=7, color=colour)


def _limits(groups: Sequence[F32]) -> tuple[float, float]:
    """Common limits, a little wider than all values."""
    return _padded(np.concatenate([np.asarray(x).ravel() for x in groups]))


def _padded(values: Any) -> tuple[float, float]:
    finite = np.asarray(values, dtype=np.float64)
    low, high = float(finite.min()), float(finite.max())
    pad = 0.04 * (high - low) or 1.0
    return low - pad, high + pad
