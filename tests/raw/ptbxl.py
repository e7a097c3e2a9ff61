"""Recordings as in PTB-XL: twelve leads, ten seconds, at 100 and 500 Hz, with both tables.

Two patients or three in each of the ten folds: one normal recording of each, and of two one abnormal.
"""

from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray

LEADS = ("I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6")
STATEMENTS = {  # description, diagnostic, form, rhythm, diagnostic class
    "NDT": ("non-diagnostic T abnormalities", 1, 1, 0, "STTC"),
    "NORM": ("normal ECG", 1, 0, 0, "NORM"),
    "IMI": ("inferior myocardial infarction", 1, 0, 0, "MI"),
    "LVH": ("left ventricular hypertrophy", 1, 0, 0, "HYP"),
    "CLBBB": ("complete left bundle branch block", 1, 0, 0, "CD"),
    "1AVB": ("first degree AV block", 1, 0, 0, "CD"),
    "PVC": ("ventricular premature complex", 0, 1, 0, ""),
    "SR": ("sinus rhythm", 0, 0, 1, ""),
    "AFIB": ("atrial fibrillation", 0, 0, 1, ""),
}
NORMAL = "{'NORM': 100.0, 'SR': 0.0}"
ABNORMAL = (
    "{'IMI': 100.0, 'LVH': 50.0, 'SR': 0.0}",
    "{'NDT': 80.0, 'AFIB': 0.0}",
    "{'NORM': 80.0, '1AVB': 100.0, 'SR': 0.0}",
    "{'CLBBB': 100.0, 'PVC': 100.0}",
)

Row = tuple[str, int, str]
"""Patient, fold, statements."""

ROWS: list[Row] = [(f"{1000 + number}.0", number % 10 + 1, NORMAL) for number in range(24)]
ROWS += [(f"{1000 + number}.0", number % 10 + 1, ABNORMAL[number % 4]) for number in range(20)]


def write(raw: Path, rows: list[Row] = ROWS, rates: tuple[int, ...] = (100,)) -> None:
    """Write the database as PhysioNet lays it out."""
    raw.mkdir(parents=True, exist_ok=True)
    heads = ("ecg_id", "patient_id", "age", "report", "scp_codes", "strat_fold", "filename_lr", "filename_hr")
    lines = [",".join(heads)]
    for index, (patient, fold, codes) in enumerate(rows, 1):
        slow, fast = place(index, 100), place(index, 500)
        lines.append(f'{index},{patient},56.0,"sinusrhythmus, sonst normal",{quoted(codes)},{fold},{slow},{fast}')
        for rate in rates:
            write_recording(raw / place(index, rate), index, "NORM" in codes, rate)
    (raw / "ptbxl_database.csv").write_text("\n".join(lines) + "\n")
    lines = [",description,diagnostic,form,rhythm,diagnostic_class"]
    for code, (words, *kinds, name) in STATEMENTS.items():
        lines.append(",".join([code, words, *("1.0" if kind else "" for kind in kinds), name]))
    (raw / "scp_statements.csv").write_text("\n".join(lines) + "\n")


def quoted(codes: str) -> str:
    """A field that holds commas."""
    return f'"{codes}"'


def place(index: int, rate: int) -> str:
    """Where a recording is."""
    return f"records{rate}/00000/{index:05}_{'lr' if rate == 100 else 'hr'}"


def write_recording(file: Path, seed: int, normal: bool, rate: int) -> None:
    """Peaks once a second, wide ones where it is abnormal, in twelve leads of different size."""
    file.parent.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        file.name,
        fs=rate,
        units=["mV"] * 12,
        sig_name=list(LEADS),
        d_signal=np.rint(1000 * signals(seed, normal, rate)).astype(np.int64),
        fmt=["16"] * 12,
        adc_gain=[1000] * 12,
        baseline=[0] * 12,
        write_dir=str(file.parent),
    )


def signals(seed: int, normal: bool, rate: int) -> NDArray[np.float64]:
    """The signals of a recording, mV, shape (T, 12)."""
    rng = np.random.default_rng(seed)
    time = np.arange(10 * rate) / rate
    wave = np.exp(-((((time - rng.random()) % 1 - 0.5) / (0.03 if normal else 0.1)) ** 2))
    return wave[:, None] * (0.3 + 0.1 * np.arange(12)) + 0.01 * rng.standard_normal((len(time), 12))
