"""A user's recording, from any file format that is understood."""

import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ecgan.ecg.aami import BEAT_SYMBOLS
from ecgan.ecg.files.annotations import read_annotations
from ecgan.ecg.files.channels import Channels, Columns, assemble, check_rate, choose_ecg, is_counts, no_ecg
from ecgan.ecg.files.classes import without_classes
from ecgan.ecg.files.hospital import ENDINGS, KINDS, TITLES, kind_of, read_hospital
from ecgan.ecg.files.names import existing, in_any_case, is_file, is_there
from ecgan.ecg.files.times import agree, contradiction, without_time
from ecgan.ecg.files.units import Counts, check_counts, check_unit
from ecgan.ecg.files.wfdb import COPY_AGAIN, read_header, read_signals
from ecgan.ecg.records import Record, within
from ecgan.errors import EcganError, nearest

FORMATS = {
    ".hea": "wfdb",
    ".csv": "text",
    ".tsv": "text",
    ".txt": "text",
    ".npy": "npy",
    ".npz": "npz",
    ".edf": "edf",
    ".bdf": "edf",
}
"""Format by the ending of the file."""

_LONGEST_HEADER = 1 << 20
_MOST_NAMES = 10_000  # in a folder that is looked through for one that was meant
_STORAGE = re.compile(
    r"\d{1,3}(x\d+)?(:\d+)?(\+\d+)?$"
)  # what follows the name of a signal file, which may hold blanks

KNOWN = f"WFDB (.hea with .dat), EDF (.edf, .bdf), text (.csv, .tsv, .txt), NumPy (.npy, .npz), {TITLES}"

_EDF, _EDF_HEADER = (b"0       ", b"\xffBIOSEMI"), 256


BEGIN = (1 << 20) + 4
"""Bytes by which a file that is still to come is judged."""
_SIGNS: dict[str, tuple[bytes, ...]] = {"edf": _EDF, "npy": (b"\x93NUMPY",), "npz": (b"PK",)}

_PACKED = (".gz", ".zip", ".xz", ".bz2", ".zst", ".7z", ".tgz", ".tar", ".rar")

_TOLD = 3
"""Leads that are left out of which a warning says why."""


@dataclass(frozen=True)
class Place:
    """Where a recording is.

    Attributes:
        format: One of the values of `FORMATS`, or a key of `ecgan.ecg.files.hospital.KINDS`.
        folder: The folder of its files.
        name: Its name, the stem of its files.
        file: The file that was named; of a WFDB record, its header.
    """

    format: str
    folder: Path
    name: str
    file: Path


def read_recording(
    path: Path,
    *,
    sampling_rate: float | None = None,
    annotator: str | None = None,
    unit: str | None = None,
    gain: float | None = None,
    baseline: float | None = None,
    several: bool = False,
    leads: Sequence[str] = (),
) -> Record:
    """Read a recording in one of the formats WFDB, EDF, CSV or TSV, NPY or NPZ, or one of hospitals and devices.

    Channels that are no ECG (respiration, pressures, EEG) are left out as long as an ECG channel remains.

    Args:
        path: The file; of a WFDB record also its path without an ending, or one of its other files.
        sampling_rate: Hz of a file that does not say it (NPY, CSV without times), or only roughly; one that contradicts
            the file is an error.
        annotator: Ending of a WFDB annotation file beside the recording, such as "atr"; None: no annotations.
        unit: Unit of channels for which the file names none: mV, uV or V. Without it they are taken to be in mV, except
            in EDF, where a unit belongs to the format.
        leads: The leads that are wanted. Channels of one sampling rate are read: that of the first of these, else the
            commonest.
        gain: ADC units per mV of text and arrays that hold ADC counts.
        baseline: The count at 0 mV; None: the median of each channel.
        several: Whether the rate is given for several files at once: what a header says counts before it then.

    Returns:
        The recording in mV. `samples` and `symbols` are the beats of the annotator, without its other marks.
        `assumed` names the leads whose unit nobody said.

    Raises:
        EcganError: The file is missing, damaged, in no known format, holds no ECG, or its sampling rate is not known.
    """
    check_unit(unit)
    if sampling_rate is not None:
        check_rate("what was given", sampling_rate)
    counts = check_counts(unit, gain, baseline)
    place = locate(path)
    try:
        content = _read(place, sampling_rate, unit, leads, counts, several)
    except OSError as error:
        raise EcganError(f"cannot read {place.file}: {error.strerror or error}") from error
    if sampling_rate is not None and not several and not agree(content.sampling_rate, sampling_rate):
        raise contradiction(str(place.file), "its header", content.sampling_rate, sampling_rate)
    record = Record(
        place.name,
        content.signals,
        content.sampling_rate,
        content.leads,
        np.zeros(0, dtype=np.int64),
        [],
        left_out=content.left_out,
        warnings=[*content.warnings, *_omissions(content.left_out)],
        assumed=content.assumed,
    )
    return record if annotator is None else _with_beats(record, place, annotator)


