"""What devices write above a table: sampling rate, unit, names of the columns.

Lines of a key and a value are understood as they stand, such as "Sample Rate,512 hertz" of a watch. Two formats say
more: OpenSignals (BITalino, biosignalsplux; JSON behind "#") and the text export of LabChart.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from ecgan.ecg.files.channels import millivolts
from ecgan.ecg.files.times import HIGHEST_RATE, LOWEST_RATE
from ecgan.errors import EcganError

_HERTZ = re.compile(
    r"(\d+(?:[.,]\d+)?)[\s,;]*(k)?(?:hz|her[tc]\w*|\u0433\u0446|\u0433\u0435\u0440\u0446\w*|\u8d6b[\u5179\u8332]|\u30d8\u30eb\u30c4"
    r"|\ud5e4\ub974\uce20|sps|s(?:amples?)?(?:/| per )s(?:ec|econd)?)",
    re.IGNORECASE,
)
"""So many hertz, as devices say it in many languages: Spanish, Russian, Chinese, Japanese and Korean ones too."""
_RATE = r"(?:fs|f_s|sr|sampling|sampl[a-z]*[ _-]?(?:rate|freq\w*)|samples?(?:/|[ _]per[ _])s\w*|abtast\w*|messrate)"
_RATE_KEY = re.compile(
    rf"{_RATE}(?:[ _,]*[\[(]?(?:hz|samples?(?:/| per )s(?:ec|econd)?|sps)[\])]?)?|rate ?[\[(]hz[\])]", re.IGNORECASE
)
_HERTZ_ALONE = re.compile(
    rf"[\s#%]*(?:(?:{_RATE}(?: (?:is|of|at))?\s+)?{_HERTZ.pattern}|{_RATE}\s+(\d+(?:[.,]\d+)?))[\s,;]*", re.IGNORECASE
)
"""A line that says a rate without a sign between key and value: "360 Hz", "# Sampling rate 300Hz", "fs 250"."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_OTHER_RATE = re.compile(
    r"pass|filt|notch|cut.?off|band|mains|power.?line|line freq|hum|heart|puls|[lh]pf|(?:high|low) ?cut|upper"
    r"|lower|limit|respon[sc]|muscle|artefa|artifa|base ?line|tremor|netz|hoch|tief|grenz|passe|display|screen|refresh"
    r"|original|\bacc\b|accel|gyro|magnet|ppg|pleth|resp|eeg|emg|eda|gsr|temp|spo2|motion|\bqrs|bpm|modul|carrier|clock|cpu",
    re.IGNORECASE,
)
"""Words of frequencies that are none of the samples, or none of the ECG's."""
_PER_SAMPLE = re.compile(r"(\d+(?:[.,]\d+)?)\s*(ms|msec|s|sec|us|usec)(?:/sample)?", re.IGNORECASE)
_SECONDS = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "msec": 1e-3, "us": 1e-6, "usec": 1e-6}
_STEP_KEY = re.compile(
    r"(?:(?:sampl\w*[ _-]?)?(?:interval|period|step)|sampl\w*[ _-]?time)"
    r"(?: ?[\[(](?P<unit>ms|msec|s|sec|us|usec)[\])])?",
    re.IGNORECASE,
)
_UNIT_KEY = re.compile(
    r"units?|einheit\w*|unit\w+|unidad\w*|eenheid|enhe[td]|jednostka|jednotka|yksikk\u00f6|birim|m\u00e9rt\u00e9kegys\u00e9g"
    r"|\u0435\u0434\u0438\u043d\u0438\u0446\w*|\u5355\u4f4d|\u55ae\u4f4d|\u5358\u4f4d|\ub2e8\uc704",
    re.IGNORECASE,
)
_LEAD_KEY = re.compile(
    r"lead|ableitung|d[\u00e9e]rivation|deriva[c\u00e7][i\u00e3][\u00f3o]n?|derivazione|afleiding|a[fv]ledning|odprowadzenie|kytkent\u00e4|svod"
    r"|\u043e\u0442\u0432\u0435\u0434\u0435\u043d\u0438\u0435|\u5bfc\u8054|\u5c0e\u7a0b|\u8a98\u5c0e|\uc720\ub3c4",
    re.IGNORECASE,
)
"""Unit and lead, as watches call them in many languages."""
_AROUND = " \"'%/#*"
_PAIR = re.compile(r"\s*#?\s*([^,;:=\t]+)[,;:=\t]+\s*(.*?)[\s,;]*")

