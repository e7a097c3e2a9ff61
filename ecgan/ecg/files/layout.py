"""How a text file of numbers is written: its separator, decimal sign, header and columns, decided over many rows."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ecgan.ecg.files.cells import MISSING, is_number, may_be_number, parted
from ecgan.ecg.files.channels import is_counts, millivolts
from ecgan.ecg.files.preambles import is_pair
from ecgan.ecg.files.times import is_unit, is_when
from ecgan.errors import EcganError

LONGEST_LINE = 1 << 20
"""Bytes of the longest line that is read."""

BLANKS = " "
"""Separator of files with blanks, as many as there are, between the cells."""

_FIRST, _LATER, _PLACES = 400, 25, 8
"""Rows that are looked at: the first ones, and some from several places behind them."""
_MOST_PREAMBLE = 200
_LONGEST_CELL = 1000
_BEFORE_UNIT = re.compile(r"(?<!\S)([+-]?[\d.,]+)[ \t]+(?=[mun\u00b5\u03bc]v(?!\S))", re.IGNORECASE)
_FIGURES = re.compile(r"[+-]?\d[\d.,' ]*([eE][+-]?\d+)?")
_PAIR = re.compile(r"([+-]?)(\d+),(\d+)")
_WHOLE = re.compile(r"[+-]?\d+(,[+-]?\d+)+")
_TOLD_BY = re.compile(r"(^|,)([+-]0|[+-]?0\d+)(,|$)", re.MULTILINE)
"""Cells that are no whole numbers: -0, and what begins with a 0."""
_SEMICOLONS = "If commas are the decimal signs, put semicolons between the cells."
_COMMENT = re.compile(r"[\t,; ]*#.*")


@dataclass(frozen=True)
class Layout:
    """How a file is written.

    Attributes:
        separator: What stands between cells; `BLANKS` for any number of blanks.
        decimal: The decimal sign, "." or ",".
        preamble: Lines before the header that are no part of the table.
        head: The cells of up to two rows that name the columns, and their units.
        skipped: Number of lines before the first row of data, empty ones too.
        first: Cells of the first row of data.
        kinds: Of each column "number", "measured" (a number and its unit), "when" (a time of day), "text", or
            "empty" as far as it was looked at.
    """

    separator: str
    decimal: str
    preamble: list[str]
    head: list[list[str]]
    skipped: int
    first: list[str]
    kinds: list[str]

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return len(self.kinds)


def lines_of(content: bytes) -> Iterator[str]:
    """Yield the lines of a file; what is no UTF-8 is read as Latin-1, in which instruments write the micro sign."""
    start = 0
    while start < len(content):
        end = content.find(b"\n", start) + 1 or len(content)
        yield _decoded(content[start:end])
        start = end


def cells_of(line: str, separator: str) -> list[str]:
    """Return the cells of a line; a voltage behind a number and a blank is that number's."""
    if separator == BLANKS:
        line = _BEFORE_UNIT.sub(r"\1", line) if "V" in line or "v" in line else line
        return [plain(cell) for cell in line.split()]
    row = next(csv.reader([line], delimiter=separator), []) if '"' in line else line.rstrip("\r\n").split(separator)
    return [plain(cell) for cell in row]


def plain(cell: str) -> str:
    """Return a cell without blanks and single quotes around it."""
    return cell.strip().strip("'").strip()


