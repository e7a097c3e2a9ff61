"""Checks of values against their types: every mistake with its line, its key, the nearest key and what is allowed."""

import math
from copy import deepcopy
from dataclasses import dataclass
from types import NoneType
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from ecgan.config.describing import allowed, found, schema_at, schema_of
from ecgan.config.names import resolve
from ecgan.config.options import Options
from ecgan.config.reading import Document, KeyPath
from ecgan.errors import EcganError, ended, nearest
from ecgan.registry import Registry

O = TypeVar("O", bound=Options)  # noqa: E741

_MOST_SHOWN = 10


@dataclass(frozen=True)
class Mistake:
    """One mistake: where, what, and for an unknown key the key."""

    path: KeyPath
    text: str
    unknown: str = ""


class Checker:
    """Checks one document section by section and raises all mistakes at once.

    `hint` says what to do about them, and `foreign` about names that nobody has registered.
    """

    def __init__(self, document: Document, hint: str, foreign: str = "") -> None:
        self.document = document
        self.hint = hint
        self.foreign = foreign
        self.mistakes: list[Mistake] = []
        self.checked: dict[KeyPath, list[str]] = {}

    def add(self, path: KeyPath, text: str, *, unknown: str = "") -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(path, text, unknown))

    def keys(self, known: list[str]) -> None:
        """Note unknown top-level keys."""
        self.checked[()] = known
        for key in self.document.data:
            if key not in known:
                self.add((key,), _unknown(key, known), unknown=key)

    def mapping(self, path: KeyPath) -> dict[str, Any]:
        """Return the mapping at `path`; empty where nothing is there, a mistake where it is something else."""
        value: Any = self.document.data
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None and not isinstance(value, dict):
            self.add(path, f"found {found(value)}; allowed: a mapping, such as `{path[-1]}: {{key: value}}`")
        return value if isinstance(value, dict) else {}

    def section(self, cls: type[O], path: KeyPath, defaults: dict[str, Any] | None = None) -> O | None:
        """Return the section at `path` as an instance of `cls`, or None after noting what is wrong with it.

        `defaults`, which the dataset and the models bring, come before those of `cls`.
        """
        self.checked[path] = list(cls.model_fields)
        values = overlay(defaults or {}, without_nulls(self.mapping(path), cls))
        before = len(self.mistakes)
        endless = _not_finite(values, ())
        for inner in endless:
            self.add(path + inner, "found a number that is not finite; allowed: finite numbers")
        try:
            checked = cls.model_validate(values)
        except ValidationError as error:
            for inner, text, unknown in _translated(error, cls, values):
                if inner not in endless:
                    self.add(path + inner, text, unknown=unknown)
            return None
        return checked if len(self.mistakes) == before else None

    def value(self, cls: type[Options], key: str) -> Any:
        """Return the top-level value `key`, typed by the field of that name, or None after noting a mistake."""
        values = without_nulls({key: self.document.data.get(key)}, cls)
        field = cls.model_fields[key]
        if values.get(key) is None:
            if field.is_required():
                self.add((key,), f"is missing; allowed: {allowed(schema_at(cls, (key,)), schema_of(cls))}")
            return None if field.is_required() else deepcopy(field.default)
        probe = {name: None for name in cls.model_fields if name != key} | values
        try:
            cls.model_validate(probe)
        except ValidationError as error:
            own = _translated(error, cls, probe, key)
            for inner, text, _ in own:
                self.add(inner, text)
            return None if own else values[key]
        return values[key]

    def resolved(self, registry: Registry[Any], name: str, path: KeyPath) -> str | None:
        """Return the registered name behind `name`, or None after noting that there is none."""
        try:
            return resolve(registry, name)
        except EcganError as error:
            self.add(path, f"{flat(error)}{f'. {self.foreign}' if self.foreign else ''}")
            return None

    def raise_mistakes(self) -> None:
        """Raise all mistakes as one error, in the order of their lines."""
        if not self.mistakes:
            return
        unique = self.mistakes
        if not self.document.lines:  # nobody wrote it: a name that it repeats is one mistake
            unique = list({mistake.text: mistake for mistake in reversed(self.mistakes)}.values())[::-1]
        lines = [
            ended(f"{self.document.place(m.path)}: {m.text}{self._elsewhere(m)}")
            for m in sorted(dict.fromkeys(unique), key=self._line)
        ]
        if len(lines) > 1:
            more = [f"and {len(lines) - _MOST_SHOWN} more."] if len(lines) > _MOST_SHOWN else []
            shown = lines[:_MOST_SHOWN] + more
            raise EcganError(f"{self.document.origin} has {len(lines)} mistakes:", self.hint, shown)
        raise EcganError(lines[0], self.hint)

    def _line(self, mistake: Mistake) -> int:
        lines = self.document.lines
        steps = range(len(mistake.path), 0, -1)
        return next((lines[mistake.path[:n]] for n in steps if mistake.path[:n] in lines), 10**9)

    def _elsewhere(self, mistake: Mistake) -> str:
        if not mistake.unknown:
            return ""
        holders = [path for path, keys in self.checked.items() if mistake.unknown in keys and path != mistake.path[:-1]]
        names = [".".join(str(step) for step in (*path, mistake.unknown)) for path in holders]
        return f" (there is {' and '.join(names)})" if names else ""


