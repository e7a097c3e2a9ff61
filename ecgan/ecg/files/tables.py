"""Recordings as text: CSV, TSV and what devices write, with or without a header, times and units."""

import codecs
import csv
import io
import re
from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.ecg.files.cells import MISSING, is_grouped, is_number, may_be_number, number_in, parted
from ecgan.ecg.files.channels import Columns, millivolts
from ecgan.ecg.files.layout import BLANKS, LONGEST_LINE, Layout, cells_of, layout_of, lines_of, plain
from ecgan.ecg.files.preambles import read_preamble
from ecgan.ecg.files.times import is_time, is_unit, seconds_in
from ecgan.ecg.files.turned import turned_round
from ecgan.errors import EcganError

F64 = NDArray[np.float64]

MOST_BYTES = 2 * 1024**3
"""Largest text file that is read; its numbers then fit into memory."""

MOST_LEADS = 256
"""Most columns of a recording."""

MOST_STEPS = 16_384
"""Most columns of a table of samples."""

_TEXT = "A recording in text has one row a time step, one column a lead."
_ELSE = {
    b"PK\x03\x04": ("a workbook or another archive", "Save its sheet as CSV."),
    b"\xd0\xcf\x11\xe0": ("an old workbook (XLS)", "Save its sheet as CSV."),
    b"\x89HDF": ("an HDF5 file", "Export the recording as text or as EDF."),
    b"MATLAB 5": ("a MATLAB file", "Save its signal as .npy, or as a WFDB record."),
    b"\x1f\x8b": ("compressed by gzip", "Unpack it: gunzip."),
    b"%PDF": ("a PDF", "Export the signal itself: as CSV or EDF."),
    b"<": ("XML or HTML", "Export the recording as CSV or EDF."),
    b"{": ("JSON", "Save its signal as .npy or as CSV."),
    b"[{": ("JSON", "Save its signal as .npy or as CSV."),
}
"""How files begin that are no text of numbers, what they are, and the way out."""

_UNIT = re.compile(
    r"(?P<name>.*?)\s*[(\[{](?P<unit>[^()\[\]{}]*)[)\]}]"
    r"|(?:(?P<word>.+?)(?:[ _,/-]+(?:in )?|(?-i:(?<=[A-Za-z])(?=.V))))?(?P<suffix>[mu\u00b5\u03bc]v)",
    re.IGNORECASE,
)
"""A name and its unit: "MLII (mV)", "ecg_uV", "EKG/mV", "ECG in uV", "ecgUV"."""
_MINUS = "\u2212".encode()
_NO_NUMBER = re.compile(
    rb"(?<![^\t,;\" |\n])([+-]?1\.#(?:QNAN|SNAN|IND)\d*|#(?:N/A|NV|NUM!|ZAHL!|DIV/0!|VALUE!|WERT!|REF!|NULL!))"
    rb"(?=[\t,;\" |\r\n]|$)"
)
"""What Windows programs and spreadsheets write in place of a number."""
_COMMENT = re.compile(rb"[\t,; ]*#[^\n]*")
_SEPARATOR = re.compile(rb'"?sep=[^\n]?"?[\t,; ]*\r?(?=[\r\n])', re.IGNORECASE)
"""The first line by which a spreadsheet program is told the separator; the rows tell it as well."""


def read_table(path: Path) -> Columns:
    """Read a text file of numbers: one row a time step, one column a lead.

    Cells are separated by commas, semicolons, tabs or blanks, with a decimal point or comma: what fits most rows holds.
    Rows above the data may name the columns, with units in brackets ("MLII (mV)") or in a second row, as PhysioNet's
    programs write it; a preamble above them may say the sampling rate, see `ecgan.ecg.files.preambles`. Columns of
    text are left out. Times are still among the columns, see `ecgan.ecg.files.times`; those of day are texts.

    Raises:
        EcganError: A cell is no number, a row has too many or too few cells, or there are too many columns.
    """
    content = _content(path, MOST_LEADS + 8)
    turned = turned_round(content, MOST_LEADS)
    try:
        return _read(path, content if turned is None else turned)
    except EcganError as error:
        where = "" if turned is None else " Lines and columns are those of the table turned round."
        raise EcganError(f"{error.message}{where}", error.hint) from error.__cause__


