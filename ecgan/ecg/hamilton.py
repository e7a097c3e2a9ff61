"""R peaks by the rules of Hamilton's open-source detector.

The detection rules are those of P. S. Hamilton, "Open source ECG analysis", Computers in Cardiology 29, 101-104
(2002): a band-passed, differentiated, rectified and averaged signal has one hump a beat; a hump is a beat, a T wave
or noise by its height against a running threshold, by its distance from other humps, and by the slopes of the ECG
below it. The numbers that the paper leaves open (bands, medians of eight, 0.475, a hump of three times the usual
height being an artefact, 200 ms around a hump as the place of its R peak) are those with which the published beat
set of BeatGAN was cut, so that the set comes out the same, beat by beat.

Everything of the record's length is array arithmetic; the rules that depend on earlier decisions loop over the humps
(a few thousand a record).
"""

from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_KEPT = 8
"""Number of past beats, noise humps and intervals whose medians steer the threshold (Hamilton 2002)."""
_THRESHOLD = 0.475
"""Where the detection threshold lies between the noise level (0) and the beat level (1)."""
_ARTEFACT = 3.0
"""A hump this many times higher than the beat level is taken for an artefact."""
_REFRACTORY_S = 0.2
_T_WAVE_S = 0.36
_SLOPE_S = 0.045
_SAME_PEAK_S = 0.05
_UPRIGHT = 0.85
"""The R peak is upward if the upward peaks differ by more than this share of what the downward ones differ by."""


def detect_r_peaks(ecg: NDArray[Any], sampling_rate: float) -> I64:
    """Find the R peaks of one lead, band-pass filtered, shape (T,), any unit.

    Returns:
        Positions of the R peaks, sorted, shape (n,). An R peak is the largest upward or downward deflection near
        the beat, whichever stands out.
    """
    ecg = np.asarray(ecg, dtype=np.float64)
    if len(ecg) < 2 * sampling_rate:
        return np.zeros(0, dtype=np.int64)
    humps = _find_humps(ecg, sampling_rate)
    beats = _decide(humps, sampling_rate)
    return _locate_r_peaks(ecg, beats, sampling_rate)


def correct_r_peaks(ecg: NDArray[Any], peaks: I64, sampling_rate: float, tolerance_s: float = 0.05) -> I64:
    """Shift every peak (n,) to the maximum of the lead (T,) around it.

    The search begins `tolerance_s` before the peak and ends before the sample that is as far behind it.

    Returns:
        Corrected positions, sorted and without duplicates; a peak whose search would cross the record's border is
        left out.
    """
    reach = int(tolerance_s * sampling_rate)
    inside = peaks[(peaks >= reach) & (peaks + reach <= len(ecg))]
    around = np.asarray(ecg)[inside[:, None] + np.arange(-reach, reach)]  # (n, 2 * reach)
    return np.unique(inside - reach + around.argmax(axis=1)).astype(np.int64)


@dataclass(frozen=True)
class _Humps:
    """The humps of the rectified slope that have no higher one within 200 ms.

    Attributes:
        position: Where, shape (n,).
        height: Of the averaged, rectified slope, shape (n,).
        steepest: Largest rise of the ECG from sample to sample within 45 ms, shape (n,).
        rises_and_falls: Whether the ECG has both slopes there, shape (n,); a baseline shift has only one.
        level: Highest hump in each of the first eight seconds: the first idea of how high beats are.
    """

    position: I64
    height: F64
    steepest: F64
    rises_and_falls: NDArray[np.bool_]
    level: F64


def _find_humps(ecg: F64, sampling_rate: float) -> _Humps:
    slope = _averaged_slope(ecg, sampling_rate)
    peaks = _maxima(slope)
    reach = int(np.ceil(_REFRACTORY_S * sampling_rate))
    heights = np.zeros_like(slope)
    heights[peaks] = slope[peaks]
    highest_around = ndimage.maximum_filter1d(heights, 2 * reach - 1, mode="constant")
    alone = peaks[heights[peaks] >= highest_around[peaks]]
    near = int(np.ceil(_SLOPE_S * sampling_rate))
    steps = np.diff(ecg)
    around = steps[np.clip(alone[:, None] + np.arange(-near, near - 1), 0, len(steps) - 1)]  # (n, 2 * near - 1)
    rising = around > 0
    return _Humps(
        position=alone,
        height=slope[alone],
        steepest=around.max(axis=1, initial=0.0),
        rises_and_falls=rising.any(axis=1) & ~rising.all(axis=1),
        level=_first_levels(slope, int(sampling_rate)),
    )


