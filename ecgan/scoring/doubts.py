"""What speaks against believing what a run says of a recording, a sentence each: the model, the leads, the beats."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg import rhythm
from ecgan.ecg.leads import ANY, canonical_lead
from ecgan.ecg.records import Record
from ecgan.ecg.template import evenly, evenly_places
from ecgan.quantiles import quantiles
from ecgan.scoring.scorer import Scorer

F64 = NDArray[np.float64]

SLOWER = 0.5
"""A recording below this share of the rate that the model was trained at lacks what the model looks at."""
MISSED = 1.75
"""An interval of so many times the usual one around it holds more than one beat."""
SILENT_S = 5.0
"""Longer ones are told as stretches without beats."""
MOST_MISSED = 0.08
"""Of the beats that there should be."""
SHORT_S, MOST_SHORT = 0.3, 0.05
"""Intervals that hardly any heart has, and their share: T waves or noise are counted as beats."""
MOST_FLAGGED = 0.5
ALIKE = 0.3
"""Correlation of a lead's beats with their median, below which the lead holds noise (their median over the beats)."""
_FLAT_MV = 0.01
_LOOKED_AT = 1 << 20
"""Values of a lead at least that say how far it moves."""
_AROUND_S = 0.15
_BEATS = 200
_FEWEST = 20
"""With fewer beats nothing is said of rhythm or leads."""


def model_doubts(scorer: Scorer, record: Record) -> list[str]:
    """Say where the model was trained on something else: simulated patients, other leads, a much higher rate."""
    found = []
    if scorer.dataset.simulated:
        found.append(
            f"The model was trained on simulated ECG ({scorer.dataset.name}): what it says of a person's is a"
            " demonstration, no finding."
        )
    others = [
        f"{have} for {trained}"
        for have, trained in zip(record.leads, scorer.leads, strict=True)
        if trained != ANY and canonical_lead(have) != canonical_lead(trained)
    ]
    if others:
        found.append(f"The model was trained on other leads and is given {', '.join(others)}: shapes differ.")
    if record.sampling_rate < SLOWER * scorer.rate:
        found.append(
            f"The recording has {record.sampling_rate:g} Hz, and the model was trained at {scorer.rate:g} Hz: the steep"
            " parts of its beats are not there."
        )
    return found


def most_flagged(facts: dict[str, Any]) -> bool:
    """Whether more than half of what was scored is flagged."""
    return bool(facts["flagged"] > MOST_FLAGGED * facts["scored"])


def flagged_doubts(facts: dict[str, Any], noun: str) -> list[str]:
    """Say that most is flagged."""
    if not most_flagged(facts):
        return []
    flagged, scored = facts["flagged"], facts["scored"]
    share = f"All {scored:,}" if flagged == scored else f"{100 * flagged / scored:.0f} % of the"
    return [
        f"{share} {noun}s are flagged: the model or its threshold does not fit this recording, or little of it is"
        " normal."
    ]


def beat_doubts(record: Record) -> list[str]:
    """Say that more or fewer R peaks were found than the intervals between them suggest."""
    count = len(record.samples)
    if count < _FEWEST:
        return []
    before, _ = rhythm.intervals(record.samples / record.sampling_rate)
    before[_across_gaps(record) | (before >= SILENT_S)] = np.nan
    usual = rhythm.local_median(before, rhythm.Reach())
    with np.errstate(invalid="ignore"):
        missed = float(np.nansum(np.where(before > MISSED * usual, np.rint(before / usual) - 1, 0)))
        short = float(np.nanmean(before < SHORT_S))
    found = []
    if missed > MOST_MISSED * (count + missed):
        found.append(
            f"Beats may be missing: {count:,} were found, and the intervals between them leave room for"
            f" {missed:,.0f} more."
        )
    if short > MOST_SHORT:
        found.append(
            f"Too many beats may be found: {100 * short:.0f} % follow each other within {1000 * SHORT_S:.0f} ms."
        )
    return found


def lead_doubts(record: Record) -> list[str]:
    """Say which of the scored leads are flat, mostly missing, or hold nothing that comes back with the beats."""
    found = []
    for lead, values in zip(record.leads, record.signals.T, strict=True):
        known = np.isfinite(values)
        share = float(known.mean())
        if share < 0.5:
            found.append(f"Lead {lead} is missing in {100 * (1 - share):.0f} % of the recording.")
        there = values if known.all() else values[known]
        low, high = map(float, quantiles(there[evenly_places(len(there), _LOOKED_AT)], [0.01, 0.99]))
        if high - low < _FLAT_MV:
            found.append(f"Lead {lead} is flat: it moves by {1000 * (high - low):.2g} µV. Its electrode may be off.")
        elif (alike := likeness(values, record.samples, record.sampling_rate)) is not None and alike < ALIKE:
            found.append(f"Lead {lead} holds no beats, only noise: nothing in it comes back from beat to beat.")
    return found


def likeness(values: NDArray[Any], peaks: NDArray[np.int64], sampling_rate: float) -> float | None:
    """How alike the beats of a lead are: the median of their correlations with their median beat.

    Args:
        values: The lead, (T,), NaN where samples are missing.
        peaks: Positions of the R peaks, (n,).
        sampling_rate: Hz.

    Returns:
        Between -1 and 1; None where there are too few beats.
    """
    reach = max(2, round(_AROUND_S * sampling_rate))
    rows = evenly(np.flatnonzero((peaks >= reach) & (peaks < len(values) - reach)), _BEATS)
    beats = values[peaks[rows][:, None] + np.arange(-reach, reach)]  # (n, 2 reach)
    beats = beats[np.isfinite(beats).all(axis=1)]
    if len(beats) < _FEWEST:
        return None
    beats = beats - beats.mean(axis=1, keepdims=True)
    # half of the beats make the median that the others are compared with, or noise would be like itself
    parts = [(beats[::2], beats[1::2]), (beats[1::2], beats[::2])]
    return float(np.median(np.concatenate([_correlations(some, np.median(rest, axis=0)) for some, rest in parts])))


def _correlations(beats: F64, template: F64) -> F64:
    """Correlations (n,) of beats (n, L) of mean 0 with a template (L,)."""
    template = template - template.mean()
    size = np.linalg.norm(beats, axis=1) * np.linalg.norm(template)
    return np.asarray(np.divide(beats @ template, size, out=np.zeros(len(beats)), where=size > 0))


def _across_gaps(record: Record) -> NDArray[np.bool_]:
    """Which beats have missing samples of all leads between them and the beat before, (n,)."""
    there = np.zeros(len(record.signals), dtype=bool)
    for lead in record.signals.T:
        there |= np.isfinite(lead)
    before = np.searchsorted(np.flatnonzero(~there), record.samples)
    return np.diff(before, prepend=before[:1]) > 0


def doubts(scorer: Scorer, record: Record, facts: dict[str, Any], *, detected: bool) -> Sequence[str]:
    """All of these of a recording with the leads that are scored, and its R peaks, detected or annotated."""
    noun = "beat" if scorer.beats else "window"
    found = [*model_doubts(scorer, record), *flagged_doubts(facts, noun)]
    return [*found, *lead_doubts(record), *(beat_doubts(record) if scorer.beats and detected else [])]
