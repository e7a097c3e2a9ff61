"""A user's recording, from any file format that is understood."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.aami import BEAT_SYMBOLS
from ecgan.ecg.files.channels import Channels, Columns, assemble, check_rate, choose_ecg, millivolts, no_ecg
from ecgan.ecg.files.wfdb import COPY_AGAIN, read_annotations, read_header, read_signals
from ecgan.ecg.records import Record
from ecgan.errors import EcganError

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

KNOWN = "WFDB (.hea with .dat), EDF (.edf, .bdf), text (.csv, .tsv, .txt), NumPy (.npy, .npz)"


@dataclass(frozen=True)
class Place:
    """Where a recording is.

    Attributes:
        format: One of the values of `FORMATS`.
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
) -> Record:
    """Read a recording in one of the formats WFDB, EDF, CSV or TSV, NPY or NPZ.

    Channels that are no ECG (respiration, pressures, EEG) are left out as long as an ECG channel remains.

    Args:
        path: The file; of a WFDB record also its path without an ending, or one of its other files.
        sampling_rate: Hz of a file that does not say it (NPY, CSV without times); what a file says counts before it.
        annotator: Ending of a WFDB annotation file beside the recording, such as "atr"; None: no annotations.
        unit: Unit of channels for which the file names none: mV, uV or V. Without it they are taken to be in mV, except
            in EDF, where a unit belongs to the format.

    Returns:
        The recording in mV. `samples` and `symbols` are the beats of the annotator, without its other marks.

    Raises:
        EcganError: The file is missing, damaged, in no known format, holds no ECG, or its sampling rate is not known.
    """
    if unit is not None and millivolts(unit) is None:
        raise EcganError(f"the unit {unit!r} is no voltage.", "Units of an ECG: mV, uV, V.")
    if sampling_rate is not None:
        check_rate("what was given", sampling_rate)
    place = locate(path)
    try:
        content = _read(place, sampling_rate, unit)
    except OSError as error:
        raise EcganError(f"cannot read {place.file}: {error.strerror or error}") from error
    samples, symbols = np.zeros(0, dtype=np.int64), list[str]()
    if annotator is not None:
        samples, symbols = _beats(place, annotator, content)
    return Record(place.name, content.signals, content.sampling_rate, content.leads, samples, symbols)


def locate(path: Path) -> Place:
    """Find the format of a recording, and the header of a WFDB record of which another file, or none, is named.

    Raises:
        EcganError: There is no such file, or its format is not known.
    """
    for name in (path.name, path.stem):
        if (path.parent / f"{name}.hea").is_file() and path.suffix.lower() not in FORMATS.keys() - {".hea"}:
            return Place("wfdb", path.parent, name, path.parent / f"{name}.hea")
    kind = FORMATS.get(path.suffix.lower())
    if path.is_dir():
        raise EcganError(f"there is no recording in the folder {path}.", f"Formats: {KNOWN}.")
    if kind == "wfdb" or (kind is None and (path.suffix == ".dat" or path.with_name(f"{path.name}.dat").is_file())):
        header = path.with_name((path.stem if path.suffix in (".hea", ".dat") else path.name) + ".hea")
        raise EcganError(f"the file {header} is not there.", COPY_AGAIN)
    if not path.is_file():
        raise EcganError(f"there is no recording {path}.", f"Formats: {KNOWN}.")
    if kind is None:
        raise EcganError(f"{path} is in no format that is known by its ending.", f"Formats: {KNOWN}.")
    return Place(kind, path.parent, path.stem, path)


def _read(place: Place, sampling_rate: float | None, unit: str | None) -> Channels:
    if place.format == "wfdb":
        return read_signals(place.folder, place.name, COPY_AGAIN)
    if place.format == "edf":
        from ecgan.ecg.files.edf import read_edf

        return read_edf(place.file, unit)
    if place.format == "text":
        from ecgan.ecg.files.tables import read_table

        return _ecg_of(read_table(place.file), str(place.file), sampling_rate, unit or "mV")
    from ecgan.ecg.files.npy import read_npy, read_npz

    columns = (read_npy if place.format == "npy" else read_npz)(place.file)
    return _ecg_of(columns, str(place.file), sampling_rate, unit or "mV")


def _ecg_of(columns: Columns, where: str, sampling_rate: float | None, unit: str) -> Channels:
    """Take the ECG of text or arrays, which need not say what their columns are, nor how fast they were sampled."""
    stored = columns.sampling_rate
    rounded = stored is not None and sampling_rate is not None and abs(stored - sampling_rate) < 1e-3 * stored
    rate = sampling_rate if stored is None or rounded else stored  # times that were rounded tell the rate roughly
    if rate is None:
        raise EcganError(
            f"{where} does not say its sampling rate.",
            "Give it in Hz: `ecgan score --sampling-rate 360`, or `preprocess.sampling_rate` of the dataset folder.",
        )
    chosen = choose_ecg(columns.names, columns.units, unit)
    if not chosen:
        raise no_ecg(where, columns.names, columns.units)
    return assemble(where, chosen, [columns.values[:, one.index] for one in chosen], [rate] * len(chosen))


def _beats(place: Place, annotator: str, content: Channels) -> tuple[NDArray[np.int64], list[str]]:
    """Read an annotation file's beats; their positions count samples of `content`."""
    _check_annotator(place, annotator)
    found = read_annotations(place.folder, place.name, annotator, COPY_AGAIN)
    rate = found.sampling_rate or content.sampling_rate
    if place.format == "wfdb" and found.sampling_rate is None:
        rate = float(read_header(place.folder, place.name, COPY_AGAIN).fs)
    beats = np.array([symbol != "" and symbol in BEAT_SYMBOLS for symbol in found.symbols], dtype=bool)
    samples = np.rint(found.samples[beats] * (content.sampling_rate / rate)).astype(np.int64)
    if len(samples) and (samples.min() < 0 or samples.max() >= len(content.signals)):
        raise EcganError(
            f"the annotations of {place.file} ({annotator}) go beyond its {len(content.signals)} samples.",
            "They belong to another recording or to a longer one.",
        )
    order = np.argsort(samples, kind="stable")
    symbols = [symbol for symbol, beat in zip(found.symbols, beats, strict=True) if beat]
    return samples[order], [symbols[index] for index in order]


def _check_annotator(place: Place, annotator: str) -> None:
    if not (annotator.isascii() and annotator.replace("_", "").isalnum()):
        raise EcganError(f"{annotator!r} is no annotator.", "An annotator is the ending of a file, such as atr.")
    if not (place.folder / f"{place.name}.{annotator}").is_file():
        usual = [".hea", ".dat", ".mat", ".xyz", *FORMATS]
        there = sorted(
            file.suffix[1:]
            for file in place.folder.glob("*")
            if file.stem == place.name and file.suffix.lower() not in usual
        )
        others = f"Files of other annotators: {', '.join(there)}. " if there else ""
        raise EcganError(
            f"{place.file} has no annotation file {place.name}.{annotator} beside it.",
            f"{others}Without an annotator R peaks are detected.",
        )
