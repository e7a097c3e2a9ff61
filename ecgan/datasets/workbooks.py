"""Workbooks (XLSX) from outside, looked through before another library reads them whole."""

import re
import zipfile
from pathlib import Path
from xml.parsers import expat

from ecgan.errors import EcganError

MOST_ROW, MOST_COLUMN = 100_000, 256
"""The last row and column that are read; what lies between the filled ones costs as much as they."""

MOST_ELEMENTS = 1_000_000
"""Most elements of all its parts together: rows, cells, texts, formats."""

_CHUNK = 1 << 16
_CELL = re.compile(r"([A-Z]{1,7})(\d{1,10})")


class _Inspector:
    """Counts what a workbook's parts hold, and stops where it is too much."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.elements = 0

    def look(self, member: str, archive: zipfile.ZipFile) -> None:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.StartDoctypeDeclHandler = self._doctype
        with archive.open(member) as part:
            while chunk := part.read(_CHUNK):
                parser.Parse(chunk, False)
        parser.Parse(b"", True)

    def _doctype(self, *_: object) -> None:
        raise EcganError(f"the workbook {self.file} was refused: it defines entities.", _AGAIN)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        if self.elements > MOST_ELEMENTS:
            raise EcganError(f"the workbook {self.file} has more than {MOST_ELEMENTS:,} elements.", _AGAIN)
        kind = name.rpartition(":")[2]
        if kind == "row":
            self._within(int(attributes.get("r", "1")), 1)
        elif kind == "c" and (found := _CELL.fullmatch(attributes.get("r", ""))):
            self._within(int(found[2]), _number(found[1]))
        elif kind == "col":
            self._within(1, int(attributes.get("min", "1")))

    def _within(self, row: int, column: int) -> None:
        if row > MOST_ROW or column > MOST_COLUMN:
            raise EcganError(
                f"the workbook {self.file} was refused: it has a cell in row {row:,}, column {column:,}; at most"
                f" {MOST_ROW:,} rows and {MOST_COLUMN} columns are read.",
                _AGAIN,
            )


_AGAIN = "Take it from where it was published, or save its sheet anew."


def check_workbook(file: Path) -> None:
    """Refuse a workbook that would cost far more than what it shows, such as one of a few cells in row 2,000,000,000.

    Raises:
        EcganError: It has too many rows, columns or elements, or is damaged.
    """
    inspector = _Inspector(file)
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.namelist():
                try:
                    inspector.look(member, archive)
                except expat.ExpatError:
                    if member.endswith((".xml", ".rels")):
                        raise  # others are pictures and the like
    except (expat.ExpatError, ValueError, zipfile.BadZipFile) as error:
        raise EcganError(f"{file} is no workbook, or is damaged.", _AGAIN) from error


def _number(letters: str) -> int:
    """Return the number of the column that letters name: A is 1, Z 26, AA 27."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number
