"""R peaks of a recording that has no annotations.

All leads are looked at together: see `ecgan.ecg.qrs` for the energy in which beats stand out, whether they point up or
down. What stands out of it is a beat by how high it is, and by when it comes:

- The highest within 250 ms may be a beat, and is one if it has more than a share of the usual energy around.
- One within 330 ms of a beat twice as high is its T wave.
- One half as high as both its neighbours, with which the others' rhythm is whole without it, is none: a doubled beat.
- Where the rhythm has a hole, the highest in it counts even if it is much lower: a missed beat.

The mark of a beat is the largest deflection of its complex, upward or downward, as annotations have it, and the beats
that models are trained on: in the first lead that shows the beats there well enough, so that all have the same.

Shares and times were chosen on DS1 of the MIT-BIH Arrhythmia Database (all annotated beats, matched within 150 ms as in
ANSI/AAMI EC57); `paper/peaks` has the figures of every record, and a test holds them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.filters import bandpass_sections, both_ways
from ecgan.ecg.qrs import Leads, cleaned, leads_of
from ecgan.ecg.rhythm import sliding_quantile
from ecgan.errors import EcganError
from ecgan.quantiles import quantiles
from ecgan.runtime import side_by_side

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

LOWEST_RATE = 80.0
"""Hz; below it the band of the QRS complex is not there any more."""
_SHORTEST_S = 2.0
"""Shorter stretches between gaps say nothing of what is usual."""
_BRIDGED_S = 0.5
"""Gaps up to this length are bridged."""
_APART_S = 0.25
_BEAT = 0.28
"""Of the usual energy, which is 1; 0 is that between beats."""
_T_WAVE_S, _T_WAVE = 0.33, 0.5
_DOUBLED, _WHOLE = 0.5, 1.2
"""Of the lower neighbour's energy, and of the usual RR."""
_MISSED, _HOLE = 0.12, 1.4
"""Of the usual energy, and of the usual RR."""
_NOT_BEFORE = 0.4
"""Of the usual RR; a missed beat comes no earlier, nor within the time of a T wave around another beat."""
_ROUNDS = 3
"""A hole may hold more than one beat."""
_NEAR = 8
"""RR intervals on either side that say which is usual."""
_REACH_S = 0.06
_WORTH, _BESIDE_BEST = 0.25, 0.2
"""The first lead has the marks that is worth as much (its beats are 1.1 times what lies between), or so much of the
best."""
_BAND = (3.0, 40.0)
"""Hz; in which the largest deflection is looked for."""
_BLOCK_S, _MARGIN_S = 600, 2
_PART = 2048
"""Beats that are looked at together."""
_LONG_S = 5.0
"""So long no heart stops without being noticed."""
_SMALL = 0.3
"""Of the upper quartile of the beats' deflections; what is smaller in every lead is no beat beside them."""


