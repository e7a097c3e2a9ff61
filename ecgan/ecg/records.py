"""Records on disk: signals and annotations in WFDB files (.hea, .dat, .atr)."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import wfdb
from numpy.typing import NDArray

from ecgan.errors import EcganError, nearest

_MILLIVOLT = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "v": 1e3}
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
    """

    name: str
    signals: NDArray[np.float64]
    sampling_rate: float
    leads: list[str]
    samples: NDArray[np.int64]
    symbols: list[str]
    notes: list[str] = field(default_factory=list)

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
    """Return the lead names of a record from its header alone."""
    return list(_read(folder, name, ".hea", wfdb.rdheader).sig_name or [])


def read_record(folder: Path, name: str) -> Record:
    """Read a record with its reference annotations (`.atr`).

    Args:
        folder: Where the files are.
        name: The record's name, the stem of its files.

    Returns:
        The record, in mV.

    Raises:
        EcganError: A file is missing, cut off, damaged, or in a unit that is no voltage.
    """
    content = _read(folder, name, ".dat", _read_signals)
    annotation = _read(folder, name, ".atr", lambda path: wfdb.rdann(path, "atr"))
    _check_end_of_annotations(folder / f"{name}.atr")
    factors = [_millivolts(name, unit) for unit in content.units]
    return Record(
        name=name,
        signals=np.ascontiguousarray(content.p_signal * factors, dtype=np.float64),
        sampling_rate=float(content.fs),
        leads=list(content.sig_name),
        samples=np.asarray(annotation.sample, dtype=np.int64),
        symbols=list(annotation.symbol),
        notes=[note.rstrip("\0") for note in annotation.aux_note],
    )


def write_record(folder: Path, record: Record, *, gain: float = 200.0, storage: str = "212") -> None:
    """Write a record as `.dat`, `.atr` and `.hea`; each file appears whole or not at all, the header last.

    Args:
        folder: Where to; made if it is not there.
        record: The record. Its signals are rounded to 1 / `gain` mV; NaN is written as a missing sample.
        gain: Steps of the digital signal per mV.
        storage: WFDB storage format, "212" (12 bits a sample, as in the MIT-BIH database) or "16".

    Raises:
        EcganError: A value does not fit the format at this gain.
    """
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


def _read(folder: Path, name: str, suffix: str, reader: Any) -> Any:
    """Call a reader of wfdb; whatever it raises on a missing or damaged file becomes one sentence."""
    for needed in dict.fromkeys((".hea", suffix)):
        file = folder / f"{name}{needed}"
        if not file.is_file():
            raise EcganError(f"the file {file} is not there.", "Fetch the dataset again: `ecgan fetch`.")
    try:
        return reader(str(folder / name))
    except Exception as error:
        raise EcganError(
            f"the file {folder / name}{suffix} or its header is damaged: {str(error) or type(error).__name__}",
            "Fetch the dataset again: `ecgan fetch`.",
        ) from error


def _read_signals(path: str) -> Any:
    """Read the digital signal, compare it with the header's checksums, and convert it to physical units."""
    content = wfdb.rdrecord(path, physical=False)
    stored = content.checksum or []
    for lead, expected, found in zip(content.sig_name, stored, content.calc_checksum(), strict=False):
        if expected is not None and (expected - found) % 65536:
            raise ValueError(f"lead {lead} has the checksum {found % 65536}, expected {expected % 65536}")
    content.dac(inplace=True)
    return content


def _check_end_of_annotations(file: Path) -> None:
    with file.open("rb") as handle:
        content = handle.read()
    if len(content) % 2 or not content.endswith(b"\0\0"):
        raise EcganError(
            f"the file {file} is cut off: its end mark is missing.", "Fetch the dataset again: `ecgan fetch`."
        )


def _millivolts(name: str, unit: str) -> float:
    try:
        return _MILLIVOLT[unit.lower()]
    except KeyError:
        raise EcganError(f"record {name} is in {unit!r}, which is no voltage; expected mV, uV or V.") from None


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
