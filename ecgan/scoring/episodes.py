"""Consecutive flagged beats are one episode."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ecgan.reporting.recordings import EPISODES, Family

LEAST = 2
"""Flagged beats that follow each other make an episode from here on."""


def episodes_of(beats: pd.DataFrame, families: Sequence[Family], noun: str = "beat") -> pd.DataFrame:
    """Return one row an episode, in the order of time; see `ScoredRecording.episodes`.

    A beat that could not be scored ends an episode, as one that is not flagged does. The rate is that within it, the
    reason that of the beat with the highest score.

    Args:
        beats: One row a beat, as in `ScoredRecording.beats`.
        families: Its families.
        noun: What a row is.
    """
    flagged = np.concatenate([[False], beats["flagged"].to_numpy(dtype=bool), [False]]).astype(np.int8)
    starts, stops = np.flatnonzero(np.diff(flagged) == 1), np.flatnonzero(np.diff(flagged) == -1)
    times, scores = beats["time_s"].to_numpy(np.float64), beats["score"].to_numpy(np.float64)
    numbers, members = beats["number"].to_numpy(), beats["family"].to_numpy(np.int64)
    reasons = {family.number: family.reason for family in families}
    rows: list[tuple[Any, ...]] = []
    for start, stop in zip(starts, stops, strict=True):
        count = int(stop - start)
        if count < LEAST:
            continue
        lasts = times[stop - 1] - times[start]
        highest = start + int(np.argmax(scores[start:stop]))
        alone = len(set(members[start:stop].tolist())) == 1 and members[start] > 0
        rows.append((
            len(rows) + 1, times[start], times[stop - 1], int(numbers[start]), count,
            f"{'pair' if count == 2 else 'run'} of {noun}s",
            reasons.get(int(members[highest]), ""), float(scores[highest]),
            round(60 * (count - 1) / lasts, 1) if noun == "beat" and lasts > 0 else None,
            int(members[start]) if alone else None,
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=list(EPISODES)).astype({"family": "Int64", "rate_per_min": "Float64"})
