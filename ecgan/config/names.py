"""What the registries hold, found without importing torch: names, aliases and defaults read from the source text."""

import ast
import importlib.util
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ecgan.registry import Registry


@dataclass(frozen=True)
class Declared:
    """A class below `@register_…("name", "alias")` in the package; its `defaults`, None where only importing tells."""

    name: str
    aliases: tuple[str, ...]
    defaults: dict[str, Any] | None


@cache
def declared(kind: str, package: str) -> tuple[Declared, ...]:
    """Return what the files of a package register, without importing them."""
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    texts = [file.read_text(encoding="utf-8") for folder in folders for file in sorted(Path(folder).glob("*.py"))]
    telling = [text for text in texts if f"@register_{kind}(" in text or "defaults: " in text]  # parsing takes long
    nodes = [node for text in telling for node in ast.parse(text).body]
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    found = []
    for node in classes:
        for call in node.decorator_list:
            if isinstance(call, ast.Call) and ast.unparse(call.func) == f"register_{kind}":
                name, *aliases = (ast.literal_eval(word) for word in call.args)
                found.append(Declared(name, tuple(aliases), _defaults(node, {node.name: node for node in classes})))
    return tuple(found)


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
    """Return the defaults of other sections that a registered class brings; `name` is no alias."""
    found = next((one.defaults for one in declared(registry.kind, registry.package) if one.name == name), None)
    return deepcopy(dict(registry.get(name).defaults) if found is None else found)


def _defaults(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> dict[str, Any] | None:
    """Return the literal that a class of the package, or the first of its bases there, assigns to `defaults`."""
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and ast.unparse(line.target) == "defaults" and line.value is not None:
            try:
                return dict(ast.literal_eval(line.value))
            except ValueError:  # it is computed
                return None
    base = next((classes[name] for name in map(ast.unparse, node.bases) if name in classes), None)
    return None if base is None else _defaults(base, classes)
