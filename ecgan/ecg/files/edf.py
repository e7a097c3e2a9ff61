"""EDF, EDF+ and BDF files, field by field as in Kemp et al. 1992 and Kemp and Olivan 2003.

Doi:10.1016/0013-4694(92)90009-7, doi:10.1016/S1388-2457(03)00123-8; BDF is EDF with 24 bits, of BioSemi.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.files.channels import (
    Channels,
    Chosen,
    check_backed,
    check_rate,
    check_samples,
    check_size,
    choose_ecg,
    no_ecg,
    none_readable,
    of_one_rate,
)
from ecgan.errors import EcganError

_COPY_AGAIN = "Copy the file again from where it came from, or export it again."
_PADDING = 0.1
"""Share of the samples that may lie behind the last data record, whatever it is."""
_MAIN, _PER_SIGNAL = 256, 256
"""Bytes of the header's first part, and of each signal's description."""
_FIELDS = {"label": 16, "": 80, "unit": 8, "p_min": 8, "p_max": 8, "d_min": 8, "d_max": 8, "filter": 80, "count": 8}
"""Bytes of the fields of a signal's description; of each field the values of all signals stand together."""
_ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
_MICROVOLT = (b"\xe6V", b"\xa6\xccV", b"\x83\xcaV")
"""How code page 437, GBK and Shift-JIS write µV, beside Latin-1 and UTF-8; EDF itself writes uV."""
_ONSET = re.compile(rb"([+-]\d{1,12}(?:\.\d{0,12})?)(?:\x15[^\x14]*)?\x14")


@dataclass(frozen=True)
class _Signal:
    """A signal's description; `start` and `count` are the place of its samples in a data record."""

    label: str
    unit: str
    start: int
    count: int
    scale: float
    zero: float
    problem: str


@dataclass(frozen=True)
class _File:
    """A file whose header has been read.

    Attributes:
        path: Where it is.
        signals: Its signals.
        data: All data records as bytes, shape (records, bytes of a record); not read yet.
        width: Bytes of a sample.
        duration: Seconds of a data record.
        has_gaps: Whether the data records need not follow one another (EDF+D).
        warnings: What a user should know of it.
    """

    path: Path
    signals: list[_Signal]
    data: NDArray[np.uint8]
    width: int
    duration: Decimal
    has_gaps: bool
    warnings: list[str]


def read_edf(path: Path, default_unit: str | None, wanted: Sequence[str] = ()) -> Channels:
    """Read the ECG channels of a file; those of other kinds, such as "Resp" or "EDF Annotations", are left out.

    So are channels without a unit in the file where there is no default for them, those whose range is none, and those
    of another sampling rate than the first wanted lead (else than most). Gaps in time (EDF+D) become missing samples,
    each data record at the nearest one. Date, patient and recording are not looked at.

    Raises:
        EcganError: The file is no EDF or cut off, or holds no ECG.
    """
    file = _open(path)
    names = [signal.label for signal in file.signals]
    units = [signal.unit for signal in file.signals]
    signals = [one for one in choose_ecg(names, units, default_unit) if names[one.index] not in _ANNOTATIONS]
    if not signals:
        raise no_ecg(str(path), names, units)
    left_out = {one.lead: problem for one in signals if (problem := file.signals[one.index].problem)}
    chosen = [one for one in signals if one.lead not in left_out]
    if not chosen:
        raise none_readable(str(path), left_out)
    rates = [_rate(file, file.signals[one.index].count) for one in chosen]
    kept, others = of_one_rate(chosen, rates, wanted)
    channels = _read(file, kept)
    return Channels(channels.signals, channels.sampling_rate, channels.leads, left_out | others, file.warnings)


def _read(file: _File, chosen: Sequence[Chosen]) -> Channels:
    """Read channels of one rate."""
    count = file.signals[chosen[0].index].count
    rate = check_rate(str(file.path), _rate(file, count))
    starts = _starts(file, count)
    length = starts[-1] + count
    check_size(str(file.path), length, len(chosen))
    check_backed(str(file.path), length * len(chosen), file.data.size)
    signals = np.empty((length, len(chosen)), dtype=np.float64)
    if length > len(starts) * count:
        signals[:] = np.nan
        rows: Any = (np.array(starts)[:, np.newaxis] + np.arange(count)).reshape(-1)
    else:
        rows = slice(None)
    for column, one in enumerate(chosen):
        signal = file.signals[one.index]
        values = _digital(file, signal) * signal.scale
        values += signal.zero
        values *= one.factor
        signals[rows, column] = values
    return check_samples(str(file.path), Channels(signals, rate, [one.lead for one in chosen]))


