"""Whole recordings at another sampling rate."""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from ecgan.ecg.filters import bridge
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.preprocessing.resampling import polyphase

_MOST = 2000


def ratio_of(rate: float, wanted: float) -> Fraction | None:
    """Return the ratio of small whole numbers by which `wanted` is `rate`, both in Hz; None where there is none."""
    exact = Fraction(wanted) / Fraction(rate)
    small = min(exact, 1 / exact).limit_denominator(_MOST)  # at most 1: neither term is larger
    if small == 0:
        return None
    ratio = small if exact <= 1 else 1 / small
    return None if abs(float(ratio) * rate - wanted) > 1e-3 * wanted else ratio


def at_rate(record: Record, rate_hz: float) -> Record:
    """Bring a recording to another sampling rate by `ecgan.preprocessing.resampling.polyphase`, which filters first.

    Gaps (NaN) are bridged with straight lines while the filter runs; what lies in a gap is missing again afterwards.

    Returns:
        The recording of ⌈T · ratio⌉ samples; positions of annotations are moved along.

    Raises:
        EcganError: The rates have no ratio of small whole numbers.
    """
    if record.sampling_rate == rate_hz:
        return record
    ratio = ratio_of(record.sampling_rate, rate_hz)
    if ratio is None:
        raise EcganError(
            f"recording {record.name}: {record.sampling_rate:g} Hz cannot be brought to {rate_hz:g} Hz.",
            f"The ratio of the rates must be one of whole numbers up to {_MOST:,}.",
        )
    signals = polyphase(bridge(record.signals).T[None], ratio)[0].T  # (T, C) to (1, C, T) and back
    missing = np.isnan(record.signals)
    if missing.any():
        nearest = np.minimum(np.rint(np.arange(len(signals)) / float(ratio)).astype(np.int64), len(missing) - 1)
        signals[missing[nearest]] = np.nan
    samples = np.minimum(np.rint(record.samples * float(ratio)).astype(np.int64), len(signals) - 1)
    return replace(record, signals=signals, sampling_rate=rate_hz, samples=samples)