def layout_of(path: Path, content: bytes, most_columns: int, *, single: bool = True) -> Layout:
    """Find how a file is written: the reading under which most of its rows are rows of numbers.

    Without `single` there is more than one column, so that "0,5" is two numbers.

    Raises:
        EcganError: There are no rows of numbers, too many columns, or two readings are as good as each other.
    """
    lines = _sample(content)
    if not lines:
        raise EcganError(f"{path} is empty, or begins with very many empty lines.")
    filled = [line.text for line in lines]
    _check_width(path, filled[:50], most_columns)
    readings = [reading for signs in _signs(filled) if (reading := _read(filled, *signs)) is not None]
    if not single:
        readings = [reading for reading in readings if reading.columns > 1 or reading.decimal == "."]
    if not readings:
        raise EcganError(f"{path} has no samples, only the line {filled[0].strip()[:80]!r}.")
    best = max(readings, key=lambda reading: reading.rank)  # of equals the first
    equals = [reading for reading in readings if reading.rank == best.rank]
    one = next((reading for reading in equals if reading.columns == 1 and reading.decimal == ","), None)
    two = next((reading for reading in readings if reading.columns == 2 and reading.separator == ","), None)
    if one and two and best in (one, two) and 2 * two.rows >= one.rows:
        best = _one_or_two(path, filled, two, one)
    else:
        best = _with_decimal(content, best, [reading for reading in equals if reading.separator == best.separator])
    _check_commas(path, filled, best)
    skipped = lines[best.start].number
    if skipped is None or best.start > _MOST_PREAMBLE:
        raise EcganError(
            f"{path} has {best.start:,} lines before the first row of numbers, the last of them"
            f" {filled[best.start - 1].strip()[:40]!r}.",
            "Remove what is no row of numbers; mend numbers that are not written plainly, as -0.125.",
        )
    preamble, head = _above(path, filled[: best.start], filled[best.start :], best)
    return Layout(best.separator, best.decimal, preamble, head, skipped, best.first, best.kinds)


@dataclass(frozen=True)
class _Reading:
    """A way to read `lines` lines: it finds `rows` rows of data, from `start` on; `doubtful` if 1,234 is a thousand."""

    separator: str
    decimal: str
    kinds: list[str]
    start: int
    first: list[str]
    rows: int
    lines: int
    doubtful: bool

    @property
    def columns(self) -> int:
        return len(self.kinds)

    @property
    def rank(self) -> tuple[float, int, bool]:
        """Readings of about as many rows are told apart by columns that are no numbers, then by doubt."""
        return round(10 * self.rows / self.lines), -self.kinds.count("text"), not self.doubtful


