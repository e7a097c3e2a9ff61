"""R peaks of a recording that has no annotations.

The beats are found by sleepecg (Brunner et al., https://github.com/cbrnr/sleepecg), a detector after Pan and Tompkins,
IEEE Trans. Biomed. Eng. 32(3), 1985. Three things are done about it:

- It takes upward peaks only. A lead whose QRS complexes point downwards, as its skewness tells, is turned round, and
  the detector looks a second time at the magnitude of the filtered lead: ectopic beats often point the other way.
  What it finds there counts if it is more than 300 ms from all beats of the first look and not much smaller.
- It marks the steepest part of the complex. Annotations, and the beats that models are trained on, have the largest
  wave: each position is moved to the largest deflection, upward or downward, within 60 ms.
- At gaps in the signal it starts anew.

The rules were chosen on the 48 records of the MIT-BIH Arrhythmia Database (all annotated beats, MLII or else the first
lead, matched within 150 ms as in ANSI/AAMI EC57); a test holds sensitivity, positive predictive value and positions
there.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ecgan.errors import EcganError

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

LOWEST_RATE = 80.0
"""Hz; below it the detector's band, 5 to 30 Hz, is not there any more."""
_SHORTEST_S = 2.0
"""The detector learns its thresholds from the first two seconds."""
_BRIDGED_S = 0.5
"""Gaps up to this length are bridged; at longer ones the detector starts anew."""
_REACH_S = 0.06
_APART_S = 0.3
_SHARE = 0.25
"""Of the usual deflection; smaller ones do not count in the second look."""
_ROUNDING = 1e-9
"""Deflections this small beside the signal are rounding errors, among which the detector finds beats all the same."""
_BAND = (3.0, 40.0)
"""Hz; the QRS complex."""


def find_r_peaks(values: NDArray[Any], sampling_rate: float) -> I64:
    """Find the R peaks of one lead (T,), upright or inverted, any unit; NaN where samples are missing.

    Returns:
        Positions of the largest deflection of each QRS complex, int64, ascending, shape (n,); none in gaps, in flat
        stretches and in stretches of less than two seconds between gaps.

    Raises:
        EcganError: The sampling rate is too low.
    """
    if not sampling_rate >= LOWEST_RATE:
        raise EcganError(
            f"R peaks cannot be found at {sampling_rate:g} Hz; at least {LOWEST_RATE:g} Hz are needed.",
            "Give annotations of the beats: --annotator NAME.",
        )
    lead = np.asarray(values, dtype=np.float64)
    parts = [_in_segment(lead[start:stop], sampling_rate) + start for start, stop in _segments(lead, sampling_rate)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _segments(lead: F64, sampling_rate: float) -> list[tuple[int, int]]:
    """Stretches (start, stop) without long gaps that are long enough to find beats in."""
    there = np.flatnonzero(np.isfinite(lead))
    if len(there) == 0:
        return []
    breaks = np.flatnonzero(np.diff(there) - 1 > _BRIDGED_S * sampling_rate)
    starts = there[np.concatenate([[0], breaks + 1])]
    stops = there[np.concatenate([breaks, [len(there) - 1]])] + 1
    least = int(np.ceil(_SHORTEST_S * sampling_rate))
    return [(int(start), int(stop)) for start, stop in zip(starts, stops, strict=True) if stop - start >= least]


def _in_segment(segment: F64, sampling_rate: float) -> I64:
    """R peaks of a stretch whose gaps are short."""
    from sleepecg.heartbeats import detect_heartbeats

    there = np.isfinite(segment)
    if not there.all():
        segment = np.interp(np.arange(len(segment)), np.flatnonzero(there), segment[there])
    if segment.min() == segment.max():
        return np.zeros(0, dtype=np.int64)
    band = _qrs_band(segment, sampling_rate)
    upright = segment if np.mean(band**3) >= 0 else -segment
    first, second = (
        _largest_deflection(band, detect_heartbeats(values, sampling_rate), round(_REACH_S * sampling_rate))
        for values in (upright, np.abs(band))
    )
    if len(first):
        second = second[np.abs(band[second]) >= _SHARE * np.median(np.abs(band[first]))]
    apart = distance(second, first) > round(_APART_S * sampling_rate)
    moved = np.sort(np.concatenate([first, second[apart]]))
    deflects = np.abs(band[moved]) > _ROUNDING * np.abs(segment).max()
    kept: I64 = moved[there[moved] & deflects]
    return kept


def distance(positions: I64, peaks: I64) -> F64:
    """Return how many samples each position is from the nearest of the ascending peaks; inf where there is none."""
    fenced = np.concatenate([[-np.inf], peaks, [np.inf]])
    after = np.searchsorted(fenced, positions)
    return np.asarray(np.minimum(positions - fenced[after - 1], fenced[after] - positions), dtype=np.float64)


def _qrs_band(segment: F64, sampling_rate: float) -> F64:
    """The signal without baseline, most of the T wave, and noise; zero phase."""
    edges = [_BAND[0], min(_BAND[1], 0.45 * sampling_rate)]
    sections = signal.butter(2, edges, btype="bandpass", fs=sampling_rate, output="sos")
    return np.asarray(signal.sosfiltfilt(sections, segment), dtype=np.float64)


def _largest_deflection(band: F64, positions: I64, reach: int) -> I64:
    """Move each position to the largest deflection, of either direction, within `reach` samples."""
    around = np.clip(positions[:, None] + np.arange(-reach, reach + 1), 0, len(band) - 1)  # (n, 2 * reach + 1)
    largest = np.abs(band[around]).argmax(axis=1)[:, None]
    return np.unique(np.take_along_axis(around, largest, axis=1)).astype(np.int64)
