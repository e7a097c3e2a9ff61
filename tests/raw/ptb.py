"""Records as in the PTB Diagnostic ECG Database: 1000 Hz, format 16, the diagnosis in the header's comments.

Eight healthy people and eight with an infarction, one of them with two records; one with another disease, and one whose
header does not say. Three leads instead of fifteen; the Frank lead's file is named and not there, as after fetching.
"""

from pathlib import Path

import numpy as np
import wfdb
from scipy import signal

from ecgan.ecg.simulated_patients import simulate

RATE = 1000
SECONDS = 15.0
REASONS = [
    *["Healthy control"] * 8,
    *["Myocardial infarction"] * 8,
    "Cardiomyopathy",
    "n/a",
]
NAMES = [f"patient{i + 1:03d}/s{i + 10:04d}_re" for i in range(len(REASONS))]
SECOND = "patient009/s0099lre"


def write(raw: Path) -> None:
    """Write the records and the file RECORDS."""
    for index, (name, reason) in enumerate(zip(NAMES, REASONS, strict=True)):
        write_one(raw / name, index, reason)
    write_one(raw / SECOND, 40, REASONS[8])
    (raw / "RECORDS").write_text("".join(f"{name}\n" for name in sorted([*NAMES, SECOND])))


def write_one(place: Path, index: int, reason: str) -> None:
    """Write a record: `.hea` and `.dat`."""
    made = simulate(index, 5, SECONDS / 60, 0.3, 1.0)
    fast = signal.resample_poly(made.signals, 25, 9, axis=0)  # 360 Hz to 1000 Hz
    if reason == "Myocardial infarction":
        fast = -0.4 * fast
    signals = np.column_stack([fast[:, 0] * 0.5, fast[:, 0], fast[:, 1]])
    place.parent.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        place.name,
        fs=RATE,
        units=["mV"] * 3,
        sig_name=["i", "ii", "v1"],
        d_signal=np.rint(signals * 2000).astype(np.int64),
        fmt=["16"] * 3,
        adc_gain=[2000] * 3,
        baseline=[0] * 3,
        comments=["age: 50", "Diagnose:", f"Reason for admission: {reason}", "Smoker: no"],
        write_dir=str(place.parent),
    )
    header = place.with_suffix(".hea")
    lines = header.read_text().splitlines()
    lines[0] = lines[0].replace(f"{place.name} 3 ", f"{place.name} 4 ")
    frank = f"{place.name}.xyz 16 2000(0)/mV 16 0 0 0 0 vx"
    header.write_text("\n".join([*lines[:4], frank, *lines[4:]]) + "\n")
