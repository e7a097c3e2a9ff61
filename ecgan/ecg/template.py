"""What beats of a record look like: its template, beats aligned to it, and the windows of a beat by physiology.

Beats are arrays (n, C, L): beats, leads, time steps, with the R peak at or near the index `centre`. The unit does not
matter: alignment does not see scale and offset of a lead.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.quantiles import median
from ecgan.runtime import side_by_side

F64 = NDArray[np.float64]
Int = NDArray[np.int64]

WINDOWS_MS = {"p": (-300.0, -72.0), "qrs": (-100.0, 133.0), "st_t": (133.0, 472.0)}
"""Begin and end of the waves, ms from the R peak; wide enough for the bundle branch block and for a late peak."""

WHOLE_MS = (-250.0, 472.0)
"""All waves of a beat, from the P wave to the end of the T wave, ms from the R peak."""

APART_MS = 200.0  # what lies nearer to the beat before or behind belongs to that one
LEAST_MS = 100.0  # on either side of the R peak, which belongs to a beat however early it comes
MOST_MS = 39.0
PENALTY = 1.44  # of correlation, for a second: .004 a sample at 360 Hz
REACH_MS = 100.0
PASSES = 2
FEW = 2048  # beats that a median is made of, evenly drawn: more change it by less than noise does

_ROWS, _MOVED = 4096, 16  # beats that a thread moves, and at once: so many a processor has at hand


def window(begin_ms: float, end_ms: float, *, sampling_rate: float, centre: int, length: int) -> slice:
    """Return the part of a sample between two times from the R peak, cut off where the sample ends.

    Args:
        begin_ms: Begin, ms from the R peak, negative before it.
        end_ms: End.
        sampling_rate: Hz.
        centre: Index of the R peak.
        length: L, time steps of the sample.

    Returns:
        A slice of 0…L, with the end left out; it is empty where nothing of the window lies in the sample.
    """
    begin, end = (centre + round(1e-3 * ms * sampling_rate) for ms in (begin_ms, end_ms))
    begin = min(max(begin, 0), length)
    return slice(begin, min(max(end, begin), length))


def covered(begin_ms: float, end_ms: float, *, sampling_rate: float, centre: int, length: int) -> float:
    """Return which share of the window between two times a sample holds, 0 to 1; arguments as those of `window`."""
    part = window(begin_ms, end_ms, sampling_rate=sampling_rate, centre=centre, length=length)
    return min(float(part.stop - part.start) / max(1e-3 * (end_ms - begin_ms) * sampling_rate, 1.0), 1.0)


def own_part(rr_prev: F64, rr_next: F64, *, sampling_rate: float, centre: int, length: int) -> NDArray[np.bool_]:
    """Say which steps of each sample show its own beat, from the P wave to the end of the T wave, and no other one.

    Args:
        rr_prev: RR before each beat, (n,), seconds; NaN where it is not known, and then no beat is near.
        rr_next: RR behind it.
        sampling_rate: Hz.
        centre: Index of the R peak.
        length: L, time steps of a sample.

    Returns:
        Mask (n, L): −250 to 472 ms, without what lies within 200 ms of the R peak before or behind; the 100 ms on
        either side of the beat's own R peak always belong to it.
    """
    times = 1e3 * (np.arange(length) - centre) / sampling_rate
    before, behind = (1e3 * np.nan_to_num(rr, nan=np.inf) for rr in (rr_prev, rr_next))
    begin = np.minimum(np.maximum(WHOLE_MS[0], APART_MS - before), -LEAST_MS)
    end = np.maximum(np.minimum(WHOLE_MS[1], behind - APART_MS), LEAST_MS)
    return np.asarray((times >= begin[:, None]) & (times <= end[:, None]))


def aligned(beats: NDArray[Any], shifts: Int, part: slice) -> NDArray[Any]:
    """Return a part of each beat, moved by its shift.

    Args:
        beats: Shape (n, C, L).
        shifts: Samples that each beat's wave lies later than the template's, (n,).
        part: The part, a slice of 0…L.

    Returns:
        Shape (n, C, W). Beyond its ends a beat is continued with its first and last value.
    """
    if not shifts.any():
        return np.ascontiguousarray(beats[:, :, part])
    width, first = part.stop - part.start, part.start + shifts
    before, behind = -int(first.min(initial=0)), int(first.max(initial=0)) + width - beats.shape[2]
    if before > 0 or behind > 0:
        before, behind = max(before, 0), max(behind, 0)
        ends = np.repeat(beats[:, :, :1], before, axis=2), np.repeat(beats[:, :, -1:], behind, axis=2)
        beats, first = np.concatenate([ends[0], beats, ends[1]], axis=2), first + before
    shape, strides = (*beats.shape[:2], beats.shape[2] - width + 1, width), (*beats.strides, beats.strides[2])
    windows = np.lib.stride_tricks.as_strided(beats, shape, strides)  # one from each step on
    return np.ascontiguousarray(windows[np.arange(len(beats)), :, first])


def median_beat(beats: NDArray[Any], shifts: Int, chosen: NDArray[Any]) -> F64:
    """Return the template of a record: the median of its chosen beats, aligned.

    Args:
        beats: Shape (n, C, L).
        shifts: Shift of each, (n,).
        chosen: Mask (n,) of the beats that make the template, the regular ones; at least one. Of many, 2,048 evenly
            drawn ones do.

    Returns:
        Shape (C, L).
    """
    rows = evenly(np.flatnonzero(chosen), FEW)
    return median(aligned(beats[rows], shifts[rows], slice(0, beats.shape[2]))).astype(np.float64)


def evenly(rows: Int, most: int) -> Int:
    """Return at most `most` of the rows (m,), evenly spaced."""
    return rows if len(rows) <= most else rows[evenly_places(len(rows), most)]


def evenly_places(count: int, most: int) -> Int:
    """Return at most `most` of the places 0 to `count` − 1, evenly spaced."""
    return np.arange(count) if count <= most else (np.arange(most) * count) // most


def align(beats: NDArray[Any], template: F64, centre: int, sampling_rate: float, *, most_ms: float = MOST_MS) -> Int:
    """Find how much later than in the template each beat's QRS lies, by normalised correlation.

    The correlation within ±100 ms of the R peak is averaged over leads; a shift costs 1.44 of it a second (.004 a
    sample at 360 Hz), so that a beat moves only where that makes it more alike. Scale and offset of a lead do not
    matter. Where a sample is too short for it, a beat moves less.

    Args:
        beats: Shape (n, C, L).
        template: Shape (C, L).
        centre: Index of the R peak.
        sampling_rate: Hz.
        most_ms: Largest shift, ms.

    Returns:
        Shifts (n,) in samples. Of equally good ones the smaller; 0 for a beat without any deflection.
    """
    length = beats.shape[2]
    reach = min(round(1e-3 * REACH_MS * sampling_rate), centre, length - 1 - centre)
    most = min(int(1e-3 * most_ms * sampling_rate), centre - reach, length - 1 - centre - reach)
    steps = np.array(sorted(range(-most, most + 1), key=abs), dtype=np.int64)  # the smaller ones first
    mark = template[:, centre - reach : centre + reach + 1]
    mark = mark - mark.mean(axis=1, keepdims=True)
    near, found = slice(centre - reach - most, centre + reach + most + 1), np.empty(len(beats), dtype=np.int64)

    def move(begin: int) -> None:
        for start in range(begin, min(begin + _ROWS, len(beats)), _MOVED):
            alike = _correlations(beats[start : start + _MOVED, :, near].astype(np.float64), mark)[:, steps + most]
            best = np.argmax(alike - PENALTY / sampling_rate * np.abs(steps), axis=1)
            found[start : start + _MOVED] = steps[best]

    side_by_side(move, range(0, len(beats), _ROWS))
    return found


def _correlations(beats: F64, mark: F64) -> F64:
    """Correlation of each part of beats (b, C, S − 1 + w) with a mark (C, w) of mean 0, mean over leads, (b, S)."""
    seen = np.lib.stride_tricks.sliding_window_view(beats, mark.shape[1], axis=2)  # (b, C, S, w)
    seen = seen - seen.mean(axis=3, keepdims=True)
    products = np.einsum("bcsw,cw->bcs", seen, mark)
    sizes = np.sqrt(np.einsum("bcsw,bcsw->bcs", seen, seen)) * np.linalg.norm(mark, axis=1)[:, None]
    return np.asarray(np.divide(products, sizes, out=np.zeros_like(products), where=sizes > 0).mean(axis=1))


def qrs_ms(template: F64, centre: int, sampling_rate: float) -> float:
    """Return how wide the QRS of a template is, ms: from where its slope rises to where it is over.

    The slope is that of all leads together (root of the sum of squares, smoothed over 8 ms). The QRS reaches from its
    steepest place as far as the slope does not stay below a tenth of that for 12 ms. On the templates of the records of
    DS1, 0.5 to 40 Hz, that gives 56 to 119 ms where the conduction is normal (but 128 ms in the noisy record 108) and
    122 to 169 ms in bundle branch block (but 86 ms in record 118, whose end is slow).

    Args:
        template: Shape (C, L).
        centre: Index of the R peak.
        sampling_rate: Hz.
    """
    slopes = np.sqrt(np.square(np.gradient(template, axis=1)).sum(axis=0))
    size = max(1, round(0.008 * sampling_rate))
    slope = np.convolve(slopes, np.ones(size) / size, "same")
    first, last, low, high = (round(1e-3 * ms * sampling_rate) + centre for ms in (-150, 200, -60, 80))
    first, last = max(first, 0), min(last, len(slope) - 1)
    at = max(low, 0) + int(np.argmax(slope[max(low, 0) : high]))
    steep, quiet = (slope >= max(0.1 * slope[at], np.finfo(float).tiny)).tolist(), round(0.012 * sampling_rate)
    start = stop = at
    while start > first and True in steep[max(start - quiet, 0) : start + 1]:
        start -= 1
    while stop < last and True in steep[stop : stop + quiet + 1]:
        stop += 1
    return 1e3 * (stop - start) / sampling_rate


def template_and_shifts(
    beats: NDArray[Any], chosen: NDArray[Any], centre: int, sampling_rate: float, *, most_ms: float = MOST_MS
) -> tuple[F64, Int]:
    """Return the template of a record, (C, L), and the shift of each of its beats, (n,), found in two passes.

    Args:
        beats: All beats of a record, (n, C, L).
        chosen: Mask (n,) of the beats that make the template; at least one.
        centre: Index of the R peak.
        sampling_rate: Hz.
        most_ms: Largest shift, ms.
    """
    shifts = np.zeros(len(beats), dtype=np.int64)
    for _ in range(PASSES):
        template = median_beat(beats, shifts, chosen)
        shifts = align(beats, template, centre, sampling_rate, most_ms=most_ms)
    return median_beat(beats, shifts, chosen), shifts
