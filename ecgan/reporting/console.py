"""The results table on the terminal."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ecgan.reporting.grid import Grid, marks_text, results_grid
from ecgan.reporting.legal import legal
from ecgan.reporting.tables import SUPERVISION, Facts, Metrics, Tables

_FIRST = ("", "Method", "Detector", "Strategy", "Labels", "Context", "AUROC")
_THEN = ("AP", "F1 abnormal", "Folds", "AUROC interval", "Sensitivity", "PPV", "MCC", "F1 weighted")


def print_results(metrics: Sequence[Metrics], console: Console | None = None) -> None:
    """Print the results table, with as many of its columns as the terminal is wide, and its legend."""
    console = console or Console()
    tables = Tables(metrics)
    everything, shown, shared = tables.results, tables.condensed, tables.facts
    grid = results_grid(shown)
    kept = _fitting(grid, console.width)
    console.print(_table(grid, kept, shared))
    lines = [marks_text(shown)] if len(shown) else []
    if len(shown) < len(everything):
        lines.append(f"each method with its best strategy on validation, {len(shown)} of {len(everything)} rows")
    lines += [f"{letter}: {meaning}" for letter, meaning in SUPERVISION.items()]
    lines += [f"class mapping: {shared.class_mapping or 'none'}"]
    lines += [f"test samples per fold: {counts}"] if (counts := shared.count_text("test")) else []
    hidden = [column.title for place, column in enumerate(grid.columns) if place not in kept]
    lines += [f"not shown, the terminal is too narrow: {', '.join(hidden)}"] if hidden else []
    console.print(Text("\n".join(map(legal, lines)), style="dim"))


def _table(grid: Grid, kept: Sequence[int], shared: Facts) -> Table:
    folds = f"fold {shared.folds[0]}" if len(shared.folds) == 1 else f"folds {', '.join(map(str, shared.folds))}"
    title = Text(legal(f"{shared.dataset} · {shared.protocol} · {folds}")) if shared.folds else Text("no results")
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.show_edge = False
    for place in kept:
        column = grid.columns[place]
        table.add_column(Text(column.title), justify="right" if column.number else "left", overflow="fold")
    letters = [column.title for column in grid.columns].index("Labels")
    for number, row in enumerate(grid.rows):
        last = number + 1 < len(grid.rows) and grid.rows[number + 1][letters].text != row[letters].text
        cells = [Text(legal(row[place].full), style="bold green" if row[place].strong else "") for place in kept]
        table.add_row(*cells, end_section=last)
    return table


def _fitting(grid: Grid, width: int) -> list[int]:
    """Places of the columns to show: the first always, the others in order of weight while there is room."""
    titles = [column.title for column in grid.columns]
    needed = [max([len(title), *(len(row[i].full) for row in grid.rows)]) + 2 for i, title in enumerate(titles)]
    kept = [titles.index(title) for title in _FIRST if title in titles]
    for title in _THEN:
        if title in titles and sum(needed[i] for i in kept) + needed[titles.index(title)] + 2 <= width:
            kept.append(titles.index(title))
    return sorted(kept)
