"""Which files a module imports, read from its source: also imports inside functions, without running anything."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
"""Where this package lies; `stages` and `plugins` of a project lie beside it."""

Tops = tuple[tuple[str, Path], ...]
"""Packages that are looked into, each with the folder that holds it; others are libraries."""

OWN: Final[Tops] = tuple((name, ROOT) for name in ("ecgan", "stages", "plugins"))


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
    for node in _running(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found |= module_files(alias.name, tops)
        elif isinstance(node, ast.ImportFrom):
            inner = [f"{node.module}.{alias.name}" if node.module else alias.name for alias in node.names]
            for name in filter(None, [node.module, *inner]):
                found |= _below(file.parents[node.level - 1], name) if node.level else module_files(name, tops)
    return frozenset(found)


def module_files(name: str, tops: Tops = OWN) -> set[Path]:
    """Return the file of a module and those of the packages around it; none where it is not looked into."""
    folder = dict(tops).get(name.partition(".")[0])
    return _below(folder, name) if folder is not None else set()


def _below(folder: Path, name: str) -> set[Path]:
    """Return the files of a module below a folder, with those of the packages around it."""
    found = set()
    for part in name.split("."):
        places = (folder / f"{part}.py", folder / part / "__init__.py")
        found |= {place for place in places if place.is_file()}
        folder /= part
    return found


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            continue
        yield node
        yield from _running(node)