_OTHER = "of another kind"
"""Unit of columns that a header names as no ECG."""

_BITALINO, _PLUX = (3300.0, 1100.0), (3000.0, 1000.0)
"""Supply in mV, and gain, of the ECG sensors of BITalino and of biosignalsplux, by their makers' transfer functions."""


@dataclass(frozen=True)
class Preamble:
    """What is said above a table; empty or None where it is not said.

    Attributes:
        sampling_rate: Hz.
        names: Name of each column.
        units: Unit of each column, or one for all that have none.
        counts: By number of the column, ADC units per mV and the count of 0 mV.
        counted: Whether the first row of numbers says how many follow.
    """

    sampling_rate: float | None = None
    names: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    counts: dict[int, tuple[float, float]] = field(default_factory=dict)
    counted: bool = False


def read_preamble(where: str, lines: Sequence[str], columns: int) -> Preamble:
    """Understand the lines above a table of so many columns.

    Raises:
        EcganError: They are of a format that is known, and contradict the table.
    """
    first = lines[0] if lines else ""
    if "opensignals" in first.casefold():
        return _opensignals(where, lines, columns)
    if any(line.startswith("ChannelTitle=") for line in lines):
        return _labchart(lines, columns)
    if (found := _acqknowledge(lines, columns)) is not None:
        return found
    return _pairs(lines, columns)


def is_pair(line: str, columns: int) -> bool:
    """Whether a line is a key and a value that are understood, and no names of so many columns."""
    if line.split("\t")[0].endswith("=") or (columns == 1 and _HERTZ_ALONE.fullmatch(line)):
        return True
    if (pair := _PAIR.fullmatch(line)) is None:
        return False
    key, value = (part.strip(_AROUND) for part in pair.groups())
    rate = _rate_in(key, value)
    if columns > 2:
        return rate is not None and bool(_RATE_KEY.fullmatch(key))
    unit, lead = _UNIT_KEY.fullmatch(key) and millivolts(value), _LEAD_KEY.fullmatch(key) and columns == 1
    return bool(rate or _HERTZ.fullmatch(value) or unit or lead)


def _rate_in(key: str, value: str) -> float | None:
    """Return Hz that a key and a value say of the ECG's samples; None where they say another thing."""
    said, step = _HERTZ.fullmatch(value), _STEP_KEY.fullmatch(key)
    if said:
        rate = _float(said[1]) * (1000 if said[2] else 1)
    elif _RATE_KEY.fullmatch(key) and _NUMBER.fullmatch(value):
        return _float(value)
    elif step and (found := _PER_SAMPLE.fullmatch(f"{value} {step['unit'] or ''}".strip())):
        rate = _seconds_to_hertz(found)
    else:
        return None
    likely = LOWEST_RATE <= rate <= HIGHEST_RATE and not _OTHER_RATE.search(key)
    return rate if likely or _RATE_KEY.fullmatch(key) else None


def _pairs(lines: Sequence[str], columns: int) -> Preamble:
    rates, others, units, lead = set[float](), set[float](), [], ""
    parts = [re.split(r"[,;\t]", line) if line.count("=") > 1 else [line] for line in lines]
    for line in chain.from_iterable(parts):
        if found := _PER_SAMPLE.fullmatch(line.strip()):
            rates.add(_seconds_to_hertz(found))
            continue
        if found := _HERTZ_ALONE.fullmatch(line):
            rates.add(_float(found[3]) if found[3] else _float(found[1]) * (1000 if found[2] else 1))
            continue
        if (pair := _PAIR.fullmatch(line)) is None:
            continue
        key, value = (part.strip(_AROUND) for part in pair.groups())
        if (rate := _rate_in(key, value)) is not None:
            (rates if _RATE_KEY.fullmatch(key) else others).add(rate)
        elif millivolts(value) is not None and (len(value) > 1 or _UNIT_KEY.fullmatch(key)):
            units.append(value)
        elif _LEAD_KEY.fullmatch(key) and columns == 1:
            lead = value
    found_rates = rates or others
    rate = found_rates.pop() if len(found_rates) == 1 else None
    return Preamble(rate, [lead] if lead else [], units[:1] if len(set(units)) == 1 else [])


