"""Samples worth looking at: which ones, and how they are written down."""

import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError
from ecgan.evaluation.ranking import F64

AGAIN: Final = "Run `ecgan detect` again to write it anew."

CAUGHT: Final = "caught"
EXPLAINED: Final = "explained"
MISSED: Final = "missed"
FALSE_ALARM: Final = "false alarm"
KINDS: Final = (CAUGHT, MISSED, FALSE_ALARM, EXPLAINED)
"""Kinds of examples, in the order in which a report shows them; the first and the last are right decisions."""


@dataclass(frozen=True, eq=False)
class Example:
    """One test sample worth looking at, with what the method made of it.

    Attributes:
        index: Index of the sample in the dataset.
        class_name: Its true class.
        record: Record that it was cut from, None where samples have no records.
        patient: Patient of that record, None where unknown.
        sample: Position of the R peak in the record, in samples; None where unknown.
        time_s: The same in seconds from the start of the record; None where unknown.
        score: Its score, higher = more abnormal.
        strategy: The strategy that gave the score and the decision.
        flagged: Whether the decision was "abnormal".
        kind: One of `KINDS`, see `choose_examples`.
        signal: What was recorded, float64, shape (L, C): time steps, leads; in `unit`.
        reconstruction: What the method took it for, shape (L, C), in `unit`; None where a method has none.
        sampling_rate: Hz; 0.0 where time has no unit.
        leads: Name of each lead, length C.
        centre: Index in 0..L-1 of the R peak, None where samples are no beats.
        unit: Unit of the signal; only what is in "mV" can be drawn on ECG paper.

    Raises:
        EcganError: Shapes that do not fit each other, values that are not finite, or an unknown kind.
    """

    index: int
    class_name: str
    record: str | None
    patient: str | None
    sample: int | None
    time_s: float | None
    score: float
    strategy: str
    flagged: bool
    kind: str
    signal: F64
    reconstruction: F64 | None
    sampling_rate: float
    leads: tuple[str, ...]
    centre: int | None = None
    unit: str = "mV"

    def __post_init__(self) -> None:
        where = f"example {self.index}"
        object.__setattr__(self, "leads", tuple(self.leads))
        object.__setattr__(self, "record", _name(self.record))
        object.__setattr__(self, "patient", _name(self.patient))
        object.__setattr__(self, "signal", _trace(self.signal, f"the signal of {where}"))
        if self.reconstruction is not None:
            trace = _trace(self.reconstruction, f"the reconstruction of {where}")
            object.__setattr__(self, "reconstruction", trace)
            if trace.shape != self.signal.shape:
                raise EcganError(
                    f"the signal of {where} has shape {self.signal.shape}, its reconstruction {trace.shape}"
                )
        if len(self.leads) != self.signal.shape[1]:
            raise EcganError(f"{where} has {self.signal.shape[1]} leads, but {len(self.leads)} names")
        if self.kind not in KINDS:
            raise EcganError(f"{where} is of the unknown kind {self.kind!r}; known are: {', '.join(KINDS)}")
        if not np.isfinite(self.score):
            raise EcganError(f"the score of {where} is not finite")
        if not (np.isfinite(self.sampling_rate) and self.sampling_rate >= 0):
            raise EcganError(f"the sampling rate of {where} is {self.sampling_rate}")
        if self.centre is not None and not 0 <= self.centre < len(self.signal):
            raise EcganError(f"the centre of {where} is {self.centre}, outside its {len(self.signal)} time steps")


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


def _name(value: Any) -> str | None:
    """A name as text: tables give the record 100 as a number, and NaN where there is none."""
    return None if value is None or value != value else str(value)


def _trace(values: Any, what: str) -> F64:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or 0 in array.shape:
        raise EcganError(f"{what} has shape {array.shape}, not (time steps, leads)")
    if not np.isfinite(array).all():
        raise EcganError(f"{what} holds values that are not finite")
    return array
