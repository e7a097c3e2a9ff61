"""Pages that need nothing else: a template, its style and its script in one file, everything from data escaped."""

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ecgan.reporting.legal import legal


def render(template: str, *, styles: Sequence[str], scripts: Sequence[str], **values: Any) -> str:
    """Fill in a template of this package.

    Args:
        template: Its name. It finds `css`, `script` and their hashes for a content security policy, `css_hash` and
            `script_hash`, besides `values`; the filter `legal` puts text on one line.
        styles: Names of the style sheets, joined in this order.
        scripts: Names of the scripts, joined in this order.
        values: What the template shows; escaped unless it is `Markup`.
    """
    environment = Environment(
        loader=PackageLoader("ecgan.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["legal"] = legal
    css, script = _joined(styles), _joined(scripts)
    return environment.get_template(template).render(
        css=css, css_hash=_digest(css), script=script, script_hash=_digest(script), **values
    )


def _joined(names: Sequence[str]) -> Markup:
    """Files of this package, not data: they go into the page as they are."""
    folder = resources.files("ecgan.reporting") / "templates"
    return Markup("\n".join((folder / name).read_text(encoding="utf-8") for name in names))  # noqa: S704


def _digest(text: str) -> str:
    """SHA-256 as a content security policy writes it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
