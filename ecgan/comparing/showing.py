"""What `ecgan compare` says: a table of what moved, a sentence on each thing compared, and the verdict."""

import dataclasses
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ecgan.comparing.compared import MISSING, Compared, moved
from ecgan.files import finite
from ecgan.reporting.grid import NOTHING
from ecgan.reporting.legal import legal
from ecgan.terminal import printable

LOCK, RUN, REPORT = "lock", "run", "report"
_THINGS = {LOCK: "outputs", RUN: "values", REPORT: "values"}
_MOST = 20  # rows of a table on a terminal
_TITLES = ("Where", "What", "A", "B", "Difference", "Relative", "Tolerance", "Note")
_BRIEF = {LOCK: 8, RUN: 18, REPORT: 18}  # characters of a text
_FIELDS = [field.name for field in dataclasses.fields(Compared)]


@dataclass(frozen=True)
class Section:
    """One kind of thing that was compared: `LOCK`, `RUN` or `REPORT`, and all that it holds."""

    kind: str
    items: list[Compared]

    @property
    def moved(self) -> list[Compared]:
        """What differs: stages in the order of the pipeline, all else by size.

        What is beyond the tolerance comes first, and metrics come before other numbers.
        """
        found = moved(self.items)
        if self.kind == LOCK:
            return found
        return sorted(found, key=lambda item: (item.agrees is not False, item.relative is not None, -item.size))


def agree(sections: Sequence[Section]) -> bool:
    """Tell whether all is the same or within the tolerance.

    What has no tolerance (hashes, weights) is looked over where there are metrics to judge by; where there are none, it
    has to be the same.
    """
    items = [item for section in sections for item in section.items]
    if any(item.moved and item.agrees is False for item in items):
        return False
    return any(item.judged for item in items) or not any(item.moved for item in items)


def sentences(sections: Sequence[Section]) -> list[str]:
    """A sentence on each section, and the verdict last."""
    found = [f"{section.kind}: {_sentence(section)}." for section in sections]
    if not any(section.moved for section in sections):
        return [*found, "the same."]
    if agree(sections):
        return [*found, "agrees: what was measured lies within the tolerance that the report states."]
    if any(item.judged for section in sections for item in section.items):
        return [*found, "differs: not all is there and within the tolerance that the report states."]
    return [*found, "differs: nothing here has a tolerance. Compare reports, whose intervals count."]


def show(sections: Sequence[Section], old: str, new: str, *, everything: bool = False) -> None:
    """Print what differs: tables on a terminal, tab-separated lines with nothing left out into a pipe.

    `old` and `new` are what the user called both sides; with `everything` a terminal gets every row, too.
    """
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        sys.stdout.writelines(f"{line}\n" for line in plain(sections))
        return
    for section in sections:
        rows = section.moved if everything else section.moved[:_MOST]
        if rows:
            console.print(_table(rows, section.kind, old, new, console.width))
        if left := len(section.moved) - len(rows):
            console.print(Text(f"and {left:,} more: --all shows them\n", style="dim"))


def plain(sections: Sequence[Section]) -> list[str]:
    """Lines for other programs: what differs, a row a line, fields by tabs; the first line names them."""
    lines = ["\t".join(["kind", *_FIELDS])]
    for section in sections:
        for item in section.moved:
            values = (section.kind, *(getattr(item, name) for name in _FIELDS))
            lines.append(
                "\t".join("" if value is None else printable(" ".join(str(value).split())) for value in values)
            )
    return lines


def as_document(sections: Sequence[Section], old: str, new: str) -> dict[str, Any]:
    """The same as values for JSON; keys as in `ecgan.comparing.compared.Compared`."""
    differences = [{"kind": s.kind, **dataclasses.asdict(item)} for s in sections for item in s.moved]
    found: dict[str, Any] = {
        "old": old,
        "new": new,
        "agrees": agree(sections),
        "verdict": sentences(sections),
        "compared": {section.kind: len(section.items) for section in sections},
        "differences": differences,
    }
    return dict(finite(found))


def _sentence(section: Section) -> str:
    found, things = section.moved, _THINGS[section.kind]
    if not found:
        return f"all {len(section.items):,} {things} are the same"
    text = f"{len(found):,} of {len(section.items):,} {things} differ"
    missing = sum(MISSING in (item.old, item.new) for item in found)
    text += f", {missing:,} missing on one side" if missing else ""
    if section.kind == LOCK:
        first = found[0]
        return f"{text}; the first stage that differs is {first.where}{f' ({first.note})' if first.note else ''}"
    if section.kind == REPORT:
        beyond = sum(item.agrees is False for item in found) - missing
        loose = sum(item.agrees is None for item in found)
        text += f", {beyond:,} not within the tolerance" if beyond else ", none beyond the tolerance"
        text += f", {loose:,} without a tolerance" if loose else ""
        found = [item for item in found if item.relative is None and item.difference] or found
    largest = max(found, key=lambda item: -1 if math.isinf(item.size) else item.size)
    if math.isinf(largest.size):
        return text
    size = (
        f"difference is {largest.difference:+.3g}"
        if largest.relative is None
        else f"relative difference is {largest.relative:.2g}"
    )
    return f"{text}; the largest {size}, {largest.what} in {largest.where}"


def _table(rows: Sequence[Compared], kind: str, old: str, new: str, width: int) -> Table:
    """A table for the terminal, with as many of the columns that hold something as it is wide."""
    cells = [_cells(item, _BRIEF[kind]) for item in rows]
    kept = _fitting(cells, width)
    hidden = [title for place, title in enumerate(_TITLES) if place not in kept and any(row[place] for row in cells)]
    narrow = f"; too narrow for {', '.join(hidden)}" if hidden else ""
    title = Text(legal(f"{kind}; A: {old}, B: {new}{narrow}"))
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, title=title, title_justify="left")
    table.show_edge = False
    for place in kept:
        table.add_column(Text(_TITLES[place]), justify="right" if 2 <= place <= 6 else "left", overflow="fold")
    for item, row in zip(rows, cells, strict=True):
        style = "bold red" if item.agrees is False else ""
        table.add_row(*(Text(legal(row[place]), style=style) for place in kept))
    return table


def _fitting(cells: Sequence[Sequence[str]], width: int) -> list[int]:
    """Places of the columns to show: what moved and how far, and the others while there is room."""
    needed = [max(len(title), *(len(row[i]) for row in cells)) + 2 for i, title in enumerate(_TITLES)]
    kept: list[int] = []
    for places in ((0, 1, 4, 5, 6), (2, 3), (7,)):
        filled = [place for place in places if any(row[place] for row in cells)]
        if not kept or sum(needed[place] for place in (*kept, *filled)) <= width:
            kept += filled
    return sorted(kept)


def _cells(item: Compared, brief: int) -> list[str]:
    """The texts of a row; where there are no numbers, the difference is what stands on both sides."""
    if item.difference is None:
        sides = [text if len(text) <= brief else f"{text[:brief]}…" for text in (str(item.old), str(item.new))]
        return [item.where, item.what, "", "", " → ".join(sides), "", "", item.note]
    limits = f"{item.low:.4f} to {item.high:.4f}" if item.low is not None and item.high is not None else ""
    limits = f"outside {limits}" if limits and item.agrees is False else limits
    number, signed = ("{:.4f}", "{:+.4f}") if item.relative is None else ("{:.6g}", "{:+.3g}")
    sides = [NOTHING if value is None else number.format(value) for value in (item.old, item.new)]
    relative = "" if item.relative is None else f"{item.relative:.2g}"
    return [item.where, item.what, *sides, signed.format(item.difference), relative, limits, item.note]