def _read(path: Path, content: bytes) -> Columns:
    layout = layout_of(path, content, MOST_LEADS + 8)
    try:
        columns = _numbers_and_times(path, content, layout)
    except EcganError:
        layout, before = _with_late_texts(path, content, layout), layout
        if layout.kinds == before.kinds:
            raise
        columns = _numbers_and_times(path, content, layout)
    if len(columns.names) > max(len(columns.values), MOST_LEADS):
        raise EcganError(
            f"{path} has {len(columns.values)} rows of {len(columns.names)} numbers: more leads than time steps.",
            "A recording has one row a time step and one column a lead: turn the table round.",
        )
    return _with_preamble(path, columns, layout)


def _numbers_and_times(path: Path, content: bytes, layout: Layout) -> Columns:
    names = _names(path, layout)[0]
    whens = [column for column, kind in enumerate(layout.kinds) if kind == "when"]
    wanted = {column: names[column] or f"column {column + 1}" for column in whens}
    left_out = {column for column, kind in enumerate(layout.kinds) if kind == "text"}
    return _columns_of(path, content, layout, wanted, left_out)


def _with_late_texts(path: Path, content: bytes, layout: Layout) -> Layout:
    """Return the layout in which columns are text whose first cell that is not empty, far below, is no number."""
    kinds = list(layout.kinds)
    for _, cells in _rows(path, content, layout):
        for column, cell in enumerate(cells[: len(kinds)]):
            if kinds[column] == "empty" and cell not in MISSING:
                kinds[column] = "number" if may_be_number(cell, layout.decimal) else "text"
        if "empty" not in kinds:
            break
    return replace(
        layout, kinds=[kind if new != "text" else new for kind, new in zip(layout.kinds, kinds, strict=True)]
    )


def read_columns(path: Path, texts: Callable[[list[str]], dict[int, str]]) -> Columns:
    """Read a table of samples, a row each, of which some columns may hold text, such as labels.

    `texts`, given the names of all columns, says which hold text, and under what name they are wanted.

    Raises:
        EcganError: A cell is no number, a row has too many or too few cells, or there are too many columns.
    """
    content = _content(path, MOST_STEPS)
    layout = layout_of(path, content, MOST_STEPS, single=False)
    wanted = texts(_names(path, layout)[0])
    for column, kind in enumerate(layout.kinds):
        if kind not in ("number", "empty") and column not in wanted:
            raise EcganError(
                f"{path}: column {column + 1} holds text, such as {layout.first[column][:40]!r}, and no numbers.",
                "If it holds labels, head it `label`, or set preprocess.label_column to first or last.",
            )
    return _columns_of(path, content, layout, wanted, set())


def _content(path: Path, most_columns: int) -> bytes:
    """Return the bytes of a text file, whose lines end in line feeds; it is looked through before it is read whole."""
    if path.stat().st_size > MOST_BYTES:
        raise EcganError(
            f"{path} has {path.stat().st_size:,} bytes; text is read up to {MOST_BYTES:,}.",
            "Save it as .npy or as a WFDB record.",
        )
    with path.open("rb") as file:
        start = file.read(LONGEST_LINE + 4)
        returns = check_text(path, start, most_columns)
        if len(start) >= LONGEST_LINE and not returns:
            _check_lines(path, file)
        file.seek(0)
        content = _without_signs(file.read())
    return content.replace(b"\r", b"\n") if returns else content


def check_text(path: Path, start: bytes, most_columns: int = MOST_LEADS + 8) -> bool:
    """Refuse what is no table of numbers by its first bytes; return whether its lines end in carriage returns."""
    start = _without_signs(start)
    _check_start(path, start)
    returns = b"\n" not in start and b"\r" in start
    if len(start) >= LONGEST_LINE and not returns:
        whole = start[: start.rfind(b"\n") + 1]
        layout_of(path, turned_round(whole, MOST_LEADS) or whole, most_columns)
    return returns