def locate(path: Path) -> Place:
    """Find the format of a recording, and the header of a WFDB record of which another file, or none, is named.

    Raises:
        EcganError: There is no such file, or its format is not known.
    """
    path = existing(path)
    if (found := by_content(path)) is not None:
        return Place(found, path.parent, path.stem, path)
    if path.suffix.lower() == ".hea" and is_file(path):
        return Place("wfdb", path.parent, path.stem, path)
    loose = path.suffix.lower() in ("", ".hea", ".dat", ".mat")
    for name in (path.name, path.stem):
        header = existing(path.parent / f"{name}.hea")
        header = in_any_case(header) if loose else header
        if is_file(header) and path.suffix.lower() not in FORMATS.keys() - {".hea"}:
            return Place("wfdb", header.parent, header.stem, header)
    kind = FORMATS.get(path.suffix.lower())
    if path.is_dir():
        raise EcganError(f"there is no recording in the folder {path}.", f"Formats: {KNOWN}.")
    if kind == "wfdb" or (kind is None and (path.suffix == ".dat" or path.with_name(f"{path.name}.dat").is_file())):
        header = path.with_name((path.stem if path.suffix in (".hea", ".dat") else path.name) + ".hea")
        if header == path and not path.with_suffix(".dat").exists():
            raise _absent(path)
        raise EcganError(f"the file {header} is not there.", COPY_AGAIN)
    if not path.is_file():
        raise _absent(path)
    if kind is None:
        raise _unknown(path)
    return Place(kind, path.parent, path.stem, path)


def _absent(path: Path) -> EcganError:
    """Return the error for a path that leads nowhere, with the nearest one that does."""
    if is_there(path):
        return EcganError(f"{path} is no plain file: a pipe or a device is not read.")
    if path.is_symlink():
        return EcganError(f"{path} is a link that leads to no file.", "Mend the link, or name the file itself.")
    folder = path.parent
    what = "recording " if path.suffix else ""
    while not folder.is_dir():
        what, path, folder = "folder ", folder, folder.parent
    told = f"there is no {what}{path}"
    names = [entry.name for entry in itertools.islice(folder.iterdir(), _MOST_NAMES)]
    return EcganError(f"{told}{nearest(path.name, names) or '.'}", f"Formats: {KNOWN}.")


def by_content(path: Path) -> str | None:
    """Tell the format of a file whose ending does not, or not surely; None where its content does not either."""
    ending = path.suffix.lower()
    if ending in FORMATS or ending == ".dat" or not path.is_file():
        return None
    if ending not in ENDINGS and any(is_file(path.parent / f"{name}.hea") for name in (path.name, path.stem)):
        return None
    with path.open("rb") as file:
        if file.read(8) in _EDF and path.stat().st_size > _EDF_HEADER:
            return "edf"
    return kind_of(path)


