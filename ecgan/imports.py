"""Which files a module imports, read from its source: also imports inside functions, without running anything."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
"""Where this package lies; in a clone, `stages` and `plugins` lie beside it."""

INSTALLED: Final = Path(__file__).parent / "_stages"
"""Where a wheel has the stages."""

STAGES: Final = INSTALLED if INSTALLED.is_dir() else ROOT / "stages"

Tops = tuple[tuple[str, Path], ...]
"""Packages that are looked into, each with its folder; others are libraries."""

OWN: Final[Tops] = (("ecgan", ROOT / "ecgan"), ("stages", STAGES), ("plugins", ROOT / "plugins"))


def closure(files: Iterable[Path], tops: Tops = OWN) -> set[Path]:
    """Return the files and all that they import, directly or not.

    What only the type checker sees does not count, nor what is imported by a name that is put together while running.

    Args:
        files: Where to begin.
        tops: Packages that are looked into.
    """
    seen: set[Path] = set()
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting.extend(direct(file, tops))
    return seen


@cache
def direct(file: Path, tops: Tops = OWN) -> frozenset[Path]:
    """Return the files that one file imports."""
    found: set[Path] = set()
    for level, name in _named(file):
        found |= _below(file.parents[level - 1], name) if level else module_files(name, tops)
    return frozenset(found)


@cache
def _named(file: Path) -> set[tuple[int, str]]:
    """Return what one file imports: modules, and what may be one, each with the number of dots before its name."""
    found: set[tuple[int, str]] = set()
    for node in _running(ast.parse(file.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            found |= {(0, alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inner = [f"{node.module}.{alias.name}" if node.module else alias.name for alias in node.names]
            found |= {(node.level, name) for name in (node.module, *inner) if name}
    return found


def module_files(name: str, tops: Tops = OWN) -> set[Path]:
    """Return the file of a module and those of the packages around it; none where it is not looked into."""
    top, _, rest = name.partition(".")
    folder = dict(tops).get(top)
    return _files(folder) | _below(folder, rest) if folder is not None else set()


def _below(folder: Path, name: str) -> set[Path]:
    """Return the files of a module below a folder, with those of the packages around it."""
    found = set()
    for part in filter(None, name.split(".")):
        folder /= part
        found |= _files(folder)
    return found


def _files(module: Path) -> set[Path]:
    """Return the file of a module that is named without its suffix, or of a package."""
    return {place for place in (module.with_name(f"{module.name}.py"), module / "__init__.py") if place.is_file()}


def _running(statements: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield statements and those inside of them; an expression imports nothing."""
    for node in statements:
        if not (isinstance(node, ast.If) and _for_the_type_checker(node.test)):
            yield node
            for field in ("body", "handlers", "cases", "orelse", "finalbody"):
                yield from _running(getattr(node, field, ()))


def _for_the_type_checker(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in (getattr(test, "id", None), getattr(test, "attr", None))
