"""Every variable of the environment that the code reads or sets is in the list of what it does to numbers."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ecgan.arithmetic import PORTABLE

from .imports import ROOT

PAGE = (ROOT / "docs" / "structure.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("| what it does to numbers |")[2].partition("\n\n")[0]


def constants(tree: ast.Module) -> dict[str, str]:
    pairs = [(node.targets[0], node.value) for node in tree.body if isinstance(node, ast.Assign)]
    pairs += [(node.target, node.value) for node in tree.body if isinstance(node, ast.AnnAssign)]
    return {
        name.id: value.value
        for name, value in pairs
        if isinstance(name, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str)
    }


def variables(file: Path) -> Iterator[str]:
    """Names that `os.environ[…]`, `os.environ.get(…)` and the like are asked for; `…` where it is not written out."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    known = constants(tree)
    for node in ast.walk(tree):
        asked = None
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            asked = node.slice
        if isinstance(node, ast.Call) and re.fullmatch(r"os\.(environ\.\w+|getenv)", ast.unparse(node.func)):
            asked = node.args[0]
        if isinstance(asked, ast.Constant):
            yield str(asked.value)
        elif isinstance(asked, ast.Name):
            yield known.get(asked.id, "…")
        elif isinstance(asked, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in asked.values)


def test_every_variable_is_in_the_list_of_what_it_does_to_numbers() -> None:
    found = {
        name: file
        for folder in ("ecgan", "stages")
        for file in (ROOT / folder).rglob("*.py")
        if file.name not in ("about.py", "arithmetic.py")  # shows what is set; reads what it sets
        for name in variables(file)
    }
    found |= dict.fromkeys(PORTABLE, ROOT / "ecgan/arithmetic.py")
    assert {"ECGAN_DEVICE", "ECGAN_MIRROR", "OMP_NUM_THREADS", "CUBLAS_WORKSPACE_CONFIG"} <= set(found)
    patterns = [re.escape(name).replace("…", ".*") for name in re.findall(r"`([A-Z_…]+)`", TABLE)]
    missing = {name: str(file) for name, file in found.items() if not any(re.fullmatch(p, name) for p in patterns)}
    assert not missing, "add it to the table of docs/structure.md"
