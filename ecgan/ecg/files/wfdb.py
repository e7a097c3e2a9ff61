"""WFDB records (.hea with .dat, .mat …): their ECG, read whole and verified."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.files import annotations, wfdb_header
from ecgan.ecg.files.annotations import Annotations
from ecgan.ecg.files.channels import (
    Channels,
    Chosen,
    check_backed,
    check_samples,
    check_size,
    choose_ecg,
    no_ecg,
    none_readable,
    of_one_rate,
)
from ecgan.ecg.files.names import beside, existing, is_file
from ecgan.ecg.files.wfdb_header import NOTHING, Header, Segment, Signal
from ecgan.ecg.files.wfdb_signal import MISSING, PACKED, Digital, bytes_of, frames_in, read_group
from ecgan.ecg.leads import match_leads
from ecgan.errors import EcganError

FETCH_AGAIN = "Fetch the dataset again: `ecgan fetch`."
_AT_ONCE = 1 << 15
"""Values that are converted at once, which a processor has at hand."""
_LEVELS = 1 << 16
"""Most levels of a converter that are converted once each, and then looked up."""
_PADDING = 1024
"""Frames that a file may have at its end to fill a block of a disk or a tape."""
COPY_AGAIN = "Copy all files of the record again from where it came from; its .hea names the signal files."


@dataclass(frozen=True)
class _Part:
    """A record of one segment whose files have been looked at, and not read yet.

    Attributes:
        header: Its header.
        frames: Its number of frames.
        chosen: Its ECG channels whose values are known.
        left_out: Why others are not read, by the name of the lead.
        size: Bytes of samples in its files.
        behind: Frames of its files behind those that its header counts.
    """

    header: Header
    frames: int
    chosen: list[Chosen]
    left_out: dict[str, str]
    size: int
    behind: int = 0

    @property
    def rates(self) -> list[float]:
        """Sampling rate of each chosen channel, Hz."""
        return [self.header.fs * self.header.signals[one.index].per_frame for one in self.chosen]


def read_header(folder: Path, name: str, hint: str) -> Header:
    """Read the header of the record `name`; see `ecgan.ecg.files.wfdb_header.read_header`."""
    return wfdb_header.read_header(folder / f"{name}.hea", hint)


def ecg_leads(folder: Path, name: str, hint: str) -> list[str]:
    """Return the names of a record's ECG leads from its header alone, or the headers of its segments."""
    header = read_header(folder, name, hint)
    if header.segments is not None:
        return _plan_segments(header, hint)[2]
    part = _choose(header, 0, 0)
    return [one.lead for one in of_one_rate(part.chosen, part.rates)[0]]


def read_signals(folder: Path, name: str, hint: str, wanted: Sequence[str] = ()) -> Channels:
    """Read the ECG leads of a record; the hint says what the user can do about files that are missing or damaged.

    Channels that are no voltage, or by their name another kind of signal, are left out, and so are leads of another
    sampling rate than the first wanted one (else than most) and those whose gain is no number. A record of several
    segments is put together; where a segment lacks a lead, the lead is missing there.

    Raises:
        EcganError: A file is missing, cut off or damaged, or there is no ECG in it.
    """
    header = read_header(folder, name, hint)
    if header.segments is not None:
        return _read_segments(header, hint, wanted)
    part = _look(header, hint, None)
    if not part.chosen:
        if part.left_out:
            raise none_readable(header.name, part.left_out)
        raise no_ecg(header.name, *_names_and_units(header))
    return _read_single(part, hint, wanted)


def read_lead(folder: Path, name: str, lead: str, hint: str) -> Channels:
    """Read one lead of a record; signal files that hold none of it need not be there.

    Lead names are compared as `match_leads` does; the result has the name in the spelling that was asked for.

    Raises:
        EcganError: A file is missing, cut off or damaged, or the record has no such lead.
    """
    header = read_header(folder, name, hint)
    if header.segments is not None:
        raise EcganError(f"{header.name} has several segments, of which no single lead is read.")
    part = _choose(header, 0, 0)
    try:
        one = part.chosen[match_leads([other.lead for other in part.chosen], [lead], part.left_out)[0]]
    except EcganError as error:
        raise EcganError(f"{header.name}: {error.message}", error.hint) from None
    return _read_single(_look(header, hint, None, [Chosen(one.index, lead, one.factor)]), hint)


