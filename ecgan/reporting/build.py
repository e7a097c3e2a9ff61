"""All files of a report."""

import re

from markupsafe import Markup

from ecgan.evaluation.examples import KINDS
from ecgan.files import csv_text
from ecgan.reporting.beats import KIND_TEXT
from ecgan.reporting.content import Content, compose
from ecgan.reporting.inputs import ReportInputs
from ecgan.reporting.markdown import summary
from ecgan.reporting.rendering import render
from ecgan.reporting.style import embedded


def build(inputs: ReportInputs) -> dict[str, str]:
    """Everything that the stage `report` writes; the same inputs give the same bytes.

    Returns:
        Text by path relative to the report's folder: `summary.md`, `index.html`, `results.csv`, `per_class.csv`,
        `folds.csv`, `per_finding.csv` where there are findings, `figures/*.svg` and `figures/beats/*.svg`.

    Raises:
        EcganError: Results that do not belong into one table.
    """
    content = compose(inputs)
    files = {"summary.md": summary(content), "index.html": html_page(content)}
    files |= {name: csv_text(frame, "%.6f") for name, frame in content.frames.items()}
    files |= {plot.path: plot.svg for plot in content.plots}
    files |= {beat.path: beat.svg for group in content.beats for beat in group.beats}
    return files


def html_page(content: Content) -> str:
    """The report as one HTML page that needs nothing else: no request, no library, no other file.

    Everything that comes from data is escaped. A content security policy inside the page forbids every request and
    every script but the one of the page, by its hash.
    """
    return render(
        "page.html.j2",
        styles=["page.css"],
        scripts=["page.js"],
        content=content,
        kinds=[(kind, KIND_TEXT[kind]) for kind in KINDS],
        inline=_inline,
    )


def _inline(svg: str, path: str) -> Markup:
    """An SVG drawn by this package, with ids of its own; its texts were escaped when it was drawn."""
    return Markup(embedded(svg.strip(), re.sub(r"[^a-z0-9]+", "-", path.removesuffix(".svg").lower())))  # noqa: S704
