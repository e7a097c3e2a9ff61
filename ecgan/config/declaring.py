"""What a stage reads of the parameters: declared above its function, and nothing else is there to be read.

`dvc.yaml` names the same keys under `params`, and a contract test compares both. A parameter that no stage declares can
therefore change no result behind DVC's back: reading it is an error.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from ecgan.config.options import Options, UndeclaredError
from ecgan.config.schema import Params

P = ParamSpec("P")
R = TypeVar("R")

_NAME = re.compile(r"\{([\w.]+)\}")


@dataclass(frozen=True)
class Declaration:
    """What one stage reads.

    Attributes:
        stage: The stage, as `dvc.yaml` calls it.
        watched: Keys with dots, of a section or of one parameter. `{model}` stands for an argument of the stage's
            function, `{detect.detector}` for the value of a parameter.
        unwatched: Keys that are read although no output depends on them, such as where metrics are logged besides.
    """

    stage: str
    watched: tuple[str, ...]
    unwatched: tuple[str, ...]

    def narrowed(self, params: Params, arguments: Mapping[str, Any]) -> Params:
        """Return the parameters without those that are not declared; `arguments` are the stage function's, by name."""

        def value(match: re.Match[str]) -> str:
            name = match[1]
            return str(arguments[name] if name in arguments else _at(params, name))

        keys = [_NAME.sub(value, key) for key in (*self.watched, *self.unwatched)]
        narrowed: Params = _narrowed(params, keys, self.stage, "")
        return narrowed


class _Sections(dict[str, Any]):
    """Sections by name, such as those of the models, without those that a stage does not declare."""

    def __init__(self, kept: Mapping[str, Any], stage: str, path: str) -> None:
        super().__init__(kept)
        self._reader = (stage, path)

    def __missing__(self, name: str) -> Any:
        raise UndeclaredError(self._reader[0], f"{self._reader[1]}{name}")


def reads(stage: str, *watched: str, unwatched: str = "") -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare what a stage reads of its argument `params`; the function is handed that and nothing else.

    Args:
        stage: The stage, as `dvc.yaml` calls it.
        watched: What it reads and DVC watches, see `Declaration`: `"dataset runtime.seed"`, or keys of one section,
            `"split: protocol k"`.
        unwatched: What it reads although no output depends on it, in the same form.
    """
    declaration = Declaration(stage, _keys(*watched), _keys(unwatched))

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = signature.bind(*args, **kwargs)
            bound.arguments["params"] = declaration.narrowed(bound.arguments["params"], bound.arguments)
            return function(*bound.args, **bound.kwargs)

        call.declaration = declaration  # type: ignore[attr-defined]
        return call

    return decorate


def _keys(*texts: str) -> tuple[str, ...]:
    """Return the keys of texts such as `"dataset runtime.seed"` and `"split: protocol k"`."""
    parts = [text.rpartition(": ") for text in texts]
    return tuple(f"{section}.{name}" if section else name for section, _, names in parts for name in names.split())


def _narrowed(options: Any, keys: Iterable[str], stage: str, path: str) -> Any:
    """Return the part of a group of parameters, or of sections by name, that the keys name."""
    inner: dict[str, list[str]] = {}
    for key in keys:
        name, _, rest = key.partition(".")
        inner.setdefault(name, []).append(rest)
    kept = {
        name: _at(options, name) if "" in rests else _narrowed(_at(options, name), rests, stage, f"{path}{name}.")
        for name, rests in inner.items()
    }
    return options.limited(kept, stage, path) if isinstance(options, Options) else _Sections(kept, stage, path)


def _at(options: Any, key: str) -> Any:
    for name in key.split("."):
        options = getattr(options, name) if isinstance(options, Options) else options[name]
    return options
