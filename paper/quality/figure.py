"""Draw runs of `runs.csv`, a line a run, as `runs.svg`: AUROC and AP on validation against training seconds."""

import csv
import sys
from pathlib import Path

from ecgan.reporting.style import COLOURS, DASHES, new_figure, place, style, svg_text

HERE = Path(__file__).parent
PANELS = (("vali_auroc", "AUROC, validation", (0.89, 0.96)), ("vali_ap", "Average precision, validation", (0.66, 0.81)))
DRAWN = (  # the others end in the same crowd; the table has them
    "aegan",
    "aegan, one cycle of 20 epochs",
    "aegan, one cycle, width 0.5",
    "aegan, one cycle, discriminator on every batch",
    "aegan, rate 0.001, no average",
    "aegan, published",
    "autoencoder",
    "autoencoder, one cycle of 14 epochs",
    "autoencoder, one cycle, 16 latents",
    "vaegan, one cycle",
)


def drawn() -> str:
    """Return the figure as SVG."""
    runs: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader((HERE / "runs.csv").read_text(encoding="utf-8").splitlines()):
        runs.setdefault(row["run"], []).append(row)
    with style():
        figure = new_figure(190, 100)
        for place_, (column, label, limits) in enumerate(PANELS):
            axes = place(figure, 14 + 62 * place_, 12, 50, 82)
            for number, name in enumerate(DRAWN):
                rows = runs[name]
                colour, dash = COLOURS[number % len(COLOURS)], DASHES[number // len(COLOURS) % len(DASHES)]
                seconds, values = [float(row["seconds"]) for row in rows], [float(row[column]) for row in rows]
                axes.plot(seconds, values, linewidth=1.3, label=name, color=colour, linestyle=dash, marker=".", ms=3)
            axes.set_xlabel("Training, CPU seconds on one core")
            axes.set_title(label, fontsize=8.5, loc="left")
            axes.set_ylim(*limits)
            axes.set_xscale("log")
            axes.set_xlim(5, 300)
            axes.set_xticks([10, 30, 100, 300], ["10", "30", "100", "300"])
        figure.legend(
            *axes.get_legend_handles_labels(), loc="center left", bbox_to_anchor=(128 / 190, 0.5), fontsize=6,
            frameon=False,
        )  # fmt: skip
        return svg_text(figure, "AUROC and average precision on validation data against training seconds, a line a run")


if __name__ == "__main__":
    (HERE / "runs.svg").write_text(drawn(), encoding="utf-8")
    sys.stdout.write("wrote runs.svg\n")
