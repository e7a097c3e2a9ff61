"""Registries of datasets, models, detectors, split protocols, inverse mappings and strategies.

A part of the package registers itself where its class is defined, in a file of its own name:
`ecgan/models/aegan.py` holds `@register_model("aegan", "beatgan")`. Files are imported only when a name is
asked for, so that stages that need no torch never import it.
"""

import hashlib
import importlib
import importlib.util
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from ecgan.errors import EcganError, nearest

T = TypeVar("T")

PLUGIN_HINT = "If it is your own, name the Python file that holds it: --plugin FILE"
_PLUGIN = "ecgan_plugin_"  # prefix of the module names of plug-in files


class Registry(Generic[T]):
    """Classes by name: built in, from a plug-in file, or from an installed package (entry points).

    Args:
        kind: What is registered, singular, for messages: "model".
        package: The package whose files hold the built-in entries.
        group: The entry-point group that other packages use.
        kinds: The plural of kind, where it has more than an s.

    Attributes:
        failures: Why parts of installed packages could not be loaded: one sentence by the name of the entry point.
    """

    def __init__(self, kind: str, package: str, group: str, kinds: str = "") -> None:
        self.kind = kind
        self.kinds = kinds or f"{kind}s"
        self.package = package
        self.group = group
        self.failures: dict[str, str] = {}
        self._entries: dict[str, type[T]] = {}
        self._aliases: dict[str, str] = {}

    def register(self, name: str, *aliases: str) -> Callable[[type[T]], type[T]]:
        """Register the decorated class as `name`; a name that another class holds is an error."""

        def decorate(cls: type[T]) -> type[T]:
            if not is_built_in(cls):
                self._import_built_in()  # a name or alias of these is taken, whether or not it was asked for before
            for key in (name, *aliases):
                for holder in self._holders(key, cls):
                    raise EcganError(
                        f"the {self.kind} name {key!r} is registered twice: by {holder} and {_described(cls)}.",
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
        if not self._has(name):
            self._import(name)
        if not self._has(name):
            self._import_all()
        if not self._has(name):
            raise self._unknown(name)
        return self._aliases.get(name, name)

    def _has(self, name: str) -> bool:
        return self._aliases.get(name, name) in self._entries

    def _unknown(self, name: str) -> EcganError:
        if name in self.failures:
            return EcganError(self.failures[name], "Mend, update or uninstall that package.")
        known = self.names()
        hint = f"Known {self.kinds}: {', '.join(known)}."
        if self.failures:
            hint += f" Failed to load: {', '.join(sorted(self.failures))}; `ecgan list {self.kinds}` says why."
        return EcganError(f"there is no {self.kind} {name!r}{nearest(name, [*known, *self._aliases])}", hint)

    def names(self) -> list[str]:
        """Every registered name, sorted, without aliases; what fails to load is in `failures`."""
        self._import_all()
        return sorted(self._entries)

    def aliases(self, name: str) -> list[str]:
        """The other names of what is registered as `name`, sorted."""
        return sorted(alias for alias, target in self._aliases.items() if target == name)

    def package_of(self, name: str) -> Distribution | None:
        """The installed package that what is registered as `name` comes from; None for built-in parts and files."""
        cls = self._entries[name]
        if is_built_in(cls):
            return None
        return next((entry.dist for entry in _offered(group=self.group) if _belongs(cls, entry)), None)

    def _holders(self, key: str, cls: type[T]) -> Iterator[str]:
        """Describe what else has, or claims by its entry point, the name `key`."""
        holder = self._entries.get(self._aliases.get(key, key))
        if holder is not None and _described(holder) != _described(cls):
            yield _described(holder)
        if not is_built_in(cls):
            for entry in _offered(group=self.group, name=key):
                if not _belongs(cls, entry):
                    yield f"{entry.value} of the package {_package(entry)}"

    def _import(self, name: str) -> None:
        if name.isidentifier() and importlib.util.find_spec(f"{self.package}.{name}") is not None:
            importlib.import_module(f"{self.package}.{name}")
        else:
            self._load(_offered(group=self.group, name=name))

    def _import_all(self) -> None:
        self._import_built_in()
        self._load(_offered(group=self.group))

    def _import_built_in(self) -> None:
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self.package}.{module.name}")

    def _load(self, entries: Iterable[EntryPoint]) -> None:
        """Load parts of installed packages; one that fails is noted, and does not disturb those who do not need it."""
        for entry in entries:
            if entry.name in self.failures:
                continue
            try:
                entry.load()
            except (Exception, SystemExit) as error:
                reason = error.message if isinstance(error, EcganError) else f"{type(error).__name__}: {error}"
                who = f"the {self.kind} {entry.name!r} of the installed package {_package(entry)}"
                self.failures[entry.name] = f"{who} failed to load: {reason}"


