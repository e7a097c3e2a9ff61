"""Simulated records under names of the MIT-BIH Supraventricular Arrhythmia Database: 128 Hz, leads ECG1 and ECG2.

Twelve patients, each with normal and abnormal beats, with the list of hashes that PhysioNet puts beside a database.
"""

import hashlib
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy import signal

from ecgan.ecg.records import Record, write_record
from ecgan.ecg.simulated_patients import simulate

RATE = 128.0
MINUTES = 0.4
NAMES = tuple(str(800 + index) for index in range(12))


def write(raw: Path) -> None:
    """Write the database as it lies in a raw folder."""
    write_database(raw, [record(index, name) for index, name in enumerate(NAMES)])
    note = {"annotator": "atr", "name": "svdb", "version": "1.0.0"}
    (raw / "database.json").write_text(json.dumps(note, indent=2) + "\n")


def write_database(place: Path, records: list[Record], annotator: str = "atr") -> None:
    """Write records, RECORDS and SHA256SUMS.txt, as PhysioNet has them; names may be paths."""
    place.mkdir(parents=True, exist_ok=True)
    for one in records:
        folder, name = (place / one.name).parent, one.name.rsplit("/", 1)[-1]
        write_record(folder, replace(one, name=name))
        if annotator != "atr":
            (folder / f"{name}.atr").rename(folder / f"{name}.{annotator}")
    (place / "RECORDS").write_text("".join(f"{one.name}\n" for one in records))
    write_sums(place)


def write_sums(place: Path) -> None:
    """Write the list of hashes of all files."""
    files = sorted(file for file in place.rglob("*") if file.is_file() and file.name != "SHA256SUMS.txt")
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()} {file.relative_to(place).as_posix()}\n" for file in files
    ]
    (place / "SHA256SUMS.txt").write_text("".join(lines))


def record(index: int, name: str, rate: float = RATE, leads: tuple[str, ...] = ("ECG1", "ECG2")) -> Record:
    """A simulated patient at another rate; every seventh beat is called supraventricular."""
    made = simulate(index, 9, MINUTES, 0.5, 1.0)
    ratio = Fraction(rate) / Fraction(made.sampling_rate)
    signals = np.round(signal.resample_poly(made.signals, ratio.numerator, ratio.denominator, axis=0) * 200) / 200
    symbols = list(made.symbols)
    beats = [place for place, symbol in enumerate(symbols) if symbol in "NLRAVF"]
    for place in beats[3::7]:
        symbols[place] = "S"
    samples = np.minimum(np.rint(made.samples * rate / made.sampling_rate).astype(np.int64), len(signals) - 1)
    return Record(name, signals[:, : len(leads)], rate, list(leads), samples, symbols, list(made.notes))
