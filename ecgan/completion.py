"""What a shell offers behind an option: names of parts, presets and runs, found without importing anything heavy."""

from collections.abc import Iterable, Iterator
from pathlib import Path

KINDS = ("datasets", "models", "detectors", "protocols", "inversions", "strategies", "presets", "published")
"""What `ecgan list` knows."""


def datasets(incomplete: str) -> list[str]:
    """Return names of datasets."""
    return _begin(_declared("datasets"), incomplete)


def models(incomplete: str) -> list[str]:
    """Return names of models."""
    return _begin(_declared("models"), incomplete)


def detectors(incomplete: str) -> list[str]:
    """Return names of detectors."""
    return _begin(_declared("detectors"), incomplete)


def strategies(incomplete: str) -> list[str]:
    """Return names of strategies."""
    return _begin(_declared("strategies"), incomplete)


def presets(incomplete: str) -> list[str]:
    """Return names of presets."""
    from ecgan.presets import PRESETS

    return _begin(PRESETS, incomplete)


def lists(incomplete: str) -> list[str]:
    """Return what `ecgan list` knows."""
    return _begin(KINDS, incomplete)


def runs(incomplete: str) -> list[str]:
    """Return the published models and the runs below `models/` that are here."""
    from ecgan.publishing.layout import SCHEME, published_names

    found = sorted(path.parent.as_posix() for path in Path().glob("models/*/*/*/train"))
    return _begin([*(f"{SCHEME}{name}" for name in published_names()), *found], incomplete)


def _declared(kinds: str) -> Iterator[str]:
    """Yield the names of one kind: built-in ones as their files say, others as installed packages announce them."""
    from importlib.metadata import entry_points

    from ecgan.config.names import declared
    from ecgan.registry import REGISTRIES

    (registry,) = (one for one in REGISTRIES if one.kinds == kinds)
    yield from (part.name for part in declared(registry.kind, registry.package))
    yield from (entry.name for entry in entry_points(group=registry.group))


def _begin(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
