"""Registries of datasets, models, detectors and split protocols.

A part of the package registers itself where its class is defined, in a file of its own name:
`ecgan/models/aegan.py` holds `@register_model("aegan", "beatgan")`. Files are imported only when a name is
asked for, so that stages that need no torch never import it.
"""

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from ecgan.errors import EcganError, nearest

T = TypeVar("T")

_PLUGIN = "ecgan_plugin_"  # prefix of the module names of plug-in files


class Registry(Generic[T]):
    """Classes by name: built in, from a plug-in file, or from an installed package (entry points).

    Args:
        kind: What is registered, singular, for messages: "model".
        package: The package whose files hold the built-in entries.
        group: The entry-point group that other packages use.
    """

    def __init__(self, kind: str, package: str, group: str) -> None:
        self.kind = kind
        self.package = package
        self.group = group
        self._entries: dict[str, type[T]] = {}
        self._aliases: dict[str, str] = {}

    def register(self, name: str, *aliases: str) -> Callable[[type[T]], type[T]]:
        """Register the decorated class as `name`; a name that another class holds is an error."""

        def decorate(cls: type[T]) -> type[T]:
            for key in (name, *aliases):
                holder = self._entries.get(self._aliases.get(key, key))
                if holder is not None and _origin(holder) != _origin(cls):
                    raise EcganError(
                        f"the {self.kind} name {key!r} is registered twice: by {_origin(holder)} and {_origin(cls)}.",
                        "Give one of them another name.",
                    )
            self._entries[name] = cls
            self._aliases.update(dict.fromkeys(aliases, name))
            cls.name = name  # type: ignore[attr-defined]
            return cls

        return decorate

    def get(self, name: str) -> type[T]:
        """Return the class registered as `name` or as an alias of it; an unknown name lists what there is."""
        return self._entries[self.resolve(name)]

    def resolve(self, name: str) -> str:
        """Return the registered name behind `name`, which may be an alias."""
        if name not in self._entries and name not in self._aliases:
            self._import(name)
        name = self._aliases.get(name, name)
        if name not in self._entries:
            self._import_all()
            name = self._aliases.get(name, name)
        if name not in self._entries:
            known = self.names()
            raise EcganError(
                f"there is no {self.kind} {name!r}{nearest(name, [*known, *self._aliases])}",
                f"Known {self.kind}s: {', '.join(known)}.",
            )
        return name

    def names(self) -> list[str]:
        """Every registered name, sorted, without aliases."""
        self._import_all()
        return sorted(self._entries)

    def _import(self, name: str) -> None:
        if name.isidentifier() and importlib.util.find_spec(f"{self.package}.{name}") is not None:
            importlib.import_module(f"{self.package}.{name}")

    def _import_all(self) -> None:
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self.package}.{module.name}")
        for entry in entry_points(group=self.group):
            entry.load()


def _origin(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


DATASETS: Registry[Any] = Registry("dataset", "ecgan.datasets", "ecgan.datasets")
MODELS: Registry[Any] = Registry("model", "ecgan.models", "ecgan.models")
DETECTORS: Registry[Any] = Registry("detector", "ecgan.detection.detectors", "ecgan.detectors")
PROTOCOLS: Registry[Any] = Registry("protocol", "ecgan.preprocessing.protocols", "ecgan.protocols")

register_dataset = DATASETS.register
register_model = MODELS.register
register_detector = DETECTORS.register
register_protocol = PROTOCOLS.register


def load_plugins(files: list[str], folder: Path) -> None:
    """Import plug-in files, which register what they hold.

    Only files that the user named are given here (in `params.yaml` or on the command line), never those of a
    model's `config.yml`.

    Args:
        files: Paths of Python files, relative to `folder`.
        folder: Where the naming file is.
    """
    for file in files:
        path = (folder / file).resolve()
        if not path.is_file():
            raise EcganError(
                f"the plug-in {file!r} is not there: {path}", "Mend the list `plugins:` or the option --plugin."
            )
        name = f"{_PLUGIN}{path.stem}"
        if name in sys.modules and getattr(sys.modules[name], "__file__", None) == str(path):
            continue
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except EcganError:
            raise
        except Exception as error:
            del sys.modules[name]
            raise EcganError(f"the plug-in {file!r} failed to load: {type(error).__name__}: {error}") from error


def plugin_files() -> list[Path]:
    """Return the plug-in files that are loaded, sorted."""
    modules = [module for name, module in sys.modules.items() if name.startswith(_PLUGIN)]
    return sorted(Path(file) for module in modules if (file := module.__file__) is not None)
