"""Simulated records under names of the MIT-BIH Arrhythmia Database, for the datasets that are cut from it.

102 is paced and has no MLII, 114 has its leads the other way round, 201 and 202 are of one man; eleven patients of DS1
and six of DS2 have normal and abnormal beats.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ecgan.ecg.records import Record, write_record
from ecgan.ecg.simulated_patients import simulate

DS1 = ("101", "106", "108", "109", "114", "119", "201", "205", "208", "215", "223")
DS2 = ("100", "103", "111", "200", "202", "213")
NAMES = (*DS1, *DS2, "102")
MINUTES = 0.4


def write(raw: Path) -> None:
    """Write the records and the file RECORDS."""
    raw.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(sorted(NAMES)):
        write_record(raw, record(index, name))
    (raw / "RECORDS").write_text("".join(f"{name}\n" for name in sorted(NAMES)))


def record(index: int, name: str) -> Record:
    """A simulated patient; every seventh beat is called ventricular, so that each has beats of both kinds."""
    made = replace(simulate(index, 9, MINUTES, 0.5, 1.0), name=name)
    symbols = list(made.symbols)
    beats = [i for i, symbol in enumerate(symbols) if symbol in "NLRAVF"]
    for i in beats[3::7]:
        symbols[i] = "V"
    if name == "102":
        leads, symbols = ["V5", "V2"], ["/" if i in beats else symbol for i, symbol in enumerate(symbols)]
        return replace(made, leads=leads, symbols=symbols)
    if name == "114":
        return replace(made, leads=["V5", "MLII"], signals=np.ascontiguousarray(made.signals[:, ::-1]), symbols=symbols)
    return replace(made, symbols=symbols)