def is_built_in(cls: type[Any]) -> bool:
    """Whether a class is one of ECGAN's own parts."""
    return cls.__module__.startswith("ecgan.")


def plugin_file(cls: type[Any]) -> Path | None:
    """Return the plug-in file that a class comes from; None for parts of packages."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return Path(file) if file and cls.__module__.startswith(_PLUGIN) else None


def _offered(group: str, name: str | None = None) -> list[EntryPoint]:
    """Return entry points of installed packages, which are read again once a folder of packages has changed."""
    folders = [folder for folder in map(Path, sys.path) if folder.exists()]
    found = _entry_points(tuple((folder, folder.stat().st_mtime_ns) for folder in folders))
    return [entry for entry in found if entry.group == group and name in (None, entry.name)]


@lru_cache(maxsize=1)
def _entry_points(_folders: tuple[tuple[Path, int], ...]) -> list[EntryPoint]:
    found = entry_points()
    return [entry for registry in REGISTRIES for entry in found.select(group=registry.group)]


def _described(cls: type[Any]) -> str:
    return f"{cls.__qualname__} of {plugin_file(cls) or cls.__module__}"


def _belongs(cls: type[Any], entry: EntryPoint) -> bool:
    """Whether a class comes from the package that an entry point names."""
    return cls.__module__.partition(".")[0] == entry.module.partition(".")[0]


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else entry.module


DATASETS: Registry[Any] = Registry("dataset", "ecgan.datasets", "ecgan.datasets")
MODELS: Registry[Any] = Registry("model", "ecgan.models", "ecgan.models")
DETECTORS: Registry[Any] = Registry("detector", "ecgan.detection.detectors", "ecgan.detectors")
PROTOCOLS: Registry[Any] = Registry("protocol", "ecgan.protocols", "ecgan.protocols")
INVERSIONS: Registry[Any] = Registry("inversion", "ecgan.inversion", "ecgan.inversions")
STRATEGIES: Registry[Any] = Registry("strategy", "ecgan.detection.strategies", "ecgan.strategies", "strategies")

REGISTRIES = (DATASETS, MODELS, DETECTORS, PROTOCOLS, INVERSIONS, STRATEGIES)

register_dataset = DATASETS.register
register_model = MODELS.register
register_detector = DETECTORS.register
register_protocol = PROTOCOLS.register
register_inversion = INVERSIONS.register
register_strategy = STRATEGIES.register


def strategies_of(detector: Any) -> list[str]:
    """Names of the strategies that can weigh what a detector (or its class) gives, its own first."""
    own, given = list(detector.strategies), set(getattr(detector, "gives", ()))
    others = [name for name in STRATEGIES.names() if name not in own] if given else []
    return own + [name for name in others if (needs := set(STRATEGIES.get(name).needs)) and needs <= given]


list_datasets = DATASETS.names
list_models = MODELS.names
list_detectors = DETECTORS.names
list_protocols = PROTOCOLS.names


def list_inversions() -> list[str]:
    """Return the names of all inverse mappings."""
    return INVERSIONS.names()


def list_strategies() -> list[str]:
    """Return the names of all strategies."""
    return STRATEGIES.names()


def load_plugins(files: list[str], folder: Path) -> None:
    """Import plug-in files, which register what they hold; paths are relative to `folder`.

    Only files that the user named are given here (in `params.yaml` or on the command line), never those of a
    model's `config.yml`.
    """
    for file in files:
        path = (folder / file).resolve()
        if not path.is_file():
            raise EcganError(
                f"the plug-in {file!r} is not there: {path}", "Mend the list `plugins:` or the option --plugin."
            )
        name = f"{_PLUGIN}{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"  # a file, a module
        if name in sys.modules:
            continue
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise EcganError(f"the plug-in {file!r} is no Python file.", "Its name must end in .py.")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            raise _failed(file, path, error) from error


def _failed(file: str, path: Path, error: BaseException) -> EcganError:
    """Say why a plug-in did not load and on which of its lines."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = lines[-1] if lines else getattr(error, "lineno", None)
    where = f"the plug-in {file!r} failed to load{f', line {line}' if line else ''}"
    if isinstance(error, EcganError):
        return EcganError(f"{where}: {error.message}", error.hint)
    if isinstance(error, SystemExit):
        return EcganError(f"{where}: it ended the program.", "Take out sys.exit(): the file is only to define parts.")
    if isinstance(error, SyntaxError):
        return EcganError(f"{where}: it is no Python: {error.msg}.", "Mend the plug-in.")
    return EcganError(f"{where}: {type(error).__name__}: {error}.", "Mend the plug-in.")
