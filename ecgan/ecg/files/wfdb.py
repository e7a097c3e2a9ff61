"""WFDB files: signals (.hea with .dat, .mat …) and annotations, read whole and verified."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import wfdb
from numpy.typing import NDArray

from ecgan.ecg.files.channels import (
    Channels,
    Chosen,
    assemble,
    check_rate,
    check_samples,
    check_size,
    choose_ecg,
    no_ecg,
)
from ecgan.ecg.leads import match_leads
from ecgan.errors import EcganError

FETCH_AGAIN = "Fetch the dataset again: `ecgan fetch`."
COPY_AGAIN = "Copy all files of the record again from where it came from; its .hea names the signal files."

_BYTES = {"8": 1, "16": 2, "24": 3, "32": 4, "61": 2, "80": 1, "160": 2, "212": 3 / 2, "310": 4 / 3, "311": 4 / 3}
"""Bytes a sample in each storage format; the compressed ones (508, 516, 524) have no fixed size."""


_PACKED = ("508", "516", "524")


class _DamagedError(ValueError):
    """What is wrong, in our own words."""


@dataclass(frozen=True)
class Annotations:
    """An annotation file.

    Attributes:
        samples: Position of each annotation, int64, shape (m,).
        symbols: Its symbol, length m.
        notes: Its text, length m, mostly empty.
        sampling_rate: Hz of the positions; None: they count the frames of the record.
    """

    samples: NDArray[np.int64]
    symbols: list[str]
    notes: list[str]
    sampling_rate: float | None


def read_header(folder: Path, name: str, hint: str) -> Any:
    """Read a record's header, as wfdb gives it."""
    file = folder / f"{name}.hea"
    _must_exist(file, hint)
    header = _guard(lambda: _header(file, str(folder / name)), f"the header {file} is damaged", hint)
    if isinstance(header, wfdb.Record) and not len(header.sig_name or []) == header.n_sig == len(header.units or []):
        raise EcganError(
            f"the header {file} is damaged: it does not describe the {header.n_sig} channels that it counts.", hint
        )
    check_rate(f"record {name}", header.fs or 0.0)
    return header


def _header(file: Path, path: str) -> Any:
    """Read a header; wfdb would take 250 Hz for a rate, and any length for a length, that it does not understand."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    first = next((line.split() for line in lines if line.strip() and not line.startswith("#")), [])
    for number, what in ((2, "sampling rate"), (3, "number of samples")):
        if len(first) > number and not re.match(r"\d|\.\d", first[number]):
            raise _DamagedError(f"its {what} is {first[number][:20]!r}")
    return wfdb.rdheader(path)


def ecg_leads(folder: Path, name: str, hint: str) -> list[str]:
    """Return the names of a record's ECG leads from its header alone."""
    header = read_header(folder, name, hint)
    if isinstance(header, wfdb.MultiRecord):
        return read_signals(folder, name, hint).leads
    return [one.lead for one in choose_ecg(_names(header), header.units, "mV")]


def read_signals(folder: Path, name: str, hint: str) -> Channels:
    """Read the ECG leads of a record; the hint says what the user can do about files that are missing or damaged.

    Channels that are no voltage, or by their name another kind of signal, are left out. A record of several segments is
    put together; where a segment lacks a lead, the lead is missing there.

    Raises:
        EcganError: A file is missing, cut off or damaged, or there is no ECG in it.
    """
    header = read_header(folder, name, hint)
    if isinstance(header, wfdb.MultiRecord):
        return _read_segments(folder, name, header, hint)
    channels = _read_single(folder, name, header, hint)
    if channels is None:
        raise no_ecg(f"record {name}", _names(header), header.units or [])
    return check_samples(f"record {name}", channels)


def read_lead(folder: Path, name: str, lead: str, hint: str) -> Channels:
    """Read one lead of a record; signal files that hold none of it need not be there.

    Lead names are compared as `match_leads` does; the result has the name in the spelling that was asked for.

    Raises:
        EcganError: A file is missing, cut off or damaged, or the record has no such lead.
    """
    header = read_header(folder, name, hint)
    if isinstance(header, wfdb.MultiRecord):
        raise EcganError(f"record {name} has several segments, of which no single lead is read.")
    chosen = choose_ecg(_names(header), header.units or [], "mV")
    try:
        one = chosen[match_leads([other.lead for other in chosen], [lead])[0]]
    except EcganError as error:
        raise EcganError(f"record {name}: {error.message}", error.hint) from None
    return _read_chosen(folder, name, header, hint, [Chosen(one.index, lead, one.factor)], alone=True)


def read_annotations(folder: Path, name: str, annotator: str, hint: str) -> Annotations:
    """Read the annotation file `<name>.<annotator>`."""
    file = folder / f"{name}.{annotator}"
    _must_exist(file, hint)
    content = file.read_bytes()
    what = f"the annotation file {file} is damaged"
    found = _guard(lambda: wfdb.rdann(str(folder / name), annotator), what, hint)
    if len(content) % 2 or not content.endswith(b"\0\0"):
        raise EcganError(f"the file {file} is cut off: its end mark is missing.", hint)
    return Annotations(
        samples=np.asarray(found.sample, dtype=np.int64),
        symbols=[symbol if isinstance(symbol, str) else "" for symbol in found.symbol],  # NaN where no code is known
        notes=[(note or "").rstrip("\0") for note in found.aux_note],
        sampling_rate=float(found.fs) if found.fs else None,
    )


