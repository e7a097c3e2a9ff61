"""The filters of a recording that its dataset's options ask for."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.filters import bridge, butterworth_bandpass, median_baseline, notch
from ecgan.preprocessing.options import FilterOptions

F64 = NDArray[np.float64]


def filter_recording(signals: NDArray[Any], sampling_rate: float, options: FilterOptions) -> F64:
    """Apply `filters` to a whole recording, in their order.

    A missing value would spread over the whole recording. Gaps are therefore bridged with straight lines (to a border:
    with the value at the gap's edge) while the filters run, and are missing again afterwards; a lead without any value
    stays as it is.

    Args:
        signals: Shape (T, C); NaN where a value is missing.
        sampling_rate: Hz.
        options: Which filters, and their edges.

    Returns:
        The filtered recording, shape (T, C), each wave where it was in time.

    Raises:
        EcganError: A filter does not fit the sampling rate, or the recording is too short for it.
    """
    values = np.asarray(signals, dtype=np.float64)
    if not options.filters:
        return values
    missing = np.isnan(values)
    values = bridge(values)
    for name in options.filters:
        if name == "bandpass":
            values = butterworth_bandpass(values, sampling_rate, options.low_hz, options.high_hz)
        elif name == "baseline":
            values = values - median_baseline(values, sampling_rate)
        else:
            values = notch(values, sampling_rate, options.mains_hz)
    values[missing] = np.nan
    return values
