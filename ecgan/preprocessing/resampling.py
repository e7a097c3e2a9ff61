"""Samples of another length or at another rate."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError
from ecgan.preprocessing.lttb import lttb, pylttb
from ecgan.preprocessing.options import Resampling
from ecgan.samples import Samples

F64 = NDArray[np.float64]

_VALUES = 1 << 22  # values that are computed at once, 32 MB
_MOST = 5000  # largest term of the ratio of two rates; the filter of polyphase has twenty times as many taps


def resample(samples: Samples, options: Resampling) -> Samples:
    """Bring samples, all finite, to the length or rate that the options ask for; each lead by itself.

    After `lttb` the time steps are no longer equidistant: the rate, rate · L' / L, is nominal, and the R peak is
    where the share of the sample that lay before it puts it. Otherwise it is at the time step nearest to where it was.

    Raises:
        EcganError: The samples cannot be brought there.
    """
    data, about, steps = samples.signals, samples.about, samples.length
    if options.method == "none":
        return samples
    if options.method in ("fixed_rate", "polyphase"):
        assert options.rate_hz is not None
        ratio, rate = _ratio(about.sampling_rate, options.rate_hz), options.rate_hz
        moved = (fixed_rate if options.method == "fixed_rate" else polyphase)(data, ratio)
        centre = _nearest(about.centre, float(ratio), moved.shape[2])
    else:
        assert options.length is not None
        length, rate = options.length, about.sampling_rate * options.length / steps
        if options.method == "interpolate":
            moved, centre = interpolate(data, length), _nearest(about.centre, length / steps, length, middle=0.5)
        else:
            moved = (lttb if options.variant == "lttb" else pylttb)(data, length)
            centre = _nearest(about.centre, (length - 1) / (steps - 1), length)
    return replace(samples, signals=moved, about=replace(about, sampling_rate=rate, centre=centre))


def interpolate(x: NDArray[Any], length: int) -> F64:
    """Interpolate x (n, C, L) linearly to L' = `length` time steps that divide the same time evenly, in float64.

    A time step stands for the middle of its share of the time, as in `torch.nn.functional.interpolate` without
    `align_corners`: step i of L' lies at (i + ½) · L / L' − ½, and before the first and behind the last value is that
    value. The mean of a period is kept, first and last value are not.
    """
    steps = x.shape[2]
    numerators = (2 * np.arange(length, dtype=np.int64) + 1) * steps - length  # of the position, over 2 · L'
    return _between(x, np.clip(numerators, 0, (steps - 1) * 2 * length), 2 * length)


def fixed_rate(x: NDArray[Any], ratio: Fraction) -> F64:
    """Take the values of x (n, C, L) at the new rate's times, from the first step on; nothing is filtered before.

    Where the old rate is k times the new one, that is every k-th value; a time between two values gets the value on the
    straight line that joins them. Waves faster than half the new rate are folded back as slower ones: where they
    matter, `polyphase` is the method. The ratio is that of the new to the old rate.

    Returns:
        Shape (n, C, L') with every new time within the sample: L' = ⌊(L − 1) · ratio⌋ + 1; computed in float64.
    """
    length = int((x.shape[2] - 1) * ratio) + 1
    return _between(x, np.arange(length, dtype=np.int64) * ratio.denominator, ratio.numerator)


def polyphase(x: NDArray[Any], ratio: Fraction) -> F64:
    """Resample with a low-pass below half of both rates (Kaiser window, zero phase): `scipy.signal.resample_poly`.

    The straight line through its first and last value is taken off a sample before, and put back after: at the borders
    nothing rings, and the ripple of the filter does not touch the offset. The ratio is that of the new to the old rate.

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