def read_annotations(folder: Path, name: str, annotator: str, hint: str) -> Annotations:
    """Read the annotation file `<name>.<annotator>`."""
    return annotations.read_annotations(existing(folder / f"{name}.{annotator}"), hint)


def _choose(header: Header, frames: int, size: int) -> _Part:
    """Choose the ECG channels of a header."""
    left_out, chosen = dict[str, str](), []
    for one in choose_ecg(*_names_and_units(header), "mV"):
        if problem := header.signals[one.index].problem:
            left_out[one.lead] = problem
        else:
            chosen.append(one)
    return _Part(header, frames, chosen, left_out, size)


def _look(header: Header, hint: str, frames: int | None, chosen: Sequence[Chosen] | None = None) -> _Part:
    """Choose the ECG channels, and see that their files are there and as long as the header says.

    Nothing is made room for on the word of a header. Where it does not say the number of frames, `frames` does, or
    the shortest of the files.

    Raises:
        EcganError: A file is elsewhere, missing or too short.
    """
    part = _choose(header, 0, 0)
    chosen = part.chosen if chosen is None else list(chosen)
    groups = _groups(header, chosen)
    files = {name: beside(header.file, name) for name in groups}
    for file in files.values():
        if not is_file(file):
            raise EcganError(f"the file {file} is not there.", hint)
    there = {name: frames_in(files[name], group) for name, group in groups.items()}
    wanted = header.frames or frames
    for name, group in groups.items():
        if wanted is not None and there[name] < wanted:
            raise _cut_off(files[name], header, group, wanted, hint)
    count = min(there.values(), default=0) if wanted is None else wanted
    size = sum(file.stat().st_size for file in files.values())
    if chosen and not count:
        raise EcganError(f"{header.name} has no samples: its signal files are empty.", hint)
    if chosen:
        check_size(header.name, count, max(header.signals[one.index].per_frame for one in chosen))
        values = sum(header.signals[one.index].per_frame for one in chosen) * count
        check_backed(header.name, values, size)
    for one in chosen:
        if (skew := header.signals[one.index].skew) and skew >= count:
            raise EcganError(
                f"the header {header.file} says that {skew:,} frames of lead {one.lead} precede the record, which has"
                f" {count:,}.",
                hint,
            )
    return _Part(header, count, chosen, part.left_out, size, min(there.values(), default=count) - count)


def _groups(header: Header, chosen: Sequence[Chosen]) -> dict[str, list[Signal]]:
    """Return the signals of each file that holds a chosen channel, by the file's name."""
    groups: dict[str, list[Signal]] = {}
    for one in chosen:
        if header.signals[one.index].storage != "0":
            groups.setdefault(header.signals[one.index].file, [])
    for signal in header.signals:
        if signal.file in groups and signal.storage != "0":
            groups[signal.file].append(signal)
    for name, group in groups.items():
        kinds = sorted({f"{signal.storage}+{signal.offset}" for signal in group})
        if len(kinds) > 1:
            raise EcganError(
                f"the header {header.file} says of one file, {name[:80]}, the storage formats {' and '.join(kinds)}."
            )
        if group[0].storage in PACKED and len({signal.per_frame for signal in group}) > 1:
            raise EcganError(f"the header {header.file} says of the compressed file {name[:80]} more than one rate.")
    return groups


def _cut_off(file: Path, header: Header, group: Sequence[Signal], frames: int, hint: str) -> EcganError:
    frame = sum(signal.per_frame for signal in group)
    if group[0].storage in PACKED:
        there, asked, what = frames_in(file, group) * frame, frames * frame, "samples"
    else:
        there, what = file.stat().st_size, "bytes"
        asked = group[0].offset + bytes_of(group[0].storage, frames * frame)
    return EcganError(
        f"the file {file} is cut off: it has {there:,} {what}, and its header {header.file.name} asks for {asked:,}.",
        hint,
    )


