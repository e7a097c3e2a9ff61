"""How figures look, and how a matplotlib figure becomes the same SVG bytes on every machine."""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any, Final

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from ecgan.reporting.legal import legal
from ecgan.terminal import ACTING

INK: Final = "#1f2430"
MUTED: Final = "#667080"
RULE: Final = "#dfe3e9"
CARD: Final = "#fffffe"
"""Ink, secondary ink, thin rules and ground of the diagrams; the page exchanges them for those of its theme."""

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Colours told apart with every common colour blindness (Okabe & Ito 2008, without yellow and black)."""

DASHES: Final[tuple[Any, ...]] = (
    *("solid", (0, (5, 2)), (0, (1.2, 1.4)), (0, (6, 1.6, 1.2, 1.6))),
    (0, (5, 1.4, 1.2, 1.4, 1.2, 1.4)),
)
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
"""Told apart, with the dashes, where there is no colour."""
FONT: Final = "'DejaVu Sans', sans-serif"
_NOT_IN_SVG: Final = re.compile(f"(?!\n)[{ACTING}\ufffe\uffff]")
MM: Final = 72 / 25.4
"""Points in a millimetre."""

_SETTINGS: Final[Any] = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],  # the one that comes with matplotlib, so widths are measured alike everywhere
    "font.size": 8.5,
    "text.parse_math": False,
    "text.color": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "ecgan",
    "path.simplify": True,
    "axes.facecolor": "none",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.use_mathtext": False,
    "axes.formatter.useoffset": False,
    "axes.unicode_minus": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "lines.solid_capstyle": "round",
}
_KEPT: Final = ("backend", "interactive", "toolbar", "webagg", "tk.", "macosx", "timezone", "datapath")


@contextmanager
def style() -> Iterator[None]:
    """Settings of the figures, whatever the user's matplotlibrc says; restored afterwards."""
    with warnings.catch_warnings(), matplotlib.rc_context():
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        defaults: Any = {k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith(_KEPT)}
        matplotlib.rcParams.update(defaults)
        matplotlib.rcParams.update(_SETTINGS)
        yield


def new_figure(width: float, height: float, ground: str = CARD) -> Figure:
    """A figure of the given size in millimetres, outside of pyplot."""
    figure = Figure(figsize=(width / 25.4, height / 25.4), facecolor=ground)
    FigureCanvasSVG(figure)
    return figure


