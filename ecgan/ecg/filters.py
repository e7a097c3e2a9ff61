"""Zero-phase filters: they keep every wave where it is in time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ecgan.errors import EcganError

F64 = NDArray[np.float64]


def fir_bandpass(values: NDArray[Any], sampling_rate: float, low: float, high: float, order: int) -> F64:
    """Band-pass with a linear-phase FIR filter (Hamming window), run forwards and backwards.

    Args:
        values: Signal, shape (T,) or (T, C); time is the first axis.
        sampling_rate: Hz.
        low: Lower edge of the pass band, Hz.
        high: Upper edge of the pass band, Hz.
        order: Filter order; an odd one is raised by one, so that the number of taps (order + 1) is odd and the
            filter has a sample in its middle.

    Raises:
        EcganError: The band does not fit the sampling rate, or the signal is shorter than the filter.
    """
    _check(values, sampling_rate, low, high, 3 * (order | 1))
    taps = signal.firwin(order | 1, [low, high], pass_zero=False, fs=sampling_rate)
    return np.asarray(signal.filtfilt(taps, [1.0], values, axis=0), dtype=np.float64)


def butterworth_bandpass(values: NDArray[Any], sampling_rate: float, low: float, high: float, order: int = 2) -> F64:
    """Band-pass with a Butterworth filter in second-order sections, run forwards and backwards.

    Args:
        values: Signal, shape (T,) or (T, C); time is the first axis.
        sampling_rate: Hz.
        low: Lower edge of the pass band (-6 dB after both runs), Hz.
        high: Upper edge of the pass band, Hz.
        order: Order of one run.

    Raises:
        EcganError: The band does not fit the sampling rate, or the signal is too short.
    """
    _check(values, sampling_rate, low, high, 3 * (2 * order + 1))
    sections = signal.butter(order, [low, high], btype="bandpass", fs=sampling_rate, output="sos")
    return np.asarray(signal.sosfiltfilt(sections, values, axis=0), dtype=np.float64)


def _check(values: NDArray[Any], sampling_rate: float, low: float, high: float, padding: int) -> None:
    if not 0 < low < high < sampling_rate / 2:
        raise EcganError(
            f"a band of {low:g} to {high:g} Hz does not fit a signal sampled at {sampling_rate:g} Hz.",
            f"The lower edge lies above 0, the upper one below {sampling_rate / 2:g} Hz.",
        )
    if len(values) <= padding:
        raise EcganError(
            f"a signal of {len(values)} samples is too short for this filter, which needs {padding + 1}.",
            "Use a longer record or no filter.",
        )
