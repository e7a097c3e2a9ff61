"""Samples of another length or at another rate."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError
from ecgan.preprocessing.lttb import lttb, pylttb
from ecgan.preprocessing.options import Resampling

F64 = NDArray[np.float64]

_VALUES = 1 << 22  # values that are computed at once, 32 MB
_MOST = 5000  # largest term of the ratio of two rates; the filter of polyphase has twenty times as many taps


@dataclass(frozen=True)
class Resampled:
    """Samples after resampling.

    Attributes:
        data: Shape (n, C, L').
        sampling_rate: Hz; 0.0 where time has no unit.
        centre: Index of the R peak, the nearest time step to where it was; None where there is none.
    """

    data: NDArray[Any]
    sampling_rate: float
    centre: int | None


def resample(data: NDArray[Any], sampling_rate: float, centre: int | None, options: Resampling) -> Resampled:
    """Bring samples to the length or rate that the options ask for; each lead by itself.

    After `lttb` the time steps are no longer equidistant: the rate, rate · L' / L, is nominal, and the R peak is
    where the share of the sample that lay before it puts it.

    Args:
        data: Shape (n, C, L), finite.
        sampling_rate: Hz; 0.0 where time has no unit.
        centre: Index of the R peak, or None.
        options: The section `preprocess.resampling`.

    Raises:
        EcganError: The samples cannot be brought there.
    """
    steps = data.shape[2]
    if options.method == "none":
        return Resampled(data, sampling_rate, centre)
    if options.method in ("fixed_rate", "polyphase"):
        assert options.rate_hz is not None
        ratio = _ratio(sampling_rate, options.rate_hz)
        moved = (fixed_rate if options.method == "fixed_rate" else polyphase)(data, ratio)
        return Resampled(moved, options.rate_hz, _nearest(centre, float(ratio), moved.shape[2]))
    assert options.length is not None
    length, rate = options.length, sampling_rate * options.length / steps
    if options.method == "interpolate":
        return Resampled(interpolate(data, length), rate, _nearest(centre, length / steps, length, middle=0.5))
    kept = (lttb if options.variant == "lttb" else pylttb)(data, length)
    return Resampled(kept, rate, _nearest(centre, (length - 1) / (steps - 1), length))


def interpolate(x: NDArray[Any], length: int) -> F64:
    """Interpolate linearly to `length` time steps that divide the same time evenly.

    A time step stands for the middle of its share of the time, as in `torch.nn.functional.interpolate` without
    `align_corners`: step i of L' lies at (i + ½) · L / L' − ½, and before the first and behind the last value is that
    value. The mean of a period is kept, first and last value are not.

    Args:
        x: Shape (n, C, L).
        length: L', time steps of the result.

    Returns:
        Shape (n, C, L'), computed in float64.
    """
    steps = x.shape[2]
    numerators = (2 * np.arange(length, dtype=np.int64) + 1) * steps - length  # of the position, over 2 · L'
    return _between(x, np.clip(numerators, 0, (steps - 1) * 2 * length), 2 * length)


def fixed_rate(x: NDArray[Any], ratio: Fraction) -> F64:
    """Take the values at the new rate's times, from the first time step on; nothing is filtered before.

    Where the old rate is k times the new one, that is every k-th value; a time between two values gets the value on
    the straight line that joins them. Waves faster than half the new rate are folded back as slower ones: where they
    matter, `polyphase` is the method.

    Args:
        x: Shape (n, C, L).
        ratio: New rate over old rate.

    Returns:
        Shape (n, C, L') with every new time within the sample: L' = ⌊(L − 1) · ratio⌋ + 1; computed in float64.
    """
    length = int((x.shape[2] - 1) * ratio) + 1
    return _between(x, np.arange(length, dtype=np.int64) * ratio.denominator, ratio.numerator)


def polyphase(x: NDArray[Any], ratio: Fraction) -> F64:
    """Resample with a low-pass below half of both rates (Kaiser window, zero phase): `scipy.signal.resample_poly`.

    The straight line through its first and last value is taken off a sample before, and put back after: at the borders
    nothing rings, and the ripple of the filter does not touch the offset.

    Args:
        x: Shape (n, C, L).
        ratio: New rate over old rate.

    Returns:
        Shape (n, C, ⌈L · ratio⌉), computed in float64.
    """
    from scipy.signal import resample_poly

    n, channels, steps = x.shape
    result = np.empty((n, channels, -int(-steps * ratio // 1)))
    time, new_time = np.arange(steps), np.arange(result.shape[2])
    for rows in _blocks(x):
        part = np.asarray(x[rows], dtype=np.float64)
        first, slope = part[..., :1], (part[..., -1:] - part[..., :1]) / max(1, steps - 1)  # (n, C, 1)
        rest = resample_poly(part - (first + slope * time), ratio.numerator, ratio.denominator, axis=2)
        result[rows] = rest + (first + slope * (new_time / float(ratio)))
    return result


def _ratio(old: float, new: float) -> Fraction:
    """Return new rate over old rate in whole numbers."""
    if old <= 0:
        raise EcganError(
            "the samples have no sampling rate, and cannot be brought to another.",
            "Set preprocess.resampling.method to interpolate or lttb, which give a length.",
        )
    ratio = Fraction(new / old).limit_denominator(_MOST)
    if ratio.numerator > _MOST or ratio == 0 or abs(float(ratio) * old - new) > 1e-6 * new:
        raise EcganError(
            f"samples at {old:g} Hz cannot be brought to {new:g} Hz.",
            f"The ratio of the rates must be one of whole numbers up to {_MOST:,}: set preprocess.resampling.rate_hz.",
        )
    return ratio


def _nearest(centre: int | None, scale: float, length: int, middle: float = 0.0) -> int | None:
    """Return the time step of the result that is nearest to where `centre` was; `middle` of a step stands for it."""
    return None if centre is None else min(length - 1, max(0, round((centre + middle) * scale - middle)))


def _between(x: NDArray[Any], numerators: NDArray[np.int64], denominator: int) -> F64:
    """Return x (n, C, L) at the positions numerators / denominator; whole numbers hit the values themselves exactly."""
    before, rest = np.divmod(numerators, denominator)
    after = np.minimum(before + 1, x.shape[2] - 1)
    weight = rest / denominator
    result = np.empty((len(x), x.shape[1], len(numerators)))
    for rows in _blocks(x):
        part = np.asarray(x[rows], dtype=np.float64)
        low = part[..., before]
        result[rows] = low + (part[..., after] - low) * weight
    return result


def _blocks(x: NDArray[Any]) -> list[slice]:
    size = max(1, _VALUES // max(1, x.shape[1] * x.shape[2]))
    return [slice(start, start + size) for start in range(0, len(x), size)]
