"""What a report is made of: results as the stages read them from disk, and nothing about where they lie."""

from dataclasses import dataclass, field
from typing import Any

from ecgan.evaluation.result import Result


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
    runs: list[Result]
    demonstration: bool
    commands: list[str]
    generation: list[GenerationResult] = field(default_factory=list)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """`metrics.json` of every run."""
        return [run.metrics for run in self.runs]
