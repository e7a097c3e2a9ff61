"""When beats of a record occur, beside when they usually do: intervals, and what is usual around each beat.

An interval RR is the time from a beat to the next one, in seconds, NaN at a record's border and wherever it is not
known: such a value counts nowhere, and what follows from it alone is 0, or false. All arrays have the shape (n,), one
value a beat in the order of time. A shift of all times changes nothing, another clock only what is in seconds.

What is usual comes in two forms. That of the whole record looks at as many beats before a beat as behind it. The causal
one looks at past beats only (and at the beat itself), at as many in all, once a learning time is over; beats of the
learning time, and those after it, look back from its end at least.

Intervals around a beat as features are those of de Chazal et al., IEEE Trans. Biomed. Eng. 51(7), 2004. An upper
quantile as reference, from which pauses are taken out, the division by the spread, and irregularity as what no lag
explains are this project's.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

LOCAL = 40
"""Beats on either side of a beat that say what is usual around it."""

WIDE = 80
"""The same for the reference of prematurity."""

PAUSE = 1.5
"""How many times as long as the interval before it one is that counts as a pause."""

LAGS = (1, 2, 3, 4)
"""Ectopic beats in a pattern (bigeminy to quadrigeminy) come back after as many beats."""

NEAR = 20
"""Beats on either side among which a rhythm is regular or not."""

MAD = 1.4826
"""Makes a median of absolute deviations the standard deviation of normally distributed values."""

DROPPED = 8
"""Intervals, each like the one before it, that must be half as long as one is for it to be taken for two."""

_LIKE = 0.05  # log of the ratio of two intervals that are taken for equal
_ROWS = 8192  # windows that are sorted at once: 10 MB of 161 values


@dataclass(frozen=True)
class Reach:
    """Which beats stand around a beat.

    Attributes:
        learned: None for the whole record; else the causal form, and the number of beats in the learning time.
    """

    learned: int | None = None

    def quantile(self, values: F64, beats: int, q: float) -> F64:
        """Quantile of `values` (n,) around each beat, (n,): `beats` on either side, or twice as many in the past."""
        if self.learned is None:
            return sliding_quantile(values, beats, beats, q)
        past = sliding_quantile(values, 2 * beats, 0, q)
        return past[self.known(len(values))]

    def near(self, values: F64, beats: int, q: float) -> F64:
        """The same, (n,), but that beats of the learning time have their own neighbours, within it, around them."""
        if self.learned is None:
            return self.quantile(values, beats, q)
        head = sliding_quantile(values[: self.learned], beats, beats, q)
        return np.concatenate([head, sliding_quantile(values, 2 * beats, 0, q)[len(head) :]])

    def windows(self, values: F64, beats: int) -> F64:
        """The values around each of n beats, a view (n, 2 `beats` + 1) in which NaN stands beyond the border."""
        before, after = (beats, beats) if self.learned is None else (2 * beats, 0)
        padded = np.concatenate([np.full(before, np.nan), values, np.full(after, np.nan)])
        return np.lib.stride_tricks.sliding_window_view(padded, before + after + 1)

    def known(self, count: int) -> NDArray[np.int64]:
        """The last of `count` beats that the score of each may look at, (n,)."""
        if self.learned is None:
            return np.full(count, count - 1, dtype=np.int64)
        return np.maximum(np.arange(count), min(self.learned, count) - 1)


def learned_beats(times_s: F64, minutes: float) -> int:
    """Return how many beats occur within the first minutes after the first; `times_s` (n,) in seconds, ascending."""
    return int(np.searchsorted(times_s, times_s[0] + 60 * minutes, side="right")) if len(times_s) else 0


def intervals(times_s: F64) -> tuple[F64, F64]:
    """Return RR before and behind each beat, two arrays (n,) in seconds, from its time (n,), ascending."""
    gaps = np.diff(np.asarray(times_s, dtype=np.float64))
    none = np.full(min(len(times_s), 1), np.nan)
    return np.concatenate([none, gaps]), np.concatenate([gaps, none])


def sliding_quantile(values: F64, before: int, after: int, q: float) -> F64:
    """Return a quantile of the values around each, linear between order statistics as in NumPy.

    Args:
        values: Shape (n,); NaN counts nowhere.
        before: How many values before it belong to a value's window.
        after: How many behind it.
        q: The quantile, 0 to 1.

    Returns:
        Shape (n,); NaN where the window holds no number. Windows end at the border.
    """
    values = np.asarray(values, dtype=np.float64)
    if not len(values):
        return values.copy()
    if len(values) <= min(before, after) + 1:  # each window holds all of them
        return np.full(len(values), _quantile_of(np.sort(values[~np.isnan(values)]), q))
    padded = np.concatenate([np.full(before, np.nan), values, np.full(after, np.nan)])
    shape, step = (len(values), before + after + 1), padded.strides[0]
    windows: F64 = np.ndarray(shape, np.float64, padded, strides=(step, step))  # one from each value on, without a copy
    parts = [_quantile(windows[start : start + _ROWS], q) for start in range(0, len(values), _ROWS)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _quantile(windows: F64, q: float) -> F64:
    """Quantile of the numbers in each row (b, w), shape (b,)."""
    ordered = np.sort(windows, axis=1)  # NaN comes last
    place = q * np.maximum(np.count_nonzero(~np.isnan(windows), axis=1) - 1, 0)
    low = np.floor(place).astype(np.int64)
    rows = np.arange(len(windows))
    first, second = ordered[rows, low], ordered[rows, np.ceil(place).astype(np.int64)]
    return np.asarray(first + (place - low) * (second - first))


def _quantile_of(ordered: F64, q: float) -> float:
    """The same of numbers in ascending order, (m,); NaN of none."""
    if not len(ordered):
        return np.nan
    place = q * (len(ordered) - 1)
    low = int(place)
    return float(ordered[low] + (place - low) * (ordered[math.ceil(place)] - ordered[low]))


def local_median(rr_prev: F64, reach: Reach, beats: int = LOCAL) -> F64:
    """Median RR around each beat, (n,), seconds."""
    return reach.quantile(rr_prev, beats, 0.5)


def local_spread(rr_prev: F64, median: F64, reach: Reach, beats: int = LOCAL) -> F64:
    """Spread of the rhythm around each beat: 1.4826 × median of |log(RR / local median)|, (n,), without unit.

    Args:
        rr_prev: RR before each beat, (n,), seconds.
        median: The local median, (n,), seconds.
        reach: Which beats stand around a beat.
        beats: How many on either side.
    """
    return MAD * reach.quantile(np.abs(_log_ratio(rr_prev, median)), beats, 0.5)


def without_pauses(rr_prev: F64, ratio: float = PAUSE) -> F64:
    """Return RR before each beat, (n,), seconds, where a pause shares its time with the interval before it.

    An early beat and the pause that compensates it take as long as two intervals of the rhythm beneath (Bellet,
    Clinical Disorders of the Heart Beat, 1971). Where such pairs are frequent, the upper quantile would be a pause.

    Args:
        rr_prev: RR before each beat, (n,), seconds.
        ratio: An interval is a pause from as many times the one before it on.
    """
    before = np.concatenate([np.full(min(len(rr_prev), 1), np.nan), rr_prev[:-1]])
    pauses = np.nan_to_num(_log_ratio(rr_prev, before)) > np.log(ratio)
    return np.where(pauses, (rr_prev + before) / 2, rr_prev)


def without_dropped(rr_prev: F64, reach: Reach, beats: int = WIDE, least: int = DROPPED) -> F64:
    """Return RR before each beat, (n,), seconds, where an interval within which a beat was not conducted is halved.

    It is `rr_prev` itself where there is none.

    In 2:1 block the ventricles follow every second beat of the atria, and RR is twice that of 1:1 conduction (Katz,
    Physiology of the Heart, 2010): beats that are conducted one after the other are not early then. An interval is
    halved if enough of those around it are as long as its half, each of them like the one before it.

    Args:
        rr_prev: RR before each beat, (n,), seconds.
        reach: Which beats stand around a beat.
        beats: How many on either side.
        least: How many intervals of half the length there must be.
    """
    logs = _log_ratio(rr_prev, np.ones(len(rr_prev)))
    before = np.concatenate([np.full(min(len(logs), 1), np.nan), logs[:-1]])
    steady = np.where(np.abs(logs - before) < _LIKE, logs, np.nan)
    half, found = logs - np.log(2), np.sort(steady[np.isfinite(steady)])
    anywhere = np.searchsorted(found, half + _LIKE) - np.searchsorted(found, half - _LIKE)
    if not len(rows := np.flatnonzero(anywhere >= least)):
        return rr_prev
    windows, last = reach.windows(steady, beats), reach.known(len(logs))
    result = rr_prev.copy()
    for part in np.array_split(rows, len(rows) // _ROWS + 1):
        around = windows[part if reach.learned is None else last[part]]
        like = np.count_nonzero(np.abs(around - half[part, None]) < _LIKE, axis=1)
        result[part[like >= least]] /= 2
    return result


def prematurity(rr_prev: F64, around: F64, reach: Reach, beats: int = WIDE, q: float = 0.9) -> F64:
    """How early each beat comes: max(0, log(upper quantile of RR around it / its RR)), (n,), without unit.

    The quantile is one of intervals without pauses.

    Args:
        rr_prev: RR before each beat, (n,), seconds.
        around: The intervals that the quantile is of, (n,), seconds: the same, or without dropped beats.
        reach: Which beats stand around a beat.
        beats: How many on either side.
        q: The quantile.
    """
    return np.maximum(np.nan_to_num(_log_ratio(reach.quantile(without_pauses(around), beats, q), rr_prev)), 0.0)


def suddenness(rr_prev: F64) -> F64:
    """How much shorter each interval is than the one before it: max(0, log(RR before / RR)), (n,), without unit.

    Sinus rhythm changes by and by, an ectopic rhythm with its first beat.
    """
    before = np.concatenate([np.full(min(len(rr_prev), 1), np.nan), rr_prev[:-1]])
    return np.maximum(np.nan_to_num(_log_ratio(before, rr_prev)), 0.0)


def onset(rr_prev: F64) -> F64:
    """How suddenly the rate of each beat was reached: log of the ratio of two intervals, (n,), without unit, from 0.

    Sinus rhythm changes by and by, an ectopic rhythm with its first beat: as much as its first interval is shorter than
    the one before counts for all beats of a run, until one comes more than half of it later. A pause shares its time
    with the interval before it.

    Args:
        rr_prev: RR before each beat, (n,), seconds.
    """
    logs = _log_ratio(without_pauses(rr_prev), np.ones(len(rr_prev)))
    found, begin, reached, before = [], -np.inf, 0.0, np.nan
    for log in logs.tolist():
        step = before - log  # NaN compares with nothing
        if not log <= begin + reached / 2:
            reached = 0.0
        if step > 0 and step >= reached:
            begin, reached = log, step
        found.append(reached)
        before = log
    return np.array(found)


def early_share(prematurity: F64) -> F64:
    """By what share of the usual interval each beat comes early: max(0, 1 − RR / upper quantile), (n,), 0 to 1.

    Args:
        prematurity: The log of the inverse ratio, (n,).
    """
    return -np.expm1(-prematurity)


def pause(rr_prev: F64, rr_next: F64, most: float = 0.7) -> F64:
    """The pause behind each beat: log(RR behind / RR before), clipped to 0…`most`, (n,), without unit.

    It is known one beat later.
    """
    return np.clip(np.nan_to_num(_log_ratio(rr_next, rr_prev)), 0.0, most)


def irregularity(rr_prev: F64, usual: Bool, reach: Reach, beats: int = NEAR) -> F64:
    """How irregular the rhythm around each beat is: what no lag explains, (n,), without unit.

    For each lag of one to four intervals the median of |log(RR / RR so many before)| around a beat, of the lags the
    least: small where intervals are alike, where few are not, and where early beats follow a pattern; .2 and more in
    atrial fibrillation, where an interval says nothing of the next (the idea of the Lorenz plot, Sarkar et al., IEEE
    Trans. Biomed. Eng. 55(3), 2008).

    Args:
        rr_prev: RR before each beat, (n,), seconds.
        usual: Mask (n,) of the intervals that tell of the rhythm beneath: not those of ectopic beats.
        reach: Which beats stand around a beat.
        beats: How many of those on either side.
    """
    rows = np.flatnonzero(usual & (rr_prev > 0))
    if not len(rows):
        return np.zeros(len(rr_prev))
    logs, near = np.log(rr_prev[rows]), Reach(None if reach.learned is None else int((rows < reach.learned).sum()))
    least = np.full(len(rows), np.inf)
    for lag in LAGS:
        change = np.concatenate([np.full(lag, np.nan), np.abs(logs[lag:] - logs[:-lag])])[: len(rows)]
        least = np.fmin(least, near.quantile(change, beats, 0.5))
    least[near.known(len(rows)) < max(LAGS)] = 0.0  # too few to tell
    last = np.searchsorted(rows, np.arange(len(rr_prev)), side="right") - 1
    if reach.learned is None:
        last = np.maximum(last, 0)
    return np.where(last < 0, 0.0, least[last])


def regular_beats(rr_prev: F64, rr_next: F64, median: F64, tolerance: float = 0.1) -> Bool:
    """Say which beats come when expected: both intervals within a share of the local median; mask (n,).

    Args:
        rr_prev: RR before each beat, (n,), seconds.
        rr_next: RR behind it.
        median: The local median.
        tolerance: The share.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.maximum(np.abs(rr_prev / median - 1), np.abs(rr_next / median - 1))
    return np.asarray(off <= tolerance)  # false where one is not known