def _without_signs(content: bytes) -> bytes:
    """Take out a byte order mark, and what stands in a first line such as "sep=;"; the line stays, empty.

    UTF-16 becomes UTF-8, and the minus sign of typography that of numbers.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        content = content.decode("utf-16", errors="replace").encode()
    content = content.removeprefix(codecs.BOM_UTF8).replace(_MINUS, b"-")
    if b"#" in content:
        content = _NO_NUMBER.sub(b"nan", content.replace(b"1.#INF", b"inf"))
    lines = content.rstrip(b"\0\x1a")  # DOS ends a file so
    if lines.endswith((b"\n", b"\r")):
        content = lines
    found = _SEPARATOR.match(content)
    return content[found.end() :] if found else content


def _check_start(path: Path, start: bytes) -> None:
    """Refuse what is no text of numbers by its first bytes, and say what it is."""
    for sign, (what, hint) in _ELSE.items():
        if start.lstrip().startswith(sign):
            raise EcganError(f"{path} is {what}, no table of numbers in text.", hint)
    if b"\0" in start[:4096]:
        raise EcganError(f"{path} is no text file.", _TEXT)
    if len(start) >= LONGEST_LINE and b"\n" not in start[:LONGEST_LINE] and b"\r" not in start:
        raise EcganError(f"{path} is no table of numbers: its first line has more than {LONGEST_LINE:,} bytes.", _TEXT)


def _check_lines(path: Path, file: IO[bytes]) -> None:
    """Refuse a line that is too long, before anything is made of it."""
    file.seek(0)
    since = 0
    while chunk := file.read(LONGEST_LINE):
        end = chunk.find(b"\n")
        if since + (end if end >= 0 else len(chunk)) > LONGEST_LINE:
            raise EcganError(f"{path} has a line of more than {LONGEST_LINE:,} bytes.", _TEXT)
        since = len(chunk) - 1 - chunk.rfind(b"\n") if end >= 0 else since + len(chunk)


def _columns_of(
    path: Path, content: bytes, layout: Layout, texts: dict[int, str], left_out: Collection[int]
) -> Columns:
    names, units = _names(path, layout)
    frame, measured = _frame(path, content, layout, {*texts, *left_out})
    numbers = [column for column in range(layout.columns) if column not in texts and column not in left_out]
    for column, unit in measured.items():
        if units[column] and not _alike(units[column], unit):
            raise EcganError(
                f"{path}: the unit of column {column + 1} is {units[column]} by its name, and {unit} in its cells.",
                "Keep the one that is right.",
            )
        units[column] = unit
    return Columns(
        frame[numbers].to_numpy(dtype=np.float64),
        [names[column] for column in numbers],
        [units[column] for column in numbers],
        texts={name: [plain(cell) for cell in frame[column]] for column, name in texts.items()},
    )


def _alike(one: str, other: str) -> bool:
    """Whether two units are the same."""
    return seconds_in(one) == seconds_in(other) and millivolts(one) == millivolts(other)


def _frame(path: Path, content: bytes, layout: Layout, texts: Collection[int]) -> tuple[pd.DataFrame, dict[int, str]]:
    """Return the cells, and the units that stand in them, by the number of the column."""
    if "measured" in layout.kinds:
        return _cell_by_cell(path, content, layout, texts)
    columns = range(layout.columns)
    missing: Any = {column: [] if column in texts else list(MISSING) for column in columns} if texts else list(MISSING)
    types: Any = {column: str if column in texts else np.float64 for column in columns} if texts else np.float64
    start = 0
    for _ in range(layout.skipped):
        start = content.index(b"\n", start) + 1
    body = content[start:] if start else content
    if b"#" in body:
        body = _COMMENT.sub(b"", body)
    signs = -1 if layout.separator == BLANKS or b'"' in body else body.count(layout.separator.encode())
    try:
        frame = pd.read_csv(
            io.BytesIO(body),
            sep=r"\s+" if layout.separator == BLANKS else layout.separator,
            decimal=layout.decimal,
            header=None,
            names=list(columns),
            index_col=False,
            dtype=types,
            na_values=missing,
            keep_default_na=False,
            skipinitialspace=True,
            encoding_errors="replace",
        )
    except (ValueError, OverflowError):
        return _cell_by_cell(path, content, layout, texts)
    if signs != len(frame) * (layout.columns - 1) and (signs >= 0 or frame[layout.columns - 1].isna().any()):
        _cell_by_cell(path, content, layout, texts)
    _check_thousands(path, content, layout, frame, texts)
    return frame, {}


def _cell_by_cell(
    path: Path, content: bytes, layout: Layout, texts: Collection[int]
) -> tuple[pd.DataFrame, dict[int, str]]:
    """Read numbers with signs between their thousands, and those with units behind them.

    Raises:
        EcganError: A row or cell is wrong: the first one, by its line.
    """
    found: list[Any] = [list[str]() if column in texts else array("d") for column in range(layout.columns)]
    numbers = [column for column in range(layout.columns) if column not in texts]
    rows = _rows(path, content, layout)
    grouped = any(is_grouped(cells[at], layout.decimal) for _, cells in rows for at in numbers if at < len(cells))
    units = dict[int, str]()
    for number, cells in _rows(path, content, layout):
        _check_row(where := f"{path}, line {number}", cells, layout, texts, grouped)
        for column, cell in enumerate(cells):
            bare, unit = parted(cell) if layout.kinds[column] == "measured" else (cell, "")
            if unit and not _alike(unit, units.setdefault(column, unit)):
                raise EcganError(
                    f"{where}, column {column + 1}: {cell[:40]!r}, and cells above are in {units[column]}.",
                    "Write all numbers of a column in one unit.",
                )
            found[column].append(cell if column in texts else number_in(bare, layout.decimal))
    return pd.DataFrame(dict(enumerate(found))), units


def _rows(path: Path, content: bytes, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line of data, and its cells."""
    for number, line in enumerate(lines_of(content), 1):
        row = _COMMENT.sub(b"", line.encode()).decode() if "#" in line else line
        if number <= layout.skipped or not row.strip():
            continue
        try:
            yield number, cells_of(row, layout.separator)
        except csv.Error:
            raise EcganError(f"{path}, line {number}: a cell is one long word.", _TEXT) from None


