"""A list of so many recordings that a page cannot hold a row for each: its columns, packed, which a script unpacks.

Columns of numbers and names that are sorted in the same folders say little that is new, and are deflated to a few bytes
a recording: 100,000 are about a megabyte of one page that needs no other file, opened from a disk as well as a server.
A page beside which data lie, to be loaded when they are asked for, could not read them from a disk but as scripts.
"""

import base64
import json
import zlib
from array import array
from typing import TYPE_CHECKING, Any

from ecgan.reporting.legal import legal

if TYPE_CHECKING:
    from ecgan.reporting.index_page import ListedRecording

NUMBERS = ("minutes", "samples", "scored", "flagged", "noisy", "families", "episodes")
_NOTHING = float("nan")


class PackedList:
    """The columns of a list, filled row by row."""

    def __init__(self) -> None:
        self.numbers = {name: array("d") for name in NUMBERS}
        self.names: list[str] = []
        self.remarks: dict[str, int] = {}
        self.remark = array("I")
        self.links: dict[int, str] = {}
        self.failed = self.flagged = self.scored = 0

    def __len__(self) -> int:
        return len(self.names)

    def add(self, one: "ListedRecording") -> None:
        """Add a row."""
        if one.page is not None:
            self.links[len(self)] = one.link
        self.names.append(_line(one.name))
        self.remark.append(self.remarks.setdefault(_line(one.remark), len(self.remarks)))
        for name, values in self.numbers.items():
            value = getattr(one, name)
            values.append(_NOTHING if value is None else value)
        self.failed += one.is_failed
        self.flagged += one.flagged or 0
        self.scored += one.scored or 0

    def packed(self) -> str:
        """All columns: the length of a header, the header, and what it names, deflated, in base64."""
        parts = {name: _narrow(values) for name, values in self.numbers.items()}
        parts["remark"] = self.remark.tobytes()
        parts["names"], parts["remarks"] = ("\n".join(words).encode() for words in (self.names, self.remarks))
        header: dict[str, Any] = {"count": len(self), "links": self.links}
        header["parts"] = {name: len(part) for name, part in parts.items()}
        told = json.dumps(header, ensure_ascii=True).encode()
        content = b"".join([len(told).to_bytes(4, "little"), told, *parts.values()])
        return base64.b64encode(zlib.compress(content, 9)).decode()


def _narrow(values: "array[float]") -> bytes:
    """Numbers as float32, in which all counts up to 16 million are exact."""
    return array("f", values).tobytes()


def _line(text: str) -> str:
    return " ".join(text.split()) if text.isascii() and text.isprintable() else legal(text)
