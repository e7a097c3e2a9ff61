"""A scored recording, as the page that shows it and the files that tell it take it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.ecg.records import Record

ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"
"""What a reader may decide of a family."""
NOISE: Final = "noise"
"""Reason of a beat that is not flagged, whatever its score, because it cannot be read; kind of a stretch of these."""
IRREGULAR: Final = "irregular rhythm"
"""Kind of a stretch in which the rhythm is irregular as in atrial fibrillation."""
EPISODES: Final = (
    *("episode", "start_s", "end_s", "first_beat", "beats", "kind", "reason", "highest_score", "rate_per_min"),
    "family",
)
"""Columns of `ScoredRecording.episodes`."""


@dataclass(frozen=True)
class Explained:
    """A flagged sample and what the model takes it for.

    Attributes:
        row: Its row in `ScoredRecording.beats`.
        start_s: Time of its first step in the recording, s.
        duration_s: Time from its first step to behind its last one, s.
        signal: What the model was given, before the transformation, in `unit`, shape (L, C).
        reconstruction: What the model made of it, in the same unit, shape (L, C); None where nothing is reconstructed.
        shift_s: How much later in it than in `Normal.template` the wave lies, s.
    """

    row: int
    start_s: float
    duration_s: float
    signal: NDArray[np.float32]
    reconstruction: NDArray[np.float32] | None
    shift_s: float = 0.0


@dataclass(frozen=True)
class Mode:
    """One of two rhythms, or of two kinds of beats, that compete for being a recording's normal.

    Attributes:
        template: The median of its beats, in the unit of the samples, shape (L, C).
        beats: Number of its scored beats.
        share: Their share of the scored beats, 0 to 1.
        of_usual: Its share of the usual beats.
        taken: Whether it was taken for normal; both are where neither was preferred.
        rate: Beats a minute; None where that is not known.
        qrs_ms: Width of its QRS, ms.
        likely: Log likelihood, up to a constant, that it is a heart's normal rhythm.
        reason: What speaks for it against the other one, in words; may be empty.
    """

    template: NDArray[np.float32]
    beats: int
    share: float
    of_usual: float
    taken: bool
    rate: float | None
    qrs_ms: float
    likely: float
    reason: str


@dataclass(frozen=True)
class Normal:
    """What was taken for normal in a recording of beats.

    Attributes:
        template: The median of the usual beats, in the unit of the samples, shape (L, C).
        before_s: From its first step to the R peak, s.
        duration_s: From its first step to behind its last one, s.
        usual: Number of usual beats.
        share: Their share of the scored beats, 0 to 1.
        rate: Beats a minute, from the median interval before them; None where that is not known.
        qrs_ms: Width of its QRS, ms.
        spread: How irregular the rhythm is: 1.4826 × median of |log(RR / local median)| of calm beats.
        calm: Share of the scored beats that are neither flagged nor beside one that is.
        calm_usual: Share of usual beats among these.
        clear: How clear its QRS is, in the lead in which it is clearest: see `ecgan.ecg.quality.clarity`.
        modes: Two rhythms or two kinds of beats where they compete, the one that has more of the usual beats first.
        modes_by: What tells these apart, "rate" or "shape".
    """

    template: NDArray[np.float32]
    before_s: float
    duration_s: float
    usual: int
    share: float
    rate: float | None
    qrs_ms: float
    spread: float
    calm: float = 1.0
    calm_usual: float = 1.0
    clear: float = np.inf
    modes: tuple[Mode, ...] = ()
    modes_by: str = ""


@dataclass(frozen=True)
class Family:
    """Flagged beats of one shape.

    Attributes:
        number: From 1, largest deviation first.
        rows: Its beats' rows in `ScoredRecording.beats`, ascending.
        score: Their mean score.
        highest: Their highest score.
        early: By what share of the usual interval they come early, the median; negative: late; None if not known.
        reason: Why they are flagged, in words; may be empty.
        mean: Mean of its beats, aligned, in the unit of the samples, shape (L, C).
        drawn: Some of its beats, aligned, shape (m, L, C).
        decision: What a reader decided, `ACCEPTED` or `REJECTED`; empty where nothing.
    """

    number: int
    rows: NDArray[np.int64]
    score: float
    highest: float
    early: float | None
    reason: str
    mean: NDArray[np.float32]
    drawn: NDArray[np.float32]
    decision: str = ""


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
        columns: One value a beat, (n,) each, ascending: `number` (from 1), `sample` (position in the recording),
            `time_s`, `symbol` (of a reference annotation; empty where R peaks were detected), `score` (NaN where a beat
            could not be scored), `flagged`, `family` (number of its family; 0 for none), `reason` (why a beat could not
            be scored; `NOISE` where it was scored but cannot be read, and so is not flagged; empty otherwise), and one
            column a component, its name behind `component_`.
        explained: The flagged samples, those with the highest scores first; perhaps not all.
        unit: Unit of the signals in `explained`.
        facts: What a summary says besides, by name: peaks found by, rates, folds, counts. `warnings`, a list of
            sentences, is what page and terminal say first.
        noun: What a row of `beats` is, "beat" or "window".
        families: Flagged beats of the same shape, largest deviation first; none where rows are windows.
        episodes: One row a stretch of consecutive flagged beats, of noise or of irregular rhythm: `episode` (from 1),
            `start_s`, `end_s`, `first_beat` (its number), `beats`, `kind`, `reason`, `highest_score`, `rate_per_min`,
            `family` (NA if several or none).
        normal: What was taken for normal; None where rows are windows, or nothing is.
    """

    record: Record
    leads: list[str]
    model: str
    dataset: str
    strategy: str
    threshold: float
    columns: Mapping[str, Any]
    explained: list[Explained]
    unit: str
    facts: dict[str, Any]
    noun: str = "beat"
    families: list[Family] = field(default_factory=list)
    episodes: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(EPISODES)))
    normal: Normal | None = None

    @cached_property
    def beats(self) -> pd.DataFrame:
        """The columns as a table, one row a beat; that takes a while, and few of an archive's recordings need it."""
        return pd.DataFrame(dict(self.columns))

    @property
    def decided(self) -> bool:
        """Whether a reader decided anything of its families."""
        return any(family.decision for family in self.families)

    @property
    def warnings(self) -> list[str]:
        """Sentences that a reader must see."""
        return [str(text) for text in self.facts.get("warnings", [])]
