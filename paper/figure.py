"""Draw what `ecgan score` finds in a record of MIT-BIH as `docs/example.svg`: `python paper/figure.py RECORD.hea`.

Ten seconds with flagged beats, what was taken for normal, and the families of flagged beats with why they are flagged.
"""

import sys
import textwrap
from pathlib import Path

from ecgan.arithmetic import set_arithmetic

OUT = Path(__file__).parent.parent / "docs" / "example.svg"
SECONDS, SHOWN = 10.0, 3


def drawn(recording: str, start_s: float) -> str:
    """Return the figure as SVG."""
    import numpy as np

    import ecgan
    from ecgan.reporting.ecg_paper import thin
    from ecgan.reporting.style import COLOURS, INK, MUTED, new_figure, place, style, svg_text

    found = ecgan.load("published:patient-specific").score(recording).recording
    record, beats = found.record, found.beats
    rate = record.sampling_rate
    with style():
        figure = new_figure(190, 84)
        axes = place(figure, 8, 50, 178, 28)
        begin = round(start_s * rate)
        part = record.signals[begin : begin + round(SECONDS * rate), 0]
        times = np.arange(len(part)) / rate
        axes.plot(*thin(times, part, 0.004).T, color=INK, linewidth=0.7)
        inside = beats[(beats["time_s"] >= start_s) & (beats["time_s"] < start_s + SECONDS)]
        for beat in inside[inside["flagged"]].itertuples():
            here = (times > beat.time_s - start_s - 0.25) & (times < beat.time_s - start_s + 0.45)
            colour = COLOURS[(int(beat.family) - 1) % len(COLOURS)]
            axes.plot(*thin(times[here], part[here], 0.004).T, color=colour, linewidth=1.1)
            axes.annotate(
                str(beat.family), (beat.time_s - start_s, part[here].max()), color=colour, ha="center", va="bottom"
            )
        counts = f"{int(beats['flagged'].sum()):,} of {len(beats):,} beats flagged"
        axes.set_title(f"Record {record.name}, lead {record.leads[0]}: {counts}", fontsize=8.5, loc="left")
        axes.set_xlim(0, SECONDS)
        axes.set_xticks(range(0, 11, 2), [f"{start_s + second:.0f} s" for second in range(0, 11, 2)])
        largest = sorted(found.families, key=lambda family: -len(family.rows))[:SHOWN]
        assert found.normal is not None
        usual = f"taken for normal: {found.normal.usual:,} beats that come when expected"
        panels = [("normal", found.normal.template[:, 0], INK, usual)]
        for one in largest:
            colour = COLOURS[(one.number - 1) % len(COLOURS)]
            panels.append((f"family {one.number}: {len(one.rows)} beats", one.mean[:, 0], colour, one.reason))
        every = np.concatenate([curve for _, curve, *_ in panels])
        for number, (title, curve, colour, reason) in enumerate(panels):
            axes = place(figure, 8 + 46 * number, 13, 40, 26)
            axes.plot(curve, color=colour, linewidth=1.3)
            axes.set_title(title, fontsize=8, loc="left")
            axes.set_ylim(every.min() - 0.1, every.max() + 0.1)
            axes.set_xticks([])
            figure.text((8 + 46 * number) / 190, 11 / 84, textwrap.fill(reason, 40), fontsize=6, color=MUTED, va="top")
        return svg_text(figure, f"Record {record.name}: {counts}, and the families that they fall into")


def main() -> int:
    """Draw the record that is named, from a second on."""
    set_arithmetic("portable")
    recording, *start = sys.argv[1:]
    OUT.write_text(drawn(recording, float(start[0]) if start else 0.0), encoding="utf-8")
    sys.stdout.write(f"wrote {OUT}: {OUT.stat().st_size / 1e3:.0f} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