def _read_single(folder: Path, name: str, header: Any, hint: str) -> Channels | None:
    """Read a record of one segment; None if it has no ECG channel."""
    chosen = choose_ecg(_names(header), header.units or [], "mV")
    return _read_chosen(folder, name, header, hint, chosen) if chosen else None


def _read_chosen(
    folder: Path, name: str, header: Any, hint: str, chosen: list[Chosen], *, alone: bool = False
) -> Channels:
    """Read channels of a segment, and verify all of its channels, or alone those."""
    indices = [one.index for one in chosen]
    files = [header.file_name[index] for index in indices] if alone else header.file_name
    _check_files(folder, name, header, hint, files)
    what = f"the file {' or '.join(str(folder / file) for file in dict.fromkeys(files))} is damaged"
    content = _guard(lambda: _verified(str(folder / name), indices if alone else None), what, hint)
    rates = [float(header.fs) * (header.samps_per_frame[index] or 1) for index in indices]
    values = content.e_p_signal if alone else [content.e_p_signal[index] for index in indices]
    return assemble(f"record {name}", chosen, values, rates)


def _verified(path: str, channels: list[int] | None = None) -> Any:
    """Read the digital signal, compare it with the header's checksums, and convert it to physical units.

    All channels are read, or those with the numbers that are given.
    """
    content = wfdb.rdrecord(path, channels=channels, physical=False, smooth_frames=False)
    stored = content.checksum or []
    for lead, expected, found in zip(content.sig_name, stored, content.calc_checksum(expanded=True), strict=False):
        if expected is not None and (expected - found) % 65536:
            raise _DamagedError(
                f"lead {lead or 'without a name'} has the checksum {found % 65536}, expected {expected % 65536}"
            )
    content.dac(expanded=True, inplace=True)
    return content


def _check_files(folder: Path, name: str, header: Any, hint: str, needed: Collection[str]) -> None:
    """Refuse signal files that are elsewhere, missing or too short, before anything of their claimed size is made."""
    frame: dict[str, float] = {}
    offset: dict[str, int] = {}
    packed = set()
    for file, storage, samples, start in zip(
        header.file_name, header.fmt, header.samps_per_frame, header.byte_offset, strict=True
    ):
        frame[file] = frame.get(file, 0.0) + _BYTES.get(storage, 0) * (samples or 1)
        offset[file] = start or 0
        if storage in _PACKED:
            packed.add(file)
        elif storage not in _BYTES:
            raise EcganError(
                f"the header {folder / name}.hea is damaged: there is no storage format {storage!r}.", hint
            )
    for file, size in frame.items():
        if file not in needed:
            continue
        _must_exist(folder / file, hint)
        there, promised = (folder / file).stat().st_size, int(offset[file] + size * (header.sig_len or 0))
        if there < promised and file not in packed:
            raise EcganError(
                f"the file {folder / file} is cut off: it has {there:,} bytes, and its header {name}.hea asks for"
                f" {promised:,}.",
                hint,
            )
    if header.sig_len is not None:
        check_size(f"record {name}", header.sig_len, sum(count or 1 for count in header.samps_per_frame))


def _read_segments(folder: Path, name: str, header: Any, hint: str) -> Channels:
    check_size(f"record {name}", header.sig_len or 0, 1)
    parts = list(_segments(folder, name, header, hint))
    found = [part for _, part in parts if part is not None]
    if not found:
        raise EcganError(f"record {name} has no ECG channel in any of its segments.")
    rate = found[0].sampling_rate
    leads = list(dict.fromkeys(lead for part in found for lead in part.leads))
    length = int(header.sig_len * round(rate / header.fs))
    check_size(f"record {name}", length, len(leads))
    signals = np.full((length, len(leads)), np.nan)
    for start, part in parts:
        if part is None:
            continue
        first = start * round(rate / header.fs)
        if part.sampling_rate != rate or first + len(part.signals) > length:
            raise EcganError(f"the segments of record {name} do not fit together: rates or lengths differ.", hint)
        columns = [leads.index(lead) for lead in part.leads]
        signals[first : first + len(part.signals), columns] = part.signals
    return check_samples(f"record {name}", Channels(signals, rate, leads))


def _segments(folder: Path, name: str, header: Any, hint: str) -> Iterator[tuple[int, Channels | None]]:
    """Yield each segment's first frame and its channels; None for a gap or a segment without ECG."""
    start = 0
    for segment, frames in zip(header.seg_name, header.seg_len, strict=True):
        part = None
        if segment != "~" and frames:
            inner = read_header(folder, segment, hint)
            if isinstance(inner, wfdb.MultiRecord):
                raise EcganError(f"segment {segment} of record {name} has segments itself, which is not read.")
            part = _read_single(folder, segment, inner, hint)
        yield start, part
        start += frames


def _names(header: Any) -> list[str]:
    return [name or "" for name in header.sig_name or []]


def _must_exist(file: Path, hint: str) -> None:
    if not file.is_file():
        raise EcganError(f"the file {file} is not there.", hint)


def _guard(reader: Callable[[], Any], what: str, hint: str) -> Any:
    """Call a reader of wfdb; whatever it raises on a damaged file becomes one sentence."""
    try:
        return reader()
    except _DamagedError as error:
        raise EcganError(f"{what}: {error}.", hint) from error
    except Exception as error:
        raise EcganError(f"{what}, or not in the WFDB format.", hint) from error