def expected_interval(rr_prev: F64, usual: Bool, beats: int = LOCAL) -> F64:
    """Return the interval after which a beat is expected: median RR before the usual beats around it, (n,), seconds.

    Where there is none around it, the median of all usual beats; NaN where that is not known either.

    Args:
        rr_prev: RR before each beat, (n,), seconds.
        usual: Which beats are usual, mask (n,).
        beats: How many beats on either side are around a beat.
    """
    known = np.where(usual & (rr_prev > 0), rr_prev, np.nan)
    around = sliding_quantile(known, beats, beats, 0.5)
    there = known[np.isfinite(known)]
    return np.where(np.isfinite(around), around, np.median(there) if len(there) else np.nan)


def earliness(rr_prev: F64, expected: F64) -> F64:
    """Return by what share of the expected interval each beat comes early, 1 − RR / expected, (n,); negative: late.

    Args:
        rr_prev: RR before each beat, (n,), seconds; the result is NaN where it is not known.
        expected: The expected interval, (n,), seconds.
    """
    return -np.expm1(_log_ratio(rr_prev, expected))


def _log_ratio(upper: Any, lower: Any) -> F64:
    """Log of the ratio (n,), NaN where one of both is not known or not above 0."""
    known = (np.asarray(upper) > 0) & (np.asarray(lower) > 0)
    return np.log(np.where(known, upper, np.nan)) - np.log(np.where(known, lower, np.nan))