@dataclass(frozen=True)
class _Line:
    """A line that is not empty, and how many are before it; None: very many."""

    number: int | None
    text: str


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _sample(content: bytes) -> list[_Line]:
    """Return the lines up to the first rows, and some rows from behind, which have no number; none is empty."""
    found: list[_Line] = []
    at = 0
    for number, line in enumerate(lines_of(content[:LONGEST_LINE])):
        at += len(line)
        if len(found) == _FIRST or (at >= LONGEST_LINE and len(content) > LONGEST_LINE and len(found) > 1):
            break  # the last line is perhaps not whole
        if line.strip():
            found.append(_Line(number, line))
    for place in range(1, _PLACES if len(found) == _FIRST else 0):
        start = content.find(b"\n", max(LONGEST_LINE, len(content) * place // _PLACES)) + 1
        part = content[start : start + (1 << 15)] if start else b""
        rows = lines_of(part[: part.rfind(b"\n") + 1])
        found += [_Line(None, line) for line in islice(filter(str.strip, rows), _LATER)]
    return found


def _check_width(path: Path, filled: Sequence[str], most: int) -> None:
    for line in filled:
        count = max(line.count(sign) for sign in "\t;|,") + 1
        if count > 2 * most or len(line) >= LONGEST_LINE:
            raise EcganError(
                f"{path} has a line of {len(line):,} characters and at least {count:,} cells, and at most {most:,}"
                " columns are read.",
                "A recording has one row a time step and one column a lead: turn the table round, or save it as .npy.",
            )
        longest = max(map(len, re.split(r"[\t;|, ]", line)))
        if longest > _LONGEST_CELL and not line.lstrip().startswith("#"):
            raise EcganError(f"{path} is no table of numbers: a line in it is one long word.")


def _signs(filled: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the separators and decimal signs that come into question, the usual ones first."""
    text = "".join(filled)
    for separator in "\t;|":
        if separator in text or separator == "\t":  # without any, every line is one cell
            yield from ((separator, "."), (separator, ","))
    if "," in text:
        yield ",", "."
        if '"' in text:
            yield ",", ","
    if any(BLANKS in line.strip() for line in filled):
        yield from ((BLANKS, "."), (BLANKS, ","))


def _read(lines: Sequence[str], separator: str, decimal: str) -> _Reading | None:
    """Read lines in one way; None if there is no row of data in them."""
    try:
        rows = [cells_of(line, separator) for line in lines]
    except csv.Error:
        return None
    numbered = [
        any(cell and (may_be_number(parted(cell)[0], decimal) or is_when(cell)) for cell in row) for row in rows
    ]
    widths = Counter(len(row) for row, number in zip(rows, numbered, strict=True) if number)
    if not widths:
        return None
    width = max(widths, key=lambda count: widths[count])
    chosen = [row for row, number in zip(rows, numbered, strict=True) if number and len(row) == width]
    kinds = [_kind([row[column] for row in chosen], decimal) for column in range(width)]
    if not {"number", "measured", "empty"} & set(kinds):
        return None
    good = [
        number and len(row) == width and _fits(row, kinds, decimal) and not _counts(row, first=index == 0)
        for index, (row, number) in enumerate(zip(rows, numbered, strict=True))
    ]
    if not any(good):
        return None
    start = good.index(True)
    while start and len(rows[start - 1]) == width > 1 and set(rows[start - 1]) <= set(MISSING):
        start -= 1
    data = [row for row, one in zip(rows, good, strict=True) if one]
    doubtful = any(
        kind == "number" and not is_number(cell, decimal) for row in data for cell, kind in zip(row, kinds, strict=True)
    )
    return _Reading(separator, decimal, kinds, start, rows[start], sum(good), len(rows), doubtful)


def _kind(cells: Sequence[str], decimal: str) -> str:
    there = [cell for cell in cells if cell not in MISSING]
    if not there:
        return "empty"
    whens = sum(map(is_when, there))
    if whens and whens * 2 >= len(there):
        return "when"
    measured = sum(is_number((parts := parted(cell))[0], decimal) and parts[1] != "" for cell in there)
    if measured and measured * 2 >= len(there):
        return "measured"
    texts = sum(not _FIGURES.fullmatch(cell) and not is_number(cell, decimal) for cell in there)
    return "text" if texts * 2 > len(there) else "number"


def _fits(row: Sequence[str], kinds: Sequence[str], decimal: str) -> bool:
    return all(_is(kind, cell, decimal) for cell, kind in zip(row, kinds, strict=True))


def _is(kind: str, cell: str, decimal: str) -> bool:
    """Whether a cell is of a kind."""
    if kind == "measured":
        return may_be_number(parted(cell)[0], decimal)
    return kind == "text" or (is_when(cell) if kind == "when" else may_be_number(cell, decimal))


def _counts(row: Sequence[str], *, first: bool) -> bool:
    """Whether a row is the numbers 0, 1, 2 … with which pandas heads columns, perhaps behind the name of an index."""
    names = [cell for cell in row if not cell.isdecimal()]
    numbers = [cell for cell in row if cell.isdecimal()]
    counted = len(numbers) > 1 and numbers == [str(number) for number in range(len(numbers))]
    return counted and (first and len(row) > 7 if not names else len(names) == 1 and not is_when(names[0]))


def _one_or_two(path: Path, lines: Sequence[str], two: _Reading, one: _Reading) -> _Reading:
    """Decide whether "0,5" is one number with a decimal comma or two whole numbers."""
    pairs = [found.groups() for line in lines if (found := _PAIR.fullmatch(line.strip()))]
    above = lines[two.start - 1] if two.start else ""
    fractions = any(len(behind) > 1 and behind.startswith("0") for _, _, behind in pairs)
    fractions |= any(sign == "-" and whole.strip("0") == "" for sign, whole, _ in pairs)
    if above and not is_pair(above, 2) and not (fractions and millivolts(above.rpartition(",")[2])):
        return two if "," in above else one
    if fractions:
        return one
    if len(pairs) < len(lines):
        return two
    first = [int(whole[:15]) for _, whole, _ in pairs]
    counted = first == list(range(first[0], first[0] + len(first)))
    if len(pairs) > 100 or sorted(first)[len(first) // 2] > 99 or counted:
        return two
    raise EcganError(
        f"{path}, line 1: {lines[0].strip()[:40]!r} may be one number with a decimal comma or two whole numbers.",
        "Name the columns in the first line: one name or two.",
    )


def _check_commas(path: Path, lines: Sequence[str], best: _Reading) -> None:
    """Refuse rows in which commas stand between the cells and in the numbers: "0,004,-0,123"."""
    rows = [line for line in lines if _WHOLE.fullmatch(line.strip())]
    if best.separator != "," or best.columns < 3 or 2 * len(rows) < len(lines):
        return
    found = next((row for row in rows if _TOLD_BY.search(row)), None)
    if found is not None:
        raise EcganError(
            f"{path}: in {found.strip()[:40]!r} commas seem to be decimal signs, and stand between the cells as well.",
            f"{_SEMICOLONS} Else write whole numbers without a 0 before them.",
        )


def _with_decimal(content: bytes, best: _Reading, same: Sequence[_Reading]) -> _Reading:
    """Where only whole numbers were seen, look for a decimal comma in all of the file."""
    comma = best.separator != "," and len(same) > 1 and b"," in content and b"." not in content
    return next((other for other in same if comma and other.decimal == ","), best)


def _above(path: Path, above: list[str], rows: Sequence[str], reading: _Reading) -> tuple[list[str], list[list[str]]]:
    """Return the lines above the data: a preamble, and up to two rows that name the columns and their units.

    Separators at the ends of all rows need not stand behind the names as well.
    """
    head: list[list[str]] = []
    open_ended = reading.separator != BLANKS and all(row.rstrip().endswith(reading.separator) for row in rows)
    while above and len(head) < 2:
        line = above[-1].lstrip("# ") if reading.columns > 1 else above[-1]
        cells = _head_cells(line, reading)
        if open_ended and len(cells) == reading.columns - 1 and reading.columns > 2:
            cells = [*cells, ""]
        pairs = reading.columns == 1 and re.search(r"[,;:=\t]", above[-1].strip())  # one name has no value behind it
        if len(cells) != reading.columns or pairs or line.startswith("#") or _says_more(line, cells, reading):
            break
        if head and len(cells) > 1 and not (any(cells[1:]) and any(map(_is_unit, [*cells, *head[0]]))):
            break  # a title, or a key and a value, as wide as the table
        head.insert(0, cells)
        above = above[:-1]
    said = re.search(r"[#:=]|hz|hertz|unit", "".join(above), re.IGNORECASE)
    if above and not head and len(above) <= 2 and not said and not is_pair(above[-1], reading.columns):
        cells = re.split(r"[,;\t]", above[-1]) if reading.columns == 1 else cells_of(above[-1], reading.separator)
        raise EcganError(
            f"{path}: the header has {len(cells)} cells, the first row of numbers {reading.columns}.",
            "Name every column in the first line, or none."
            + (f" {_SEMICOLONS}" if reading.separator == "," and len(cells) < reading.columns else ""),
        )
    return above, head


def _is_unit(cell: str) -> bool:
    bare = cell.strip("()[] ")
    return millivolts(bare) is not None or is_unit(bare) or (is_counts(bare) and bool(bare))


def _says_more(line: str, cells: Sequence[str], reading: _Reading) -> bool:
    """Whether a line is no names of columns, but keys and values."""
    return is_pair(line, reading.columns) or all("=" in cell for cell in cells)


def _head_cells(line: str, reading: _Reading) -> list[str]:
    """Return the names in a line; where blanks separate, names of several words stand two blanks apart."""
    cells = cells_of(line, reading.separator)
    if reading.separator == BLANKS and len(cells) != reading.columns:
        cells = [plain(cell) for cell in re.split(r"\s{2,}|\t", line.strip())]
    return cells
