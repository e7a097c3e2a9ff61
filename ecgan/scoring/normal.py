"""What a run takes for normal in a recording of beats, and when that may not be normal."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgan.detection.base import OwnNormal
from ecgan.detection.densities import shapes
from ecgan.ecg import rhythm
from ecgan.ecg.quality import clarity
from ecgan.ecg.template import FEW, WINDOWS_MS, aligned, evenly, qrs_ms, window
from ecgan.reporting.recordings import Normal
from ecgan.samples import About, Samples

F64 = NDArray[np.float64]

LEAST_SHARE = 0.5
"""With a smaller share of usual beats the record's majority may not be normal."""
RATES = (40.0, 110.0)
"""Usual beats at another rate a minute may not be normal,"""
WIDEST_MS = 120.0
"""nor those with a QRS at least as wide,"""
LEAST_CLEAR = 0.2
"""Usual beats that are less alike are none: below .1 is what is found in white noise, in the noise of muscles and in a
wandering baseline; on DS1 it is .4 and more in either lead of every record, and 1.4 in electrode motion (nstdb)."""
IRREGULAR = 0.12
"""nor a record whose RR vary by more all through (on DS1 up to .08 in sinus rhythm with few ectopic beats, .19 and .39
in the two records with fibrillation)."""


@dataclass(frozen=True)
class Seen:
    """What is kept of a stretch of m scored samples, f of them flagged.

    Attributes:
        usual: Which of the m are usual: as the detector says, else those that are not flagged; mask (m,).
        shifts: How many steps each lies later than the usual ones, (m,).
        points: Where the flagged ones lie, (f, k); None where the detector does not say.
        some: A few of the usual ones, aligned, (u, C, L).
    """

    usual: NDArray[np.bool_]
    shifts: NDArray[np.int64]
    points: F64 | None
    some: NDArray[np.float32]


def see(samples: Samples, flagged: NDArray[np.int64], own: OwnNormal | None) -> Seen:
    """Keep what is needed of samples (m) before they are forgotten; `flagged` are the indices of the flagged ones."""
    if own is None:
        usual = np.ones(len(samples), dtype=bool)
        usual[flagged] = False
        own, points = OwnNormal(np.empty((len(samples), 0)), usual, np.zeros(len(samples), dtype=np.int64)), None
    else:
        points = own.points[flagged]
    rows = evenly(np.flatnonzero(own.usual), FEW)
    whole = slice(0, samples.length)
    return Seen(own.usual, own.shifts, points, aligned(samples.signals[rows], own.shifts[rows], whole))


def seen_together(parts: Sequence[Seen]) -> Seen:
    """Several stretches as one."""
    points = [part.points for part in parts if part.points is not None]
    some = np.concatenate([part.some for part in parts])
    return Seen(
        usual=np.concatenate([part.usual for part in parts]),
        shifts=np.concatenate([part.shifts for part in parts]),
        points=np.concatenate(points) if len(points) == len(parts) else None,
        some=some[evenly(np.arange(len(some)), FEW)],
    )


def normal_of(seen: Seen, about: About, rr_prev: F64, *, before_s: float, duration_s: float) -> Normal | None:
    """Say what was taken for normal.

    Args:
        seen: What was seen of m scored beats.
        about: Rate and centre of the samples.
        rr_prev: RR before each of the m beats, (m,), seconds.
        before_s: From a sample's first step to its R peak, s.
        duration_s: Length of a sample, s.

    Returns:
        None where no beat is usual.
    """
    if not len(seen.some):
        return None
    template = np.median(seen.some, axis=0).astype(np.float64)  # (C, L)
    known = rr_prev[seen.usual & np.isfinite(rr_prev) & (rr_prev > 0)]
    median = rhythm.local_median(rr_prev, rhythm.Reach())
    spread = float(np.nanmedian(rhythm.local_spread(rr_prev, median, rhythm.Reach()))) if len(known) else 0.0
    steps = template.shape[1] / duration_s
    centre = about.centre if about.centre is not None else round(before_s * steps)
    qrs = window(*WINDOWS_MS["qrs"], sampling_rate=steps, centre=centre, length=template.shape[1])
    alive = np.zeros(seen.some.shape[:2], dtype=bool)
    return Normal(
        template=template.T.astype(np.float32),
        before_s=before_s,
        duration_s=duration_s,
        usual=int(seen.usual.sum()),
        share=float(seen.usual.mean()),
        rate=60 / float(np.median(known)) if len(known) else None,
        qrs_ms=qrs_ms(template, centre, steps),
        spread=spread,
        clear=float(clarity(seen.some, np.arange(len(seen.some)), alive, qrs).max()),
    )


def points_of(seen: Seen, flagged: Samples, normal: Normal) -> F64:
    """Where f flagged samples lie, (f, k): as the detector says, else by the main directions in which they differ."""
    if seen.points is not None:
        return seen.points
    whole = slice(0, flagged.length)
    none = np.zeros(len(flagged), dtype=np.int64)
    return shapes(flagged.signals, none, whole, normal.template.T.astype(np.float64))


def warnings_of(normal: Normal | None, *, most_flagged: bool = False) -> list[str]:
    """Say in sentences what speaks against the majority of a recording being normal, beside that most is flagged."""
    if normal is None:
        return ["No beat was taken for usual: there is nothing that flagged beats could be compared with."]
    if normal.clear < LEAST_CLEAR:
        return ["The beats that were found are not like each other in any lead: this may be noise and no ECG at all."]
    found = []
    if normal.share < LEAST_SHARE and not most_flagged:
        found.append(f"only {100 * normal.share:.0f} % of the beats are usual ones")
    if normal.rate is not None and not RATES[0] <= normal.rate <= RATES[1]:
        found.append(f"the usual beats come at {normal.rate:.0f} a minute")
    if normal.qrs_ms >= WIDEST_MS:
        found.append(f"the QRS of the usual beats is about {normal.qrs_ms:.0f} ms wide")
    if normal.spread > IRREGULAR:
        found.append(f"RR intervals vary all through, by {100 * normal.spread:.0f} % from beat to beat")
    if not found:
        return []
    return [f"What was taken for normal may not be: {'; '.join(found)}. Look at the usual beats first."]
