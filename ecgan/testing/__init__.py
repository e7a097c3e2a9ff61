"""Conformance checks for every kind of part, datasets, models, detectors and so on: your own and the package's.

One generator gives the checks of one part. With pytest::

    import pytest
    from ecgan.testing import checks

    @pytest.mark.parametrize("check", checks("detector", "my_detector"), ids=str)
    def test_my_detector(check):
        check()

A failed check says in one sentence what was expected and what was found. Everything runs on toy beats, on the device
that `ECGAN_DEVICE` selects.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from ecgan.registry import REGISTRIES, Registry
from ecgan.testing.check import Check, ConformanceError

__all__ = ["Check", "ConformanceError", "Kind", "checks"]

Kind = Literal["dataset", "model", "detector", "protocol", "inversion", "strategy"]

_REGISTRIES: dict[str, Registry[Any]] = {registry.kind: registry for registry in REGISTRIES}


def checks(kind: Kind, name: str, options: Mapping[str, Any] | None = None) -> Iterator[Check]:
    """Yield the conformance checks of one registered part.

    Args:
        kind: "dataset", "model", "detector", "protocol", "inversion" or "strategy".
        name: Its registered name or an alias; the file that registers it must have been imported (or loaded with
            `ecgan.registry.load_plugins`).
        options: Values in place of the quick ones. For a model and a detector: of its parameters. For a dataset:
            `{"fetch": {...}, "preprocess": {...}}`, without which nothing is fetched and only the description is
            checked. For a protocol: of the section `split`. For an inversion: of the section `inverse`. A strategy
            takes none.

    Yields:
        Checks; `str(check)` is a name for reports, and calling one returns or raises `ConformanceError`.

    Raises:
        EcganError: There is no such part.
    """
    cls = _REGISTRIES[kind].get(name)
    given = dict(options or {})
    if kind == "model":
        yield from _of_model(cls, given)
    elif kind == "detector":
        from ecgan.testing import detectors

        subject = detectors.DetectorSubject(cls, given)
        yield from (Check(kind, cls.name, check, subject) for check in detectors.chosen(cls))
    elif kind == "dataset":
        from ecgan.testing import datasets

        yield from (Check(kind, cls.name, c, datasets.DatasetSubject(cls, given)) for c in datasets.chosen(given))
    elif kind == "inversion":
        from ecgan.testing import inversions, subjects

        mapping = inversions.InversionSubject(cls, given)
        yield from (Check(kind, cls.name, subjects.undisturbing(c), mapping) for c in inversions.CHECKS)
    elif kind == "strategy":
        from ecgan.testing import strategies

        yield from (Check(kind, cls.name, c, strategies.StrategySubject(cls)) for c in strategies.CHECKS)
    else:
        from ecgan.testing import protocols

        yield from (Check(kind, cls.name, check, protocols.ProtocolSubject(cls, given)) for check in protocols.CHECKS)


def _of_model(cls: Any, given: dict[str, Any]) -> Iterator[Check]:
    """Yield a model's checks; torch is imported here and not for the other kinds."""
    from ecgan.testing import kinds, models, subjects, training

    subject = subjects.ModelSubject(cls, given)
    own = kinds.CLASSIFIERS if cls.classifies else kinds.GENERATIVE
    for function in (*models.CHECKS, *training.CHECKS, *own):
        yield Check("model", cls.name, subjects.undisturbing(function), subject)
