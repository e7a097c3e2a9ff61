"""Run the page `notebook.md` and write it as an executed notebook: `python docs/notebook.py`.

Nothing but the standard library and ECGAN takes part, and the same code gives the same bytes. A test runs the page too,
and holds the notebook's text, code and kinds of output against it.
"""

import ast
import base64
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE / "notebook.md"
NOTEBOOK = HERE / "examples" / "notebook.ipynb"
LINK = re.compile(r"\]\(([^)\s:#]+)\)")
_CODE = re.compile(r"^```python\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def cells() -> Iterator[tuple[str, str]]:
    """Yield kind and text of each cell: what stands between snippets, and the snippets."""
    for index, text in enumerate(_CODE.split(PAGE.read_text(encoding="utf-8"))):
        if text.strip():
            yield ("code" if index % 2 else "markdown"), text.strip("\n")


def run(code: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """Run a snippet and return what a notebook shows below it."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"<cell {number}>", "exec"), names)  # noqa: S102
        if last is not None:
            assert isinstance(last, ast.Expr)
            value = eval(compile(ast.Expression(last.value), f"<cell {number}>", "eval"), names)  # noqa: S307
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": lines(printed.getvalue())})
    if value is not None:
        outputs.append(
            {"data": shown(value), "execution_count": number, "metadata": {}, "output_type": "execute_result"}
        )
    return outputs


def shown(value: Any) -> dict[str, Any]:
    """Return a value as a notebook keeps it."""
    data: dict[str, Any] = {"text/plain": lines(repr(value))}
    if hasattr(value, "_repr_png_"):
        data["image/png"] = base64.b64encode(value._repr_png_()).decode()
    elif hasattr(value, "_repr_html_"):
        data["text/html"] = lines(value._repr_html_())
    return data


def lines(text: str) -> list[str]:
    """Return text as a notebook keeps it."""
    return text.splitlines(keepends=True)


def notebook() -> dict[str, Any]:
    """Run all cells in the folder that this process is in."""
    names: dict[str, Any] = {"__name__": "__main__"}
    made: list[dict[str, Any]] = []
    number = 0
    for kind, text in cells():
        cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{len(made):02d}", "metadata": {}, "source": lines(text)}
        if kind == "code":
            number += 1
            cell |= {"execution_count": number, "outputs": run(text, names, number)}
        else:
            cell["source"] = lines(LINK.sub(r"](../\1)", text))  # one folder further down
        made.append(cell)
    about = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return {"cells": made, "metadata": about, "nbformat": 4, "nbformat_minor": 5}


def main() -> None:
    """Run the page in an empty folder and a fresh process, and write the notebook."""
    if sys.argv[1:] == ["run"]:
        sys.stdout.write(json.dumps(notebook(), indent=1, ensure_ascii=False, sort_keys=True) + "\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
        command = [sys.executable, str(Path(__file__).resolve()), "run"]
        text = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True).stdout
    NOTEBOOK.write_bytes(text)


if __name__ == "__main__":
    main()