def place(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place given in millimetres."""
    w, h = (float(side) * 25.4 for side in figure.get_size_inches())
    return figure.add_axes((left / w, bottom / h, width / w, height / h))


def name_axes(
    axes: Axes, *, x: str = "", y: str = "", below: float = 7.5, beside: float = 9.2, size: float = 8.5
) -> None:
    """Write what the axes show on base lines at fixed distances: how high text is depends on the library's version.

    Args:
        axes: Placed by `place`.
        x: What the horizontal axis shows.
        y: What the vertical axis shows.
        below: Millimetres from the horizontal axis down to the base line of `x`.
        beside: Millimetres from the vertical axis to the base line of `y`.
        size: Points.
    """
    box, (w, h) = axes.get_position(), axes.get_figure(root=True).get_size_inches()  # type: ignore[union-attr]
    axes.set_xlabel(x, fontsize=size, va="baseline")
    axes.xaxis.set_label_coords(0.5, -below / (float(h) * 25.4 * box.height))
    axes.set_ylabel(y, fontsize=size, va="baseline")
    axes.yaxis.set_label_coords(-beside / (float(w) * 25.4 * box.width), 0.5)


def svg_text(figure: Figure, title: str) -> str:
    """A figure as one `<svg>` element: no date, no metadata, no ids but those referred to, two decimals of a point.

    It was made by `new_figure` within `style()`; `title` says what it shows to those who cannot see it.
    """
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing, facecolor=figure.get_facecolor())
    text = buffer.getvalue()
    text = _NOT_IN_SVG.sub(" ", text[text.index("<svg") :])
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*</defs>\s*", "", text)
    used = set(re.findall(r"(?:url\(|href=\")#([^\")]+)", text))
    for number, name in enumerate(sorted(set(re.findall(r'\bid="([^"]*)"', text)), key=text.index)):
        new = f' id="e{number}"' if name in used else ""
        text = text.replace(f' id="{name}"', new)
        if new:
            text = text.replace(f"#{name})", f"#e{number})").replace(f'#{name}"', f'#e{number}"')
    text = re.sub(r"<[^>]*>", _compact_tag, text)
    width, height = (float(side) * 25.4 for side in figure.get_size_inches())
    text = re.sub(r'\s*\b(width|height)="[\d.]+pt"', "", text, count=2)
    head = f'<svg role="img" width="{_number(width)}mm" height="{_number(height)}mm" style="stroke-linejoin:round"'
    text = text.replace("<svg", head, 1)
    at = text.index(">", text.index("<svg")) + 1
    text = f"{text[:at]}<title>{escape(legal(title))}</title>{text[at:]}"
    return re.sub(r">\s+<", ">\n<", re.sub(r"[ \t]+\n", "\n", text)).replace("\n ", " ").strip() + "\n"


def embedded(svg: str, name: str) -> str:
    """The SVG for a place inside an HTML page: ids of its own, colours and font of the page's theme."""
    svg = re.sub(r'(\bid="|href="#|url\(#)(e\d+)', rf"\g<1>{name}-\g<2>", svg)
    for colour, variable in ((INK, "ink"), (MUTED, "muted"), (RULE, "rule"), (CARD, "card")):
        svg = svg.replace(colour, f"var(--{variable})")
    return svg.replace(FONT, "var(--sans)")


def clip(text: str, length: int) -> str:
    """Text of at most `length` characters, an ellipsis standing for the rest."""
    text = legal(text)
    return text if len(text) <= length else text[: max(length - 1, 0)].rstrip() + "…"


def slug(text: str) -> str:
    """At most 40 small letters, digits and hyphens, for the name of a file."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40]


def line_styles(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour, dashes and marker of each name, in the given order: the same in all figures of a report."""
    looks = enumerate(dict.fromkeys(names))
    return {
        name: {
            "color": COLOURS[i % len(COLOURS)],
            "linestyle": DASHES[i % len(DASHES)],
            "marker": MARKERS[i % len(MARKERS)],
            "markersize": 5.2,
            "markeredgewidth": 0.6,
            "markeredgecolor": CARD,
        }
        for i, name in looks
    }


def _compact_tag(tag: re.Match[str]) -> str:
    """A tag with two decimals and short paths; text between tags is not touched."""
    short = re.sub(r'(\bd=")([^"]*)"', lambda found: f'{found[1]}{_compact_path(found[2])}"', tag[0])
    return re.sub(r"-?\d+\.\d{3,}", lambda found: _number(float(found[0])), short)


def _compact_path(path: str) -> str:
    """The same path with relative lines, h and v where they fit; hundredths of a point, no drift."""
    if set(re.findall("[A-Za-z]", path)) - set("MLz"):
        return " ".join(path.split())
    out, x, y, start = "", 0, 0, (0, 0)
    for command, *point in re.findall(r"([MLz])(?:\s+([-+.\de]+)\s+([-+.\de]+))?", path):
        if command == "z":
            out, (x, y) = f"{out}z", start
            continue
        to_x, to_y = (round(float(value) * 100) for value in point)
        across, down = _number((to_x - x) / 100), _number((to_y - y) / 100)
        if command == "M":
            out, start = f"{out}M{_number(to_x / 100)} {_number(to_y / 100)}", (to_x, to_y)
        elif to_x != x and to_y != y:
            out += f"l{across} {down}"
        elif (to_x, to_y) != (x, y):
            out += f"h{across}" if to_x != x else f"v{down}"
        x, y = to_x, to_y
    return out


def _number(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    if text in {"-0", ""}:
        return "0"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
