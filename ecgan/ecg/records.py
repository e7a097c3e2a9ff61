"""Records on disk: signals and annotations in WFDB files (.hea, .dat, .atr)."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.files.wfdb import FETCH_AGAIN, ecg_leads, read_annotations, read_header, read_signals
from ecgan.errors import EcganError, nearest

_RANGE = {"212": 2047, "16": 32767}
"""Largest sample value of each file format; the one below the smallest marks a missing sample."""


@dataclass(frozen=True)
class Record:
    """One recording.

    Attributes:
        name: Its name, such as "100".
        signals: mV, float64, shape (T, C); NaN where a sample is missing.
        sampling_rate: Hz.
        leads: Name of each channel, length C.
        samples: Position of each annotation, int64, ascending, shape (m,).
        symbols: Symbol of each annotation, length m.
        notes: Text of each annotation, length m, mostly empty; or no list at all.
        left_out: Why an ECG lead of its file is not among `leads`, by its name.
        warnings: What a user should know of how it was read, in sentences.
        assumed: Leads whose unit nobody said; they were taken to be in mV.
        annotated: Whether the symbols say what beats are; of R peaks that were detected, N says nothing.
    """

    name: str
    signals: NDArray[np.float64]
    sampling_rate: float
    leads: list[str]
    samples: NDArray[np.int64]
    symbols: list[str]
    notes: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    annotated: bool = True

    def select(self, leads: Sequence[str]) -> NDArray[np.float64]:
        """Return the signals of the named leads in the order of the names, shape (T, len(leads)).

        Raises:
            EcganError: The record lacks one of them.
        """
        missing = [lead for lead in leads if lead not in self.leads]
        if missing:
            raise EcganError(
                f"record {self.name} has no lead {missing[0]!r}{nearest(missing[0], self.leads)}",
                f"Its leads: {', '.join(self.leads)}.",
            )
        return self.signals[:, [self.leads.index(lead) for lead in leads]]


def read_leads(folder: Path, name: str) -> list[str]:
    """Return the names of a record's ECG leads from its header alone; the name may be a path below the folder."""
    place = folder / name
    return ecg_leads(place.parent, place.name, FETCH_AGAIN)


def read_record(folder: Path, name: str, annotator: str = "atr") -> Record:
    """Read a record of a dataset, in mV, with its reference annotations; the name may be a path below the folder.

    Raises:
        EcganError: A file is missing, cut off, damaged, or in a unit that is no voltage.
    """
    place = folder / name
    content = read_signals(place.parent, place.name, FETCH_AGAIN)
    annotations = read_annotations(place.parent, place.name, annotator, FETCH_AGAIN)
    frames = read_header(place.parent, place.name, FETCH_AGAIN).fs
    factor = content.sampling_rate / (annotations.sampling_rate or frames)
    record = Record(
        name=name,
        signals=content.signals,
        sampling_rate=content.sampling_rate,
        leads=content.leads,
        samples=annotations.samples if factor == 1 else np.rint(annotations.samples * factor).astype(np.int64),
        symbols=annotations.symbols,
        notes=annotations.notes,
        left_out=content.left_out,
        warnings=content.warnings,
    )
    return within(record, f"{place}.{annotator}", FETCH_AGAIN)


def within(record: Record, where: str, hint: str = "They belong to another recording, or to a longer one.") -> Record:
    """Leave out annotations outside the recording, and count them in a warning.

    Raises:
        EcganError: Most of them lie outside: they are of something else.
    """
    inside = (record.samples >= 0) & (record.samples < len(record.signals))
    outside = int(np.sum(~inside))
    if not outside:
        return record
    if 2 * outside > len(inside):
        raise EcganError(
            f"{outside:,} of the {len(inside):,} annotations of {where} lie beyond its {len(record.signals):,}"
            " samples.",
            hint,
        )
    rows = np.flatnonzero(inside)
    warning = f"{outside:,} of {len(inside):,} annotations lie beyond the end of the recording and are left out."
    return replace(
        record,
        samples=record.samples[rows],
        symbols=[record.symbols[row] for row in rows],
        notes=[record.notes[row] for row in rows] if record.notes else [],
        warnings=[*record.warnings, warning],
    )


def write_record(folder: Path, record: Record, *, gain: float = 200.0, storage: str = "212") -> None:
    """Write a record as `.dat`, `.atr` and `.hea`; each file appears whole or not at all, the header last.

    Signals are rounded to 1 / `gain` mV, NaN is written as a missing sample; the storage format is "212" (12 bits a
    sample, as in the MIT-BIH database) or "16".

    Raises:
        EcganError: A value does not fit the format at this gain.
    """
    import wfdb  # takes a while, and reading does without

    digital = _digitise(record, gain, storage)
    channels = len(record.leads)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as part:
        wfdb.wrsamp(
            record.name,
            fs=record.sampling_rate,
            units=["mV"] * channels,
            sig_name=record.leads,
            d_signal=digital,
            fmt=[storage] * channels,
            adc_gain=[gain] * channels,
            baseline=[0] * channels,
            write_dir=part,
        )
        _write_annotations(Path(part), record)
        for suffix in (".dat", ".atr", ".hea"):
            (Path(part) / f"{record.name}{suffix}").replace(folder / f"{record.name}{suffix}")


def _digitise(record: Record, gain: float, storage: str) -> NDArray[np.int64]:
    largest = _RANGE[storage]
    steps = np.rint(record.signals * gain)
    if np.nanmax(np.abs(steps), initial=0.0) > largest:
        raise EcganError(
            f"record {record.name} reaches {np.nanmax(np.abs(record.signals)):.3g} mV; format {storage} at"
            f" {gain:g} steps per mV holds {largest / gain:.3g} mV.",
            'Write it with a lower gain or in format "16".',
        )
    return np.where(np.isnan(steps), -largest - 1, steps).astype(np.int64)


def _write_annotations(folder: Path, record: Record) -> None:
    import wfdb

    if not record.symbols:
        (folder / f"{record.name}.atr").write_bytes(b"\0\0")
        return
    wfdb.wrann(
        record.name,
        "atr",
        sample=record.samples,
        symbol=record.symbols,
        aux_note=record.notes or None,
        write_dir=str(folder),
    )
