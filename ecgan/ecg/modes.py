"""Which of a record's rhythms is its normal one, where there are two: a weak prior from what most hearts do.

A tachycardia that fills most of a record would otherwise become its normal. Two rhythms are told apart by their rate
alone; which of them is usual is decided by how long each lasts, its rate, the width of its QRS and its P wave. Where
both have the same P wave (under load, beside 2:1 block), they are one, that of the sinus node. Two kinds of QRS at one
rate are told apart by `kinds`, so that a reader sees both; nothing is decided by that.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.directions import directions_of_few
from ecgan.ecg.template import qrs_ms, window
from ecgan.quantiles import median

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

APART = 1.35
"""Two rates are two rhythms from this ratio on."""

SHARE = 0.1
"""The rarer of two rhythms holds at least this share of the regular beats."""

RR_S, RR_SPREAD = 0.8, 0.35
"""Usual interval of a resting heart, and the standard deviation of its logarithm (Mason et al., J. Electrocardiol.
40, 2007, from 79,743 recordings: 2nd to 98th percentile of the rate 48 to 98 a minute; twice as wide, to be weak)."""

QRS_MS, QRS_SPREAD_MS = 100.0, 40.0
"""A QRS complex is narrow up to here, and by how much a wider one is less likely."""

KIND_SHARE = 0.2
"""The rarer of two kinds of beats holds at least this share of all,"""
KIND_ALIKE = 0.9
"""their median QRS complexes are less alike than this (correlation),"""
KIND_SPLIT = 0.85
"""and that is at least how much of what differs between beats the border explains: .64 of a bell, .75 of a plateau."""

P_SHARE, NO_P = 0.03, 1.0
"""Deflection before the QRS, as a share of its own, below which there is no P wave, and what that costs."""

ALIKE = 0.9
"""Correlation of the P waves of two rhythms from which on they are one and the same,"""
SINUS_RR_S = 0.45
"""if the faster rhythm has no shorter interval: beyond 133 a minute it is not taken for one of the sinus node."""

_P_MS = (-220.0, -80.0)
_LATE_P_MS = (-200.0, -72.0)  # what the T wave before reaches last as a heart gets faster
_LEARNED = 2048  # beats that the direction is learned from


def rhythms(median_rr: F64, regular: Bool) -> list[Bool]:
    """Return the beats (n,) of each rhythm of a record: one mask, or two where two rates are far apart.

    The border is that of least variance of the log rate within both (Otsu, IEEE Trans. Syst. Man Cybern. 9, 1979).

    Args:
        median_rr: Local median RR around each beat, (n,), seconds.
        regular: Mask (n,) of the regular beats, by which rhythms are told apart.
    """
    logs = np.log(np.where(median_rr > 0, median_rr, np.nan))
    ordered = np.sort(logs[regular & np.isfinite(logs)])
    if len(ordered) < 2:
        return [np.ones(len(logs), dtype=bool)]
    border, least, apart = _border(ordered)
    if apart < np.log(APART) or least < SHARE:
        return [np.ones(len(logs), dtype=bool)]
    fast = np.asarray(logs <= border)
    return [fast, ~fast]


def kinds(waves: NDArray[Any]) -> list[Bool]:
    """Return the beats (n,) of each kind of QRS: one mask, or two where two kinds are frequent and unlike.

    QRS complexes are brought to one size; the border is that of `rhythms`, along the direction in which most of them
    differ.

    Args:
        waves: QRS complexes of one lead, at one place, without their means, (n, w).
    """
    sizes = np.linalg.norm(waves, axis=1, keepdims=True)
    waves = np.divide(waves, sizes, out=np.zeros_like(waves), where=sizes > 0)
    some = np.arange(len(waves))
    if len(some) > _LEARNED:  # even ones may follow a pattern
        some = np.sort(np.random.default_rng(0).permutation(some)[:_LEARNED])
    one = [np.ones(len(waves), dtype=bool)]
    if len(some) < 2:
        return one
    values = waves @ _main_direction(waves[some])
    border, least, apart = _border(np.sort(values))
    low = np.asarray(values <= border)
    total = float(np.var(values))
    if least < KIND_SHARE or not least * (1 - least) * apart**2 >= KIND_SPLIT * total > 0:
        return one
    first, second = (median(waves[some][low[some] == of]) for of in (True, False))
    if first @ second >= KIND_ALIKE * np.linalg.norm(first) * np.linalg.norm(second):
        return one
    return [low, ~low]


def _main_direction(rows: NDArray[Any]) -> F64:
    """The direction (w,) in which most of some rows (m, w) differ; any where they do not."""
    if len(rows) < rows.shape[1]:
        found = directions_of_few(rows - rows.mean(axis=0, dtype=np.float64), 1)
        return found[:, 0] if found.size else np.zeros(rows.shape[1])
    return np.asarray(np.linalg.eigh(np.cov(rows, rowvar=False))[1][:, -1])


def _border(ordered: F64) -> tuple[float, float, float]:
    """Border of least variance on either side in ascending values (n,), share of the smaller side, how far apart."""
    count, sums = len(ordered), np.cumsum(ordered)
    first = np.arange(1, count)
    low, high = sums[:-1] / first, (sums[-1] - sums[:-1]) / (count - first)
    at = int(np.argmax(first * (count - first) * (high - low) ** 2))
    least = min(first[at], count - first[at]) / count
    return float((ordered[at] + ordered[at + 1]) / 2), float(least), float(high[at] - low[at])


def plausibility(template: F64, rr_s: float, centre: int, sampling_rate: float) -> dict[str, float]:
    """Return the log prior, up to a constant, that a rhythm is a heart's normal one: its terms, 0 at best.

    Args:
        template: Median beat of the rhythm, first lead, (L,).
        rr_s: Its median RR, seconds.
        centre: Index of the R peak.
        sampling_rate: Hz.

    Returns:
        Of `rate`, `qrs` (its width) and `p` (the P wave).
    """
    wide = max(qrs_ms(template[None], centre, sampling_rate) - QRS_MS, 0.0) / QRS_SPREAD_MS
    rate = np.log(rr_s / RR_S) / RR_SPREAD
    without_p = p_share(template, centre, sampling_rate) < P_SHARE
    return {"rate": float(-0.5 * rate**2), "qrs": float(-0.5 * wide**2), "p": -NO_P * without_p}


def one_p(first: F64, second: F64, centre: int, sampling_rate: float) -> bool:
    """Say whether two rhythms have one and the same P wave: then the sinus node drives both.

    Args:
        first: Median beat of one, (C, L); its height is the unit of each lead.
        second: Median beat of the other, (C, L).
        centre: Index of the R peak.
        sampling_rate: Hz.

    Returns:
        False where no lead shows a P wave in both.
    """
    leads = range(len(first))
    seen = [min(p_share(beats[lead], centre, sampling_rate) for beats in (first, second)) for lead in leads]
    part = window(*_LATE_P_MS, sampling_rate=sampling_rate, centre=centre, length=first.shape[1])
    if part.stop - part.start < 3 or max(seen) < P_SHARE:
        return False
    height = np.ptp(first, axis=1, keepdims=True)
    units = np.divide(1.0, height, out=np.zeros_like(height), where=height > 0)
    one, other = (units * (beats[:, part] - beats[:, part].mean(axis=1, keepdims=True)) for beats in (first, second))
    return float((one * other).sum()) > ALIKE * float(np.linalg.norm(one) * np.linalg.norm(other))


def p_share(template: F64, centre: int, sampling_rate: float) -> float:
    """Deflection of the P wave of a median beat (L,), as a share of the whole beat's, above the line below it."""
    part = window(*_P_MS, sampling_rate=sampling_rate, centre=centre, length=len(template))
    wave: Any = template[part]
    if len(wave) < 3 or not np.ptp(template) > 0:
        return 0.0
    line = np.linspace(wave[0], wave[-1], len(wave))
    return float(np.ptp(wave - line) / np.ptp(template))
