"""One conformance check, and how it says what is wrong."""

import inspect
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from ecgan.config import Params, load_params, render_params
from ecgan.config.options import Options

Function = Callable[[Any], None]
T = TypeVar("T")


class ConformanceError(AssertionError):
    """A part does not do what its interface says; one sentence: what was expected and what was found."""


@dataclass(frozen=True)
class Subject(Generic[T]):
    """A part under test: its class, and what was given in place of the quick values of its parameters."""

    cls: type[T]
    given: dict[str, Any]


@dataclass(frozen=True)
class Check:
    """One check, a function of its subject, of one part; call it, and it returns or raises `ConformanceError`."""

    kind: str
    part: str
    function: Function
    subject: Any

    @property
    def name(self) -> str:
        """Name of the check, such as `one_sample_works`."""
        return self.function.__name__

    def __str__(self) -> str:
        return f"{self.kind}-{self.part}-{self.name}"

    def __call__(self) -> None:
        """Run the check.

        Raises:
            ConformanceError: The part failed it, or raised something else on the way.
        """
        who = f"the {self.kind} {self.part!r}, {self.name.replace('_', ' ')}"
        try:
            self.function(self.subject)
        except ConformanceError as error:
            raise ConformanceError(f"{who}: {error}") from error
        except Exception as error:
            raise ConformanceError(f"{who}: expected to work, but raised {type(error).__name__}: {error}") from error


def checks_of(module: str) -> tuple[Function, ...]:
    """The checks of a module, in its order: its functions of one argument, `subject`, that begin with no underscore."""
    own = [item for item in vars(sys.modules[module]).values() if getattr(item, "__module__", "") == module]
    found = [item for item in own if inspect.isfunction(item) and not item.__name__.startswith("_")]
    return tuple(function for function in found if list(inspect.signature(function).parameters) == ["subject"])


def expect(held: bool | np.bool_, text: str) -> None:
    """Raise `ConformanceError` with `text`, expected and found, unless what was expected held."""
    if not held:
        raise ConformanceError(text)


def expect_equal(found: Any, expected: Any, what: str) -> None:
    """Expect two plain values to be equal; `what` names the value."""
    expect(found == expected, f"expected {what} to be {expected}, found {found}")


def expect_same(found: Mapping[str, Any], expected: Mapping[str, Any], text: str) -> None:
    """Expect arrays or tensors to be equal, bit for bit; `{}` in `text` is the name of the first that is not."""
    for name, value in expected.items():
        same = found[name].shape == value.shape and bool((found[name] == value).all())
        expect(same, text.format(name))


def expect_close(found: NDArray[Any], expected: NDArray[Any], what: str) -> None:
    """Expect arrays to agree but for the last bits of float32: batches of other sizes round differently."""
    scale = float(np.abs(expected).max(initial=0.0)) + 1e-6
    difference = float(np.abs(found - expected).max(initial=0.0))
    expect(
        difference <= 1e-3 * scale,
        f"expected {what}, found differences of up to {difference:.3g} in values of up to {scale:.3g}",
    )


def expect_refusal(call: Callable[[], Any], errors: tuple[type[Exception], ...], what: str) -> Exception:
    """Expect `call` to raise one of `errors`, and return it; `what` says what should be refused."""
    names = " or ".join(error.__name__ for error in errors)
    try:
        call()
    except errors as error:
        return error
    except Exception as error:
        text = f"expected {what} to be refused with {names}, found {type(error).__name__}: {error}"
        raise ConformanceError(text) from error
    raise ConformanceError(f"expected {what} to be refused with {names}, found that it was accepted")


def fields(options: type[Options], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every field of a class of parameters by its path, those of sections inside it as well."""
    for key, field in options.model_fields.items():
        yield f"{path}{key}", field
        if isinstance(field.annotation, type) and issubclass(field.annotation, Options):
            yield from fields(field.annotation, f"{path}{key}.")


def check_options(options: Any, what: str) -> None:
    """Expect a class of parameters in which every field has a default that it admits, and a description."""
    expect(
        isinstance(options, type) and issubclass(options, Options),
        f"expected {what} to be a subclass of ecgan.config.options.Options, found {options!r}",
    )
    for path, field in fields(options):
        expect(not field.is_required(), f"expected {what}.{path} to have a default, found none")
        description = (field.description or "").strip()
        expect(bool(description), f"expected {what}.{path} to have a description, found none")
    built = options()
    again = options.model_validate(built.model_dump())
    expect_equal(again, built, f"{what} made from its own defaults")


def written_params(dataset: str, model: str) -> Params:
    """Return the parameters that `ecgan init` writes, read back."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "params.yaml"
        path.write_text(render_params(dataset, [model]), encoding="utf-8")
        return load_params(path)


def choices(options: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of every field with fixed choices (a `Literal` or a truth value), by the field's path."""
    schema = options.model_json_schema()
    for key, entry in schema["properties"].items():
        place = options.model_fields[key].annotation
        if isinstance(place, type) and hasattr(place, "model_fields"):
            yield from choices(place, f"{path}{key}.")
        values = [False, True] if entry.get("type") == "boolean" else entry.get("enum", [])
        yield from ((f"{path}{key}", value) for value in values)


def with_value(options: Any, path: str, value: Any) -> Any:
    """Return the parameters with one value changed; None where the others do not admit it."""
    raw = options.model_dump()
    place = raw
    *sections, key = path.split(".")
    for section in sections:
        place = place[section]
    place[key] = value
    return _admitted(type(options), raw)


def small(options: type[Options], sizes: dict[str, Any], given: dict[str, Any]) -> Any:
    """Parameters of a quick trial: the defaults, `sizes` where such fields exist and admit them, and `given`."""
    chosen: dict[str, Any] = {}
    for key, value in sizes.items():
        if key in options.model_fields and _admitted(options, chosen | {key: value}):
            chosen[key] = value
    return options.model_validate({**chosen, **given})


def _admitted(options: type[Options], values: dict[str, Any]) -> Options | None:
    try:
        return options.model_validate(values)
    except ValidationError:
        return None
