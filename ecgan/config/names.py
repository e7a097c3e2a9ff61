"""What the registries hold, found without importing torch: names, aliases and defaults read from the source text."""

import ast
import importlib.util
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ecgan.registry import Registry


@dataclass(frozen=True)
class Declared:
    """A class below `@register_…("name", "alias")` in the package."""

    name: str
    aliases: tuple[str, ...]
    body: ast.ClassDef


@cache
def declared(kind: str, package: str) -> tuple[Declared, ...]:
    """Return what the files of a package register, without importing them."""
    return tuple(entry for tree in _trees(package) for entry in _in_tree(tree, f"register_{kind}"))


def _in_tree(tree: ast.Module, decorator: str) -> Iterator[Declared]:
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        for call in node.decorator_list:
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != decorator:
                continue
            words = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if words and len(words) == len(call.args):
                yield Declared(words[0], tuple(words[1:]), node)


def resolve(registry: Registry[Any], name: str) -> str:
    """Return the registered name behind a name or alias; imports only what the source text does not tell.

    Raises:
        EcganError: There is no such name; the message lists what there is.
    """
    for entry in declared(registry.kind, registry.package):
        if name == entry.name or name in entry.aliases:
            return entry.name
    return registry.resolve(name)


def defaults_of(registry: Registry[Any], name: str) -> dict[str, dict[str, Any]]:
    """Return the defaults of other sections that a registered class brings, without importing it where possible.

    Args:
        registry: The registry.
        name: The registered name, no alias.
    """
    for entry in declared(registry.kind, registry.package):
        if entry.name == name:
            found = _literal_defaults(entry.body, _classes(registry.package))
            if found is not None:
                return found
    return deepcopy(dict(registry.get(name).defaults))


@cache
def _trees(package: str) -> tuple[ast.Module, ...]:
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    files = sorted(file for folder in folders for file in Path(folder).glob("*.py"))
    return tuple(ast.parse(file.read_text(encoding="utf-8")) for file in files)


def _classes(package: str) -> dict[str, ast.ClassDef]:
    return {node.name: node for tree in _trees(package) for node in tree.body if isinstance(node, ast.ClassDef)}


def _literal_defaults(body: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> dict[str, Any] | None:
    """Return the literal assigned to `defaults` in a class or its bases; None where only importing can tell."""
    for node in body.body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(target, ast.Name) and target.id == "defaults" for target in targets):
            try:
                value = ast.literal_eval(node.value)
            except ValueError:
                return None
            return value if isinstance(value, dict) else None
    for base in body.bases:
        if isinstance(base, ast.Name) and base.id in classes:
            return _literal_defaults(classes[base.id], classes)
    return None