def _labchart(lines: Sequence[str], columns: int) -> Preamble:
    said = {key.strip(): rest for key, _, rest in (line.rstrip("\r\n").partition("=") for line in lines)}
    cells = {key: [cell.strip() for cell in rest.split("\t")][1:] for key, rest in said.items()}
    titles = [title for title in cells["ChannelTitle"] if title]
    ranges = [cell.rpartition(" ")[2] for cell in cells.get("Range", [])]
    units = [unit if unit != "*" else "" for unit in cells.get("UnitName", [])]
    count, times = len(titles), columns - len(titles)
    if times not in (0, 1, 2):
        return Preamble()
    both = [
        (units[index] if index < len(units) else "") or (ranges[index] if index < len(ranges) else "")
        for index in range(count)
    ]
    step = _PER_SAMPLE.fullmatch(said.get("Interval", "").strip())
    rate = None if step is None else _seconds_to_hertz(step)
    return Preamble(rate, ["time"] * times + titles, [""] * times + both)


def _acqknowledge(lines: Sequence[str], columns: int) -> Preamble | None:
    """Understand AcqKnowledge (Biopac): step, number of channels, of each name and unit; None if it is another program.

    Below the names of the columns it says how many samples each has.
    """
    for at, line in enumerate(lines[:3]):
        step, count = (
            _PER_SAMPLE.fullmatch(line.strip()),
            re.fullmatch(r"\s*(\d{1,3}) channels?\s*", "".join(lines[at + 1 : at + 2])),
        )
        if step is None or count is None:
            continue
        said = [line.strip() for line in lines[at + 2 : at + 2 + 2 * int(count[1])]]
        times = columns - int(count[1])
        if times not in (0, 1) or len(said) < 2 * int(count[1]):
            return None
        return Preamble(_seconds_to_hertz(step), [""] * times + said[::2], [""] * times + said[1::2], counted=True)
    return None


def _opensignals(where: str, lines: Sequence[str], columns: int) -> Preamble:
    """Understand OpenSignals: sequence number, digital lines, and then the sensors of each device, in ADC counts."""
    damaged = EcganError(f"{where}: its OpenSignals header is damaged.", "Export it again.")
    text = next((line.lstrip("# ") for line in lines if line.lstrip("# ").startswith("{")), "")
    try:
        devices = list(json.loads(text).values())
        names, units, rates = list[str](), list[str](), set[float]()
        counts: dict[int, tuple[float, float]] = {}
        for device in devices:
            _add_device(device, columns if len(devices) == 1 else 0, names, units, counts)
            rates.add(float(device["sampling rate"]))
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
        raise damaged from None
    if len(names) != columns or len(rates) != 1:
        raise damaged
    return Preamble(rates.pop(), names, units, counts)


def _add_device(
    device: Any, columns: int, names: list[str], units: list[str], counts: dict[int, tuple[float, float]]
) -> None:
    """Add the columns of a device: those of its sensors are the last ones."""
    sensors = [str(sensor).upper() for sensor in device["sensor"]]
    labels = [str(label) for label in device.get("label", [])]
    bits = [int(bit) for bit in device.get("resolution", [])][-len(sensors) :]
    total = len(device["column"]) if "column" in device else max(columns, len(sensors))
    plux = "plux" in str(device.get("device", "")).casefold()
    before = total - len(sensors)
    start = len(names)
    names += [f"digital {number}" for number in range(1, before + 1)]
    units += [_OTHER] * before
    for index, sensor in enumerate(sensors):
        ecg, raw = sensor.startswith(("ECG", "EKG")), sensor in ("RAW", "CUSTOM", "")
        label = labels[index] if index < len(labels) else f"A{index + 1}"
        names.append(label if raw else sensor)
        units.append("mV" if ecg else "" if raw else _OTHER)
        if ecg and not device.get("convertedValues"):
            supply, gain = _PLUX if plux else _BITALINO
            levels = 2.0 ** bits[index]
            counts[start + before + index] = (levels * gain / supply, levels / 2)


def _seconds_to_hertz(found: re.Match[str]) -> float:
    step = _float(found[1]) * _SECONDS[found[2].casefold()]
    rate = 1 / step if step else 0.0
    return float(round(rate)) if abs(rate - round(rate)) < 1e-5 * rate else rate


def _float(text: str) -> float:
    return float(text.replace(",", "."))
