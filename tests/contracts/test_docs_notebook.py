"""The page `docs/notebook.md` runs from an empty folder in a fresh process, and the executed notebook is made of it."""

import importlib.util
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import forking

from ..pipeline.project import environment
from .imports import ROOT

SCRIPT = ROOT / "docs" / "notebook.py"
COMMITTED: Any = json.loads((ROOT / "docs/examples/notebook.ipynb").read_text(encoding="utf-8"))
AGAIN = "run: python docs/notebook.py"


@cache
def script() -> Any:
    """The script docs/notebook.py."""
    spec = importlib.util.spec_from_file_location("docs_notebook", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outline(notebook: Any) -> list[tuple[str, str, list[list[str]]]]:
    """Kind and text of each cell, and the kinds of its outputs; no numbers and no pixels."""
    return [
        (
            cell["cell_type"],
            "".join(cell["source"]),
            [sorted(output.get("data", {})) or [output["output_type"]] for output in cell.get("outputs", [])],
        )
        for cell in notebook["cells"]
    ]


@pytest.mark.slow
def test_every_snippet_runs_from_an_empty_folder_and_the_notebook_shows_it(tmp_path: Path) -> None:
    code = (
        f"import runpy, sys; sys.argv[:] = [{str(SCRIPT)!r}, 'run']; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    done = forking.run([sys.executable, "-c", code], tmp_path, environment(PYTHONPATH=str(ROOT)))
    assert done.returncode == 0, done.stderr
    assert outline(json.loads(done.stdout)) == outline(COMMITTED), AGAIN
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"recordings", "models", "p03.csv", "p03.html", "p03.ecgan"}


def test_the_notebook_holds_the_code_of_the_page_and_figures() -> None:
    page = [text for kind, text in script().cells() if kind == "code"]
    assert page == ["".join(cell["source"]) for cell in COMMITTED["cells"] if cell["cell_type"] == "code"], AGAIN
    assert len(page) > 10
    assert sum("image/png" in kinds for _, _, outputs in outline(COMMITTED) for kinds in outputs) >= 2


def test_links_of_the_notebook_lead_somewhere() -> None:
    text = "".join(line for cell in COMMITTED["cells"] if cell["cell_type"] == "markdown" for line in cell["source"])
    for target in script().LINK.findall(text):
        assert (ROOT / "docs/examples" / target).exists(), target