def _digital(file: _File, signal: _Signal) -> NDArray[np.signedinteger]:
    """Return a signal's values of the converter, shape (records * count,)."""
    raw = file.data[:, signal.start : signal.start + signal.count * file.width]
    if file.width == 2:
        return np.ascontiguousarray(raw).view("<i2").reshape(-1)
    wide = np.zeros((len(raw) * signal.count, 4), dtype=np.uint8)
    wide[:, 1:] = raw.reshape(-1, 3)
    return wide.view("<i4")[:, 0] >> 8


def _starts(file: _File, count: int) -> Sequence[int]:
    """Return the sample at which each data record begins: where its first annotation says, if there may be gaps."""
    if not file.has_gaps:
        return range(0, len(file.data) * count, count)
    notes = [signal for signal in file.signals if signal.label in _ANNOTATIONS and signal.count]
    if not notes:
        raise EcganError(
            f"{file.path} has gaps (EDF+D), and no signal {_ANNOTATIONS[0]!r} that says where.",
            "Export each uninterrupted part as a file of its own (EDF+C).",
        )
    place = slice(notes[0].start, notes[0].start + min(notes[0].count * file.width, 64))
    starts, first, end = list[int](), Decimal(0), 0
    for number, row in enumerate(file.data, start=1):
        found = _ONSET.match(row[place].tobytes())
        if found is None:
            raise EcganError(f"{file.path} does not say when its data record {number:,} begins (EDF+D).", _COPY_AGAIN)
        onset = Decimal(found[1].decode())
        first = first if starts else onset
        start = int(((onset - first) * count / file.duration).to_integral_value())
        if start < end - 1:  # by one sample a time that was rounded may be early
            raise EcganError(
                f"{file.path}: data record {number:,} begins at {onset} s, before the one in front of it ends.",
                _COPY_AGAIN,
            )
        starts.append(max(start, end))
        end = starts[-1] + count
    return starts


