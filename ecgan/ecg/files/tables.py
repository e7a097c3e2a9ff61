"""Recordings as text: CSV and TSV, with or without a header, a time column and units."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.ecg.files.channels import Columns
from ecgan.errors import EcganError

F64 = NDArray[np.float64]

MOST_BYTES = 2 * 1024**3
"""Largest text file that is read; its numbers then fit into memory."""

_MOST_LEADS = 256
"""More columns than this are leads only if there are more rows still."""

_MISSING = ["", "-", "nan", "NaN", "NAN", "NA", "n/a", "null"]
_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "": 1.0}
_TIME = re.compile(r"^(elapsed[ _])?(time|t)([ _](?P<suffix>s|sec|seconds|ms|us))?$|^(?P<alone>seconds|ms)$")
_SAMPLE = re.compile(r"^(sample|samples|index)([ _]?(#|no|number|index))?$")
_CLOCK = re.compile(r"^(\d+:)?\d+:\d+(\.\d+)?$")
_UNIT = re.compile(r"^(?P<name>.*?)\s*[(\[](?P<unit>[^()\[\]]*)[)\]]$")
_NUMBER = re.compile(r"^[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?$|^[+-]?inf(inity)?$", re.IGNORECASE)


@dataclass(frozen=True)
class _Layout:
    """How a file is written: what separates cells, the decimal sign, the lines that are no data, and the first row."""

    separator: str
    decimal: str
    head: list[list[str]]
    skipped: int
    first: list[str]

    @property
    def columns(self) -> int:
        return len(self.first)


def read_table(path: Path) -> Columns:
    """Read a text file of numbers: one row a time step, one column a lead.

    Cells are separated by commas, semicolons or tabs; where it is not the comma, a decimal comma is understood. The
    first row may name the columns, with the unit in brackets ("MLII (mV)") or in a second row, as PhysioNet's programs
    write it. A first column named time, t, time_s, seconds, ms or sample is no lead, nor is one of clock times
    (0:01.250); times give the sampling rate.

    Raises:
        EcganError: A cell is no number, a row has too many or too few cells, or times are not evenly spaced.
    """
    columns = read_columns(path, lambda names, cells: {0: "clock"} if _CLOCK.match(cells[0]) else {})
    if len(columns.names) > max(len(columns.values), _MOST_LEADS):
        raise EcganError(
            f"{path} has {len(columns.values)} rows of {len(columns.names)} numbers: more leads than time steps.",
            "A recording has one row a time step and one column a lead: turn the table round.",
        )
    if "clock" not in columns.texts:
        return _without_time(path, columns.values, columns.names, columns.units)
    return replace(columns, sampling_rate=_rate(path, _clock_seconds(path, columns.texts["clock"])))


def read_columns(path: Path, texts: Callable[[list[str], list[str]], dict[int, str]]) -> Columns:
    """Read a text file of which some columns may hold text, such as labels.

    `texts`, given the names of all columns and the cells of the first row, says which columns hold text, and under what
    name they are wanted.

    Raises:
        EcganError: As in `read_table`, but for the time column.
    """
    if path.stat().st_size > MOST_BYTES:
        raise EcganError(
            f"{path} has {path.stat().st_size:,} bytes; text is read up to {MOST_BYTES:,}.",
            "Save it as .npy or as a WFDB record.",
        )
    content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    if b"\0" in content[:4096]:
        raise EcganError(f"{path} is no text file.", "A recording in text has one row a time step, one column a lead.")
    try:
        layout = _layout(path, content)
        names, units = _columns(path, layout)
        wanted = texts(names, layout.first)
        frame = _cells_of(path, content, layout, wanted)
    except csv.Error as error:
        raise EcganError(f"{path} is no table of numbers: a line in it is one long word.") from error
    numbers = [column for column in range(layout.columns) if column not in wanted]
    return Columns(
        frame[numbers].to_numpy(dtype=np.float64),
        [names[column] for column in numbers],
        [units[column] for column in numbers],
        texts={name: [_plain(cell) for cell in frame[column]] for column, name in wanted.items()},
    )


def _lines(content: bytes) -> Iterator[str]:
    """Yield the lines of a file; what is no UTF-8 is read as Latin-1, in which instruments write the micro sign."""
    for line in io.BytesIO(content):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            yield line.decode("latin-1")


def _layout(path: Path, content: bytes) -> _Layout:
    lines: list[str] = []
    for line in _lines(content):
        lines.append(line)
        if sum(bool(line.strip()) for line in lines) == 4:
            break
    filled = [line for line in lines if line.strip()]
    if not filled:
        raise EcganError(f"{path} is empty.")
    separator = next((sign for sign in "\t;," if sign in filled[-1]), ",")
    if separator == "," and "," not in filled[0] and not _is_data(_plain(filled[0])):
        separator = ";"  # one name over numbers with a comma: one column of decimal commas
    head: list[list[str]] = []
    skipped = 0
    for line in lines:
        cells = _cells(line, separator)
        if any(cells) and (len(head) == 2 or not _is_head(cells)):
            break
        skipped += 1
        if any(cells):
            head.append(cells)
    else:
        raise EcganError(f"{path} has no samples, only the line {filled[0].strip()[:80]!r}.")
    decimal = "," if separator != "," and "," in line and "." not in line else "."
    return _Layout(separator, decimal, head, skipped, cells)


def _cells(line: str, separator: str) -> list[str]:
    row = next(csv.reader([line], delimiter=separator), [])
    return [_plain(cell) for cell in row]


def _plain(cell: str) -> str:
    return cell.strip().strip("'").strip()


def _is_head(cells: list[str]) -> bool:
    """Whether a row names columns: no cell is a number, or there are names among the numbers 0, 1, 2 … of pandas."""
    numbers = [cell for cell in cells if _is_data(cell)]
    counted = len(numbers) > 1 and numbers == [str(number) for number in range(len(numbers))]
    return not numbers or (counted and any(cell and not _is_data(cell) for cell in cells))


def _is_data(cell: str) -> bool:
    return bool(_NUMBER.match(cell)) or (cell != "" and cell in _MISSING)


def _cells_of(path: Path, content: bytes, layout: _Layout, texts: Collection[int]) -> pd.DataFrame:
    columns = range(layout.columns)
    missing: dict[Any, list[str]] = {column: [] if column in texts else _MISSING for column in columns}
    body = io.BytesIO(content)
    for _ in range(layout.skipped):
        body.readline()
    signs = content.count(layout.separator.encode(), body.tell())
    try:
        frame = pd.read_csv(
            body,
            sep=layout.separator,
            decimal=layout.decimal,
            header=None,
            names=list(columns),
            index_col=False,
            dtype={column: str if column in texts else np.float64 for column in columns},
            na_values=missing,
            keep_default_na=False,
            skipinitialspace=True,
            encoding_errors="replace",
        )
    except (ValueError, OverflowError) as error:
        _find_fault(path, content, layout, texts)
        raise EcganError(f"{path} is no table of numbers.") from error
    if signs != len(frame) * (layout.columns - 1):
        _find_fault(path, content, layout, texts)
    return frame


def _find_fault(path: Path, content: bytes, layout: _Layout, texts: Collection[int]) -> None:
    """Raise the first row or cell that is wrong, by its line; nothing happens if there is none."""
    for number, line in enumerate(_lines(content), 1):
        if number <= layout.skipped or not line.strip():
            continue
        cells = _cells(line, layout.separator)
        if len(cells) != layout.columns:
            raise EcganError(
                f"{path}, line {number}: {len(cells)} cell{'s' * (len(cells) != 1)}, expected {layout.columns} as in"
                " the first row.",
                "Every row holds one value for each lead; leave a cell empty where a sample is missing.",
            )
        for column, cell in enumerate(cells, 1):
            if column - 1 not in texts and cell not in _MISSING and not _NUMBER.match(cell):
                raise EcganError(
                    f"{path}, line {number}, column {column}: {cell[:40]!r} is no number.",
                    "Leave a cell empty where a sample is missing.",
                )


def _columns(path: Path, layout: _Layout) -> tuple[list[str], list[str]]:
    """Return names and units of the columns."""
    if not layout.head:
        return [""] * layout.columns, [""] * layout.columns
    first = layout.head[0]
    if any(len(row) != layout.columns for row in layout.head):
        raise EcganError(
            f"{path}: the header has {len(first)} cells, the first row of numbers {layout.columns}.",
            "Name every column in the first line, or none.",
        )
    parts = [_UNIT.match(cell) for cell in first]
    names = [part["name"] if part else cell for part, cell in zip(parts, first, strict=True)]
    units = [part["unit"] if part else "" for part in parts]
    if len(layout.head) > 1:
        units = [unit.strip("()[]") or old for unit, old in zip(layout.head[1], units, strict=True)]
    return names, units


def _without_time(path: Path, values: F64, names: list[str], units: list[str]) -> Columns:
    """Take the time column out, an index, and the empty column that a separator at the end of every line makes."""
    if any(names) and names[0] in ("", "Unnamed: 0") and (values[:, 0] == np.arange(len(values))).all():
        values, names, units = values[:, 1:], names[1:], units[1:]
    if names[-1] == "" and len(names) > 1 and np.isnan(values[:, -1]).all():
        values, names, units = values[:, :-1], names[:-1], units[:-1]
    first = names[0].casefold()
    rate = None
    if time := _TIME.match(first):
        rate = _rate(path, values[:, 0] * _seconds(path, time["suffix"] or time["alone"] or units[0]))
    elif _SAMPLE.match(first):
        if not (np.diff(values[:, 0]) == 1).all():
            raise EcganError(f"{path}: the column {names[0]!r} does not count the samples one by one.")
    else:
        return Columns(values, names, units)
    if len(names) == 1:
        raise EcganError(f"{path} has no column beside {names[0]!r}.")
    return Columns(values[:, 1:], names[1:], units[1:], rate)


def _seconds(path: Path, unit: str) -> float:
    try:
        return _SECONDS[unit.casefold()]
    except KeyError:
        raise EcganError(
            f"{path}: times are in {unit!r}; expected seconds or milliseconds.", "Name the column time_s or ms."
        ) from None


def _clock_seconds(path: Path, clock: list[str]) -> F64:
    """Return times such as "0:01.250" or "10:00:01.250" in seconds, shape (T,)."""
    for row, cell in enumerate(clock, 1):
        if not _CLOCK.match(cell):
            raise EcganError(f"{path}, row {row} of the data: {cell[:40]!r} is no time such as 0:01.250.")
    parts = [[float(part) for part in reversed(cell.split(":"))] for cell in clock]
    return np.array([sum(part * 60**power for power, part in enumerate(row)) for row in parts])


def _rate(path: Path, time: F64) -> float:
    """Return the sampling rate of evenly spaced times, which may have been rounded.

    Every time lies within half a step of where it should be. The rate is the whole number of Hz if there is one within
    the uncertainty that the rounding leaves.
    """
    steps = len(time) - 1
    if steps < 1 or not np.isfinite(time).all() or time[-1] <= time[0]:
        raise EcganError(f"{path}: no sampling rate can be had from the time column.", "Give the sampling rate.")
    step = (time[-1] - time[0]) / steps
    error = np.abs(time - time[0] - step * np.arange(len(time)))
    if error.max() >= step / 2:
        row = int(np.argmax(np.abs(np.diff(time) - step)))
        raise EcganError(
            f"{path}: the time column is not evenly spaced: from {time[row]:.6g} s to {time[row + 1]:.6g} s after row"
            f" {row + 1}, {step:.4g} s on average.",
            "Cut the recording at its gaps, or resample it.",
        )
    rate = 1 / step
    uncertainty = max(4 * error.max() / (time[-1] - time[0]), 1e-9) * rate
    return float(round(rate)) if abs(rate - round(rate)) <= uncertainty else rate
