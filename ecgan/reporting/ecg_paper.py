"""Beats on ECG paper in true millimetres: 25 mm/s, 10 mm/mV, 1 mm = 40 ms × 0.1 mV, a heavier line every 5 mm."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from numpy.typing import NDArray

from ecgan.evaluation.examples import Example
from ecgan.evaluation.ranking import F64
from ecgan.reporting.fullest import fullest
from ecgan.reporting.style import MM, clip, new_figure, place, style, svg_text

MM_PER_SECOND: Final = 25.0
MM_PER_MILLIVOLT: Final = 10.0
SQUARE: Final = 5.0
SIGNAL: Final = "#111111"
RECONSTRUCTION: Final = "#0057c2"
ERROR: Final = "#8a3ab9"
_GROUND, _SMALL, _HEAVY = "#fff9f7", "#f9d9d6", "#eda9a3"
_PLAIN_SMALL, _PLAIN_HEAVY = "#f3f4f6", "#dcdfe4"
_TEXT, _SOFT = "#2a1f1f", "#7b6663"
_MARGIN, _HEADER, _FOOTER, _PULSE = 2.0, 10.5, 11.0, 10.0
_NARROWEST, _TALLEST, _TALLEST_ERROR = 40.0, 20, 3 * SQUARE
_LABEL, _SLACK = 11.0, 0.01
"""Millimetres: room for the value of a mark; what is no more beyond an edge lies on it."""


@dataclass(frozen=True)
class Scale:
    """Millimetres on paper for one time step and one unit of the signal; whether that is ECG paper."""

    step: float
    unit: float
    paper: bool


@dataclass(frozen=True)
class Strip:
    """One lead on the sheet, in millimetres from the lower edge.

    Attributes:
        zero: Where the value `origin` lies; on a heavy line.
        origin: A value of the signal, 0 mV unless the lead is far away from it.
        bottom: Lower edge.
        top: Upper edge.
        error: Where an error of 0 lies, beneath the lead; None without a reconstruction.
    """

    zero: float
    origin: float
    bottom: float
    top: float
    error: float | None


@dataclass(frozen=True)
class Sheet:
    """Where everything is, in millimetres: size of the figure, the paper on it, time zero, the leads."""

    width: float
    height: float
    left: float
    bottom: float
    paper_width: float
    paper_height: float
    start: float
    strips: tuple[Strip, ...]
    scale: Scale


def beat_svg(example: Example, *, threshold: float | None = None, note: str = "") -> str:
    """Draw a beat, its reconstruction and the error between them as SVG.

    What is in mV and has a sampling rate is drawn true to scale on ECG paper, with a 1 mV calibration pulse; anything
    else on plain paper, stretched to a legible size. The error |signal − reconstruction| lies beneath each lead at the
    same scale. The threshold is written beside the score; `note`, else record and time, is the heading's third line.
    """
    sheet = _sheet(example)
    with style():
        figure = new_figure(sheet.width, sheet.height, "#ffffff")
        axes = place(figure, 0, 0, sheet.width, sheet.height)
        axes.set_axis_off()
        axes.set_xlim(0, sheet.width)
        axes.set_ylim(0, sheet.height)
        _draw_grid(axes, sheet)
        for lead, strip in enumerate(sheet.strips):
            _draw_lead(axes, sheet, strip, example, lead)
            _mark_lead(axes, sheet, strip, example, lead)
        _draw_time(axes, sheet, example)
        _write(axes, sheet, example, threshold, note or origin_text(example))
        words = f"{example.kind}: {example.class_name}, {origin_text(example)}, score {example.score:.4g}"
        return svg_text(figure, words)


def origin_text(example: Example) -> str:
    """Where a sample comes from: "record 208, 12:03.4", or "sample 17"."""
    parts = [] if example.record is None else [f"record {example.record}"]
    if example.time_s is not None and math.isfinite(example.time_s):
        tenths = round(example.time_s * 10)
        hours, rest = divmod(tenths, 36000)
        minutes, seconds = divmod(rest, 600)
        clock = f"{minutes}:{seconds / 10:04.1f}" if not hours else f"{hours}:{minutes:02d}:{seconds / 10:04.1f}"
        parts.append(clock)
    return ", ".join(parts) if parts else f"sample {example.index}"


def _sheet(example: Example) -> Sheet:
    scale = _scale(example)
    centre = example.centre or 0
    start = _PULSE + (-centre * scale.step) % SQUARE if scale.paper else _PULSE
    paper_width = max(_squares(start + (len(example.signal) - 1) * scale.step + 1), _NARROWEST)
    strips, y = [], _MARGIN + _FOOTER
    bottom = y
    for lead in reversed(range(len(example.leads))):
        strip = _strip(example, lead, scale, y)
        strips.append(strip)
        y = strip.top
    width = paper_width + 2 * _MARGIN
    return Sheet(width, y + _HEADER, _MARGIN, bottom, paper_width, y - bottom, start, tuple(reversed(strips)), scale)


def _scale(example: Example) -> Scale:
    if example.unit == "mV" and example.sampling_rate > 0:
        return Scale(MM_PER_SECOND / example.sampling_rate, MM_PER_MILLIVOLT, paper=True)
    reach = float(np.ptp(example.signal, axis=0).max()) or 1.0
    return Scale(60.0 / max(len(example.signal) - 1, 1), 20.0 / reach, paper=False)


def _strip(example: Example, lead: int, scale: Scale, bottom: float) -> Strip:
    """Room for one lead: its signal, as much of the reconstruction as is near it, and the error beneath."""
    signal = example.signal[:, lead]
    low, high = float(signal.min()), float(signal.max())
    square = SQUARE / scale.unit
    error_height, traces = 0.0, [signal]
    if example.reconstruction is not None:
        trace = example.reconstruction[:, lead]
        reach, traces = 3 * square, [signal, trace]
        low, high = max(low - reach, min(low, float(trace.min()))), min(high + reach, max(high, float(trace.max())))
        error_height = min(_squares(float(np.abs(signal - trace).max()) * scale.unit), _TALLEST_ERROR)
    below, above = math.floor(low / square + 1e-9), math.ceil(high / square - 1e-9)
    if above - below > _TALLEST:  # no room for all of it: the pen stops at the edge of the paper, which is marked
        below, above = fullest(np.clip(np.concatenate(traces), low, high), square, _TALLEST)
    origin = 0 if below <= 0 <= above else below
    above = max(above, origin + 2) if scale.paper else above  # room for the calibration pulse
    base = bottom + error_height
    zero = base + (origin - below) * SQUARE
    error = bottom if example.reconstruction is not None else None
    return Strip(zero, origin * square, bottom, base + (above - below) * SQUARE + SQUARE, error)


def _squares(length: float) -> float:
    """The next whole number of large squares, in millimetres."""
    return SQUARE * max(1, math.ceil(length / SQUARE - 1e-9))


def _draw_grid(axes: Axes, sheet: Sheet) -> None:
    """Paper and grid: two paths, however many lines there are."""
    x0, y0, width, height = sheet.left, sheet.bottom, sheet.paper_width, sheet.paper_height
    small, heavy = (_SMALL, _HEAVY) if sheet.scale.paper else (_PLAIN_SMALL, _PLAIN_HEAVY)
    ground = _GROUND if sheet.scale.paper else "#ffffff"
    axes.add_artist(Rectangle((x0, y0), width, height, facecolor=ground, edgecolor="none", clip_on=False))
    for every, colour, weight in ((1.0, small, 0.1), (SQUARE, heavy, 0.2)):
        points: list[tuple[float, float]] = []
        for number in range(round(width / every) + 1):
            points += [(x0 + number * every, y0), (x0 + number * every, y0 + height)]
        for number in range(round(height / every) + 1):
            points += [(x0, y0 + number * every), (x0 + width, y0 + number * every)]
        path = Path(points, [Path.MOVETO, Path.LINETO] * (len(points) // 2))
        axes.add_artist(PathPatch(path, facecolor="none", edgecolor=colour, linewidth=weight * MM, clip_on=False))


def _draw_lead(axes: Axes, sheet: Sheet, strip: Strip, example: Example, lead: int) -> None:
    x = sheet.left + sheet.start + np.arange(len(example.signal)) * sheet.scale.step
    signal = example.signal[:, lead]
    low = strip.bottom
    if example.reconstruction is not None and strip.error is not None:
        trace = example.reconstruction[:, lead]
        error = strip.error + np.minimum(np.abs(signal - trace) * sheet.scale.unit, _TALLEST_ERROR)
        outline = Path(
            thin(np.concatenate([[x[0]], x, [x[-1]]]), np.concatenate([[strip.error], error, [strip.error]]))
        )
        fill = (*to_rgb(ERROR), 0.4)
        axes.add_artist(PathPatch(outline, facecolor=fill, edgecolor=ERROR, linewidth=0.16 * MM, clip_on=False))
        _line(axes, x, _height(signal, sheet, strip, low), SIGNAL, 0.4)
        _line(axes, x, _height(trace, sheet, strip, low), RECONSTRUCTION, 0.26)
    else:
        _line(axes, x, _height(signal, sheet, strip, low), SIGNAL, 0.4)
    left = sheet.left
    if sheet.scale.paper:
        pulse_x = left + np.array([1.0, 2.0, 2.0, 7.0, 7.0, 8.0])
        pulse_y = strip.zero + np.array([0, 0, 1, 1, 0, 0]) * MM_PER_MILLIVOLT
        _line(axes, pulse_x, pulse_y, SIGNAL, 0.32)
    name = clip(example.leads[lead], 10)
    axes.text(left + 1, strip.top - 3, name, fontsize=5.5, fontweight="bold", color=_TEXT, clip_on=False)


def _mark_lead(axes: Axes, sheet: Sheet, strip: Strip, example: Example, lead: int) -> None:
    """Arrows where a line leaves the paper of its strip, or the error its room, with how far they go."""
    x = sheet.left + sheet.start + np.arange(len(example.signal)) * sheet.scale.step
    signal, unit = example.signal[:, lead], clip(example.unit, 8)
    traces = [signal]
    if example.reconstruction is not None and strip.error is not None:
        traces.append(example.reconstruction[:, lead])
        error = np.abs(signal - traces[1])
        for where, value in _leaving(x, error, error * sheet.scale.unit > _TALLEST_ERROR + _SLACK):
            _arrow(axes, sheet, where, strip.error + _TALLEST_ERROR, f"error {value:.3g} {unit}", 1, above=True)
    for side, edge in ((1, strip.top), (-1, strip.bottom)):
        far = np.max([side * values for values in traces], axis=0)
        for where, value in _leaving(
            x, far, (far - side * strip.origin) * sheet.scale.unit > side * (edge - strip.zero) + _SLACK
        ):
            _arrow(axes, sheet, where, edge, f"{side * value:.3g} {unit}".replace("-", "−"), side)


def _leaving(x: NDArray[Any], far: F64, out: NDArray[np.bool_]) -> Iterator[tuple[float, float]]:
    """Place and value of a mark for each group of neighbours that are out: those of the farthest of them."""
    at = np.flatnonzero(out)
    for group in np.split(at, np.flatnonzero(np.diff(x[at]) > _LABEL) + 1) if len(at) else []:
        farthest = group[int(far[group].argmax())]
        yield float(x[farthest]), float(far[farthest])


def _arrow(axes: Axes, sheet: Sheet, x: float, edge: float, text: str, side: int, *, above: bool = False) -> None:
    """An arrow at an edge and what it says, beside it or `above` the edge, where nothing else is."""
    tip, foot = edge - 0.2 * side, edge - 2.2 * side
    outline = Path([(x, tip), (x - 1, foot), (x + 1, foot), (x, tip)], closed=True)
    axes.add_artist(PathPatch(outline, facecolor=_TEXT, edgecolor="none", clip_on=False))
    right = x + 1.5 + 1.3 * len(text) < sheet.left + sheet.paper_width
    base = edge - 2.2 if side > 0 and not above else edge + 0.5
    place_, look = (x + 1.5, "left") if right else (x - 1.5, "right")
    axes.text(place_, base, text, fontsize=4.8, fontweight="bold", color=_TEXT, ha=look, clip_on=False)


def _height(values: F64, sheet: Sheet, strip: Strip, low: float) -> F64:
    return np.clip(strip.zero + (values - strip.origin) * sheet.scale.unit, low, strip.top)


def _line(axes: Axes, x: NDArray[Any], y: NDArray[Any], colour: str, width: float) -> None:
    points = thin(x, y)
    axes.add_artist(Line2D(points[:, 0], points[:, 1], color=colour, linewidth=width * MM, clip_on=False))


def thin(x: NDArray[Any], y: NDArray[Any], tolerance: float = 0.02) -> F64:
    """The corners of a line that are needed to draw it within `tolerance` millimetres (Douglas & Peucker 1973).

    Args:
        x: Abscissas in millimetres, shape (n,).
        y: Ordinates in millimetres, shape (n,).
        tolerance: The greatest distance from a point left out to the line drawn.

    Returns:
        Points, shape (m, 2), m ≤ n; the first and the last are kept.
    """
    points = np.stack([x, y], axis=1)
    kept = np.zeros(len(points), dtype=bool)
    kept[[0, -1]] = True
    open_ends = [(0, len(points) - 1)]
    while open_ends:
        first, last = open_ends.pop()
        if last - first < 2:
            continue
        offset, chord = points[first + 1 : last] - points[first], points[last] - points[first]
        length = float(chord @ chord)
        along = np.clip(offset @ chord / length, 0, 1) if length else np.zeros(len(offset))
        away = np.hypot(*(offset - along[:, None] * chord).T)
        farthest = int(away.argmax())
        if away[farthest] > tolerance:
            middle = first + 1 + farthest
            kept[middle] = True
            open_ends += [(first, middle), (middle, last)]
    return points[kept]


def _draw_time(axes: Axes, sheet: Sheet, example: Example) -> None:
    """Seconds beneath the heavy lines, zero at the R peak where there is one."""
    steps, centre = len(example.signal), example.centre or 0
    first = sheet.left + sheet.start
    zero = first + centre * sheet.scale.step
    if sheet.scale.paper:
        duration = (steps - 1) / example.sampling_rate
        every = next(
            (step for step in (0.2, 0.4, 1.0, 2.0) if duration / step <= (7 if step < 1 else 12)),
            math.ceil(duration / 12),
        )
        per = MM_PER_SECOND
    else:
        every, per = float(max(1, 10 ** math.floor(math.log10(max(steps / 3, 1))))), sheet.scale.step
    lowest = math.ceil((first - zero) / per / every - 1e-6)
    highest = math.floor((first + (steps - 1) * sheet.scale.step - zero) / per / every + 1e-6)
    for number in range(lowest, highest + 1):
        x, value = zero + number * every * per, number * every
        text = f"{value:.1f}" if every < 1 and number else f"{value:.0f}"
        _line(axes, np.array([x, x]), np.array([sheet.bottom - 0.8, sheet.bottom]), _SOFT, 0.2)
        axes.text(x, sheet.bottom - 2.9, text.replace("-", "−"), fontsize=4.6, ha="center", color=_SOFT, clip_on=False)


def _write(axes: Axes, sheet: Sheet, example: Example, threshold: float | None, note: str) -> None:
    """Heading above the paper, scale and legend beneath."""
    x, top, room = sheet.left, sheet.height, sheet.width - 2 * _MARGIN
    decision = f"score {example.score:.3g}"
    if threshold is not None and math.isfinite(threshold):
        decision += f" {'≥' if example.score >= threshold else '<'} {threshold:.3g}"
    heading = clip(f"{example.class_name}, {example.kind}", int(room / 1.55))
    axes.text(x, top - 3.6, heading, fontsize=7, fontweight="bold", color=_TEXT, clip_on=False)
    axes.text(x, top - 6.5, clip(note, int(room / 1.1)), fontsize=5.2, color=_SOFT, clip_on=False)
    axes.text(x, top - 9.2, clip(decision, int(room / 1.1)), fontsize=5.2, color=_SOFT, clip_on=False)
    unit = clip(example.unit, 12)
    if sheet.scale.paper:
        peak = "seconds from R" if example.centre is not None else "seconds"
        words = f"{peak} · 25 mm/s · 10 mm/mV"
    else:
        words = f"time steps · signal in {unit}" if unit else "time steps"
    axes.text(x, sheet.bottom - 5.8, words, fontsize=4.8, color=_SOFT, clip_on=False)
    entries = [("signal", SIGNAL, 8.0)]
    if example.reconstruction is not None:
        entries += [("reconstruction", RECONSTRUCTION, 16.0), ("error", ERROR, 8.0)]
    y = sheet.bottom - 9.2
    for name, colour, advance in entries:
        _line(axes, np.array([x, x + 2.2]), np.array([y + 0.6, y + 0.6]), colour, 0.45)
        axes.text(x + 2.9, y, name, fontsize=4.8, color=_SOFT, clip_on=False)
        x += 2.9 + advance
