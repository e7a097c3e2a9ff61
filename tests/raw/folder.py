"""A made-up raw folder of the dataset `folder`: the inventory of six patients' recordings, which lie beside it."""

import atexit
import shutil
from pathlib import Path

import numpy as np

from ecgan.datasets.folder import FetchOptions, Folder
from ecgan.ecg.records import Record, write_record

PATIENTS = 6
BEATS = 24


def write(raw: Path) -> None:
    """Write recordings and fetch them; the recordings go when the tests end."""
    recordings = raw.parent / f"{raw.name}-recordings"
    atexit.register(shutil.rmtree, recordings, ignore_errors=True)
    write_recordings(recordings)
    raw.mkdir(parents=True, exist_ok=True)
    Folder().fetch(raw, FetchOptions(path=str(recordings)), seed=0)


def write_recordings(folder: Path) -> None:
    """Write one annotated WFDB record a patient: a beat a second, every fourth one premature and wide."""
    for patient in range(PATIENTS):
        write_record(folder, recording(f"p{patient}", patient))


def recording(name: str, seed: int, rate: float = 360.0, leads: tuple[str, ...] = ("MLII", "V1")) -> Record:
    """Return an annotated recording of two leads: QRS complexes as narrow or wide bumps, and noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(round((BEATS + 1) * rate)) / rate
    signal = np.zeros(len(time))
    symbols = ["V" if beat % 4 == 3 else "N" for beat in range(BEATS)]
    at = np.array([beat + 1 - 0.2 * (symbol == "V") for beat, symbol in enumerate(symbols)]) - 0.2
    for centre, symbol in zip(at, symbols, strict=True):
        width = 0.04 if symbol == "V" else 0.012
        signal += (1.5 if symbol == "V" else 1.0) * np.exp(-(((time - centre) / width) ** 2) / 2)
        signal += 0.2 * np.exp(-(((time - centre - 0.25) / 0.05) ** 2) / 2)
    signals = np.stack([signal * (1 - 0.4 * index) for index in range(len(leads))], axis=1)
    signals += rng.normal(0, 0.01, signals.shape)
    return Record(name, np.round(signals * 200) / 200, rate, list(leads), np.rint(at * rate).astype(np.int64), symbols)