def check_begin(path: Path) -> None:
    """Refuse a file of which `BEGIN` bytes or more are there, and the rest is still to come, if it can be no recording.

    Raises:
        EcganError: Its format is not known, or it does not begin as files of its format do.
    """
    kind = by_content(path) or FORMATS.get(path.suffix.lower())
    with path.open("rb") as file:
        start = file.read(BEGIN)
    if kind is None:
        raise _unknown(path)
    if kind == "text":
        from ecgan.ecg.files.tables import check_text

        check_text(path, start)
    signs = _SIGNS.get(kind)
    if signs and not start.startswith(signs):
        raise EcganError(f"{path} does not begin as {path.suffix} files do.", f"Formats: {KNOWN}.")


def _unknown(path: Path) -> EcganError:
    """Return the error of a file in no format that is known."""
    ending = path.suffix.lower()
    if ending == ".mat":
        return EcganError(
            f"{path} is a MATLAB file, which says neither sampling rate nor unit, and there is no {path.stem}.hea.",
            "Fetch its WFDB header, or save it as .npz with `signal`, `sampling_rate`, `leads` and `unit`.",
        )
    if ending in _PACKED:
        return EcganError(f"{path} is compressed.", "Unpack it, and name what is in it.")
    if ending in ENDINGS:
        return EcganError(f"{path} holds no ECG in a format that is known: it is not {TITLES}.", f"Formats: {KNOWN}.")
    return EcganError(f"{path} is in no format that is known by its ending or content.", f"Formats: {KNOWN}.")


def _read(
    place: Place,
    sampling_rate: float | None,
    unit: str | None,
    leads: Sequence[str],
    counts: Counts | None,
    several: bool,
) -> Channels:
    if place.format == "wfdb":
        return read_signals(place.folder, place.name, COPY_AGAIN, leads)
    if place.format == "edf":
        from ecgan.ecg.files.edf import read_edf

        return read_edf(place.file, unit, leads)
    if place.format in KINDS:
        return read_hospital(place.file, place.format, unit)
    if place.format == "text":
        from ecgan.ecg.files.tables import read_table

        return _ecg_of(read_table(place.file), str(place.file), sampling_rate, unit, counts, several)
    from ecgan.ecg.files.npy import read_npy, read_npz

    columns = (read_npy if place.format == "npy" else read_npz)(place.file)
    return _ecg_of(columns, str(place.file), sampling_rate, unit, counts, several)


def files_of_recording(file: Path, annotator: str | None = None) -> list[Path]:
    """Return all files that reading a recording may touch: of a WFDB record every file that its headers may name.

    Names may hold blanks and be in any encoding, so that some are too many; of what headers name, only what is there.
    """
    found = [file]
    if annotator is not None:
        found += [file.with_name(f"{file.stem}.{annotator}"), file.with_name(f"{file.name}.{annotator}")]
    headers, known = [file] if file.suffix.lower() == ".hea" else [], set[str]()
    for header in headers:  # grows by the headers of segments
        real = os.path.realpath(header)  # by links one header may have many names
        if real in known or not is_file(header):
            continue
        known.add(real)
        try:
            with header.open("rb") as content:
                text = content.read(_LONGEST_HEADER)
        except OSError:
            continue
        names = [file.parent / name for name in dict.fromkeys(_names_in(text))]
        segments = [name.with_name(f"{name.name}.hea") for name in names if name.name]
        there = [segment for segment in segments if is_file(segment)]
        headers += there
        found += [*filter(is_there, names), *there]
    return list(dict.fromkeys(found))


def _names_in(header: bytes) -> Iterator[str]:
    """Yield what the lines of a header may begin with as a name, as it stands and without the folders in front."""
    for encoding in ("utf-8",) if header.isascii() else ("utf-8", "latin-1"):
        text = header.replace(b"\0", b"").decode(encoding, "surrogateescape")
        for words in (line.split() for line in text.splitlines() if not line.startswith("#")):
            ends = [place for place, word in enumerate(words) if _STORAGE.match(word)][:8]
            for end in {1, len(words) - 1, *ends} - {0}:
                name = " ".join(words[:end])
                yield from (name, re.split(r"[\\/]", name)[-1])