def _open(path: Path) -> _File:
    """Read the header and compare what it promises with the file; nothing is made room for on its word.

    Raises:
        EcganError: It is no EDF, or cut off, or a field that is needed is no number.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        main = file.read(_MAIN)
        version = main[:8]
        if len(main) < _MAIN or not (version.strip(b" \0") == b"0" or version == b"\xffBIOSEMI"):
            raise EcganError(f"{path} is no EDF file: it begins with {version!r}.", "One begins with '0' and 7 blanks.")
        number = _whole(path, "number of signals", main[252:256])
        if not 0 < number < 10_000:
            raise EcganError(f"{path} is damaged: its header counts {number} signals.", _COPY_AGAIN)
        described = file.read(number * _PER_SIGNAL)
    if len(described) < number * _PER_SIGNAL:
        raise EcganError(f"{path} is cut off in its header, of {number} signals.", _COPY_AGAIN)
    width = 3 if version == b"\xffBIOSEMI" else 2
    signals = _signals(path, described, number, width)
    duration = _decimal(main[244:252])
    if duration is None or duration <= 0:
        raise EcganError(
            f"{path} has data records of {_text(main[244:252])!r} s: its sampling rate is not known.",
            "Mend that field of its header, or export it again.",
        )
    record = sum(signal.count for signal in signals) * width
    if not record:
        raise EcganError(f"{path} has no samples: all of its signals have 0 in a data record.", _COPY_AGAIN)
    said = _whole(path, "number of data records", main[236:244], missing=-1)
    start = _MAIN + number * _PER_SIGNAL
    other = _text(main[184:192])
    if other.isdigit() and int(other) > start and size == int(other) + said * record:
        start = int(other)
    records, warnings = _records(path, size - start, record, said)
    data = np.memmap(path, np.uint8, "r", start, (records, record))
    return _File(path, signals, data, width, duration, main[192:197].upper() in (b"EDF+D", b"BDF+D"), warnings)


def _records(path: Path, size: int, record: int, said: int) -> tuple[int, list[str]]:
    """Return the number of data records in `size` bytes, and what is to be said of it."""
    there, rest = divmod(size, record)
    if said < 1:
        if there < 1:
            raise EcganError(f"{path} has no samples: it ends behind its header.", _COPY_AGAIN)
        left = f"; the last {rest:,} bytes are left out" if rest else ""
        return there, [f"The header does not say how long the recording is: {there:,} data records are there{left}."]
    if there < said:
        raise EcganError(
            f"{path} is cut off: it has {size:,} bytes of samples, its header says {said:,} × {record:,}.",
            _COPY_AGAIN,
        )
    rest = size - said * record
    uneven = rest % record and not rest % said and rest > _PADDING * said * record  # so much more in each data record
    if uneven or rest >= said * record:
        raise EcganError(
            f"{path} contradicts itself: its header says {said:,} data records of {record:,} bytes, and {size:,} bytes"
            " of samples are there.",
            "Its number of data records or the samples of a signal in each are wrong; export it again.",
        )
    return said, [f"{rest:,} bytes behind the {said:,} data records of the header are left out."] if rest else []


def _signals(path: Path, described: bytes, number: int, width: int) -> list[_Signal]:
    fields, at = dict[str, list[bytes]](), 0
    for field, size in _FIELDS.items():
        fields[field] = [described[at + size * index : at + size * (index + 1)] for index in range(number)]
        at += size * number
    signals, start = [], 0
    for index in range(number):
        label = _text(fields["label"][index])
        count = _whole(path, f"number of samples of signal {label or index + 1!r}", fields["count"][index])
        if count < 0:
            raise EcganError(f"{path} is damaged: it has {count} samples of signal {label!r}.", _COPY_AGAIN)
        limits = {limit: _decimal(fields[limit][index]) for limit in ("p_min", "p_max", "d_min", "d_max")}
        shown = [_text(fields[limit][index]) for limit in limits]
        scale, zero, problem = _scale(limits, shown)
        unit = "uV" if fields["unit"][index].strip(b" \0") in _MICROVOLT else _text(fields["unit"][index])
        signals.append(_Signal(label, unit, start, count, scale, zero, problem if count else "it has no samples"))
        start += count * width
    return signals


def _scale(limits: dict[str, Decimal | None], shown: list[str]) -> tuple[float, float, str]:
    """Return units in a step of the converter, units at its 0, and why they are not known, or ""."""
    p_min, p_max, d_min, d_max = limits.values()
    if p_min is None or p_max is None or p_min == p_max:
        return 0.0, 0.0, f"its physical minimum is {shown[0]!r} and its physical maximum {shown[1]!r}"
    if d_min is None or d_max is None or d_min == d_max:
        return 0.0, 0.0, f"its digital minimum is {shown[2]!r} and its digital maximum {shown[3]!r}"
    scale = (p_max - p_min) / (d_max - d_min)
    return float(scale), float(p_min - scale * d_min), ""


def _rate(file: _File, count: int) -> float:
    return float(Decimal(count) / file.duration)


def _text(field: bytes) -> str:
    """Decode a field; files have letters of all kinds where only ASCII is allowed."""
    field = field.split(b"\0")[0]
    try:
        return field.decode("utf-8").strip()
    except UnicodeDecodeError:
        return field.decode("latin-1").strip()


def _decimal(field: bytes) -> Decimal | None:
    """Read a number, with a point or a comma; None if it is none."""
    try:
        number = Decimal(_text(field).replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 100 else None


def _whole(path: Path, what: str, field: bytes, missing: int | None = None) -> int:
    """Read a whole number that is needed; an empty field has the value `missing`, if there is one."""
    number = _decimal(field)
    if number is None and missing is not None and not _text(field):
        return missing
    if number is None or number != int(number):
        raise EcganError(f"{path} is damaged: the {what} in its header is {_text(field)!r}.", _COPY_AGAIN)
    return int(number)
