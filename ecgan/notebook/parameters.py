"""Keyword parameters of a detector → the sections of `params.yaml`, checked as those of the pipeline are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecgan.arithmetic import is_portable
from ecgan.config import Detection, Document, Inverse, Options, Params, Runtime, Train, names, resolve_params
from ecgan.config.checking import overlay
from ecgan.errors import EcganError, nearest
from ecgan.registry import DETECTORS, MODELS

FACTS = ("leads", "sampling_rate", "unit", "centre")
"""What arrays do not say of themselves."""
_WHOLE = ("preprocess", "modules", "detectors")  # sections that are given whole, as mappings
_NOT_OF_ARRAYS = {  # parameters of the pipeline that mean nothing here
    "train": {"leads", "tracker", "generation"},
    "detect": {"classical", "bootstrap", "batch_size"},
    "runtime": {"arithmetic"},
}
_OF_CLASSICAL = {"train": {"transformation"}, "runtime": {"seed", "threads"}}

Sections = dict[str, set[str]]


@dataclass(frozen=True)
class Chosen:
    """A model or a classical detector with all of its parameters.

    Attributes:
        model: The model's name; None for a classical detector.
        facts: Those of `FACTS` that were given.
    """

    name: str
    model: str | None
    params: Params
    facts: dict[str, Any]

    @property
    def classifies(self) -> bool:
        """Whether it learns classes from labels."""
        return self.model is not None and bool(MODELS.get(self.model).classifies)


def choose_parameters(name: str, given: Mapping[str, Any], *, labelled: bool = True) -> Chosen:
    """Find out what is meant.

    Args:
        name: Name or alias of a model or of a classical detector.
        given: Parameters by name, `epochs=20`, or sections as mappings, `train={"epochs": 20}`.
        labelled: Whether there are labels, from which a threshold can be chosen.

    Raises:
        EcganError: A name is unknown, or a value is not allowed.
    """
    name, model = _known(name)
    given = {key: _plain(value) for key, value in given.items()}
    facts = {key: given.pop(key) for key in FACTS if given.get(key) is not None}
    for key in FACTS:
        given.pop(key, None)
    detector = name if model is None else _detector_of(model, given)
    sections = _sections(name, model, detector)
    values: dict[str, Any] = {
        "dataset": given.pop("dataset", "folder"),
        "experiment": {"project": "notebook", "run": name},
        "models": [] if model is None else [model],
        "modules": {} if model is None else {model: {}},
        "detect": {"detector": detector, "classical": []},
        "runtime": {"arithmetic": "portable" if is_portable() else "native"},  # as this process computes
    }
    values |= {"preprocess": {"cut": "none"}} if values["dataset"] == "folder" else {}
    for key, value in given.items():
        values = overlay(values, _placed(name, key, value, sections))
    detect = values["detect"]
    detect.setdefault("strategies", [DETECTORS.get(detector).strategies[0]])
    if isinstance(detect.get("threshold"), (int, float)) and not isinstance(detect["threshold"], bool):
        detect |= {"threshold": "fixed", "threshold_value": float(detect["threshold"])}
    detect.setdefault("threshold", "best_f1" if labelled else "quantile")
    document = Document(f"Detector({name!r})", values)
    return Chosen(name, model, resolve_params(document, plugins=False, hint="Mend that parameter."), facts)


def _known(name: str) -> tuple[str, str | None]:
    """Return the registered name, and the same where it is a model's."""
    for registry in (DETECTORS, MODELS):
        try:
            found = names.resolve(registry, name)
        except EcganError:
            continue
        if registry is MODELS:
            return found, found
        if DETECTORS.get(found).needs_model:
            raise EcganError(
                f"the detector {found!r} scores through a trained model.",
                f"Name the model, and the detector as its parameter: Detector('aegan', detector={found!r}).",
            )
        return found, None
    classical = [found for found in DETECTORS.names() if not DETECTORS.get(found).needs_model]
    raise EcganError(
        f"there is no model or classical detector {name!r}{nearest(name, [*MODELS.names(), *classical])}",
        f"Models: {', '.join(MODELS.names())}. Classical detectors: {', '.join(classical)}.",
    )


def _detector_of(model: str, given: Mapping[str, Any]) -> str:
    """Return the name of the detector that scores through a model: the one that was given, or that of its kind."""
    section = given.get("detect")
    asked = given.get("detector", section.get("detector") if isinstance(section, dict) else None)
    default = names.defaults_of(MODELS, model).get("detect", {}).get("detector", "inverse_mapping")
    return names.resolve(DETECTORS, str(default if asked is None else asked))


def _sections(name: str, model: str | None, detector: str) -> Sections:
    """Return the parameters by section, those of the model or detector first."""
    found: Sections = {} if model is None else {f"modules.{model}": set(MODELS.get(model).Options.model_fields)}
    found[f"detectors.{detector}"] = set(DETECTORS.get(detector).Options.model_fields)
    schemas: dict[str, type[Options]] = {"train": Train, "detect": Detection, "inverse": Inverse, "runtime": Runtime}
    for section, schema in schemas.items():
        fields = set(schema.model_fields) - _NOT_OF_ARRAYS.get(section, set())
        found[section] = fields if model is not None else fields & _OF_CLASSICAL.get(section, fields)
    if model is None:
        found["detect"] = found["detect"] - {"detector"}
        del found["inverse"]
    found["split"] = {"vali_share"}
    return found


def _placed(name: str, key: str, value: Any, sections: Sections) -> dict[str, Any]:
    """Return a parameter where `params.yaml` has it."""
    if key in _WHOLE or (key in sections and isinstance(value, dict)):
        for inner in value if key in sections else ():
            if inner not in sections[key]:
                raise _unknown(name, f"{key}.{inner}", inner, sections[key])
        return {key: value}
    for section, fields in sections.items():
        if key in fields:
            path = [*section.split("."), key]
            for step in reversed(path):
                value = {step: value}
            placed: dict[str, Any] = value
            return placed
    known = {field for fields in sections.values() for field in fields} | {*FACTS, "dataset", *_WHOLE}
    raise _unknown(name, key, key, known)


def _unknown(name: str, key: str, word: str, known: Iterable[str]) -> EcganError:
    listed = sorted(known)
    return EcganError(
        f"{name!r} has no parameter {key!r}{nearest(word, listed)}", f"Its parameters: {', '.join(listed)}."
    )


def _plain(value: Any) -> Any:
    """Return what a file could hold: searches over parameters hand over NumPy's numbers, and people tuples."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    return str(value) if isinstance(value, Path) else value