def flat(error: EcganError) -> str:
    """Return message and hint on one line, without a full stop."""
    end = "" if error.message.endswith("?") else "."
    return f"{error.message.rstrip('.')}{end} {error.hint}".strip().rstrip(".")


def overlay(base: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with `upper` laid over it, mappings key by key."""
    result = deepcopy(base)
    for key, value in upper.items():
        both = isinstance(result.get(key), dict) and isinstance(value, dict)
        result[key] = overlay(result[key], value) if both else deepcopy(value)
    return result


def without_nulls(values: dict[str, Any], cls: type[Options]) -> dict[str, Any]:
    """Leave out keys without a value (`epochs:`) where the field has a default and admits no null."""
    kept = {}
    for key, value in values.items():
        field = cls.model_fields.get(key)
        if value is None and field and not field.is_required() and NoneType not in get_args(field.annotation):
            continue
        inner = field.annotation if field is not None else None
        if isinstance(value, dict) and isinstance(inner, type) and issubclass(inner, Options):
            kept[key] = without_nulls(value, inner)
        else:
            kept[key] = value
    return kept


def _not_finite(value: Any, path: KeyPath) -> list[KeyPath]:
    if isinstance(value, float) and not math.isfinite(value):
        return [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [inner for key, item in items for inner in _not_finite(item, (*path, key))]


def _translated(
    error: ValidationError, cls: type[Options], values: Any, only: str | None = None
) -> list[tuple[KeyPath, str, str]]:
    """Return path, words and unknown key of each mistake, or of those in one key; a key of several types gives one."""
    result: dict[KeyPath, tuple[str, str]] = {}
    for item in error.errors(include_url=False):
        if only is not None and item["loc"][:1] != (only,):
            continue
        path, value = _within(item["loc"], values, cls)
        kind = item["type"]
        if kind == "default_factory_not_called":  # a default that depends on a key with a mistake of its own
            continue
        words = _words(kind, path, value, item, cls)
        result.setdefault(path, (words, str(path[-1]) if kind == "extra_forbidden" else ""))
    return [(path, *rest) for path, rest in result.items()]


def _within(location: tuple[int | str, ...], values: Any, cls: type[Options]) -> tuple[KeyPath, Any]:
    """Follow a location as far as it names keys; what is left names a member of a union."""
    path: list[str | int] = []
    for step in location:
        inside = step in values if isinstance(values, dict) else isinstance(values, list) and isinstance(step, int)
        if not inside:
            absent = isinstance(values, dict) and schema_at(cls, (*path, step))
            return ((*path, step), None) if absent else (tuple(path), values)
        values = values[step]
        path.append(step)
    return tuple(path), values


def _words(kind: str, path: KeyPath, value: Any, item: Any, cls: type[Options]) -> str:
    if kind == "extra_forbidden":
        return _unknown(str(path[-1]), list(schema_at(cls, path[:-1]).get("properties", {})))
    expected = allowed(schema_at(cls, path), schema_of(cls))
    if kind == "missing":
        return f"is missing; allowed: {expected or 'a value'}"
    if kind in ("value_error", "assertion_error"):
        return f"found {found(value)}; {item['ctx']['error']}" if path else str(item["ctx"]["error"])
    words = [word for word in schema_at(cls, path).get("enum", []) if isinstance(word, str)]
    close = nearest(value, words) if isinstance(value, str) else ""
    return f"found {found(value)}{close}; allowed: {expected or item['msg']}"


def _unknown(key: str, known: list[str]) -> str:
    keys = f"; allowed: {', '.join(known)}" if known else "; there are no keys here"
    return f"unknown key {key!r}{nearest(key, known)}{keys}"
