"""Consecutive flagged beats are one episode, and so are stretches of noise and of irregular rhythm."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.reporting.recordings import EPISODES, IRREGULAR, NOISE, Family

LEAST = 2
"""Flagged beats that follow each other make an episode from here on."""
STRETCHES_S = {IRREGULAR: (30.0, 30.0), NOISE: (10.0, 3.0)}
"""How long a stretch lasts at least, and which breaks are bridged: shorter ones, s."""
WARNED = 0.05
"""Irregular rhythm in more than this share of a recording is warned of."""

_WORDS = {
    IRREGULAR: "irregular rhythm, as in atrial fibrillation: RR say nothing of each other",
    NOISE: "noise: beats cannot be read, and are not flagged",
}


def episodes_of(
    beats: Mapping[str, Any],
    families: Sequence[Family],
    noun: str = "beat",
    *,
    irregular: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """Return one row an episode, in the order of time; see `ScoredRecording.episodes`.

    Flagged beats in a row are one, with the reason of the beat with the highest score: a beat that could not be scored
    or read ends it, as one that is not flagged does. Noise and irregular rhythm are others, whether their beats are
    flagged or not. The rate is that within an episode; of noise there is none.

    Args:
        beats: Their columns, as in `ScoredRecording.columns`.
        families: Its families.
        noun: What a row is.
        irregular: Where the rhythm is irregular, mask (n,); None: nowhere.
    """
    flagged = np.concatenate([[0], beats["flagged"], [0]]).astype(np.int8)
    starts, stops = np.flatnonzero(np.diff(flagged) == 1), np.flatnonzero(np.diff(flagged) == -1)
    times, scores, numbers, members = (np.asarray(beats[name]) for name in ("time_s", "score", "number", "family"))
    reasons = {family.number: family.reason for family in families}
    rows: list[tuple[Any, ...]] = []

    def add(start: int, stop: int, kind: str, reason: str, family: int | None = None) -> None:
        count, lasts = stop - start, times[stop - 1] - times[start]
        rows.append((
            0, times[start], times[stop - 1], int(numbers[start]), count, kind, reason,
            float(np.nanmax(scores[start:stop])),
            round(60 * (count - 1) / lasts, 1) if noun == "beat" and kind != NOISE and lasts > 0 else None,
            family,
        ))  # fmt: skip

    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        if stop - start >= LEAST:
            highest = start + int(np.argmax(scores[start:stop]))
            alone = len(set(members[start:stop].tolist())) == 1 and members[start] > 0
            kind = f"{'pair' if stop - start == 2 else 'run'} of {noun}s"
            add(start, stop, kind, reasons.get(int(members[highest]), ""), int(members[start]) if alone else None)
    noisy = np.asarray(beats["reason"], dtype=object) == NOISE
    for kind, mask in ((IRREGULAR, irregular), (NOISE, noisy)):
        for start, stop in stretches(times, mask, *STRETCHES_S[kind]) if mask is not None else ():
            add(start, stop, kind, _WORDS[kind])
    if not rows:
        return _none()
    rows.sort(key=lambda row: row[1])
    found = pd.DataFrame(rows, columns=list(EPISODES)).astype({"family": "Int64", "rate_per_min": "Float64"})
    return found.assign(episode=np.arange(1, len(found) + 1))


@functools.cache
def _none() -> pd.DataFrame:
    """The table without a row."""
    columns = dict.fromkeys(EPISODES, "object") | {"episode": "int64", "family": "Int64", "rate_per_min": "Float64"}
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in columns.items()})


def stretches(
    times: NDArray[np.float64], mask: NDArray[np.bool_], least_s: float, bridged_s: float
) -> Iterator[tuple[int, int]]:
    """First row of each stretch of marked rows, and the row behind its last one.

    Args:
        times: When they occur, (n,), ascending, s.
        mask: Which are marked, (n,).
        least_s: Time between marked rows that follow each other, s, of a stretch at least.
        bridged_s: Marked rows that are less than this apart belong together.
    """
    rows = np.flatnonzero(mask)
    for part in np.split(rows, np.flatnonzero(np.diff(times[rows]) >= bridged_s) + 1):
        lasts = np.diff(times[part])[np.diff(part) == 1].sum()
        if lasts >= least_s:
            yield int(part[0]), int(part[-1]) + 1


def rhythm_warnings(episodes: pd.DataFrame, duration_s: float) -> list[str]:
    """Say in a sentence that the rhythm is irregular in much of a recording of this duration."""
    if not len(episodes):
        return []
    found = episodes[episodes["kind"] == IRREGULAR]
    share = float((found["end_s"] - found["start_s"]).sum()) / duration_s
    if share <= WARNED:
        return []
    return [
        f"The rhythm is irregular, as in atrial fibrillation, in {100 * share:.0f} % of the recording: there RR say"
        " nothing of each other, and that a beat comes early counts for little or nothing."
    ]
