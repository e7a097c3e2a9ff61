"""Whether signals can be the ECG that they are taken for: size, rate and number of beats; counts of a converter."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.files.channels import millivolts
from ecgan.ecg.files.times import HIGHEST_RATE, LOWEST_RATE
from ecgan.errors import EcganError

F64 = NDArray[np.float64]

LARGEST_MV, LARGEST_ASSUMED_MV = 50.0, 20.0
"""No ECG of the skin swings by more; where nobody said the unit, less is doubted already."""
SMALLEST_MV = 0.02
"""An ECG of smaller swings is in another unit."""

FASTEST, SLOWEST = 350.0, 10.0
"""Beats a minute that no heart passes over a long stretch."""

_LONG_S = 10.0
_WINDOW_S, _WINDOWS = 2.0, 200
_SHORTEST_S = 1.0


@dataclass(frozen=True)
class Counts:
    """How counts of a converter become mV.

    Attributes:
        gain: Counts per mV.
        baseline: The count at 0 mV; None: the median of the channel.
    """

    gain: float
    baseline: float | None

    def millivolts(self, values: F64) -> F64:
        """Return counts (T,) in mV."""
        there = values[np.isfinite(values)]
        zero = self.baseline if self.baseline is not None else float(np.median(there)) if len(there) else 0.0
        return np.asarray((values - zero) / self.gain)


def check_unit(unit: str | None) -> float:
    """Return the mV in one of a unit that a user gives; 1 where none is given.

    Raises:
        EcganError: It is no voltage.
    """
    factor = 1.0 if unit is None else millivolts(unit)
    if factor is None:
        raise EcganError(f"the unit {unit!r} is no voltage.", "Units of an ECG: mV, uV, V.")
    return factor


def check_counts(unit: str | None, gain: float | None, baseline: float | None) -> Counts | None:
    """Refuse a gain that is none, and return what it says; None where nothing is said.

    Raises:
        EcganError: The gain is not above 0, stands beside a unit, or a baseline stands alone.
    """
    if gain is None:
        if baseline is not None:
            raise EcganError(f"a baseline of {baseline:g} was given without a gain.", "Give the gain, counts per mV.")
        return None
    if unit is not None:
        raise EcganError(f"the unit {unit} and a gain were given.", "Counts of a converter have a gain, and no unit.")
    if not (np.isfinite(gain) and gain > 0 and np.isfinite(baseline or 0.0)):
        raise EcganError(f"the gain {gain:g} is none.", "A gain is a number of counts per mV above 0, such as 200.")
    return Counts(gain, baseline)


def swing(signals: F64, sampling_rate: float) -> F64 | None:
    """Return how far signals (T, C) usually swing within two seconds, shape (C,); None where they last under a second.

    The median over stretches: no offset, slow drift or single artefact counts. NaN where a channel has no values.
    """
    width = min(int(_WINDOW_S * sampling_rate), len(signals))
    if len(signals) < _SHORTEST_S * sampling_rate or width < 2:
        return None
    starts = np.unique(np.linspace(0, len(signals) - width, _WINDOWS).astype(np.int64))
    if len(starts) * width > len(signals):  # they overlap
        highest, lowest = (_sliding(of, signals, width)[starts] for of in (np.fmax, np.fmin))
    else:
        parts = [signals[start : start + width] for start in starts]
        highest, lowest = (np.array([of.reduce(part) for part in parts]) for of in (np.fmax, np.fmin))
    with np.errstate(invalid="ignore"):
        found = highest - lowest
    return np.array([np.nanmedian(column) if np.isfinite(column).any() else np.nan for column in found.T])


def _sliding(of: np.ufunc, signals: F64, width: int) -> F64:
    """Largest or smallest value of each `width` samples of signals (T, C) from each on, (T - width + 1, C).

    Of twice as many samples it is that of two halves; of any number that of two parts which overlap.
    """
    found, size = signals, 1
    while 2 * size <= width:
        found, size = of(found[:-size], found[size:]), 2 * size
    return np.asarray(of(found[: len(signals) - width + 1], found[width - size :]))


def doubt(signals: F64, sampling_rate: float, leads: Sequence[str], assumed: Sequence[str]) -> tuple[str, str, bool]:
    """Say why signals (T, C) in mV can be no ECG in mV: what was found, the way out, and whether mV was only assumed.

    Empty where nothing speaks against it.
    """
    swings = swing(signals, sampling_rate)
    if swings is None or not np.isfinite(swings).any():
        return "", "", False
    for lead, size in zip(leads, swings.tolist(), strict=True):
        if size > (LARGEST_ASSUMED_MV if lead in assumed else LARGEST_MV):
            way = "Counts of a converter need their gain, units per mV: `--gain 200`; microvolts `--unit uV`"
            return (
                f"lead {lead} swings by {size:,.4g} mV, and no ECG of the skin has {LARGEST_MV:g} mV",
                way,
                lead in assumed,
            )
    largest = float(np.nanmax(swings))
    if 0 < largest < SMALLEST_MV:
        way = "If it is in volts, say so: `--unit V`; counts of a converter need their gain: `--gain 200`"
        said = f"no lead swings by more than {largest:.3g} mV, too little for an ECG"
        return said, way, set(leads) <= set(assumed)
    return "", "", False


def check_size_of_ecg(
    name: str, signals: F64, sampling_rate: float, leads: Sequence[str], assumed: Sequence[str]
) -> str:
    """Refuse signals (T, C) whose unit was only assumed and is another one; return a warning where a file said it.

    Raises:
        EcganError: The unit was only assumed, and the signals can be no ECG in mV.
    """
    found, way, guessed = doubt(signals, sampling_rate, leads, assumed)
    if not found:
        return ""
    if guessed:
        raise EcganError(
            f"{name}: {found}; its file names no unit.",
            f"{way}; of the dataset folder `preprocess.gain`, `preprocess.unit`. Or is it mV? `--unit mV`.",
        )
    return f"Of {name}, {found}: the unit or gain that its file says is wrong, or there is no contact."


def strange_rate(rate: float, wanted: float) -> str:
    """Say that no device records an ECG at a rate in Hz, unless one as low is wanted; nothing where one does."""
    if rate < min(LOWEST_RATE, wanted):
        return f"a sampling rate of {rate:.4g} Hz, and an ECG has at least {LOWEST_RATE:g} Hz"
    return f"a sampling rate of {rate:,.0f} Hz, more than any ECG has" if rate > HIGHEST_RATE else ""


def strange_heart(beats: int, seconds: float) -> str:
    """Say that no heart beats so often, or so seldom, over a long stretch; nothing where one does."""
    rate = 60 * beats / seconds
    if (rate > FASTEST and seconds > _LONG_S) or (rate < SLOWEST and seconds > 3 * _LONG_S):
        return f"{beats:,} beats in {seconds:,.0f} s are {rate:.3g} a minute, which no heart does"
    return ""
