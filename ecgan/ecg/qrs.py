"""How much of a QRS complex there is at each moment of a recording, seen in all of its leads.

The steps to the energy of one lead are those of Pan and Tompkins, IEEE Trans. Biomed. Eng. 32(3), 1985: band-pass,
slope, square, mean over the width of a complex. It does not know up from down. What is usual of it is asked of the 34
seconds around, as medians over pieces of two seconds, so that no piece spoils the others, wherever it stands. Leads are
averaged by how far the beats, which all of them have found together, stand out of what lies between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from ecgan.ecg.filters import bandpass_sections, both_ways
from ecgan.ecg.rhythm import sliding_quantile
from ecgan.quantiles import median
from ecgan.runtime import side_by_side

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

_RATE = 120.0
"""Hz; a faster lead is averaged down to this rate at least."""
_BAND = (3.5, 28.0)
"""Hz."""
_WIDTH_S = 0.12
"""Of a QRS complex."""
_PIECE_S = 2.0
_PIECES = 8
"""On either side of a piece."""
_LEAST = 0.02
"""Of the largest energy in a usual piece; in a piece with less there is no signal."""
_STANDS_OUT = 1.5
"""Of the energy between beats is at least that of a lead that shows any."""
_ROUNDING = 1e-9
"""Energy this small beside the values of the lead comes of their rounding."""
_SPIKE_S, _BESIDE_SPIKE_S, _SPIKE = 0.0084, 0.08, 2.5
"""The longest spike, what is looked at on either side of it, and how many times as high as that it is."""
_LIKELY = 8.0
"""Times the mean of what stands out of its neighbours; less is not looked at."""
_AT_ONCE, _NEAR = 1 << 20, 1 << 15
"""Samples that have one mean, and that are looked at together: so many a processor has at hand."""
_STILL_S = 1.0
_PARTLY = 1e-5
"""Of its weight has a lead in a piece that it does not show, or not all of it."""
_BEATS = 8
"""On either side of a beat, by which a lead is judged."""
_NOTHING = 0.6
"""A lead is worth nothing where beats are this much of what lies between them."""
_AT_BEAT_S, _BESIDE_S = 0.07, 0.17
"""A beat's energy is its largest this near to it, that between beats the largest further away from both."""


