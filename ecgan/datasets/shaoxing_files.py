"""The files of the Chapman-Shaoxing database, in the two layouts in which it is published.

On figshare: `Diagnostics.xlsx` and `ECGDataDenoised/<name>.csv`, rows of 12 values in microvolts, without a header.
On PhysioNet (`ecg-arrhythmia`): `WFDBRecords/**/<name>.hea` and `.mat`, with SNOMED CT codes in the header's comments.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import wfdb
from numpy.typing import NDArray

from ecgan.datasets.archives import Limits, check_archive
from ecgan.datasets.names import check_names
from ecgan.datasets.workbooks import check_workbook
from ecgan.ecg.leads import canonical_lead
from ecgan.errors import EcganError
from ecgan.files import numbers_of, read_text

SAMPLING_RATE = 500.0
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

CLASSES = ("SR", "AF", "AFIB", "AT", "AVNRT", "AVRT", "SA", "SAAWR", "SB", "ST", "SVT")
"""Rhythms: sinus rhythm is normal; atrial flutter, atrial fibrillation, atrial tachycardia, the two reentrant
tachycardias, sinus irregularity, wandering rhythm, sinus bradycardia and tachycardia, supraventricular tachycardia."""

DIAGNOSTICS = "Diagnostics.xlsx"
SIGNALS = "ECGDataDenoised"
RECORDS = "WFDBRecords"
SHAOXING_LAST = 10646
"""On PhysioNet the recordings of Shaoxing are JS00001 to JS10646 (with gaps), the later ones are of Ningbo."""

_SPELLINGS = {"SI": "SA", "SI/SA": "SA"}
_SNOMED = {
    "426783006": "SR",
    "164890007": "AF",
    "164889003": "AFIB",
    "713422000": "AT",
    "233896004": "AVNRT",
    "233897008": "AVRT",
    "427393009": "SA",
    "195101003": "SAAWR",
    "17366009": "SAAWR",
    "426177001": "SB",
    "427084000": "ST",
    "426761007": "SVT",
}
_RECORD = re.compile(r"(?:^|.*/)WFDBRecords/(\d\d/\d{3}/JS(\d{5})\.(?:hea|mat))")
_FIRST_LINE = re.compile(r"(\S+)\s+12\s+500\s+\d+\s*")
_LARGEST = 16 << 20
_WORKBOOK = Limits(members=100, size=64 << 20)


@dataclass(frozen=True)
class Recording:
    """A recording that can be used.

    Attributes:
        name: Its name.
        file: Its signal file (.csv) or header (.hea), below the raw folder.
        rhythm: One of `CLASSES`.
    """

    name: str
    file: str
    rhythm: str


def pick_figshare(name: str) -> str | None:
    """Take the table of diagnoses and the denoised signals, in whatever folder they are."""
    path = PurePosixPath(name)
    if path.name == DIAGNOSTICS:
        return DIAGNOSTICS
    wanted = path.suffix == ".csv" and path.parent.name == SIGNALS and not path.name.startswith(".")
    return f"{SIGNALS}/{path.name}" if wanted and "__MACOSX" not in path.parts else None


def pick_physionet(name: str, ningbo: bool) -> str | None:
    """Take the records of Shaoxing, or those of Ningbo as well."""
    found = _RECORD.fullmatch(name)
    wanted = found is not None and (ningbo or int(found[2]) <= SHAOXING_LAST)
    return f"{RECORDS}/{found[1]}" if found and wanted else None


def list_recordings(raw: Path) -> tuple[list[Recording], str]:
    """Return the recordings in a raw folder by name, and in words what was left out.

    Raises:
        EcganError: There are none, or a file has no diagnosis.
    """
    if (raw / DIAGNOSTICS).is_file():
        return _list_figshare(raw)
    if (raw / RECORDS).is_dir():
        return _list_physionet(raw)
    raise EcganError(
        f"{raw} has neither {DIAGNOSTICS} nor a folder {RECORDS}.", "Fetch the dataset first: `ecgan fetch`."
    )


def read_diagnostics(file: Path) -> dict[str, str]:
    """Return the rhythm of every recording that the table of diagnoses names."""
    import pandas as pd

    try:
        check_archive(file, _WORKBOOK)
        check_workbook(file)
        table = pd.read_excel(file, usecols=["FileName", "Rhythm"], dtype=str)
    except (EcganError, MemoryError):
        raise
    except Exception as error:
        raise EcganError(
            f"{file} is no workbook with the columns FileName and Rhythm, or is damaged.",
            "Fetch it again: `ecgan fetch`.",
        ) from error
    names = [str(name).strip() for name in table["FileName"]]
    check_names(names, str(file))
    rhythms = [str(rhythm).strip().upper() for rhythm in table["Rhythm"]]
    rhythms = [_SPELLINGS.get(rhythm, rhythm) for rhythm in rhythms]
    for name, rhythm in zip(names, rhythms, strict=True):
        if rhythm not in CLASSES:
            raise EcganError(
                f"{file}: the rhythm of {name} is {rhythm!r}; there are {', '.join(CLASSES)}.",
                "Fetch it again, or leave the record out: preprocess.on_error.",
            )
    return dict(zip(names, rhythms, strict=True))


def _list_figshare(raw: Path) -> tuple[list[Recording], str]:
    rhythms = read_diagnostics(raw / DIAGNOSTICS)
    names = sorted(file.stem for file in (raw / SIGNALS).glob("*.csv"))
    if not names:
        raise EcganError(f"there is no recording in {raw / SIGNALS}.", "Fetch the dataset again: `ecgan fetch`.")
    for name in names:
        if name not in rhythms:
            raise EcganError(f"{DIAGNOSTICS} does not name the recording {name}.", "Remove the file, or add a row.")
    absent = len(rhythms) - len(names)
    note = f"recordings of {DIAGNOSTICS} that are not there: {absent:,}" if absent else ""
    return [Recording(name, f"{SIGNALS}/{name}.csv", rhythms[name]) for name in names], note


def _list_physionet(raw: Path) -> tuple[list[Recording], str]:
    found, left_out = [], Counter[str]()
    for header in sorted((raw / RECORDS).rglob("*.hea"), key=lambda file: file.stem):
        rhythm, reason = _rhythm(header)
        if rhythm:
            found.append(Recording(header.stem, header.relative_to(raw).as_posix(), rhythm))
        else:
            left_out[reason] += 1
    if not found:
        raise EcganError(
            f"no record in {raw / RECORDS} has one of the rhythms {', '.join(CLASSES)}.",
            "Fetch it again: `ecgan fetch`.",
        )
    notes = ", ".join(f"{count:,} {reason}" for reason, count in sorted(left_out.items()))
    return found, f"recordings left out: {notes}" if notes else ""


def _rhythm(header: Path) -> tuple[str, str]:
    """Return the rhythm that a header names, or the reason why there is none."""
    lines = header.read_text(encoding="utf-8", errors="replace").splitlines()
    first = _FIRST_LINE.fullmatch(lines[0]) if lines else None
    if first is None or first[1] != header.stem:
        return "", "with a damaged header"  # JS01052 and JS23074 lack a line break, as they are published
    codes = [code for line in lines if (dx := re.match(r"#\s*Dx:(.*)", line)) for code in dx[1].split(",")]
    rhythms = {_SNOMED[code.strip()] for code in codes if code.strip() in _SNOMED}
    if len(rhythms) == 1:
        return rhythms.pop(), ""
    return "", "with several rhythms" if rhythms else "with another rhythm"


def read_recording(raw: Path, recording: Recording) -> NDArray[np.float64]:
    """Read a recording.

    Returns:
        mV, shape (T, 12), the leads in the order of `LEADS`; NaN where a sample is missing.

    Raises:
        EcganError: The file is damaged, or does not have twelve leads at 500 Hz.
    """
    file = raw / recording.file
    signals = _read_csv(file) if file.suffix == ".csv" else _read_wfdb(file)
    if signals.shape[1] != len(LEADS):
        raise EcganError(f"{file} has {signals.shape[1]} channels; expected the {len(LEADS)} leads.", _AGAIN)
    return signals


_AGAIN = "Fetch the dataset again: `ecgan fetch`."


def _read_csv(file: Path) -> NDArray[np.float64]:
    lines = read_text(file, _AGAIN, most=_LARGEST).splitlines()
    header = [canonical_lead(name) for name in lines[0].split(",")] if lines else []
    if header == [canonical_lead(lead) for lead in LEADS]:
        lines = lines[1:]
    return numbers_of(file, lines, ",", _AGAIN) / 1000.0  # microvolts to mV


def _read_wfdb(header: Path) -> NDArray[np.float64]:
    """Read a record of PhysioNet; its files were checked against their hashes when they were fetched."""
    try:
        record = wfdb.rdrecord(str(header.with_suffix("")))
    except Exception as error:
        raise EcganError(f"the record {header} is damaged: {str(error) or type(error).__name__}", _AGAIN) from None
    leads = [canonical_lead(lead) for lead in record.sig_name]
    if leads != [canonical_lead(lead) for lead in LEADS] or {unit.lower() for unit in record.units} != {"mv"}:
        raise EcganError(
            f"the record {header} has the leads {', '.join(record.sig_name)} in {', '.join(sorted(set(record.units)))};"
            f" expected {', '.join(LEADS)} in mV.",
            "Fetch it again, or leave the record out: preprocess.on_error.",
        )
    if record.fs != SAMPLING_RATE:
        raise EcganError(
            f"the record {header} has {record.fs:g} Hz; expected {SAMPLING_RATE:g}.",
            "Fetch it again, or leave the record out: preprocess.on_error.",
        )
    return np.asarray(record.p_signal, dtype=np.float64)
