"""Tables of shares as SVG text: each cell is shaded by its value and says it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from ecgan.evaluation.ranking import F64
from ecgan.reporting.grid import NOTHING
from ecgan.reporting.style import COLOURS, INK, MUTED, RULE, clip, new_figure, place, style, svg_text

_CELL: Final = (15.0, 10.0)
_LEFT: Final = 24.0
_HEAD: Final = 13.0
_PER_ROW: Final = 178.0


@dataclass(frozen=True, eq=False)
class Matrix:
    """One table: its title, names of rows and columns, shares (R, K) and a second line for each of these cells."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    shares: F64
    notes: Sequence[Sequence[str]]


def matrices_figure(panels: Sequence[Matrix], title: str, *, below: str, beside: str, left: float = _LEFT) -> str:
    """The tables side by side where they fit, otherwise below each other.

    Args:
        panels: The tables, at least one.
        title: What the figure shows, for those who cannot see it.
        below: What the columns are, written under each table.
        beside: What the rows are, written above their names.
        left: Millimetres for the names of the rows.
    """
    width = left + _CELL[0] * max(len(panel.columns) for panel in panels) + 6
    height = 2 * _HEAD + _CELL[1] * max(len(panel.rows) for panel in panels)
    across = max(1, min(len(panels), int(_PER_ROW // width)))
    down = math.ceil(len(panels) / across)
    with style():
        figure = new_figure(max(across * width, 60), down * height + 2)
        for number, panel in enumerate(panels):
            row, column = divmod(number, across)
            size = (_CELL[0] * len(panel.columns), _CELL[1] * len(panel.rows))
            axes = place(figure, column * width + left, (down - row) * height - _HEAD - size[1], *size)
            _draw(axes, panel, below, beside, left)
        return svg_text(figure, title)


def _draw(axes: Axes, panel: Matrix, below: str, beside: str, left: float) -> None:
    axes.set_xlim(0, len(panel.columns))
    axes.set_ylim(len(panel.rows), 0)
    axes.set_axis_off()
    colour = to_rgba(COLOURS[0])[:3]
    for row in range(len(panel.rows)):
        for column in range(len(panel.columns)):
            share = float(panel.shares[row, column])
            alpha = 0.0 if math.isnan(share) else 0.62 * min(max(share, 0.0), 1.0)
            face = (*colour, round(alpha, 2))
            axes.add_patch(Rectangle((column, row), 1, 1, facecolor=face, edgecolor=RULE, linewidth=0.6, clip_on=False))
            text = NOTHING if math.isnan(share) else f"{share:.0%}"
            axes.text(column + 0.5, row + 0.42, text, ha="center", color=INK, fontsize=8)
            note = panel.notes[row][column]
            axes.text(column + 0.5, row + 0.82, note, ha="center", color=MUTED, fontsize=5.8)
        axes.text(-0.12, row + 0.6, clip(panel.rows[row], int(left * 0.75)), ha="right", fontsize=7.5)
    for column, name in enumerate(panel.columns):
        axes.text(column + 0.5, len(panel.rows) + 0.42, clip(name, 9), ha="center", fontsize=7.5)
    axes.text(len(panel.columns) / 2, len(panel.rows) + 0.85, below, ha="center", color=MUTED, fontsize=7)
    axes.text(0, -0.3, clip(panel.title, 44), fontweight="bold", fontsize=9)
    axes.text(-0.12, -0.12, beside, ha="right", color=MUTED, fontsize=7)
