"""Samples worth looking at: which ones, and how they are written down."""

import json
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError
from ecgan.reporting.inputs import AGAIN, CAUGHT, EXPLAINED, F64, FALSE_ALARM, KINDS, MISSED, Example

DECIMALS: Final = 4
_TEXT, _WHOLE, _NUMBER = (str,), (int,), (int, float)
_FIELDS: Final[dict[str, tuple[type, ...]]] = {
    "index": _WHOLE,
    "class_name": _TEXT,
    "record": (str, type(None)),
    "patient": (str, type(None)),
    "sample": (int, type(None)),
    "time_s": (int, float, type(None)),
    "score": _NUMBER,
    "strategy": _TEXT,
    "flagged": (bool,),
    "kind": _TEXT,
    "signal": (list,),
    "reconstruction": (list, type(None)),
    "sampling_rate": _NUMBER,
    "leads": (list,),
    "centre": (int, type(None)),
    "unit": _TEXT,
}


def choose_examples(scores: F64, labels: NDArray[Any], predicted: NDArray[Any], count: int) -> list[tuple[int, str]]:
    """Choose the clearest right and the gravest wrong decisions.

    - "caught": abnormal and flagged, highest scores first;
    - "missed": abnormal and not flagged, lowest scores first;
    - "false alarm": normal and flagged, highest scores first;
    - "explained": normal and not flagged, lowest scores first.

    Abnormal classes take turns, the one with the most extreme score first, so that a frequent class does not hide
    the others. Equal scores are taken in the order of the samples.

    Args:
        scores: Shape (n,), higher = more abnormal.
        labels: True classes, shape (n,); 0 is normal.
        predicted: Decisions, shape (n,); 0 is normal.
        count: How many of each kind, at most.

    Returns:
        Positions in 0..n-1 with their kind, in the order of `KINDS`; fewer where there are not enough.

    Raises:
        EcganError: Lengths that differ, or scores that are not finite.
    """
    scores = np.asarray(scores, dtype=np.float64)
    labels, flagged = np.asarray(labels), np.asarray(predicted).astype(bool)
    if not scores.shape == labels.shape == flagged.shape or scores.ndim != 1:
        raise EcganError(f"scores, labels and decisions differ: {scores.shape}, {labels.shape}, {flagged.shape}")
    if not np.isfinite(scores).all():
        raise EcganError("scores hold values that are not finite")
    abnormal = labels != 0
    wanted = {
        CAUGHT: (abnormal & flagged, -scores),
        MISSED: (abnormal & ~flagged, scores),
        FALSE_ALARM: (~abnormal & flagged, -scores),
        EXPLAINED: (~abnormal & ~flagged, scores),
    }
    return [(index, kind) for kind in KINDS for index in _take_turns(*wanted[kind], labels, count)]


def examples_to_json(examples: list[Example]) -> list[dict[str, Any]]:
    """Plain values for `examples.json`, signals rounded to 1e-4 and stored lead by lead."""
    return [_as_json(example) for example in examples]


def examples_text(examples: list[Example]) -> str:
    """The text of `examples.json`: one example on a line, keys sorted; the same examples give the same bytes."""
    lines = [
        json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False) for value in examples_to_json(examples)
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"


def examples_from_json(value: Any, source: str = "examples.json") -> list[Example]:
    """Read what `examples_to_json` gave; messages name the file, `source`.

    Raises:
        EcganError: Anything but a list of examples with exactly the known keys, types and shapes.
    """
    if not isinstance(value, list):
        raise EcganError(f"{source} holds {type(value).__name__}, not a list of examples", AGAIN)
    return [_from_json(entry, f"{source}, example {position}") for position, entry in enumerate(value)]


def _take_turns(mask: NDArray[np.bool_], key: F64, labels: NDArray[Any], count: int) -> list[int]:
    """The `count` smallest of `key` within `mask`, the classes among them taking turns."""
    order = [int(index) for index in np.argsort(key, kind="stable") if mask[index]]
    turns: dict[Any, int] = {}
    ranked = []
    for place, index in enumerate(order):
        label = labels[index].item()
        ranked.append((turns.get(label, 0), place, index))
        turns[label] = turns.get(label, 0) + 1
    return [index for _, _, index in sorted(ranked)[: max(count, 0)]]


def _as_json(example: Example) -> dict[str, Any]:
    value = {name: getattr(example, name) for name in _FIELDS}
    value.update(
        index=int(example.index),
        sample=None if example.sample is None else int(example.sample),
        time_s=None if example.time_s is None else round(float(example.time_s), DECIMALS),
        score=float(example.score),
        flagged=bool(example.flagged),
        sampling_rate=float(example.sampling_rate),
        leads=list(example.leads),
        signal=_rounded(example.signal),
        reconstruction=None if example.reconstruction is None else _rounded(example.reconstruction),
    )
    return value


def _rounded(trace: F64) -> list[list[float]]:
    return [[float(number) for number in lead] for lead in np.round(trace, DECIMALS).T + 0.0]  # + 0.0: no -0.0


def _from_json(entry: Any, where: str) -> Example:
    if not isinstance(entry, dict):
        raise EcganError(f"{where} is {type(entry).__name__}, not a mapping", AGAIN)
    if missing := sorted(_FIELDS.keys() - entry.keys()):
        raise EcganError(f"{where} lacks {', '.join(missing)}", AGAIN)
    if unknown := sorted(str(key) for key in entry.keys() - _FIELDS.keys()):
        raise EcganError(f"{where} has the unknown key {unknown[0]!r}", AGAIN)
    for name, types in _FIELDS.items():
        given = entry[name]
        if not isinstance(given, types) or (isinstance(given, bool) and bool not in types):
            raise EcganError(f"{where}: {name} is {type(given).__name__}", AGAIN)
    values = dict(entry)
    if not all(isinstance(lead, str) for lead in entry["leads"]):
        raise EcganError(f"{where}: leads are not all names", AGAIN)
    values["leads"] = tuple(entry["leads"])
    values["signal"] = _array(entry["signal"], f"{where}: signal")
    if entry["reconstruction"] is not None:
        values["reconstruction"] = _array(entry["reconstruction"], f"{where}: reconstruction")
    return Example(**values)


def _array(rows: list[Any], where: str) -> F64:
    """Lists (C, L) to an array (L, C)."""
    numbers = all(
        isinstance(row, list) and all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in row)
        for row in rows
    )
    if not numbers or len({len(row) for row in rows}) != 1:
        raise EcganError(f"{where} is not one list of numbers of equal length for each lead", AGAIN)
    return np.asarray(rows, dtype=np.float64).T