def _check_row(where: str, cells: list[str], layout: Layout, texts: Collection[int], grouped: bool) -> None:
    """Refuse a row that is not as the others are; `grouped` says that the file has signs between thousands."""
    if cells[0].startswith("Interval="):
        raise EcganError(f"{where}: a second block of LabChart begins.", "Export each block as a file of its own.")
    if len(cells) != layout.columns:
        raise EcganError(
            f"{where}: {len(cells)} cell{'s' * (len(cells) != 1)}, expected {layout.columns} as in the first row.",
            "Every row holds one value for each lead; leave a cell empty where a sample is missing.",
        )
    for column, cell in enumerate(cells):
        bare = parted(cell)[0] if layout.kinds[column] == "measured" else cell
        if column in texts or is_number(bare, layout.decimal) or (grouped and is_grouped(bare, layout.decimal, False)):
            continue
        other = "," if layout.decimal == "." else "."
        sign = f", and the decimal sign of the others is {layout.decimal!r}" if is_number(cell, other) else ""
        raise EcganError(
            f"{where}, column {column + 1}: {cell[:40]!r} is no number{sign}.",
            "Write all numbers alike." if sign else "Leave a cell empty where a sample is missing.",
        )


_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
_WHOLE = re.compile(r"[+-]?\d+")


