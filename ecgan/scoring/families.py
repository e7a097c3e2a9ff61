"""Flagged beats of the same shape are one family, as in the programs with which Holter recordings are read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.detection.base import Group
from ecgan.ecg.template import aligned, evenly
from ecgan.quantiles import median, quantiles
from ecgan.reporting.recordings import Family
from ecgan.samples import Samples
from ecgan.scoring.normal import Seen

F64 = NDArray[np.float64]
Int = NDArray[np.int64]

CLUSTERED = 2000
"""At most this many flagged beats are clustered, evenly drawn; each of the others goes to the nearest family."""
CUT = 3.0
"""Ward's distance up to which families are joined."""
APART = 0.9
"""Beats farther than this from the median of their family leave it, and are joined among themselves up to this distance
on average. Chosen with CUT on the flagged beats of 16 records of DS1: 152 families, in which 96.1 % of the beats have
the annotation of their family's majority; without leaving 92 and 95.5 %, but odd beats in families of others."""
FEW = 20
"""With fewer usual beats that are not flagged, all usual beats say what is usual."""
MOST = 24
"""At most this many families."""
DRAWN = 40
"""At most this many beats of a family are kept to be drawn."""

COLUMNS = (
    "family",
    "beats",
    "share",
    "first_s",
    "last_s",
    "mean_score",
    "highest_score",
    "early",
    "reason",
    "decision",
)
"""Of the table of families."""


def cluster(points: F64) -> Int:
    """Return the cluster of each of n points (n, k), from 0, by Ward's hierarchical clustering.

    Ward, J. Am. Stat. Assoc. 58(301), 1963. Single beats always join something there, so those that lie far from what
    they joined are clustered once more among themselves. The same points give the same clusters.
    """
    some = evenly(np.arange(len(points)), CLUSTERED)
    if len(some) < 2 or not points.shape[1]:
        return np.zeros(len(points), dtype=np.int64)
    found = _without_odd(points[some], _joined(points[some], "ward", CUT, MOST))
    if len(some) == len(points):
        return found
    centres = np.stack([points[some[found == one]].mean(axis=0) for one in range(found.max() + 1)])
    squares = np.square(points).sum(axis=1)[:, None] + np.square(centres).sum(axis=1) - 2 * points @ centres.T
    return np.asarray(np.argmin(squares, axis=1), dtype=np.int64)


def _joined(points: F64, method: str, cut: float, most: int) -> Int:
    """Clusters of n points, (n,), from 0: joined up to a distance, and until there are at most so many."""
    from scipy.cluster.hierarchy import fcluster, linkage

    tree = linkage(points, method)
    found = fcluster(tree, cut, "distance")
    if found.max() > most:
        found = fcluster(tree, most, "maxclust")
    return np.asarray(found - 1, dtype=np.int64)


def _without_odd(points: F64, clusters: Int) -> Int:
    """Take points that lie far from the median of their cluster out of it, unless there are too many clusters then."""
    far, count = np.zeros(len(points)), int(clusters.max()) + 1
    for one in range(count):
        rows = clusters == one
        far[rows] = np.linalg.norm(points[rows] - median(points[rows]), axis=1)
    odd = np.flatnonzero(far > APART)
    if not len(odd) or count == MOST:
        return clusters
    found = clusters.copy()
    found[odd] = count + (_joined(points[odd], "average", APART, MOST - count) if len(odd) > 1 else 0)
    return np.unique(found, return_inverse=True)[1].ravel()  # a cluster of odd points alone is none any more


def families_of(
    points: F64,
    flagged: Samples,
    rows: Int,
    seen: Seen,
    table: Mapping[str, Any],
    early: F64,
    describe: Callable[[Group, float], str],
) -> list[Family]:
    """Find the families among the flagged beats of a recording, largest mean score first.

    Args:
        points: Where the f flagged beats lie, (f, k), at least one.
        flagged: Their samples.
        rows: Their rows in the table, (f,), ascending.
        seen: What was seen of the m scored beats, of which those that have a score are made.
        table: The columns of all n beats.
        early: By what share of the usual interval each of the n comes early, NaN where that is not known.
        describe: Puts the reason into words, from what there is to say of a family and its mean score.
    """
    scores, prefix = table["score"], "component_"
    scored = np.flatnonzero(~np.isnan(scores))
    values = {name.removeprefix(prefix): table[name] for name in table if name.startswith(prefix)}
    quiet = scored[seen.usual & ~table["flagged"][scored]]
    usual = _usual(values, quiet if len(quiet) >= FEW else scored[seen.usual])
    shifts = seen.shifts[np.searchsorted(scored, rows)]
    clusters, found = cluster(points), []
    for one in np.unique(clusters):
        chosen = np.flatnonzero(clusters == one)
        own = rows[chosen]
        known = early[own][np.isfinite(early[own])]
        when = float(median(known)) if len(known) else None
        group = Group({name: float(median(value[own])) for name, value in values.items()}, usual, when)
        mean, score = _mean(flagged, chosen, shifts), float(scores[own].mean())
        some = evenly(chosen, DRAWN)
        drawn = aligned(flagged.signals[some], shifts[some], slice(0, flagged.length)).transpose(0, 2, 1)
        reason = describe(group, score)
        found.append(Family(0, own, score, float(scores[own].max()), when, reason, mean, drawn))
    found.sort(key=lambda family: (-family.score, int(family.rows[0])))
    return [replace(family, number=number) for number, family in enumerate(found, 1)]


def family_columns(families: Sequence[Family], beats: Mapping[str, Any]) -> dict[str, list[Any]]:
    """One value a family, by the names in `COLUMNS`; `beats` are the columns of its recording."""
    times, scored = np.asarray(beats["time_s"]), int(np.count_nonzero(~np.isnan(beats["score"])))
    rows = [
        (
            family.number,
            len(family.rows),
            round(len(family.rows) / scored, 6),
            float(times[family.rows[0]]),
            float(times[family.rows[-1]]),
            family.score,
            family.highest,
            None if family.early is None else round(family.early, 4) + 0.0,  # no −0
            family.reason,
            family.decision,
        )
        for family in families
    ]
    return {name: [row[place] for row in rows] for place, name in enumerate(COLUMNS)}


def family_frame(families: Sequence[Family], beats: Mapping[str, Any]) -> pd.DataFrame:
    """One row a family, largest deviation first; see `COLUMNS`."""
    return pd.DataFrame(family_columns(families, beats))


def _usual(values: dict[str, F64], rows: Int) -> dict[str, tuple[float, float]]:
    """Median of each over rows, and how high is usual: three times as far above it as the upper quartile; else zero."""
    if not (len(rows) and values):
        return dict.fromkeys(values, (0.0, 0.0))
    middles, uppers = quantiles(np.stack([found[rows] for found in values.values()]), [0.5, 0.75], axis=1)
    highs = middles + 3 * (uppers - middles)
    return dict(zip(values, zip(middles.tolist(), highs.tolist(), strict=True), strict=True))


def _mean(samples: Samples, chosen: Int, shifts: Int) -> NDArray[np.float32]:
    """Mean of beats, aligned, (L, C)."""
    rows = evenly(chosen, CLUSTERED)
    beats = aligned(samples.signals[rows], shifts[rows], slice(0, samples.length))
    return np.asarray(beats.mean(axis=0, dtype=np.float64).T, dtype=np.float32)
