"""Reading YAML: plain values with the line of every key, scalars as DVC reads them (YAML 1.2), nothing executable."""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from ecgan.errors import EcganError
from ecgan.files import read_bytes

RUN_MARK = "This file is data"
"""In the first line of the configuration of a trained run."""

KeyPath = tuple[str | int, ...]

_MOST_VALUES = 20_000  # after aliases are written out
_MOST_BYTES = 50  # a value
_DEEPEST = 20

_TEXT = {"!!str", "!!timestamp", "!!merge", "!!value"}  # plain words, for us
_WORDS = {"!!int": "a number", "!!float": "a number", "!!bool": "true or false", "!!null": "null"}
_KNOWN = _TEXT | _WORDS.keys() | {"!!seq", "!!map"}


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


class _Composer(Composer):
    """Composes nodes, no more than there may be: a file of many is refused before they take time and memory."""

    def __init__(self, most: int, loader: Any = None) -> None:
        super().__init__(loader)
        self.most = most

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose the next node."""
        self.most -= 1
        if self.most < 0:
            raise _TooManyError(self.parser.peek_event().start_mark)
        return super().compose_node(parent, index)


class _TooManyError(MarkedYAMLError):
    def __init__(self, mark: Any) -> None:
        super().__init__(problem="too many values", problem_mark=mark)


class _Builder:
    """Turns nodes into plain values and notes the lines; refuses tags, duplicate keys and alias bombs."""

    def __init__(self, origin: str, most: int) -> None:
        self.origin, self.most = origin, most
        self.yaml = YAML(typ="safe", pure=True)
        vars(self.yaml)["Composer"] = partial(_Composer, 2 * most)  # keys count too
        self.lines: dict[KeyPath, int] = {}
        self.count = 0

    def refuse(self, node: Node, what: str, hint: str = "") -> EcganError:
        return EcganError(f"{self.origin}, line {node.start_mark.line + 1}: {what}", hint)

    def build(self, node: Node, path: KeyPath) -> Any:
        self.count += 1
        if self.count > self.most or len(path) > _DEEPEST:
            raise self.refuse(node, "too many or too deeply nested values (anchors may repeat each other).")
        tag = _tag(node)
        if tag not in _KNOWN:
            raise self.refuse(node, f"the tag {tag} is not allowed.", "Write plain values: lists as [1, 2], no tags.")
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            return self.sequence(node, path)
        return self.scalar(node, tag)

    def mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if _tag(key_node) not in _TEXT:
                shown = repr(key_node.value) if isinstance(key_node, ScalarNode) else "a list or mapping"
                raise self.refuse(key_node, f"{shown} is no key.", "Keys are plain words; quote them if need be.")
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

    def sequence(self, node: SequenceNode, path: KeyPath) -> list[Any]:
        items = []
        for index, item in enumerate(node.value):
            here = (*path, index)
            self.lines.setdefault(here, item.start_mark.line + 1)
            items.append(self.build(item, here))
        return items

    def scalar(self, node: Node, tag: str) -> Any:
        if tag in _TEXT:
            return str(node.value)
        try:
            return self.yaml.constructor.construct_object(node)
        except (ValueError, KeyError, IndexError):
            raise self.refuse(node, f"{node.value[:40]!r} cannot be read as {_WORDS[tag]}.") from None


def _tag(node: Node) -> str:
    return str(node.tag).replace("tag:yaml.org,2002:", "!!")


def read_document(path: Path, *, hint: str, most: int = _MOST_VALUES) -> Document:
    """Read a YAML file that holds one mapping, of at most `most` values.

    Raises:
        EcganError: The file cannot be read, is no text, no YAML, empty, or holds something else than a mapping; `hint`
            says what to do where it is missing or empty.
    """
    found = _parsed(path, _text(path, hint, most * _MOST_BYTES), most)
    value: Any = found.data
    if value is None:
        raise EcganError(f"{path} is empty.", hint)
    if not isinstance(value, dict):
        what = "a list" if isinstance(value, list) else f"the value {str(value)[:40]!r}"
        raise EcganError(f"{path}, line 1: found {what}, expected sections such as `train:`.", hint)
    return replace(found, data=deepcopy(value))


@lru_cache(maxsize=4)
def _parsed(path: Path, text: str, most: int) -> Document:
    """Read the text of a file, whatever it holds; the parameters of a run are asked for several times."""
    builder = _Builder(str(path), most)
    try:
        node = builder.yaml.compose(text)
        value: Any = None if node is None else builder.build(node, ())
    except MarkedYAMLError as error:
        raise _syntax_error(path, error) from None
    except ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise EcganError(
            f"{path}, line {line}: the character #x{error.character:04x} is not allowed in YAML.",
            "Remove it from the file.",
        ) from None
    except RecursionError:
        raise EcganError(f"{path}: the values are nested too deeply.", "Write it as `ecgan init` does.") from None
    except ValueError as error:  # a broken \U escape and the like
        raise EcganError(f"{path} is not YAML: {error}.", "Mend it there.") from None
    return Document(str(path), value, builder.lines)


def _text(path: Path, hint: str, most: int) -> str:
    try:
        return read_bytes(path, most, hint).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EcganError(f"{path} is not UTF-8 text (byte {error.start}).", "Save it as UTF-8.") from None


def _syntax_error(path: Path, error: MarkedYAMLError) -> EcganError:
    mark = error.problem_mark or error.context_mark
    where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    what = ", ".join(filter(None, [error.context, error.problem]))
    return EcganError(f"{path}{where}: not YAML: {what}.", "Check colons, quotes, brackets and indentation (no tabs).")
