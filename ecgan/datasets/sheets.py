"""The sheets beside a user's recordings: `labels.csv` (file, label or file, sample, label) and `patients.csv`."""

import csv
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError, nearest
from ecgan.files import LARGEST_TABLE, read_bytes

_PLACES = {"time", "time_s", "seconds", "position", "onset", "r_peak", "peak"}
"""Columns that say where a label is, otherwise than by the number of a sample."""

_SEPARATOR = re.compile(r'"?sep=.?"?[\t,; ]*', re.IGNORECASE)
"""The first line by which a spreadsheet program is told the separator."""


@dataclass(frozen=True)
class Labels:
    """What `labels.csv` says.

    Attributes:
        of_recording: Label of everything in a recording, by its name.
        at: Positions (samples at the recording's own rate, ascending, shape (m,)) and labels of the samples of a
            recording, by its name.
    """

    of_recording: dict[str, str]
    at: dict[str, tuple[NDArray[np.int64], list[str]]]

    def all(self) -> list[str]:
        """Return every label that occurs, sorted."""
        return sorted({*self.of_recording.values(), *(label for _, labels in self.at.values() for label in labels)})


def read_labels(file: Path, recordings: Collection[str]) -> Labels:
    """Read labels of recordings, or of positions in them: CSV with the columns `file` and `label`, perhaps `sample`.

    Raises:
        EcganError: A column, a label or a recording is missing, or a row makes no sense.
    """
    rows = _rows(file, ["file", "label"])
    named = set(rows[0][1]) if rows else set[str]()
    if "sample" not in named and (other := sorted(named & _PLACES)):
        raise EcganError(
            f"{file} has a column {other[0]!r} and none 'sample', so that nobody can tell what its labels are of.",
            "Positions are numbers of samples, from 0, in the column `sample`; labels of whole recordings need none.",
        )
    of_recording: dict[str, str] = {}
    at: dict[str, list[tuple[int, str]]] = {}
    for number, row in rows:
        name = _recording(file, number, row["file"], recordings)
        if not row["label"]:
            raise EcganError(f"{file}, line {number}: there is no label.", "Mend that line.")
        if "sample" in row:
            position = re.fullmatch(r"(\d{1,15})(\.0*)?", row["sample"])
            if position is None:
                raise EcganError(
                    f"{file}, line {number}: {row['sample']!r} is no position, a whole number from 0.",
                    "Mend that line.",
                )
            at.setdefault(name, []).append((int(position[1]), row["label"]))
        elif of_recording.setdefault(name, row["label"]) != row["label"]:
            raise EcganError(
                f"{file}, line {number}: {row['file']} has two labels, {of_recording[name]} as well.", "Mend that line."
            )
    _complete(file, recordings, of_recording.keys() | at.keys(), "label")
    ordered = {name: sorted(marks) for name, marks in at.items()}
    for name, marks in ordered.items():
        if len({position for position, _ in marks}) < len(marks):
            raise EcganError(f"{file} has two labels for one position of {name}.", "Keep one row for each position.")
    columns = {name: tuple(zip(*marks, strict=True)) for name, marks in ordered.items()}
    return Labels(of_recording, {name: (np.array(at, np.int64), list(of)) for name, (at, of) in columns.items()})


def read_patients(file: Path, recordings: Collection[str]) -> dict[str, str]:
    """Read whose each recording is: CSV with a header, columns `file` and `patient`.

    Raises:
        EcganError: A column, a patient or a recording is missing, or a recording has two patients.
    """
    patients: dict[str, str] = {}
    for number, row in _rows(file, ["file", "patient"]):
        name = _recording(file, number, row["file"], recordings)
        if not row["patient"]:
            raise EcganError(f"{file}, line {number}: there is no patient.", "Mend that line.")
        if patients.setdefault(name, row["patient"]) != row["patient"]:
            raise EcganError(
                f"{file}, line {number}: {row['file']} has two patients, {patients[name]} as well.", "Mend that line."
            )
    _complete(file, recordings, patients.keys(), "patient")
    return patients


def patients_by_folder(recordings: Collection[str]) -> dict[str, str]:
    """Return the folder that a recording lies in, the first below the top, or its own name if it lies at the top."""
    return {name: PurePosixPath(name).parts[0] for name in recordings}


def _rows(file: Path, needed: list[str]) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a sheet with their line numbers; names of columns are lower case."""
    lines = _text(read_bytes(file, LARGEST_TABLE)).splitlines()
    above = 1 if lines and _SEPARATOR.fullmatch(lines[0]) else 0
    separator = next((sign for sign in "\t;," if lines[above:] and sign in lines[above]), ",")
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines[above:], delimiter=separator)]
    except csv.Error as error:
        raise EcganError(f"{file} is no table: a line in it is one long word.", "Mend that line.") from error
    header = [cell.casefold() for cell in rows[0]] if rows else []
    if missing := [name for name in needed if name not in header]:
        raise EcganError(
            f"{file} has no column {missing[0]!r}; its columns: {', '.join(header) or 'none'}.",
            f"The first line names the columns: {','.join(needed)}.",
        )
    found = []
    for number, row in enumerate(rows[1:], 2 + above):
        if not any(row):
            continue
        if len(row) != len(header):
            raise EcganError(f"{file}, line {number}: {len(row)} cells, expected {len(header)}.", "Mend that line.")
        found.append((number, dict(zip(header, row, strict=True))))
    return found


def _text(content: bytes) -> str:
    """Decode a sheet: UTF-8, UTF-16 with its mark, or what programs on Windows write otherwise."""
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _recording(file: Path, number: int, cell: str, recordings: Collection[str]) -> str:
    path = PurePosixPath(cell.replace("\\", "/"))
    wanted = (path.as_posix(), path.with_suffix("").as_posix() if path.name else "")
    for name in wanted:
        if name in recordings:
            return name
    same = [name for name in recordings if normalize("NFC", name) in {normalize("NFC", one) for one in wanted}]
    if not same:
        folded = {_folded(one) for one in wanted}
        same = [name for name in recordings if _folded(name) in folded]
    if len(same) == 1:  # a Mac takes letters and their accents apart, Windows does not tell a from A
        return same[0]
    raise EcganError(
        f"{file}, line {number}: there is no recording {cell!r}{nearest(cell, sorted(recordings)) or '.'}",
        "Files are named by their path below the folder, with or without the ending.",
    )


def _folded(name: str) -> str:
    return normalize("NFC", name).casefold()


def _complete(file: Path, recordings: Collection[str], known: Collection[str], what: str) -> None:
    if missing := sorted(set(recordings) - set(known)):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise EcganError(f"{file} has no {what} for {missing[0]}{more}.", "Add a row for each recording.")