def _check_thousands(path: Path, content: bytes, layout: Layout, frame: pd.DataFrame, texts: Collection[int]) -> None:
    """Refuse a column of "1,234" and "567", whose signs stand rather between thousands than before fractions."""
    for column in range(layout.columns):
        if column in texts or not _may_be_thousands(frame[column].to_numpy()):
            continue
        cells = [(number, row[column]) for number, row in _rows(path, content, layout) if row[column] not in MISSING]
        parts = [(number, cell) for number, cell in cells if not _WHOLE.fullmatch(cell)]
        if len(parts) < len(cells) and all(_GROUP.fullmatch(cell) for _, cell in parts):
            raise EcganError(
                f"{path}, line {parts[0][0]}, column {column + 1}: nobody can tell whether {parts[0][1]!r} is"
                f" {parts[0][1].replace(',', '.')} or {re.sub('[.,]', '', parts[0][1])}.",
                "Save it without signs between thousands.",
            )


def _may_be_thousands(values: F64) -> bool:
    """Whether there are whole numbers of three figures, and all others have three places and are from 1 to 1,000."""
    size = np.abs(values[:1000])
    if ((size > 0) & (size < 1)).any():
        return False
    size = np.abs(values[np.isfinite(values)])
    whole = size == np.rint(size)
    others = size[~whole]
    if not len(others) or not whole.any() or size[whole].max() < 100:
        return False
    return bool(others.min() > 1 and others.max() < 1000 and np.allclose(others * 1000, np.rint(others * 1000)))


def _names(path: Path, layout: Layout) -> tuple[list[str], list[str]]:
    """Return names and units of the columns."""
    if not layout.head:
        return [""] * layout.columns, [""] * layout.columns
    head = layout.head
    if len(head) > 1 and _are_units(head[0]) and not _are_units(head[1]):
        head = [head[1], head[0]]
    parts = [_UNIT.fullmatch(cell) for cell in head[0]]
    names = [(part["name"] or part["word"] or "") if part else cell for part, cell in zip(parts, head[0], strict=True)]
    units = [(part["unit"] or part["suffix"] or "") if part else "" for part in parts]
    if len(head) > 1:
        units = [unit.strip("()[]") or old for unit, old in zip(head[1], units, strict=True)]
    return names, units


def _are_units(cells: Sequence[str]) -> bool:
    """Whether cells are units: of time, or voltages, one at least."""
    bare = [cell.strip("()[] ") for cell in cells]
    return any(millivolts(cell) for cell in bare) and all(
        not cell or millivolts(cell) or is_unit(cell) for cell in bare
    )


def _with_preamble(path: Path, columns: Columns, layout: Layout) -> Columns:
    """Take out an empty last column, which separators at the ends of lines make, and add what is said above."""
    values, names, units = columns.values, columns.names, columns.units
    if len(names) > 1 and names[-1] == "" and np.isnan(values[:, -1]).all():
        values, names, units = values[:, :-1], names[:-1], units[:-1]
    dropped = len(columns.names) - len(names)
    said = read_preamble(str(path), layout.preamble, layout.columns - dropped)
    numbers = [column for column, kind in enumerate(layout.kinds) if kind not in ("when", "text")][: len(names)]
    for index, column in enumerate(numbers):
        if column in said.counts:
            gain, zero = said.counts[column]
            values[:, index] = (values[:, index] - zero) / gain
    if said.counted and len(values) > 1 and set(values[0][np.isfinite(values[0])]) == {len(values) - 1.0}:
        values = values[1:]
    if (said.counted or not any(names)) and len(said.names) > max(numbers):
        names = [said.names[column] or name for column, name in zip(numbers, names, strict=True)]
    if len(said.units) > max(numbers):
        units = [unit or said.units[column] for unit, column in zip(units, numbers, strict=True)]
    elif len(said.units) == 1:
        units = [unit or ("" if is_time(name) else said.units[0]) for unit, name in zip(units, names, strict=True)]
    return Columns(values, names, units, said.sampling_rate, columns.texts)
