"""Reading YAML: plain values with the line of every key, numbers as YAML 1.2 has them, nothing executable."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ecgan.errors import EcganError

KeyPath = tuple[str | int, ...]

_MOST_VALUES = 20_000  # after aliases are written out
_MOST_BYTES = 50  # a value
_DEEPEST = 20

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?(?:[0-9][0-9_]*|0o[0-7]+|0x[0-9a-fA-F]+)")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)

_KIND = "tag:yaml.org,2002:"
_KNOWN = {f"{_KIND}{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map")}


@dataclass(frozen=True)
class Document:
    """A YAML file as read.

    Attributes:
        origin: The file, as the user named it.
        data: The top-level mapping.
        lines: Line of each key and list item, by its path; counted from 1.
    """

    origin: str
    data: dict[str, Any]
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def place(self, path: KeyPath) -> str:
        """Return `file, line 12: key.path`; a key that is not there has the line of what would hold it."""
        dotted = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return f"{self.origin}, line {self.lines[path[:length]]}: {dotted}"
        return f"{self.origin}: {dotted}"


def scalar_kind(text: str) -> str:
    """Return what a plain scalar is in YAML 1.2, as DVC reads it: null, bool, int, float or str."""
    if _NULL.fullmatch(text):
        return "null"
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return "bool"
    if _INTEGER.fullmatch(text):
        return "int"
    return "float" if _FLOAT.fullmatch(text) else "str"


class _Composer(yaml.SafeLoader):
    """Composes nodes; values are built by `_Builder` alone."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _KIND + (scalar_kind(value) if implicit[0] else "str")
        return _KIND + ("seq" if kind is yaml.SequenceNode else "map")


class _Builder:
    """Turns nodes into plain values and notes the lines; refuses tags, duplicate keys and alias bombs."""

    def __init__(self, origin: str, most: int) -> None:
        self.origin, self.most = origin, most
        self.lines: dict[KeyPath, int] = {}
        self.count = 0

    def refuse(self, node: yaml.Node, what: str, hint: str = "") -> EcganError:
        return EcganError(f"{self.origin}, line {node.start_mark.line + 1}: {what}", hint)

    def build(self, node: yaml.Node, path: KeyPath) -> Any:
        self.count += 1
        if self.count > self.most or len(path) > _DEEPEST:
            raise self.refuse(node, "too many or too deeply nested values (anchors may repeat each other).")
        if node.tag not in _KNOWN:
            tag = node.tag.replace(_KIND, "!!")
            raise self.refuse(node, f"the tag {tag} is not allowed.", "Write plain values: lists as [1, 2], no tags.")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return self.sequence(node, path)
        return self.scalar(node)

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != f"{_KIND}str":
                raise self.refuse(
                    key_node, f"{_excerpt(key_node)} is no key.", "Keys are plain words; quote them if need be."
                )
            key = str(key_node.value)
            here = (*path, key)
            if key in result:
                first = self.lines.get(here, key_node.start_mark.line + 1)
                raise self.refuse(
                    key_node, f"the key {key!r} is there twice, first on line {first}.", "Keep one of them."
                )
            self.lines.setdefault(here, key_node.start_mark.line + 1)
            result[key] = self.build(value_node, here)
        return result

    def sequence(self, node: yaml.SequenceNode, path: KeyPath) -> list[Any]:
        items = []
        for index, item in enumerate(node.value):
            here = (*path, index)
            self.lines.setdefault(here, item.start_mark.line + 1)
            items.append(self.build(item, here))
        return items

    def scalar(self, node: yaml.Node) -> Any:
        text, kind = str(node.value), node.tag.removeprefix(_KIND)
        if kind == "str":
            return text
        if scalar_kind(text) != kind and not (kind == "float" and scalar_kind(text) == "int"):
            raise self.refuse(node, f"{text!r} is no {kind}.", "Leave the tag out.")
        if kind == "null":
            return None
        if kind == "bool":
            return _TRUE.fullmatch(text) is not None
        return self.number(node, text.replace("_", "").lower(), kind)

    def number(self, node: yaml.Node, text: str, kind: str) -> int | float:
        try:
            if kind == "int":
                return int(text, 16 if "x" in text else 8 if "o" in text else 10)
            return float(text.replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError:
            raise self.refuse(node, f"{text[:40]!r} cannot be read as a number.") from None


def _excerpt(node: yaml.Node) -> str:
    return repr(node.value) if isinstance(node, yaml.ScalarNode) else "a list or mapping"


def read_document(path: Path, *, hint: str, most: int = _MOST_VALUES) -> Document:
    """Read a YAML file that holds one mapping.

    Args:
        path: The file.
        hint: What to do where the file is missing or empty.
        most: Most values that it may hold.

    Raises:
        EcganError: The file cannot be read, is no text, no YAML, empty, or holds something else than a mapping.
    """
    text = _text(path, hint, most * _MOST_BYTES)
    builder = _Builder(str(path), most)
    try:
        node = _Composer(text).get_single_node()
        value = builder.build(node, ()) if node is not None else None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(path, error) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise EcganError(
            f"{path}, line {line}: the character #x{error.character:04x} is not allowed in YAML."
        ) from None
    except RecursionError:
        raise EcganError(f"{path}: the values are nested too deeply.") from None
    except ValueError as error:  # a broken \U escape and the like
        raise EcganError(f"{path} is not YAML: {error}.") from None
    if value is None:
        raise EcganError(f"{path} is empty.", hint)
    if not isinstance(value, dict):
        what = "a list" if isinstance(value, list) else f"the value {str(value)[:40]!r}"
        raise EcganError(f"{path}, line 1: found {what}, expected sections such as `train:`.", hint)
    return Document(str(path), value, builder.lines)


def _text(path: Path, hint: str, most: int) -> str:
    if path.is_dir():
        raise EcganError(f"{path} is a folder, expected a file.", hint)
    try:
        if path.stat().st_size > most:
            raise EcganError(f"{path} has more than {most:,} bytes: that is no file of parameters.")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise EcganError(f"cannot read {path}: {error.strerror or error}.", hint) from None
    except UnicodeDecodeError as error:
        raise EcganError(f"{path} is not UTF-8 text (byte {error.start}).", "Save it as UTF-8.") from None


def _syntax_error(path: Path, error: yaml.MarkedYAMLError) -> EcganError:
    mark = error.problem_mark or error.context_mark
    where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    what = ", ".join(filter(None, [error.context, error.problem]))
    return EcganError(f"{path}{where}: not YAML: {what}.", "Check colons, quotes, brackets and indentation (no tabs).")