def _ecg_of(
    columns: Columns, where: str, sampling_rate: float | None, unit: str | None, counts: Counts | None, several: bool
) -> Channels:
    """Take the ECG of text or arrays, which need not say what their columns are, nor how fast they were sampled."""
    stated = several and columns.sampling_rate is not None
    columns = without_time(where, columns, None if stated else sampling_rate)
    if unit is not None or counts is not None:
        columns = replace(columns, units=["" if is_counts(said) else said for said in columns.units])
    chosen = choose_ecg(columns.names, columns.units, unit or "mV")
    if not chosen:
        raise no_ecg(where, columns.names, columns.units)
    chosen, classes = without_classes(where, columns, chosen)
    rate = columns.sampling_rate
    if rate is None:
        raise EcganError(
            f"{where} does not say its sampling rate.",
            "Give it in Hz: `ecgan score --sampling-rate 360`, or `preprocess.sampling_rate` of the dataset folder.",
        )
    silent = [one for one in chosen if not columns.units[one.index].strip()]
    if counts is not None and not silent:
        units = ", ".join(sorted({columns.units[one.index] for one in chosen}))
        raise EcganError(
            f"{where} says the unit of its channels, {units}, and a gain was given.",
            "Leave the gain out if the unit is right; else take it out of the file.",
        )
    channels = [columns.values[:, one.index] for one in chosen]
    if counts is not None:
        channels = [
            counts.millivolts(values) if one in silent else values for one, values in zip(chosen, channels, strict=True)
        ]
    found = assemble(where, chosen, channels, [rate] * len(chosen))
    assumed = [one.lead for one in silent] if unit is None and counts is None else []
    return replace(found, left_out=classes, assumed=assumed)


def _omissions(left_out: Mapping[str, str]) -> list[str]:
    """Say which leads are left out."""
    told = [f"Lead {lead} is left out: {reason}." for lead, reason in itertools.islice(left_out.items(), _TOLD)]
    return told + ([f"So are {len(left_out) - _TOLD} others."] if len(left_out) > _TOLD else [])


def annotation_file(recording: Path, annotator: str) -> Path | None:
    """Return the annotation file beside a recording, None if there is none: `r1.edf.atr`, or `r1.atr`, or `R1.ATR`."""
    names = dict.fromkeys((recording.name, recording.stem, recording.name.lower(), recording.stem.lower()))
    for name, ending in itertools.product(names, dict.fromkeys((annotator, annotator.upper()))):
        file = existing(recording.with_name(f"{name}.{ending}"))
        if is_file(file):
            return file
    return None


def _with_beats(record: Record, place: Place, annotator: str) -> Record:
    """Read an annotation file's beats; those outside the recording are left out, and counted in a warning."""
    found = read_annotations(_annotations_of(place, annotator), COPY_AGAIN)
    rate = found.sampling_rate or record.sampling_rate
    if place.format == "wfdb" and found.sampling_rate is None:
        rate = read_header(place.folder, place.name, COPY_AGAIN).fs
    beats = np.array([symbol != "" and symbol in BEAT_SYMBOLS for symbol in found.symbols], dtype=bool)
    samples = np.rint(found.samples[beats] * (record.sampling_rate / rate)).astype(np.int64)
    symbols = [symbol for symbol, beat in zip(found.symbols, beats, strict=True) if beat]
    order = np.argsort(samples, kind="stable")
    found_there = replace(record, samples=samples[order], symbols=[symbols[index] for index in order])
    return within(found_there, f"{place.file} ({annotator})")


def _annotations_of(place: Place, annotator: str) -> Path:
    if not (annotator.isascii() and annotator.replace("_", "").isalnum()):
        raise EcganError(f"{annotator!r} is no annotator.", "An annotator is the ending of a file, such as atr.")
    file = annotation_file(place.file, annotator)
    if file is None:
        usual = [".hea", ".dat", ".mat", ".xyz", *FORMATS]
        there = sorted(
            other.suffix[1:]
            for other in place.folder.glob("*")
            if other.stem in (place.name, place.file.name) and other.suffix.lower() not in usual
        )
        others = f"Files of other annotators: {', '.join(there)}. " if there else ""
        raise EcganError(
            f"{place.file} has no annotation file {place.name}.{annotator} beside it.",
            f"{others}Without an annotator R peaks are detected.",
        )
    return file
