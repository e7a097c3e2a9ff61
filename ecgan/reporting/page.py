"""The report as one HTML page that needs nothing else: no request, no library, no other file."""

import re

from markupsafe import Markup

from ecgan.reporting.beats import KIND_TEXT
from ecgan.reporting.content import Content
from ecgan.reporting.inputs import KINDS
from ecgan.reporting.rendering import render
from ecgan.reporting.style import embedded


def html_page(content: Content) -> str:
    """The page as text.

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
