"""What portable code does not call: functions of torch whose last bits on a CPU depend on who made the processor.

MKL computes them by kernels that begin with the estimates RSQRTPS and RCPPS, for which Intel and AMD have tables of
their own. Found by computing each function of torch that might be called on two processors, one of them emulated.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROOTS = {"sqrt", "cdist", "_foreach_sqrt"}
OTHERS = {"log", "log10", "tan", "asin", "arcsin", "acos", "arccos", "atan", "arctan"}
PLAIN = {"Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam"}  # but for those that are fused
EXACT = {"np", "math", "numpy"}
ELSEWHERE = ("exporting",)  # a graph that other programs compute


def uncertain(source: str) -> Iterator[str]:
    """Yield what of a module's calls is none of portable code."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, owner = node.func.attr, node.func.value
            exact = isinstance(owner, ast.Name) and owner.id in EXACT
            if name.removesuffix("_") in ROOTS | OTHERS and not exact:
                yield f"line {node.lineno}: {name}"
            fused = any(word.arg == "fused" and ast.unparse(word.value) == "True" for word in node.keywords)
            if name in PLAIN and not fused:
                yield f"line {node.lineno}: {name} without fused=True"


def modules() -> list[Path]:
    """Every module in which torch is imported."""
    found = []
    for file in sorted((ROOT / "ecgan").rglob("*.py")):
        inside = file.relative_to(ROOT / "ecgan")
        if inside.parts[0] not in ELSEWHERE and inside != Path("arithmetic.py") and "torch" in file.read_text("utf-8"):
            found.append(file)
    return found


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_function_whose_bits_depend_on_the_processor_is_called(file: Path) -> None:
    assert list(uncertain(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("x.sqrt()", 1),
        ("x.square().sum().sqrt_()", 1),
        ("torch.sqrt(x)", 1),
        ("torch._foreach_sqrt_(x)", 1),
        ("torch.optim.Adam(p, lr=1)", 1),
        ("torch.optim.Adam(p, lr=1, fused=False)", 1),
        ("torch.optim.Adam(p, lr=1, fused=True)", 0),
        ("math.sqrt(2) * np.sqrt(x) * square_root(x)", 0),
        ("torch.log(x) + x.log10() + np.log(2)", 2),
    ],
)
def test_what_is_found(code: str, count: int) -> None:
    assert len(list(uncertain(code))) == count