@dataclass(frozen=True)
class Leads:
    """The energies of the leads of a recording.

    Attributes:
        values: Each in parts of its usual beat, float32, shape (C, p, s): leads, pieces of two seconds, values in one;
            0 where a lead has no signal.
        there: By how much of a lead is there in each piece, its share of what it is worth, shape (C, p).
        weights: What each lead is worth in each piece, same shape.
        step: Samples of the recording to one value.
        rate: Hz, of the values.
    """

    values: F32
    there: F64
    weights: F64
    step: int
    rate: float

    def peaks(self, apart_s: float) -> tuple[I64, F64]:
        """Find what may be beats in the average of the leads: the highest within `apart_s` seconds.

        Returns:
            Positions among the values, ascending, shape (n,), and how high each one is: 0 is what lies between beats
            around it, 1 the usual beat.
        """
        shares = self.weights / np.maximum(self.weights.sum(axis=0), 1e-12)
        pieces = np.zeros(self.values.shape[1:])
        for values, share in zip(self.values, shares, strict=True):
            energy = np.square(values, dtype=np.float64)
            energy *= share[:, None]
            pieces += energy
        np.sqrt(pieces, out=pieces)
        energy = pieces.ravel()
        at, _ = signal.find_peaks(energy, distance=max(1, round(apart_s * self.rate)))
        at = at.astype(np.int64)
        usual, quiet = _levels(pieces).near(at)
        return at, (energy[at] - quiet) / np.maximum(usual - quiet, 1e-12)

    def judged_by(self, beats: I64) -> "Leads":
        """Weigh the leads by beats that were found in them, positions among the values, ascending, shape (n,).

        A lead counts the square of how far a usual beat around stands out of the highest that lies between beats.
        """
        weights = np.stack([_contrast(values, beats, self.rate) for values in self.values])
        return replace(self, weights=weights * self.there)

    def worth(self, at: I64) -> F64:
        """Weight of each lead at positions (n,) among the values, (C, n)."""
        return self.weights[:, at // self.values.shape[2]]


def leads_of(signals: NDArray[Any], sampling_rate: float, there: Sequence[Bool]) -> Leads:
    """Take the energy of each lead.

    Args:
        signals: Shape (T, C), any unit.
        sampling_rate: Hz.
        there: Where each lead is to be believed, C masks (T,); elsewhere it has no energy.
    """
    step = max(1, int(sampling_rate // _RATE))
    count, rate = len(signals) // step, sampling_rate / step
    size = round(_PIECE_S * rate)
    values = np.zeros((signals.shape[1], -(-count // size), size), dtype=np.float32)
    shares, weights = np.zeros(values.shape[:2]), np.zeros(values.shape[:2])

    for lead, known in enumerate(there):
        if not known.any():
            continue
        slower = _slower(*_clean(signals[:, lead], sampling_rate), step)
        shown = known[step // 2 :: step][:count] & ~_still(slower, round(_STILL_S * rate))
        largest, energy = max(slower.max(), -slower.min()), _energy(slower, rate)  # in its place
        energy[~shown] = np.nan
        pieces = _filled(energy, values[lead].size).reshape(-1, size)
        levels = _levels(pieces, _ROUNDING * largest)
        if levels.counted.any():
            values[lead], weights[lead] = _in_parts(pieces, levels)
            shares[lead] = _shares(pieces, levels)

    return Leads(values, shares, weights, step, rate)


def _filled(energy: F64, count: int) -> F64:
    """The energy (m,) with NaN behind it, (count,)."""
    if len(energy) == count:
        return energy
    found = np.full(count, np.nan)
    found[: len(energy)] = energy
    return found


def cleaned(lead: NDArray[Any], sampling_rate: float) -> F64:
    """Return a copy of a lead (T,) with straight lines across what is missing, and across spikes.

    Spikes of up to 8 ms no heart makes: clicks, and the pulses of a pacemaker. A sample belongs to one if it stands out
    of both sides by 2.5 times what the 80 ms on either side differ among themselves (from the tenth to the ninetieth
    percentile).

    Args:
        lead: NaN where a sample is missing.
        sampling_rate: Hz.
    """
    bridged, rows, values = _clean(lead, sampling_rate)
    found = np.array(bridged)
    found[rows] = values
    return found


def _clean(lead: NDArray[Any], sampling_rate: float) -> tuple[F64, I64, F64]:
    """Lines across gaps and spikes of a lead (T,): it is not copied, if nothing is missing.

    Returns:
        The lead with its gaps bridged, (T,); ascending rows of spikes, and what is there in place of them, both (k,).
    """
    found: F64 = np.asarray(lead, dtype=np.float64)
    missing = np.flatnonzero(~np.isfinite(found))
    if len(missing) == len(found):
        return found, missing[:0], found[:0]
    if len(missing):
        found = np.array(found)
        found[missing] = _across(found, missing)
    spikes = _spikes(found, sampling_rate)
    return found, spikes, _across(found, spikes)


def _spikes(lead: F64, sampling_rate: float) -> I64:
    """Positions of the samples of a lead (T,) that belong to a spike, ascending."""
    apart = max(1, int(_SPIKE_S * sampling_rate)) + 1
    beside = np.arange(apart, max(round(_BESIDE_SPIKE_S * sampling_rate), apart) + 1)
    beside = np.concatenate([-beside[::-1], beside])

    def spikes(begin: int) -> I64:
        end = min(begin + _AT_ONCE, len(lead) - apart)
        height = np.concatenate([
            _height(lead[start - apart : min(start + _NEAR, end) + apart], apart) for start in range(begin, end, _NEAR)
        ])  # fmt: skip
        likely = np.flatnonzero(height > _LIKELY * height.mean())
        around = lead[np.clip(begin + likely[:, None] + beside, 0, len(lead) - 1)]
        around.sort(axis=1)  # much faster than np.quantile
        high, low = (_between(around, share) for share in (0.9, 0.1))
        return np.asarray(begin + likely[height[likely] > _SPIKE * (high - low)])

    found = side_by_side(spikes, range(apart, len(lead) - apart, _AT_ONCE))
    return np.concatenate([np.zeros(0, dtype=np.int64), *found])


def _height(lead: F64, apart: int) -> F64:
    """By how much each value of a lead (m + 2 · apart,) stands out of those that far off on both sides, (m,), or 0."""
    before, behind = lead[apart:-apart] - lead[: -2 * apart], lead[apart:-apart] - lead[2 * apart :]
    height = np.minimum(before, behind)
    np.negative(np.maximum(before, behind, out=before), out=before)
    return np.maximum(np.maximum(height, before, out=height), 0.0, out=height)  # below 0: of one side only


def _between(ordered: F64, share: float) -> F64:
    """Quantile of each ascending row (n, w), linear between two values, (n,)."""
    place = share * (ordered.shape[1] - 1)
    low = int(place)
    return np.asarray(ordered[:, low] + (place - low) * (ordered[:, low + 1] - ordered[:, low]))


def _across(lead: F64, rows: I64) -> F64:
    """Straight lines across some ascending rows (k,) of a lead (T,), but not all: only what is beside them is read."""
    if not len(rows):
        return np.zeros(0)
    before = rows[np.diff(rows, prepend=-2) > 1] - 1
    behind = rows[np.diff(rows, append=len(lead) + 1) > 1] + 1
    beside = np.unique(np.concatenate([before[before >= 0], behind[behind < len(lead)]]))
    return np.asarray(np.interp(rows, beside, lead[beside]), dtype=np.float64)


def _slower(lead: F64, rows: I64, values: F64, step: int) -> F64:
    """Means of `step` samples of a lead (T,) that has other values at some ascending rows, (T // step,)."""
    mean = np.zeros(len(lead) // step)
    for begin in range(0, len(mean), _NEAR):
        part = mean[begin : begin + _NEAR]
        own, first = np.array(lead[begin * step : (begin + len(part)) * step]), begin * step
        some = slice(*np.searchsorted(rows, [first, first + len(own)]))
        own[rows[some] - first] = values[some]
        for offset in range(step):
            part += own[offset::step]
        part /= step
    return mean


def _still(lead: F64, least: int) -> Bool:
    """Stretches of a lead (m,) in which no value changes, if they are longer than `least`, as a mask (m,)."""
    still, same = np.zeros(len(lead), dtype=bool), np.flatnonzero(lead[1:] == lead[:-1])
    first, last = same[np.diff(same, prepend=-2) > 1], same[np.diff(same, append=len(lead) + 1) > 1] + 1
    long = last - first >= least
    for begin, end in zip(first[long].tolist(), last[long].tolist(), strict=True):
        still[begin : end + 1] = True
    return still


def _energy(lead: F64, rate: float) -> F64:
    """Root mean square of the slope of the band over the width of a QRS complex, (m,), written over the lead (m,)."""
    sections = bandpass_sections(_BAND[0], min(_BAND[1], 0.45 * rate), rate)
    slope = _gradient(both_ways(sections, lead), lead)
    slope *= slope  # in place, as below: a day has many values
    mean = ndimage.uniform_filter1d(slope, round(_WIDTH_S * rate), mode="constant", output=slope)
    np.maximum(mean, 0.0, out=mean)
    return np.asarray(np.sqrt(mean, out=mean), dtype=np.float64)


def _gradient(lead: F64, found: F64) -> F64:
    """`np.gradient` of a lead (m,), m at least 2, in a place (m,) that is there: without three arrays of its own."""
    np.subtract(lead[2:], lead[:-2], out=found[1:-1])
    found[1:-1] /= 2.0
    found[0], found[-1] = lead[1] - lead[0], lead[-1] - lead[-2]
    return found


@dataclass(frozen=True)
class _Levels:
    """What is usual of the energy around each piece: `usual`, the largest, and `quiet`, the median, (q,) each.

    `at` (q,) are the middles of the pieces that count, among the values, and `counted` (p,) says which those are.
    """

    counted: Bool
    at: F64
    usual: F64
    quiet: F64

    def near(self, at: NDArray[Any]) -> tuple[F64, F64]:
        """Return both levels at positions among the values."""
        if not len(self.at):
            return np.ones(len(at)), np.zeros(len(at))
        return np.interp(at, self.at, self.usual), np.interp(at, self.at, self.quiet)


def _levels(pieces: F64, least: float = 0.0) -> _Levels:
    """Ask what is usual around each piece of the energy (p, s).

    Pieces without signal count nowhere: those of which more than half is missing, and those whose largest energy is not
    above `least` or far below that of the others.
    """
    missing = np.isnan(pieces)
    pieces = np.where(missing, 0.0, pieces) if missing.any() else pieces
    largest, middle = pieces.max(axis=1), median(pieces, axis=1)
    counted = (largest > least) & (missing.mean(axis=1) <= 0.5)
    if counted.any():
        counted &= largest > _LEAST * median(largest[counted])
    usual, quiet = (sliding_quantile(values[counted], _PIECES, _PIECES, 0.5) for values in (largest, middle))
    return _Levels(counted, (np.flatnonzero(counted) + 0.5) * pieces.shape[1], usual, quiet)


def _in_parts(pieces: F64, levels: _Levels) -> tuple[F64, F64]:
    """The energy of a lead (p, s) in parts of its usual beat, and a first guess of what it is worth in each piece.

    One in which things stand out well enough is worth no more than another: clicks do so better than beats.
    """
    usual, quiet = levels.near((np.arange(len(pieces)) + 0.5) * pieces.shape[1])
    contrast = usual / np.maximum(quiet, 1e-3 * usual)
    return np.nan_to_num(pieces / usual[:, None]), np.clip(contrast - 2.0, 0.05, 2.0) ** 3


def _shares(pieces: F64, levels: _Levels) -> F64:
    """How much of a lead is there in each piece (p, s), (p,).

    It is 1, or next to nothing where a part is missing, where it is flat, and where nothing stands out: mains hum.
    """
    missing = np.isnan(pieces)
    usual, quiet = levels.near((np.arange(len(pieces)) + 0.5) * pieces.shape[1])
    whole = levels.counted & ~missing.any(axis=1) & (usual > _STANDS_OUT * quiet)
    return np.where(whole, 1.0, _PARTLY * ~missing.all(axis=1))


def _contrast(pieces: F32, beats: I64, rate: float) -> F64:
    """What a lead (p, s) is worth in each piece, by the beats around, (p,)."""
    values, reach, beside = pieces.ravel(), round(_AT_BEAT_S * rate), round(_BESIDE_S * rate)
    starts = beats[:-1] + beside
    bounds = np.stack([starts, np.maximum(beats[1:] - beside, starts + 1)], axis=1)
    between = np.maximum.reduceat(values, np.minimum(bounds, len(values) - 1).ravel())[::2]
    near = np.clip(beats[:, None] + np.arange(-reach, reach + 1), 0, len(values) - 1)  # (n, 2 * reach + 1)
    usual = sliding_quantile(np.log(values[near].max(axis=1) + 1e-6), _BEATS, _BEATS, 0.5)
    highest = sliding_quantile(np.log(between + 1e-6), _BEATS, _BEATS, 0.95)
    at = (np.arange(len(pieces)) + 0.5) * pieces.shape[1]
    stands_out = np.exp(np.interp(at, beats, usual) - np.interp(at, beats[:-1], highest))
    return np.asarray(np.maximum(stands_out - _NOTHING, 0.02) ** 2, dtype=np.float64)
