"""A scored recording, as the page that shows it and the files that tell it take it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.ecg.records import Record


@dataclass(frozen=True)
class Explained:
    """A flagged sample and what the model takes it for.

    Attributes:
        row: Its row in `ScoredRecording.beats`.
        start_s: Time of its first step in the recording, s.
        duration_s: Time from its first step to behind its last one, s.
        signal: What the model was given, before the transformation, in `unit`, shape (L, C).
        reconstruction: What the model made of it, in the same unit, shape (L, C); None where nothing is reconstructed.
    """

    row: int
    start_s: float
    duration_s: float
    signal: NDArray[np.float32]
    reconstruction: NDArray[np.float32] | None


@dataclass(frozen=True)
class ScoredRecording:
    """A recording and what a model says of each of its beats.

    Attributes:
        record: The recording at its own sampling rate with the leads that were scored, in the order of the model's
            leads; mV, NaN where samples are missing. `record.samples` and `symbols` are the R peaks.
        leads: What the model calls each of these leads.
        model: The model, as it was named.
        dataset: The dataset that the model was trained on.
        strategy: The strategy behind `score`.
        threshold: A score from here on is flagged.
        beats: One row a beat, ascending: `number` (from 1), `sample` (position in the recording), `time_s`, `symbol`
            (of a reference annotation; empty where R peaks were detected), `score` (NaN where a beat could not be
            scored), `flagged`, `reason` (why a beat could not be scored; empty otherwise), and one column a component,
            its name behind `component_`.
        explained: The flagged samples, those with the highest scores first; perhaps not all.
        unit: Unit of the signals in `explained`.
        facts: What a summary says besides, by name: peaks found by, rates, folds, counts. `warnings`, a list of
            sentences, is what page and terminal say first.
        noun: What a row of `beats` is, "beat" or "window".
    """

    record: Record
    leads: list[str]
    model: str
    dataset: str
    strategy: str
    threshold: float
    beats: pd.DataFrame
    explained: list[Explained]
    unit: str
    facts: dict[str, Any]
    noun: str = "beat"
