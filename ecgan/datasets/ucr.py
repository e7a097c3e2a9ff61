"""Files of the UCR/UEA time-series archive: series of equal length, one variable, each with a class label.

One format a suffix: `.arff` (a header, then commas, the label last), `.ts` (a header, then commas and a colon before
the label), `.tsv` and `.txt` (the label first, then tabs or blanks).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError
from ecgan.files import numbers_of, read_text

SUFFIXES = (".arff", ".ts", ".tsv", ".txt")
"""In the order in which they are preferred where there are several."""

_LARGEST = 256 << 20


@dataclass(frozen=True)
class Series:
    """The series of one file.

    Attributes:
        values: float64, shape (n, L), all finite.
        labels: The labels as the file has them, whole numbers, int64, shape (n,).
    """

    values: NDArray[np.float64]
    labels: NDArray[np.int64]


def read_series(file: Path, length: int) -> Series:
    """Read a file of the archive, in the format of its suffix.

    Raises:
        EcganError: The file is no such file, or a row is not `length` numbers and a label; the message names the row.
    """
    lines = read_text(file, "Fetch the dataset first.", most=_LARGEST, errors="replace").splitlines()  # prose
    header, rows = _parts(file, lines) if file.suffix in (".arff", ".ts") else (0, lines)
    if header not in (0, length + 1):
        raise EcganError(
            f"{file} declares {header} attributes; expected {length} values and a label.",
            "Fetch it again: `ecgan fetch`.",
        )
    if file.suffix == ".ts":
        rows = [row.replace(":", ",") for row in rows]
    rows = [row for row in rows if row.strip() and not row.startswith("%")]
    table = numbers_of(file, rows, "," if file.suffix in (".arff", ".ts") else None)
    if table.shape[1] != length + 1:
        raise EcganError(
            f"{file} has rows of {table.shape[1]} numbers; expected {length} values and a label.",
            "Fetch it again: `ecgan fetch`.",
        )
    unusable = ~np.isfinite(table).all(axis=1)
    if unusable.any():
        raise EcganError(
            f"{file}, data row {int(unusable.argmax()) + 1}, holds NaN or infinity.", "Fetch it again: `ecgan fetch`."
        )
    first = file.suffix in (".tsv", ".txt")
    labels, values = (table[:, 0], table[:, 1:]) if first else (table[:, -1], table[:, :-1])
    whole = labels == np.rint(labels)
    if not whole.all():
        row = int(whole.argmin())
        raise EcganError(
            f"{file}, data row {row + 1}, has the label {labels[row]:g}, which is no whole number.",
            "Fetch it again: `ecgan fetch`.",
        )
    return Series(np.ascontiguousarray(values), labels.astype(np.int64))


def _parts(file: Path, lines: list[str]) -> tuple[int, list[str]]:
    """Return how many attributes the header declares (0: it does not say) and the lines after it."""
    attributes = 0
    for number, line in enumerate(lines):
        word = line.split(maxsplit=1)[0].lower() if line.strip() else ""
        attributes += word == "@attribute"
        if word == "@data":
            return attributes, lines[number + 1 :]
    raise EcganError(
        f"{file} has no line @data: it is no {file.suffix[1:]} file, or is cut off.", "Fetch it again: `ecgan fetch`."
    )
