"""How Sphinx builds these pages (`make docs`); nothing is fetched from a network.

The pages are plain Markdown, read in the repository as well. Two things are different here: the order of the pages
is that of the links in `index.md`, and links to Markdown files outside this folder become plain text.
"""

import functools
import gc
import inspect
import re
import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from sphinx.addnodes import toctree
from sphinx.domains.python import PythonDomain

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # the reference describes the code beside these pages

project = "ECGAN"
author = "The ECGAN developers"
version = release = installed("ecgan")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.apidoc"]
exclude_patterns = ["_build", "examples/**"]
default_role = "code"  # names between single backticks
myst_heading_anchors = 3

# The reference in `api/` is written from the modules at every build.
apidoc_modules = [
    {
        "path": "../ecgan",
        "destination": "api",
        "exclude_patterns": [f"../ecgan/{name}.py" for name in ("__main__", "about", "cli", "commands")],
        "module_first": True,
        "automodule_options": {"members", "show-inheritance"},
    }
]
apidoc_remove_old = True
autodoc_default_options = {
    "ignore-module-all": True,  # each name once, where it is defined
    "exclude-members": "model_config",  # of every class of parameters, and the same
}
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "description"
autodoc_use_type_comments = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_title = f"ECGAN {version}"
html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False

_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_LITERAL = re.compile(r"(?<![:`])`([^`]+)`(?![`_])")
_COLON = "\ue000"
_BAR = re.compile(r"``.*?``|(\|)")


def _read(_app: Any, page: str, source: list[str]) -> None:
    """Give the index a table of contents, and take links out that leave the documentation."""
    text = source[0]
    if page == "index":
        pages = [target.removesuffix(".md") for _, target in _LINK.findall(text) if re.fullmatch(r"[\w-]+\.md", target)]
        listed = "\n".join([*dict.fromkeys(pages), "Library <api/modules>"])
        text += f"\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    source[0] = _LINK.sub(lambda match: match[1] if re.match(r"(\.\./)+.*\.md", match[2]) else match[0], text)


def _whole(_app: Any, what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Keep what stands before a colon from being read as the type of a value."""
    if what in ("attribute", "data", "property") and lines:
        lines[0] = lines[0].replace(":", _COLON)


def _plain(_app: Any, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Read what stands between backticks as it is, as in Markdown, and |x| not as a substitution."""
    for index, line in enumerate(lines):
        line = line.replace(_COLON, ":")
        literal = _LITERAL.sub(lambda match: f"``{match[1].strip()}``", line)
        lines[index] = _BAR.sub(lambda match: r"\|" if match[1] else match[0], literal)


class Python(PythonDomain):
    """Names of Python, of which those of other packages are not searched for among all that end like them."""

    def find_obj(self, env: Any, modname: str, classname: str, name: str, *how: Any) -> list[Any]:
        """Find what is described under a name."""
        if name.removesuffix("()").rpartition(".")[2] not in _ends(self, len(self.objects)):
            return []
        return super().find_obj(env, modname, classname, name, *how)


@functools.lru_cache(maxsize=1)
def _ends(domain: PythonDomain, _number: int) -> set[str]:
    """Return the last parts of all names that are described."""
    return {name.rpartition(".")[2] for name in domain.objects}


def _titles_only(app: Any, _page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Make the list of all pages, for each of them, without a copy of their headings, which it does not show."""
    make = context["toctree"]

    def made(**options: Any) -> Any:
        whole = app.env.tocs
        if options.get("titles_only"):
            app.env.tocs = _titles(app.env)
        try:
            return make(**options)
        finally:
            app.env.tocs = whole

    context["toctree"] = made


@functools.cache
def _titles(env: Any) -> dict[str, Any]:
    """Return the contents of pages: their titles and lists of other pages."""
    found = {page: contents.deepcopy() for page, contents in env.tocs.items()}
    for contents in found.values():
        for title in contents.children:
            for headings in title.children[1:]:
                headings[:] = list(title.findall(toctree))
    return found


def setup(app: Any) -> None:
    """Connect the functions above."""
    gc.disable()  # a third of the time: trees of all pages, gone through again and again; 1.4 GB without
    inspect.getsource = functools.lru_cache(maxsize=1)(inspect.getsource)  # asked for twice in turn
    app.add_domain(Python, override=True)
    app.connect("html-page-context", _titles_only, priority=400)  # before the theme
    app.connect("source-read", _read)
    app.connect("autodoc-process-docstring", _whole, priority=400)  # before Napoleon
    app.connect("autodoc-process-docstring", _plain)
