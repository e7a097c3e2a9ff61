"""Draw what `memory.py` and `archives.py` measured: `python tests/benchmarks/curves.py` writes their figures anew."""

import sys
from pathlib import Path

import pandas as pd

from ecgan.reporting.style import COLOURS, new_figure, place, style, svg_text

FOLDER = Path(__file__).parents[2] / "reports" / "benchmarks"
_LINES = ("-", "--", ":", "-.")
_MARKS = "os^Dv"


def memory() -> str:
    """Return memory against size as SVG: what no file stands behind, of each stage."""
    table = pd.read_csv(FOLDER / "memory.csv")
    with style():
        figure = new_figure(150, 70)
        axes = place(figure, 16, 13, 84, 50)
        for number, (stage, rows) in enumerate(table.groupby("stage", sort=True)):
            line, mark = _LINES[number % len(_LINES)], _MARKS[number % len(_MARKS)]
            colour = COLOURS[number % len(COLOURS)]
            axes.plot(rows["GB"], rows["anonymous MB"], line, marker=mark, color=colour, label=stage, markersize=4)
        sizes = table["GB"].agg(["min", "max"]).to_numpy()
        axes.plot(sizes, 1000 * sizes, color="0.6", linewidth=0.8, label="all in memory at once")
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:g}")
        axes.set_xlabel("samples (preprocess: files), GB")
        axes.set_ylabel("memory, MB")
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False)
        return svg_text(figure, "Memory of the stages against the size of the samples")


def archives() -> str:
    """Return recordings a second of the processors against workers as SVG."""
    table = pd.read_csv(FOLDER / "archives.csv").dropna(subset=["CPU s"])
    with style():
        figure = new_figure(110, 60)
        axes = place(figure, 14, 13, 90, 42)
        axes.plot(table["workers"], table["recordings a CPU second"], "o-", color=COLOURS[0], markersize=4)
        axes.set_ylim(0, 1.15 * table["recordings a CPU second"].max())
        axes.set_xticks(table["workers"].tolist())
        axes.set_xlabel("workers (on two cores)")
        axes.set_ylabel("recordings a CPU second")
        return svg_text(figure, "Recordings of ten seconds that are scored in a CPU second, against workers")


FIGURES = {"memory.svg": memory, "archives.svg": archives}


def main() -> int:
    """Write the figures."""
    for name, draw in FIGURES.items():
        (FOLDER / name).write_text(draw(), encoding="utf-8")
        sys.stdout.write(f"wrote {FOLDER / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
