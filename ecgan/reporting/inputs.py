"""What a report is made of: results as the stages read them from disk, and nothing about where they lie."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.errors import EcganError

F64 = NDArray[np.float64]

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
        kind: One of `KINDS`, see `ecgan.reporting.examples.choose_examples`.
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


@dataclass(frozen=True, eq=False)
class RunResult:
    """One method on one fold: what `detect` (and, for the history, `train`) wrote.

    Attributes:
        metrics: `metrics.json`.
        scores: `scores.csv`: index, label, class, components, and each strategy's score and `<strategy>_predicted`.
        roc: `roc.csv`: `fpr` and one column of true positive rates for each strategy.
        pr: `pr.csv`: `recall` and one column of precisions for each strategy.
        history: `history.csv`: epoch, losses, `vali_loss`, `vali_auroc`, `vali_ap`; None for what is not trained.
        examples: Samples worth looking at; may be empty.
        confusion: `confusion.csv` of a classifier: one row a test sample, its class `actual` and the class
            `predicted`; None for what tells no classes apart.
    """

    metrics: dict[str, Any]
    scores: pd.DataFrame
    roc: pd.DataFrame
    pr: pd.DataFrame
    history: pd.DataFrame | None = None
    examples: list[Example] = field(default_factory=list)
    confusion: pd.DataFrame | None = None


@dataclass(frozen=True, eq=False)
class GenerationResult:
    """What `train` found of the signals that one model generates, on one fold.

    Attributes:
        method: The model.
        fold: The fold.
        metrics: `generation.json`; empty for a classifier.
        figures: SVG text by name (samples, walk, embedding), from `ecgan.generation.figures.draw`.
    """

    method: str
    fold: int
    metrics: dict[str, Any]
    figures: dict[str, str]


@dataclass(frozen=True)
class Plot:
    """A figure: its path relative to the report, heading, caption and SVG."""

    path: str
    title: str
    caption: str
    svg: str


@dataclass(frozen=True, eq=False)
class ReportInputs:
    """Everything that a report says.

    Attributes:
        title: Heading of the report.
        dataset: Description with the keys `name`, `title`, `source`, `licence`, `counts` (class to number),
            `sampling_rate`, `leads`, `class_mapping`; a missing key is left out of the report.
        params: Parameters worth stating, nested as in `params.yaml`.
        runs: One entry for each method and fold.
        demonstration: Whether the data are simulated, so that the numbers say nothing about patients.
        commands: What to type to get the same report, in order.
        generation: Generated signals, one entry for each model and fold.
    """

    title: str
    dataset: dict[str, Any]
    params: dict[str, Any]
    runs: list[RunResult]
    demonstration: bool
    commands: list[str]
    generation: list[GenerationResult] = field(default_factory=list)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """`metrics.json` of every run."""
        return [run.metrics for run in self.runs]


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
