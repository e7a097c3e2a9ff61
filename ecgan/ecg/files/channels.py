"""Channels of a file: which of them are ECG, in what unit, and how they become one array in mV."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.leads import canonical_lead
from ecgan.errors import EcganError

MOST_VALUES = 10**9
"""Most values of a recording, channels times samples; 8 GB in memory. A header that promises more is not believed."""

_VOLT = re.compile(r"(m|milli|u|μ|micro|mk|n|nano)[ -]?v(ol|olts?)?|v|volts?")
"""Voltages; EDF has room for eight letters of "microvolt"."""
_MILLIVOLT = {"m": 1.0, "u": 1e-3, "μ": 1e-3, "n": 1e-6}  # casefold turns the micro sign into a mu
_CYRILLIC = (("\u043c\u043a", "u"), ("\u043c", "m"), ("\u0432", "v"))
_COUNTS = re.compile(
    r"adu?|adc[ _]?(units?|counts?)?|raw|(raw[ _])?counts?|lsb|digits?|(no|arbitrary)[ _]?units?|none|a\.?u\.?|nu"
)
"""What is said for a unit of counts of a converter."""
_OTHER = re.compile(
    r"^(eeg|emg|eog|erg|meg|mcg|ep|resp|imp|pleth|ppg|spo2|sao2|co2|abp|art|bp|cvp|pap|icp|temp|eda|gsr|acc|sound|light"
    r"|event|trigger|status)(?![a-z])"
)
"""Channels of other kinds, by the words with which EDF+ and PhysioNet begin their names."""
_ASIDE = re.compile(
    r"(respiration|respiratory|impedance|pleth\w*|etco2|temperature|accel\w*|gyro\w*|magnet\w*|[xyz][_ -]?axis"
    r"|[ag][xyz]|hr|h\.r\.|heart[_ ]?rate|bpm|pulse|rr|ibi|batt(ery)?|(signal[_ ]?)?quality|sqi|position|cpap"
    r"|snor(e|ing)|nasal|(air ?)?flow|((air|blood)[_ ]?)?pressure|humidity|(thor|abdo)[_ ](res|eff)\w*|chin"
    r"|[lr][_ ]?leg|leg[_ ]?[lr]|trig\w*|dc ?\d+|body[_ ]?pos\w*|effort|[lr]oc|fp[12z]|lead[_ -]?off"
    r"|(ecg|ekg)_(rate|quality|phase\w*|[pqrst]_(peak|onset|offset)s?))(?![a-z])"
    r"|[a-z]{1,3}\d{0,2}[-:/][am][12]$"
)
"""Names that devices, NeuroKit and sleep laboratories (C4-M1) give to what is no ECG, where another channel may be one.