def find_r_peaks(values: NDArray[Any], sampling_rate: float, first: Sequence[int] = ()) -> I64:
    """Find the R peaks of a recording.

    Args:
        values: One lead (T,), or all of them (T, C), each upright or inverted, any unit; NaN where samples are missing.
            A lead in which there is nothing, or noise, costs the others nothing.
        sampling_rate: Hz.
        first: Leads that come before the others, in this order, where a beat is to be marked; all are looked at.

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
    signals = np.asarray(values)
    signals = signals[:, None] if signals.ndim == 1 else signals
    there = [_there(lead, sampling_rate) for lead in signals.T]
    if not any(known.any() for known in there):
        return np.zeros(0, dtype=np.int64)
    leads = leads_of(signals, sampling_rate, there)
    beats = _beats(leads)
    if signals.shape[1] > 1 and len(beats) > 1:
        leads = leads.judged_by(beats)
        beats = _beats(leads)
    order = [*first, *(lead for lead in range(signals.shape[1]) if lead not in first)]
    return _marked(signals, sampling_rate, leads, beats, order)


def distance(positions: I64, peaks: I64) -> F64:
    """Return how many samples each position is from the nearest of the ascending peaks; inf where there is none."""
    fenced = np.concatenate([[-np.inf], peaks, [np.inf]])
    after = np.searchsorted(fenced, positions)
    return np.asarray(np.minimum(positions - fenced[after - 1], fenced[after] - positions), dtype=np.float64)


def matches(expected: I64, found: I64, within: int) -> I64:
    """Say which beat that was found is which expected one, as ANSI/AAMI EC57 does within 150 ms.

    Args:
        expected: Positions, ascending, shape (n,).
        found: Positions, ascending, shape (m,).
        within: Samples that both may lie apart.

    Returns:
        For each expected beat the index of the one found, each of which is the nearest of the other; -1 for none; (n,).
    """
    if not (len(expected) and len(found)):
        return np.full(len(expected), -1, dtype=np.int64)
    nearest, back = _nearest(expected, found), _nearest(found, expected)
    same = (back[nearest] == np.arange(len(expected))) & (np.abs(found[nearest] - expected) <= within)
    return np.where(same, nearest, -1)


def _nearest(positions: I64, peaks: I64) -> I64:
    """Index of the nearest of the ascending peaks (m,), for each position (n,)."""
    after = np.clip(np.searchsorted(peaks, positions), 1, max(len(peaks) - 1, 1))
    before = peaks[after - 1]
    behind = peaks[np.minimum(after, len(peaks) - 1)]
    return np.asarray(np.where(positions - before <= behind - positions, after - 1, np.minimum(after, len(peaks) - 1)))


def stretches_without(peaks: I64, signals: NDArray[Any], sampling_rate: float) -> list[tuple[float, float]]:
    """Return the stretches that were recorded and hold no beat for long: asystole, a lead that came off, noise.

    Args:
        peaks: Positions of the beats, ascending, shape (n,). Those that are small in every lead beside the record's
            large ones are none: noise has peaks, too, where nothing else has.
        signals: Shape (T, C), NaN where samples are missing.
        sampling_rate: Hz.

    Returns:
        Begin and end of each, in seconds: from beat to beat, or to the border of the recording.
    """
    reach, size = max(1, round(_REACH_S * sampling_rate)), max(1, round(sampling_rate))
    if len(peaks):
        swings = np.concatenate(
            [_swings(signals, part, reach) for part in np.split(peaks, range(_PART, len(peaks), _PART))]
        )
        peaks = peaks[(swings >= _SMALL * quantiles(swings, [0.75])[0]).any(axis=1)]
    bounds = np.concatenate([[0], peaks, [len(signals)]])
    found = []
    for row in np.flatnonzero(np.diff(bounds) >= _LONG_S * sampling_rate):
        begin, end = int(bounds[row]), int(bounds[row + 1])
        there = [np.isfinite(signals[at : at + size]).any() for at in range(begin + size // 2, end - size, size)]
        if sum(there) >= _LONG_S - 2:  # those at both ends are the beats'
            found.append((begin / sampling_rate, end / sampling_rate))
    return found


def _swings(signals: NDArray[Any], peaks: I64, reach: int) -> F64:
    """From the lowest to the highest around peaks (n,) of signals (T, C), (n, C); 0 where a sample is missing."""
    around = signals[np.clip(peaks[:, None] + np.arange(-reach, reach), 0, len(signals) - 1)]  # (n, 2 * reach, C)
    swings = around.max(axis=1) - around.min(axis=1)
    return np.asarray(np.nan_to_num(swings, nan=0.0, posinf=0.0), dtype=np.float64)


def _there(lead: NDArray[Any], sampling_rate: float) -> Bool:
    """Stretches of a lead (T,) without long gaps that are long enough to find beats in, as a mask (T,)."""
    there: Bool = np.isfinite(lead)
    if there.all() and len(lead) >= _SHORTEST_S * sampling_rate:
        return np.broadcast_to(np.True_, there.shape)  # a day of them is long
    known = np.flatnonzero(there)
    if len(known) == 0:
        return there
    breaks = np.flatnonzero(np.diff(known) - 1 > _BRIDGED_S * sampling_rate)
    starts = known[np.concatenate([[0], breaks + 1])]
    stops = known[np.concatenate([breaks, [len(known) - 1]])] + 1
    there[:] = False
    for start, stop in zip(starts, stops, strict=True):
        there[start:stop] = stop - start >= _SHORTEST_S * sampling_rate
    return there


def _beats(leads: Leads) -> I64:
    """Say where beats are, positions among the values of the energy."""
    at, height = leads.peaks(_APART_S)
    times = at / leads.rate
    beats = height > _BEAT
    for _ in range(2):
        beats = _without_t_waves(times, height, beats)
    for _ in range(2):
        beats = _without_doubled(times, height, beats)
    for _ in range(_ROUNDS):
        more = _with_missed(times, height, beats)
        if more is beats:
            break
        beats = more
    found: I64 = at[beats]
    return found


def _without_t_waves(times_s: F64, height: F64, beats: Bool) -> Bool:
    """Leave out what comes right behind a beat that is much higher; all arguments (n,)."""
    rows = np.flatnonzero(beats)
    late = (np.diff(times_s[rows]) < _T_WAVE_S) & (height[rows[1:]] < _T_WAVE * height[rows[:-1]])
    return _but(beats, rows[1:][late])


def _without_doubled(times_s: F64, height: F64, beats: Bool) -> Bool:
    """Leave out what is much lower than both its neighbours and stands in what is one usual interval without it."""
    rows = np.flatnonzero(beats)
    if len(rows) < 3:
        return beats
    low = height[rows[1:-1]] < _DOUBLED * np.minimum(height[rows[:-2]], height[rows[2:]])
    if not low.any():
        return beats
    rr, usual = _intervals(times_s[rows])
    fits = rr[:-1] + rr[1:] < _WHOLE * np.maximum(usual[:-1], usual[1:])
    return _but(beats, rows[1:-1][low & fits])


def _with_missed(times_s: F64, height: F64, beats: Bool) -> Bool:
    """Add the highest of what was no beat in each hole of the rhythm; the same mask where there is none."""
    rows = np.flatnonzero(beats)
    if len(rows) < 3:
        return beats
    rr, usual = _intervals(times_s[rows])
    others = np.flatnonzero(~beats & (height > _MISSED))
    if not (len(others) and (rr > _HOLE * usual).any()):
        return beats
    gap = np.searchsorted(rows, others) - 1
    inside = (gap >= 0) & (gap < len(rr))
    others, gap = others[inside], gap[inside]
    before, behind = times_s[others] - times_s[rows[gap]], times_s[rows[gap + 1]] - times_s[others]
    fits = (rr[gap] > _HOLE * usual[gap]) & (before > _NOT_BEFORE * usual[gap])
    fits &= np.minimum(before, behind) > _T_WAVE_S
    if not fits.any():
        return beats
    others, gap = others[fits], gap[fits]
    order = np.lexsort((-height[others], gap))
    _, first = np.unique(gap[order], return_index=True)
    added = beats.copy()
    added[others[order][first]] = True
    return added


def _but(beats: Bool, rows: I64) -> Bool:
    fewer = beats.copy()
    fewer[rows] = False
    return fewer


def _intervals(times_s: F64) -> tuple[F64, F64]:
    """RR from each beat to the next, seconds, and the median around it, both (n - 1,)."""
    rr = np.diff(times_s)
    return rr, sliding_quantile(rr, _NEAR, _NEAR, 0.5)


def _marked(signals: NDArray[Any], sampling_rate: float, leads: Leads, beats: I64, order: Sequence[int]) -> I64:
    """Mark beats, positions among the values of the energy, in the first lead that shows them; positions (n,)."""
    worth = leads.worth(beats)[order]
    first = (worth >= np.minimum(_BESIDE_BEST * worth.max(axis=0, initial=0.0), _WORTH)).argmax(axis=0)
    around = beats * leads.step + leads.step // 2
    marks = [
        _largest_deflections(signals[:, lead], around[first == place], sampling_rate)
        for place, lead in enumerate(order)
        if (first == place).any()
    ]
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *marks]))


def _largest_deflections(lead: NDArray[Any], around: I64, sampling_rate: float) -> I64:
    """Move each position to the largest deflection near it, of either direction, where there is a sample."""
    reach, block, margin = (round(seconds * sampling_rate) for seconds in (_REACH_S, _BLOCK_S, _MARGIN_S))

    def largest(begin: int) -> I64:
        near = around[(around >= begin) & (around < begin + block)]
        if not len(near):
            return np.zeros(0, dtype=np.int64)
        first = max(0, begin - margin)
        part = lead[first : begin + block + margin]
        band = np.abs(_qrs_band(cleaned(part, sampling_rate), sampling_rate))
        band[~np.isfinite(part)] = -1.0
        at = np.clip(near[:, None] - first + np.arange(-reach, reach + 1), 0, len(band) - 1)  # (n, 2 * reach + 1)
        found = np.take_along_axis(at, band[at].argmax(axis=1)[:, None], axis=1)[:, 0]
        return np.asarray(found[band[found] >= 0] + first, dtype=np.int64)

    return np.concatenate(side_by_side(largest, range(0, len(lead), block)))


def _qrs_band(lead: F64, sampling_rate: float) -> F64:
    """The signal without baseline, most of the T wave, and noise; zero phase."""
    sections = bandpass_sections(_BAND[0], min(_BAND[1], 0.45 * sampling_rate), sampling_rate)
    return both_ways(sections, lead)
