"""Tables with a row for each lead and a column for each time step, which are turned round before they are read."""

import csv
from collections.abc import Iterator, Sequence
from itertools import chain

from ecgan.ecg.files.cells import is_number
from ecgan.ecg.files.layout import BLANKS, cells_of, lines_of

_FEWEST = 529
"""Cells of a row that is none of a time step; so many columns are read in no other way."""
_MOST_UNNAMED = 16
"""More rows without names are rather samples than leads."""
_MOST_ABOVE = 50
_MOST_BYTES = 1 << 25


def turned_round(content: bytes, most: int) -> bytes | None:
    """Return a table of at most so many leads with one row a time step; None where it has no row for each lead.

    The leads are the last rows, each of as many cells; the first cell of each may be its name, or a number that counts
    the rows. Short lines above stay.
    """
    end = content[-2 * _FEWEST :].rstrip()
    if b"\n" in end or len(content) > _MOST_BYTES or content.count(b"\n") > most + _MOST_ABOVE:
        return None
    lines = [line for line in lines_of(content) if line.strip()]
    if not lines:
        return None
    separator = next((sign for sign in "\t;|," if lines[-1].count(sign) >= _FEWEST - 1), BLANKS)
    try:
        rows = [cells_of(line, separator) for line in lines]
    except csv.Error:
        return None
    above = next((at for at, row in enumerate(rows) if len(row) >= _FEWEST), len(rows))
    leads = rows[above:]
    named = all(row[0] and not is_number(row[0], ".") and not is_number(row[0], ",") for row in leads[1:])
    short = len(leads) > (most if named else _MOST_UNNAMED) or any(len(row) > 8 for row in rows[:above])
    if not leads or short or len({len(row) for row in leads}) > 1:
        return None
    return "".join(chain(lines[:above], _written(leads, separator))).encode()


def _written(leads: Sequence[Sequence[str]], separator: str) -> Iterator[str]:
    quoted = [[f'"{cell}"' if separator in cell else cell for cell in row] for row in leads]
    firsts, start = [row[0] for row in leads], leads[0][0]
    counted = start in ("0", "1") and firsts == [str(int(start) + number) for number in range(len(leads))]
    begin = 1 if counted and len(leads) > 1 and not any(row[1].isdecimal() for row in leads) else 0
    end = -1 if not any(row[-1] for row in leads) else None
    quoted = [row[begin:end] for row in quoted]
    return chain.from_iterable((separator.join(step), "\n") for step in zip(*quoted, strict=True))
