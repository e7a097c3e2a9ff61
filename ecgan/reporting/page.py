"""The report as one HTML page that needs nothing else: no request, no library, no other file."""

import base64
import hashlib
import re
from importlib import resources

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from ecgan.reporting.beats import KIND_TEXT
from ecgan.reporting.content import Content
from ecgan.reporting.inputs import KINDS
from ecgan.reporting.style import embedded, legal

_FILES = ("page.html.j2", "grid.html.j2", "page.css", "page.js")


def html_page(content: Content) -> str:
    """The page as text.

    Everything that comes from data is escaped. A content security policy inside the page forbids every request and
    every script but the one of the page, by its hash.
    """
    folder = resources.files("ecgan.reporting") / "templates"
    files = {name: (folder / name).read_text(encoding="utf-8") for name in _FILES}
    environment = Environment(
        loader=DictLoader(files), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["legal"] = legal
    script = files["page.js"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html.j2").render(
        content=content,
        css=Markup(files["page.css"]),  # noqa: S704 - files of this package, not data
        script=Markup(script),  # noqa: S704
        script_hash=digest,
        kinds=[(kind, KIND_TEXT[kind]) for kind in KINDS],
        inline=_inline,
    )


def _inline(svg: str, path: str) -> Markup:
    """An SVG drawn by this package, with ids of its own; its texts were escaped when it was drawn."""
    return Markup(embedded(svg.strip(), re.sub(r"[^a-z0-9]+", "-", path.removesuffix(".svg").lower())))  # noqa: S704
