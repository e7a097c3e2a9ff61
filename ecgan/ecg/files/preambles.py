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
from ecgan.errors import EcganError

_HERTZ = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:hz|hertz|sps|samples?(?:/| per )s(?:ec|econd)?)", re.IGNORECASE)
_HERTZ_ALONE = re.compile(
    rf"[\s#%]*(?:(?:fs|sampl\w*(?:[ _-](?:rate|freq\w*))?|abtast\w*)(?: (?:is|of|at))?\s+)?{_HERTZ.pattern}[\s,;]*",
    re.IGNORECASE,
)
"""A line that says a rate without a sign between key and value: "360 Hz", "# Sampling rate 300Hz"."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_RATE_KEY = re.compile(r"(?:fs|f_s|sampl\w*[ _-]?(?:rate|freq\w*)?|abtast\w*)(?: ?[\[(]?hz[\])]?)?", re.IGNORECASE)
_FILTER = re.compile(r"pass|filter|notch|cut.?off|band|mains|hum|heart|puls", re.IGNORECASE)
_PER_SAMPLE = re.compile(r"(\d+(?:[.,]\d+)?)\s*(ms|msec|s|sec|us|usec)(?:/sample)?", re.IGNORECASE)
_SECONDS = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "msec": 1e-3, "us": 1e-6, "usec": 1e-6}
_UNIT_KEY = re.compile(r"(?:units?|einheit\w*|unit\w+|unidad\w*)", re.IGNORECASE)
_LEAD_KEY = re.compile(r"(?:lead|ableitung|d[ée]rivation|derivaci[óo]n|derivazione)", re.IGNORECASE)
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
    pair = _PAIR.fullmatch(line)
    if line.split("\t")[0].endswith("=") or (columns == 1 and _HERTZ_ALONE.fullmatch(line)):
        return True
    if pair is None:
        return False
    key, value = pair[1].strip(" \"'"), pair[2].strip(" \"'")
    rate = _HERTZ.fullmatch(value) or (_RATE_KEY.fullmatch(key) and _NUMBER.fullmatch(value))
    if columns > 2:
        return bool(_RATE_KEY.fullmatch(key) and rate)
    return bool(rate or (_UNIT_KEY.fullmatch(key) and millivolts(value)) or (_LEAD_KEY.fullmatch(key) and columns == 1))


def _pairs(lines: Sequence[str], columns: int) -> Preamble:
    rates, units, lead = set[float](), [], ""
    parts = [re.split(r"[,;\t]", line) if line.count("=") > 1 else [line] for line in lines]
    for line in chain.from_iterable(parts):
        if found := _PER_SAMPLE.fullmatch(line.strip()):
            rates.add(_seconds_to_hertz(found))
            continue
        if found := _HERTZ_ALONE.fullmatch(line):
            rates.add(_float(found[1]))
            continue
        if (pair := _PAIR.fullmatch(line)) is None:
            continue
        key, value = pair[1].strip(" \"'"), pair[2].strip(" \"'")
        hertz = _HERTZ.fullmatch(value) or (_NUMBER.fullmatch(value) if _RATE_KEY.fullmatch(key) else None)
        if hertz and not _FILTER.search(key):
            rates.add(_float(hertz[1] if hertz.re is _HERTZ else hertz[0]))
        elif millivolts(value) is not None and (len(value) > 1 or _UNIT_KEY.fullmatch(key)):
            units.append(value)
        elif _LEAD_KEY.fullmatch(key) and columns == 1:
            lead = value
    rate = rates.pop() if len(rates) == 1 else None
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