HeartPy calls the signal itself `hr`.
"""


@dataclass(frozen=True)
class Columns:
    """What a file of numbers holds, before anyone knows which of its columns are ECG.

    Attributes:
        values: float64, shape (T, C); NaN where a value is missing.
        names: Name of each column; empty where the file does not say.
        units: Unit of each; empty where the file does not say.
        sampling_rate: Hz; None where the file does not say.
        texts: The cells of each column that holds text, length T, by the column's name in lower case.
    """

    values: NDArray[np.float64]
    names: list[str]
    units: list[str]
    sampling_rate: float | None = None
    texts: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Channels:
    """The ECG of a file.

    Attributes:
        signals: mV, float64, shape (T, C); NaN where a sample is missing.
        sampling_rate: Hz.
        leads: Name of each channel, length C, no two the same.
        left_out: Why an ECG channel of the file is not among them, by its name.
        warnings: What else a user should know, in sentences.
        assumed: Those of them whose unit nobody said; they were taken to be in mV.
    """

    signals: NDArray[np.float64]
    sampling_rate: float
    leads: list[str]
    left_out: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Chosen:
    """An ECG channel.

    Attributes:
        index: Which channel of the file.
        lead: Its name.
        factor: mV in one unit of the file.
    """

    index: int
    lead: str
    factor: float


def millivolts(unit: str) -> float | None:
    """Return how many mV the unit is; None for what is no voltage."""
    plain = unit.strip().strip("()[]. ").casefold()
    for cyrillic, latin in _CYRILLIC:
        plain = plain.replace(cyrillic, latin)
    found = _VOLT.fullmatch(plain)
    if found is None:
        return None
    prefix = (found[1] or "").replace("milli", "m").replace("micro", "u").replace("mk", "u").replace("nano", "n")
    return _MILLIVOLT.get(prefix, 1e3)


def is_counts(unit: str) -> bool:
    """Whether what is said for a unit is that there is none: the values are counts of a converter."""
    return bool(_COUNTS.fullmatch(unit.strip().casefold()))


def choose_ecg(names: Sequence[str], units: Sequence[str], default_unit: str | None) -> list[Chosen]:
    """Find the ECG channels: voltages whose name does not begin with another kind of signal.

    What devices and programs write beside an ECG under names such as HR is one only where nothing else is. A channel
    without a name gets its number; one without a unit has the default, and is left out where that is None.
    """
    chosen: list[Chosen] = []
    for index, (name, unit) in enumerate(zip(names, units, strict=True)):
        factor = millivolts(unit or default_unit or "")
        if factor is not None and not _OTHER.match(name.strip().casefold()):
            lead = _unused(name.strip() or str(index + 1), [other.lead for other in chosen])
            chosen.append(Chosen(index, lead, factor))
    likely = [one for one in chosen if not _ASIDE.match(names[one.index].strip().casefold())]
    return likely or chosen


def no_ecg(where: str, names: Sequence[str], units: Sequence[str]) -> EcganError:
    """Return the error of a file without an ECG channel."""
    if not names:
        return EcganError(f"{where} has no channels.")
    shown = [f"{name or number}{_doubt(unit)}" for number, (name, unit) in enumerate(zip(names, units, strict=True), 1)]
    found = ", ".join(shown[:12]) + (", …" if len(shown) > 12 else "")
    hint = "If a channel without a unit is an ECG, say its unit." if "" in units else ""
    if any(map(is_counts, units)):
        hint = "Counts of a converter need their gain: `--gain 200`, of the dataset folder `preprocess.gain`."
    return EcganError(f"{where} has no ECG channel in mV, uV or V. Its channels: {found}.", hint)


def none_readable(where: str, left_out: Mapping[str, str]) -> EcganError:
    """Return the error of a file none of whose ECG channels can be read."""
    shown = [f"{lead}: {reason}" for lead, reason in left_out.items()]
    found = "; ".join(shown[:6]) + ("; …" if len(shown) > 6 else "")
    return EcganError(f"{where} has no ECG channel that can be read. {found}.", "Mend the header, or export it again.")


def of_one_rate(
    chosen: Sequence[Chosen], rates: Sequence[float], wanted: Sequence[str] = ()
) -> tuple[list[Chosen], dict[str, str]]:
    """Take the channels of one sampling rate: that of the first wanted lead, else the commonest, of two the higher.

    Returns:
        The channels, and why each of the others is left out, by its name.
    """
    if len(set(rates)) <= 1:
        return list(chosen), {}
    leads = [canonical_lead(one.lead) for one in chosen]
    asked = [rates[leads.index(name)] for name in map(canonical_lead, wanted) if name in leads]
    rate = asked[0] if asked else max(set(rates), key=lambda one: (list(rates).count(one), one))
    pairs = list(zip(chosen, rates, strict=True))
    others = {one.lead: f"it has {other:g} Hz, the others {rate:g} Hz" for one, other in pairs if other != rate}
    return [one for one, other in pairs if other == rate], others


def assemble(where: str, chosen: Sequence[Chosen], values: Sequence[NDArray[Any]], rates: Sequence[float]) -> Channels:
    """Put chosen channels, at least one, side by side in mV; `values` (T,) are in the file's unit, `rates` in Hz.

    Raises:
        EcganError: Rates or lengths differ, the rate is none, or there is no sample.
    """
    rate = check_rate(where, rates[0])
    if any(other != rate for other in rates) or len({len(channel) for channel in values}) > 1:
        found = ", ".join(f"{one.lead} {other:g} Hz" for one, other in zip(chosen, rates, strict=True))
        raise EcganError(f"the ECG channels of {where} differ in sampling rate or length: {found}.")
    check_size(where, len(values[0]), len(values))
    signals = np.empty((len(values[0]), len(values)), dtype=np.float64)
    with np.errstate(invalid="ignore"):  # damaged files hold signalling NaN
        for column, (one, channel) in enumerate(zip(chosen, values, strict=True)):
            np.multiply(channel, one.factor, out=signals[:, column])
    return check_samples(where, Channels(signals, rate, [one.lead for one in chosen]))


_MOST_MILLIVOLTS = 1e9  # far beyond any unit that was mistaken for another


def check_rate(where: str, rate: float) -> float:
    """Refuse a sampling rate that is none."""
    if not isinstance(rate, Real):
        raise EcganError(f"{where}: found the sampling rate {rate!r}, expected a number of Hz.", "Such as 360.")
    if not (np.isfinite(rate) and rate > 0):
        raise EcganError(f"{where} has a sampling rate of {rate:g} Hz.", "A recording has a rate above 0 Hz.")
    return float(rate)


def check_size(where: str, samples: int, channels: int) -> None:
    """Refuse recordings that are empty, or larger than any that fits into memory."""
    if samples <= 0:
        raise EcganError(f"{where} has no samples.")
    if samples * channels > MOST_VALUES:
        raise EcganError(
            f"{where} claims {samples:,} samples of {channels} channels; at most {MOST_VALUES:,} values are read.",
            "If that is true, cut the recording into parts; otherwise its header is damaged.",
        )


_BARE, _PER_BYTE = 2 * 10**7, 100
"""Values that may stand in no file, and values that a byte may stand for; a day at 200 Hz has 2 * 10**7."""


def check_backed(where: str, values: int, size: int) -> None:
    """Refuse gaps and compressed samples that would take up much more memory than the `size` bytes of a file allow."""
    if values > max(_BARE, _PER_BYTE * size):
        raise EcganError(
            f"{where} claims {values:,} values, and {size:,} bytes of samples are there.",
            "If that is true, cut the recording into parts; otherwise its header is damaged.",
        )


def check_samples(where: str, channels: Channels) -> Channels:
    """Refuse recordings of which every sample is missing, or with infinite values."""
    low, high = (float(of.reduce(channels.signals, axis=None, initial=np.nan)) for of in (np.fmin, np.fmax))
    if np.isinf([low, high]).any():
        raise EcganError(f"{where} holds infinite values.", "Mark missing samples as NaN.")
    if np.isnan(high):
        raise EcganError(f"{where} has no samples: every one of them is marked as missing.")
    if (largest := max(-low, high)) > _MOST_MILLIVOLTS:
        raise EcganError(
            f"{where} reaches {largest:.3g} mV, which no ECG does.", "The file is damaged, or its unit is."
        )
    return channels


def _unused(name: str, used: Sequence[str]) -> str:
    """Return the name, or with a number behind it if there is such a channel already."""
    number, unused = 1, name
    while unused in used:
        number += 1
        unused = f"{name} {number}"
    return unused


def _doubt(unit: str) -> str:
    if not unit.strip():
        return " (no unit)"
    return "" if millivolts(unit) is not None else f" (in {unit!r}, which is no voltage)"
