"""Draw the figures of docs/own-normal.md anew from the rows here: `python paper/own_normal/figure.py`."""

import sys
from pathlib import Path

import pandas as pd
from shown import BOTH, NOW, REVISIONS

from ecgan.reporting.style import COLOURS, new_figure, place, style, svg_text

HERE = Path(__file__).parent
KINDS = {"bw": "baseline wander", "ma": "muscles", "em": "electrode motion"}
SERIES = {
    "patient_specific, two leads": ("patient_specific", BOTH, "o-"),
    "patient_specific, MLII": ("patient_specific", "MLII", "s--"),
    "knn, MLII": ("knn", "MLII", "^:"),
}
DECIBELS = (24, 12, 6)


def noise() -> str:
    """Return AUROC on DS1 against the ratio of signal to noise as SVG, a panel for each kind of noise."""
    rows = pd.read_csv(HERE / "noise.csv")
    rows = rows[rows["records"] == "ds1"].set_index(["detector", "leads", "condition"])["auroc"]
    with style():
        figure = new_figure(190, 62)
        for number, (kind, title) in enumerate(KINDS.items()):
            axes = place(figure, 14 + 42 * number, 13, 36, 40)
            for colour, (name, (detector, leads, line)) in zip(COLOURS, SERIES.items(), strict=False):
                found = [rows[detector, leads, f"{kind} {level} dB"] for level in DECIBELS]
                values = [rows[detector, leads, "as it is"], *found]
                axes.plot(range(len(values)), values, line, color=colour, label=name, markersize=4)
            axes.set_xticks(range(4), ["none", *map(str, DECIBELS)])
            axes.set_ylim(0.55, 1.02)
            axes.set_xlabel("signal to noise, dB")
            axes.set_title(title)
            if number:
                axes.set_yticklabels([])
            else:
                axes.set_ylabel("AUROC")
        axes.legend(loc="upper left", bbox_to_anchor=(1.03, 1), frameon=False)
        return svg_text(figure, "AUROC on DS1 against noise")


def simulated() -> str:
    """Return false alarms an hour in simulated rhythms as SVG, of the sixth form and of the detector as it is."""
    rows = pd.read_csv(HERE / "simulated.csv")
    rows["form"] = rows["commit"].map(REVISIONS)
    shown = rows.pivot(index="rhythm", columns="form", values="alarms_per_hour")
    shown = shown.drop(index=[name for name in shown.index if name.startswith("DS1")]).sort_values(NOW)
    with style():
        figure = new_figure(150, 94)
        axes = place(figure, 62, 13, 84, 78)
        places = range(len(shown))
        axes.hlines(places, shown[[NOW, "sixth"]].min(axis=1), shown[[NOW, "sixth"]].max(axis=1), color="0.8")
        for form, mark, colour in (("sixth", "s", COLOURS[1]), (NOW, "o", COLOURS[0])):
            name = f"{form} form" if form != NOW else "as it is"
            axes.plot(shown[form], places, mark, color=colour, label=name, markersize=4)
        axes.axvline(60, color="0.6", linewidth=0.8, linestyle="--")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_yticks(places, shown.index.tolist())
        axes.set_xlabel("false alarms an hour (dashed: the budget on DS1)")
        axes.legend(loc="lower right", frameon=False)
        return svg_text(figure, "False alarms an hour in simulated rhythms")


FIGURES = {"noise.svg": noise, "simulated.svg": simulated}


def main() -> int:
    """Write the figures."""
    for name, draw in FIGURES.items():
        (HERE / name).write_text(draw(), encoding="utf-8")
        sys.stdout.write(f"wrote {HERE / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