def _averaged_slope(ecg: F64, sampling_rate: float) -> F64:
    """Filter to 3-25 Hz, differentiate, rectify, average over 80 ms: the signal in which beats are humps."""
    low = signal.butter(4, 25.0, btype="lowpass", fs=sampling_rate, output="sos")
    high = signal.butter(4, 3.0, btype="highpass", fs=sampling_rate, output="sos")
    band = signal.sosfiltfilt(high, signal.sosfiltfilt(low, ecg))
    rectified = np.abs(np.diff(band)) * sampling_rate
    width = int(0.08 * sampling_rate)
    window = signal.windows.hamming(width, sym=True)
    padded = np.pad(rectified, width, mode="edge")
    return np.convolve(window / window.sum(), padded, mode="same")[width:-width]


def _first_levels(slope: F64, second: int) -> F64:
    levels = np.zeros(min(_KEPT, len(slope) // second))
    for i in range(len(levels)):
        stretch = slope[i * second : (i + 1) * second]
        levels[i] = stretch[_maxima(stretch)].max(initial=0.0)
    return levels


def _maxima(values: F64) -> I64:
    """Positions of local maxima, both ends of a flat top included."""
    return np.nonzero(np.diff(np.sign(np.diff(values))) < 0)[0] + 1


@dataclass
class _Memory:
    """What the rules remember: the last eight beats, noise humps and intervals."""

    beats: deque[float]
    noise: deque[float]
    intervals: deque[float]
    found: list[int] = field(default_factory=list)
    steepest: float = 0.0

    @property
    def beat_level(self) -> float:
        return median(self.beats)

    @property
    def threshold(self) -> float:
        noise = median(self.noise)
        return noise + _THRESHOLD * (self.beat_level - noise)

    def accept(self, position: int, height: float, steepest: float) -> None:
        if self.found:
            self.intervals.append(position - self.found[-1])
        self.found.append(position)
        self.beats.append(height)
        self.steepest = steepest


def _decide(humps: _Humps, sampling_rate: float) -> I64:
    """Tell beats from T waves, artefacts and noise (rules 2 to 5 of the paper), hump by hump."""
    size = len(humps.level)
    memory = _Memory(
        beats=deque(humps.level.tolist(), maxlen=size),
        noise=deque([0.0] * size, maxlen=size),
        intervals=deque([sampling_rate] * size, maxlen=size),
    )
    t_wave = np.ceil(_T_WAVE_S * sampling_rate)
    threshold = memory.threshold
    columns = (humps.position, humps.height, humps.steepest, humps.rises_and_falls)
    for position, height, steepest, both in zip(*(column.tolist() for column in columns), strict=True):
        gap = position - memory.found[-1] if memory.found else np.inf
        if height > threshold:
            is_t_wave = gap < t_wave and steepest < 0.5 * memory.steepest
            if not both or is_t_wave or height >= _ARTEFACT * memory.beat_level:
                continue
            memory.accept(position, height, steepest)
        elif len(memory.found) >= 2 and gap > t_wave and gap >= 1.5 * median(memory.intervals):
            if height <= 0.5 * threshold:
                continue
            memory.accept(position, height, steepest)
        else:
            memory.noise.append(height)
        threshold = memory.threshold
    return np.asarray(memory.found, dtype=np.int64)


def _locate_r_peaks(ecg: F64, beats: I64, sampling_rate: float) -> I64:
    """Find the R peak within 200 ms of every beat: the upward or the downward peak, whichever stands out.

    A peak stands out by its lead over the second one of its direction that is more than 50 ms away; a direction
    that has no second peak stands out if the other has one.
    """
    reach = int(np.ceil(_REFRACTORY_S * sampling_rate))
    padded = np.pad(ecg, reach, constant_values=np.nan)
    windows = padded[beats[:, None] + np.arange(2 * reach)]  # (n, 2 * reach), NaN beyond the record
    apart = _SAME_PEAK_S * sampling_rate
    up, up_value, up_lead = _best_two(windows, apart)
    down, down_value, down_lead = _best_two(-windows, apart)
    both_alone = np.isinf(up_lead) & np.isinf(down_lead)
    upright = np.where(both_alone, up_value > down_value, up_lead > _UPRIGHT * down_lead)
    found = np.isfinite(up_value) & np.isfinite(down_value)
    return np.unique((beats - reach + np.where(upright, up, down))[found])


def _best_two(windows: F64, apart: float) -> tuple[I64, F64, F64]:
    """Return place and value of each window's highest local maximum and its lead over the second one (or inf)."""
    steps = np.sign(np.diff(windows, axis=1))
    candidate = np.zeros(windows.shape, dtype=bool)
    candidate[:, 1:-1] = np.diff(steps, axis=1) < 0
    candidate[:, :-1] |= steps == 0
    heights = np.where(candidate, windows, -np.inf)
    place = heights.argmax(axis=1)
    best = heights.max(axis=1)
    elsewhere = np.abs(np.arange(windows.shape[1]) - place[:, None]) > apart
    second = np.where(elsewhere, heights, -np.inf).max(axis=1)
    with np.errstate(invalid="ignore"):
        lead = np.where(np.isfinite(second), best - second, np.inf)
    return place, best, lead
