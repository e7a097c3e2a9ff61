"""Zero-phase filters: they keep every wave where it is in time.

Signals have the shape (T,) or (T, C), time first, and so has what comes out; rates and frequencies are in Hz. Filters
run along the last axis of the transposed signals: a lead in one piece is filtered in half the time.
"""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from ecgan.errors import EcganError

F64 = NDArray[np.float64]

_PIECE = 1 << 16
"""Samples that are filtered at once, which a processor has at hand."""


def fir_bandpass(values: NDArray[Any], sampling_rate: float, low: float, high: float, order: int) -> F64:
    """Band-pass with a linear-phase FIR filter (Hamming window), run forwards and backwards.

    An odd order is raised by one, so that the number of taps (order + 1) is odd and the filter has a sample in its
    middle.

    Raises:
        EcganError: The band does not fit the sampling rate, or the signal is shorter than the filter.
    """
    _check(values, sampling_rate, low, high, 3 * (order | 1))
    taps = signal.firwin(order | 1, [low, high], pass_zero=False, fs=sampling_rate)
    return np.asarray(signal.filtfilt(taps, [1.0], values.T).T, dtype=np.float64)


def butterworth_bandpass(values: NDArray[Any], sampling_rate: float, low: float, high: float, order: int = 2) -> F64:
    """Band-pass with a Butterworth filter in second-order sections, run forwards and backwards.

    The edges are where both runs together, each of the order, leave half the amplitude (-6 dB).

    Raises:
        EcganError: The band does not fit the sampling rate, or the signal is too short.
    """
    _check(values, sampling_rate, low, high, 3 * (2 * order + 1))
    return both_ways(bandpass_sections(low, high, sampling_rate, order), values.T).T


@functools.cache
def bandpass_sections(low: float, high: float, sampling_rate: float, order: int = 2) -> F64:
    """Second-order sections of a Butterworth band-pass, shape (s, 6); of many recordings they are the same."""
    sections: F64 = signal.butter(order, [low, high], btype="bandpass", fs=sampling_rate, output="sos")
    return sections


def both_ways(sections: F64, values: NDArray[Any], padding: int | None = None) -> F64:
    """Run second-order sections forwards and backwards along the last axis: `scipy.signal.sosfiltfilt`, bit by bit.

    It goes piece by piece, from the state behind one to the next: a day is filtered in the room of its result. Where
    the sections settle is computed once for all recordings.

    Args:
        sections: The filter, shape (s, 6).
        values: Shape (…, T), T more than the padding.
        padding: Samples by which the signal is continued at both ends, turned about its end; None: as SciPy has it.
    """
    settled, usual = _settled(sections.tobytes())
    edge, x = usual if padding is None else padding, np.asarray(values, dtype=np.float64)
    settled = settled.reshape(-1, *[1] * (x.ndim - 1), 2)
    before, behind = 2 * x[..., :1] - x[..., edge:0:-1], 2 * x[..., -1:] - x[..., -2 : -edge - 2 : -1]
    found = np.concatenate([before, x, behind], axis=-1)
    for way in (found, found[..., ::-1]):
        state = settled * way[..., :1]
        for begin in range(0, way.shape[-1], _PIECE):
            piece = way[..., begin : begin + _PIECE]
            piece[...], state = signal.sosfilt(sections, piece, zi=state)
    return found[..., edge:-edge]


@functools.lru_cache(maxsize=64)
def _settled(content: bytes) -> tuple[F64, int]:
    """Of sections (s, 6), as bytes: the state in which a step lets them rest, (s, 2), and how far SciPy pads."""
    sections = np.frombuffer(content, dtype=np.float64).reshape(-1, 6)
    padding = 3 * int(2 * len(sections) + 1 - min((sections[:, 2] == 0).sum(), (sections[:, 5] == 0).sum()))
    return signal.sosfilt_zi(sections), padding


def _check(values: NDArray[Any], sampling_rate: float, low: float, high: float, padding: int) -> None:
    if not 0 < low < high < sampling_rate / 2:
        raise EcganError(
            f"a band of {low:g} to {high:g} Hz does not fit a signal sampled at {sampling_rate:g} Hz.",
            f"The lower edge lies above 0, the upper one below {sampling_rate / 2:g} Hz.",
        )
    _check_length(values, padding)


def _check_length(values: NDArray[Any], padding: int) -> None:
    if len(values) <= padding:
        raise EcganError(
            f"a signal of {len(values)} samples is too short for this filter, which needs {padding + 1}.",
            "Use a longer record or no filter.",
        )


def median_baseline(values: NDArray[Any], sampling_rate: float) -> F64:
    """Return the baseline wander of a recording: a median over 200 ms, then one of that over 600 ms.

    The first takes out P waves and QRS complexes, the second T waves: P. de Chazal, M. O'Dwyer and R. B. Reilly, IEEE
    Trans. Biomed. Eng. 51(7), 2004, section II-B. Subtract it from the recording to correct it. At the borders the
    recording is continued with its first and last value.

    Raises:
        EcganError: The signal is shorter than 600 ms, or its sampling rate so low that 200 ms are a single sample.
    """
    widths = [2 * round(seconds * sampling_rate / 2) + 1 for seconds in (0.2, 0.6)]  # odd: nothing moves in time
    if widths[0] < 3:
        raise EcganError(
            f"the baseline of a signal sampled at {sampling_rate:g} Hz cannot be told from its waves.",
            "Take `baseline` out of preprocess.filters.",
        )
    _check_length(values, widths[1] - 1)
    baseline = np.array(values, dtype=np.float64)
    leads = baseline.reshape(len(baseline), -1)  # (T,) or (T, C) to (T, C)
    for lead in range(leads.shape[1]):
        for width in widths:
            leads[:, lead] = ndimage.median_filter(np.ascontiguousarray(leads[:, lead]), width, mode="nearest")
    return baseline


def notch(values: NDArray[Any], sampling_rate: float, mains: float, width: float = 2.0) -> F64:
    """Take the mains and their harmonics below half the sampling rate out; run forwards and backwards.

    `width` is that of each notch (-6 dB after both runs).

    Raises:
        EcganError: The mains are beyond half the sampling rate, or the signal is too short.
    """
    harmonics = np.arange(mains, sampling_rate / 2 - width / 2, mains)
    if not len(harmonics):
        raise EcganError(
            f"a notch at {mains:g} Hz does not fit a signal sampled at {sampling_rate:g} Hz.",
            f"It has nothing from {sampling_rate / 2:g} Hz on: take `notch` out of preprocess.filters.",
        )
    parts = [signal.tf2sos(*signal.iirnotch(centre, centre / width, fs=sampling_rate)) for centre in harmonics]
    sections = np.concatenate(parts)
    padding = int(3 * sampling_rate / width)  # the notches ring for about that long
    _check_length(values, padding)
    return both_ways(sections, values.T, padding).T


def bridge(values: F64) -> F64:
    """Fill the gaps of each lead (NaN) with straight lines; at a border, with the value at the gap's edge.

    Signals are (T, C); a lead without any value is 0 afterwards.
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    values = values.copy()
    time = np.arange(len(values))
    for lead in np.flatnonzero(missing.any(axis=0)):
        gap = missing[:, lead]
        values[gap, lead] = 0.0 if gap.all() else np.interp(time[gap], time[~gap], values[~gap, lead])
    return values
