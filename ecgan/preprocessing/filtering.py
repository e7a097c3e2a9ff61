"""The filters of a recording that its dataset's options ask for."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.filters import bridge, butterworth_bandpass, median_baseline, notch
from ecgan.preprocessing.options import FilterOptions

F64 = NDArray[np.float64]


def filter_recording(signals: NDArray[Any], sampling_rate: float, options: FilterOptions) -> F64:
    """Apply `filters` to a whole recording (T, C), in their order; each wave stays where it is in time.

    A missing value (NaN) would spread over the whole recording. Gaps are therefore bridged while the filters run, and
    are missing again afterwards; a lead without any value stays as it is.

    Raises:
        EcganError: A filter does not fit the sampling rate, or the recording is too short for it.
    """
    if not options.filters:
        return np.asarray(signals, dtype=np.float64)
    return across_gaps(lambda values: _filtered(values, sampling_rate, options), signals)


def across_gaps(function: Callable[[F64], F64], signals: NDArray[Any]) -> F64:
    """Filter signals (T, C) as if there were no gaps: they are bridged with straight lines, then NaN again."""
    missing = np.isnan(signals)
    values = function(bridge(np.asarray(signals, dtype=np.float64)))
    values[missing] = np.nan
    return values


def _filtered(values: F64, sampling_rate: float, options: FilterOptions) -> F64:
    for name in options.filters:
        if name == "bandpass":
            values = butterworth_bandpass(values, sampling_rate, options.low_hz, options.high_hz)
        elif name == "baseline":
            values = values - median_baseline(values, sampling_rate)
        else:
            values = notch(values, sampling_rate, options.mains_hz)
    return values
