"""Where a reconstruction deviates from its sample: the share of the error in each stretch of time and in each lead."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ecgan.reporting.recordings import Explained

QRS_S = 0.06
"""What lies within this time of the R peak counts as the QRS complex, s; a wide one is 0.12 s long."""
_ONE_BEAT_S, _PARTS = 2.0, 8


@dataclass(frozen=True)
class Region:
    """A stretch of a sample.

    Attributes:
        name: "before QRS", "QRS", "after QRS", or its times where a sample is no beat.
        start_s: Its begin, s after the sample's first step.
        stop_s: Its end.
        share: Share of the sample's squared error, over all leads.
    """

    name: str
    start_s: float
    stop_s: float
    share: float


@dataclass(frozen=True)
class Deviation:
    """Shares of the squared error of a sample; none where nothing was reconstructed or nothing deviates."""

    regions: list[Region]
    leads: list[float]


def deviation(sample: Explained, peak_s: float | None) -> Deviation:
    """Divide the squared error of a sample.

    Args:
        sample: The sample; steps that are not finite count for nothing.
        peak_s: Time of its R peak in the recording, s; None if the sample is no beat.
    """
    if sample.reconstruction is None:
        return Deviation([], [])
    error = (sample.signal.astype(np.float64) - sample.reconstruction) ** 2  # (L, C)
    error = np.where(np.isfinite(error), error, 0.0)
    total = float(error.sum())
    if not 0 < total < np.inf:
        return Deviation([], [])
    edges = _edges(sample.duration_s, None if peak_s is None else peak_s - sample.start_s)
    at = np.arange(len(error)) * sample.duration_s / len(error)
    regions = [
        Region(name, start, stop, float(error[(at >= start) & (at < stop)].sum()) / total)
        for name, start, stop in edges
        if stop > start
    ]
    return Deviation(regions, [float(part) for part in error.sum(axis=0) / total])


def _edges(duration: float, peak: float | None) -> list[tuple[str, float, float]]:
    """Names and times of the regions; they follow each other without gap from 0 to the end."""
    if peak is None or duration > _ONE_BEAT_S:
        times = [duration * part / _PARTS for part in range(_PARTS + 1)]
        return [(f"{a:.3g} to {b:.3g} s", a, b) for a, b in pairwise(times)]
    first, last = (min(max(peak + side * QRS_S, 0.0), duration) for side in (-1, 1))
    return [("before QRS", 0.0, first), ("QRS", first, last), ("after QRS", last, duration)]
