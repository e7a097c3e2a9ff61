"""Cells of text: numbers, signs between the thousands, and a unit behind each number."""

import functools
import re

from ecgan.ecg.files.channels import millivolts
from ecgan.ecg.files.times import is_unit

NOTHING = ("", "-", "nan", "NaN", "NAN", "NA", "n/a", "null")
"""Cells in which nothing stands, whatever they are of."""
MISSING = (*NOTHING, "--", "---", "-nan", "-NaN", "N/A", "NULL", "None", "none", "<NA>", "\\N")
"""Cells that mark a missing sample."""

_POINT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
_COMMA = re.compile(r"[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
_APART = "'\u2019\u00a0\u2009\u202f"
"""Signs between thousands that are no decimal sign: apostrophes, and blanks that do not break."""
_GROUPS = {
    decimal: re.compile(rf"[+-]?[1-9]\d{{0,2}}([{other}{_APART}])\d{{3}}(\1\d{{3}})*({re.escape(decimal)}\d*)?")
    for decimal, other in ((".", ","), (",", "."))
}
_MEASURED = re.compile(r"([+-]?[\d.,].*?)[ \u00a0]?([a-zA-Z\u00b5\u03bc]+)")


_REMEMBERED = 1 << 13
"""Cells; a file is looked at in several readings."""


@functools.lru_cache(_REMEMBERED)
def is_number(cell: str, decimal: str) -> bool:
    """Whether a cell is a number, or marks a missing one; "1,234" is none where commas are no decimal signs."""
    return cell in MISSING or bool((_COMMA if decimal == "," else _POINT).fullmatch(cell)) or is_grouped(cell, decimal)


def is_grouped(cell: str, decimal: str, surely: bool = True) -> bool:
    """Whether signs stand between the thousands of a number, which can be no decimal signs if `surely`."""
    found = _GROUPS[decimal].fullmatch(cell)
    return found is not None and (not surely or bool(found[2] or found[3]) or found[1] in _APART)


@functools.lru_cache(_REMEMBERED)
def may_be_number(cell: str, decimal: str) -> bool:
    """Whether a cell is a number, if signs such as that of "1,234" stand between thousands."""
    return is_number(cell, decimal) or is_grouped(cell, decimal, surely=False)


def number_in(cell: str, decimal: str) -> float:
    """Return the number that a cell says, perhaps with signs between the thousands."""
    if cell in MISSING:
        return float("nan")
    for sign in (*_APART, "," if decimal == "." else "."):
        cell = cell.replace(sign, "")
    return float(cell.replace(",", "."))


@functools.lru_cache(_REMEMBERED)
def parted(cell: str) -> tuple[str, str]:
    """Return the number and the unit of a cell such as "0.12 mV"; without a voltage or unit of time the cell and ""."""
    found = _MEASURED.fullmatch(cell)
    return (found[1], found[2]) if found and (millivolts(found[2]) is not None or is_unit(found[2])) else (cell, "")