def _read_single(part: _Part, hint: str, wanted: Sequence[str] = ()) -> Channels:
    """Read a record of one segment that has ECG channels."""
    where = part.header.name
    kept, others = of_one_rate(part.chosen, part.rates, wanted)
    first = part.header.signals[kept[0].index]
    length = part.frames * first.per_frame
    check_size(where, length, len(kept))
    signals = np.empty((length, len(kept)), dtype=np.float64, order="F")  # a lead is looked at by itself
    _fill(signals, part, kept, hint)
    warnings = []
    if part.behind >= max(_PADDING, part.frames // 100):
        warnings = [
            f"The header says {part.frames:,} samples; the files hold {part.behind:,} more, which are left out."
        ]
    rate, leads = part.header.fs * first.per_frame, [one.lead for one in kept]
    return check_samples(where, Channels(signals, rate, leads, part.left_out | others, warnings))


def _fill(signals: NDArray[np.float64], part: _Part, kept: Sequence[Chosen], hint: str) -> None:
    """Read channels of one rate into the columns of `signals` (T, C), in mV, and verify them by their checksums.

    Raises:
        EcganError: A file is damaged.
    """
    columns = {one.index: column for column, one in enumerate(kept)}
    described = part.header.signals
    for column, one in enumerate(kept):
        if described[one.index].storage == "0":
            signals[:, column] = np.nan
    for name, group in _groups(part.header, kept).items():
        file = beside(part.header.file, name)
        behind = max(signal.skew for signal in group)
        values = read_group(file, group, min(frames_in(file, group), part.frames + behind) if behind else part.frames)
        indices = [index for index, signal in enumerate(described) if signal.file == name and signal.storage != "0"]
        for index, digital in zip(indices, values, strict=True):
            if index in columns:
                one = kept[columns[index]]
                if part.header.frames is not None:
                    own = digital[: part.frames * described[index].per_frame]
                    _verify(file, described[index].name or one.lead, described[index], own, hint)
                _convert(signals[:, columns[index]], described[index], digital, one.factor)


def _verify(file: Path, lead: str, signal: Signal, digital: Digital, hint: str) -> None:
    found = int(np.sum(digital, dtype=np.int64)) % 65536
    if signal.checksum is not None and signal.checksum % 65536 != found:
        raise EcganError(
            f"the file {file} is damaged: lead {lead} has the checksum {found}, expected {signal.checksum % 65536}.",
            hint,
        )


def _convert(column: NDArray[np.float64], signal: Signal, digital: Digital, factor: float) -> None:
    """Convert values of the converter to mV; what lies behind the end of the file is missing."""
    skew = signal.skew * signal.per_frame
    values = digital[skew : skew + len(column)]
    low, high = (int(of(values)) for of in (np.min, np.max)) if len(values) else (0, 0)
    if high - low < _LEVELS and len(values) > 4 * _LEVELS:
        levels = _in_mv(np.arange(low, high + 1), signal, factor)
        for start in range(0, len(values), _AT_ONCE):
            part = np.subtract(values[start : start + _AT_ONCE], low, dtype=np.int64)
            np.take(levels, part, out=column[start : start + len(part)], mode="clip")  # none is; "raise" makes a copy
    else:
        for start in range(0, len(values), _AT_ONCE):
            part = values[start : start + _AT_ONCE]
            column[start : start + len(part)] = _in_mv(part, signal, factor)
    column[len(values) :] = np.nan


def _in_mv(values: Digital, signal: Signal, factor: float) -> NDArray[np.float64]:
    """Values of the converter in mV, NaN where one stands for a missing sample."""
    found = np.subtract(values, signal.baseline, dtype=np.float64)
    found /= signal.gain
    found *= factor
    if signal.storage in MISSING:
        found[values == MISSING[signal.storage]] = np.nan
    return found


def _read_segments(header: Header, hint: str, wanted: Sequence[str]) -> Channels:
    """Put a record of several segments together; all of them are looked at before any is read."""
    places, parts, leads, rate, left_out = _plan_segments(header, hint, wanted)
    where, scale = header.name, round(rate / _rate_of(header, parts))
    length = sum(frames for _, frames in places) * scale
    check_size(where, length, len(leads))
    check_backed(where, length * len(leads), sum(part.size for part in parts.values()))
    signals = np.full((length, len(leads)), np.nan)
    start, starts = 0, dict[str, list[int]]()
    for name, frames in places:
        starts.setdefault(name, []).append(start)
        start += frames * scale
    for name, part in parts.items():
        kept = [one for one, own in zip(part.chosen, part.rates, strict=True) if own == rate and one.lead in leads]
        if kept:
            block = np.empty((part.frames * scale, len(kept)), dtype=np.float64)
            _fill(block, part, kept, hint)
            columns = [leads.index(one.lead) for one in kept]
            for first in starts[name]:
                signals[first : first + len(block), columns] = block
    return check_samples(where, Channels(signals, rate, leads, left_out))


def _plan_segments(
    header: Header, hint: str, wanted: Sequence[str] = ()
) -> tuple[list[tuple[str, int]], dict[str, _Part], list[str], float, dict[str, str]]:
    """Look at all segments.

    Returns:
        Name and frames of each; what is to be read, by name; the leads and their rate, Hz; why others are left out.

    Raises:
        EcganError: A segment is missing or damaged, or lengths or rates contradict each other.
    """
    places, parts = _look_at_segments(header, hint)
    total = sum(frames for _, frames in places)
    if header.frames is not None and header.frames != total:
        raise EcganError(
            f"the header {header.file} says {header.frames:,} samples, and its segments have {total:,} together.",
            f"A segment may be missing from its list. {hint}",
        )
    _rate_of(header, parts)
    named = _rates_of_leads(header, parts)
    found = [Chosen(index, lead, 1.0) for index, lead in enumerate(named)]
    left_out = {lead: reason for part in parts.values() for lead, reason in part.left_out.items() if lead not in named}
    if not found:
        if left_out:
            raise none_readable(header.name, left_out)
        raise EcganError(f"{header.name} has no ECG channel in any of its segments.")
    kept, others = of_one_rate(found, list(named.values()), wanted)
    rate = named[kept[0].lead]
    return places, parts, [one.lead for one in kept], rate, left_out | others


def _look_at_segments(header: Header, hint: str) -> tuple[list[tuple[str, int]], dict[str, _Part]]:
    """Return name and frames of each segment, and each that is to be read, once, by its name."""
    places, parts = list[tuple[str, int]](), dict[str, _Part]()
    for number, segment in enumerate(header.segments or []):
        if segment.name == NOTHING:
            if segment.frames is None:
                raise EcganError(f"the header {header.file} does not say how long a gap ({NOTHING}) is.", hint)
            places.append((NOTHING, segment.frames))
        elif (part := parts.get(segment.name) or _look_at_segment(header, segment, number, hint)) is not None:
            if segment.frames is not None and segment.frames != part.frames:
                raise EcganError(
                    f"the header {header.file} says {segment.frames:,} samples of segment {segment.name}, whose own"
                    f" header {part.header.file.name} says {part.frames:,}.",
                    hint,
                )
            parts[segment.name] = part
            places.append((segment.name, part.frames))
    return places, parts


def _rates_of_leads(header: Header, parts: dict[str, _Part]) -> dict[str, float]:
    """Return the sampling rate of each lead of any segment, Hz."""
    rates = dict[str, float]()
    for part in parts.values():
        for one, rate in zip(part.chosen, part.rates, strict=True):
            if rates.setdefault(one.lead, rate) != rate:
                raise EcganError(
                    f"lead {one.lead} of {header.name} has {rates[one.lead]:g} Hz in one segment and"
                    f" {rate:g} Hz in another."
                )
    return rates


def _look_at_segment(header: Header, segment: Segment, number: int, hint: str) -> _Part | None:
    """Look at a segment's files; None for the first one if it only lists signals."""
    file = existing(beside(header.file, f"{segment.name}.hea"))
    if number == 0 and segment.frames is None and not is_file(file):
        return None
    inner = wfdb_header.read_header(file, hint)
    inner = replace(inner, rate=inner.rate or header.rate)
    if inner.segments is not None:
        raise EcganError(f"segment {segment.name} of {header.name} has segments itself, which is not read.")
    if number == 0 and inner.is_layout and segment.frames is None:
        return None
    part = _look(inner, hint, segment.frames)
    if not part.chosen:  # nothing of it is read, and nobody knows how long its files are
        frames = inner.frames or segment.frames
        if frames is None:
            raise EcganError(f"the header {header.file} does not say how long segment {segment.name} is.", hint)
        return _Part(inner, frames, [], part.left_out, 0)
    return part


def _rate_of(header: Header, parts: dict[str, _Part]) -> float:
    """Return the frames a second of all segments, Hz."""
    rates = {part.header.fs for part in parts.values()} | ({header.fs} if header.rate or not parts else set())
    if len(rates) > 1:
        shown = " and ".join(f"{rate:g}" for rate in sorted(rates))
        raise EcganError(f"the segments of {header.name} differ in their sampling rate: {shown} Hz.")
    return rates.pop()


def _names_and_units(header: Header) -> tuple[list[str], list[str]]:
    return [signal.name for signal in header.signals], [signal.unit for signal in header.signals]
