"""Ten-second recordings of twelve leads in the two layouts of the database: 18 patients, half of them normal."""

import struct
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
RHYTHMS = {"SR": 70, "AF": 130, "AFIB": 110, "SA": 60, "SB": 45, "ST": 125, "SVT": 170}
SNOMED = {
    "SR": "426783006",
    "AF": "164890007",
    "AFIB": "164889003",
    "SA": "427393009",
    "SB": "426177001",
    "ST": "427084000",
    "SVT": "426761007",
}
PATIENTS = ["SR"] * 9 + [*RHYTHMS][1:] + ["AFIB", "SB", "ST"]


def signals(rhythm: str, seed: int, length: int = 5000) -> NDArray[np.float64]:
    """Narrow peaks at the rhythm's rate and some noise, in microvolts, shape (T, 12)."""
    rng = np.random.default_rng(seed)
    interval = 60 / RHYTHMS[rhythm]
    jitter = 0.2 if rhythm in ("AFIB", "SA") else 0.02
    beats = np.cumsum(interval * (1 + jitter * rng.standard_normal(40).clip(-2, 2)))
    time = np.arange(length)[:, None] / 500
    wave = np.exp(-(((time - beats) / 0.02) ** 2)).sum(axis=1) + 0.2 * np.exp(
        -(((time - beats - 0.25) / 0.06) ** 2)
    ).sum(axis=1)
    size = np.array([0.5, 1, 0.5, -0.7, 0.1, 0.7, -0.8, -0.5, 0.3, 1.2, 1, 0.8])
    return np.round(1000 * wave[:, None] * size + 5 * rng.standard_normal((length, 12)), 1)


def write(raw: Path) -> None:
    """The layout of figshare."""
    (raw / "ECGDataDenoised").mkdir(parents=True, exist_ok=True)
    names = [f"MUSE_2018_{index:05}" for index in range(len(PATIENTS))]
    for index, (name, rhythm) in enumerate(zip(names, PATIENTS, strict=True)):
        write_csv(raw / f"ECGDataDenoised/{name}.csv", signals(rhythm, index))
    write_table(raw / "Diagnostics.xlsx", dict(zip(names, PATIENTS, strict=True)))


def write_csv(file: Path, values: NDArray[np.float64]) -> None:
    """Rows of twelve values without a header."""
    file.write_text("".join(",".join(f"{value:.5g}" for value in row) + "\n" for row in values))


def write_table(file: Path, rhythms: dict[str, str]) -> None:
    """The table of diagnoses."""
    table = pd.DataFrame(
        {"FileName": list(rhythms), "Rhythm": list(rhythms.values()), "Beat": "NONE", "PatientAge": 60}
    )
    table.to_excel(file, index=False)


def write_physionet(raw: Path) -> None:
    """The layout of PhysioNet, with one record of Ningbo and one with a damaged header."""
    for index, rhythm in enumerate(PATIENTS):
        write_record(raw, f"JS{index + 1:05}", [SNOMED[rhythm], "164934002"], signals(rhythm, index))
    write_record(raw, "JS10647", [SNOMED["SR"]], signals("SR", 100))
    write_record(raw, "JS01052", [SNOMED["SR"]], signals("SR", 101))
    header = raw / "WFDBRecords/01/010/JS01052.hea"
    header.write_text(header.read_text().replace("5000\n", "5000", 1))


def write_record(raw: Path, name: str, codes: list[str], values: NDArray[np.float64]) -> None:
    """One record: a MATLAB 4 file of 16-bit samples (1000 a mV), and its header."""
    folder = raw / "WFDBRecords/01/010"
    folder.mkdir(parents=True, exist_ok=True)
    digital = np.rint(values).astype("<i2")
    head = struct.pack("<5i4s", 30, len(LEADS), len(values), 0, 4, b"val\0")
    (folder / f"{name}.mat").write_bytes(head + digital.tobytes())
    lines = [f"{name} 12 500 {len(values)}"]
    lines += [
        f"{name}.mat 16+24 1000/mV 16 0 {digital[0, i]} {int(digital[:, i].sum()) % 65536} 0 {lead}"
        for i, lead in enumerate(LEADS)
    ]
    (folder / f"{name}.hea").write_text("\n".join([*lines, "#Age: 60", "#Sex: Female", f"#Dx: {','.join(codes)}", ""]))
