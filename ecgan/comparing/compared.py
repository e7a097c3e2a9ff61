"""One thing that was looked at on both sides, and how values, arrays and JSON are set side by side."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError

THERE, MISSING = "there", "missing"
_DEEPEST = 50
_LARGEST_WHOLE = 2**53  # beyond it, a whole number is a name (a seed), and no quantity

Value = float | str | None


@dataclass(frozen=True)
class Compared:
    """One thing on both sides.

    Attributes:
        where: The stage, file or folder that it belongs to.
        what: The output, tensor, key or metric.
        old: The reference's value; of an array, the one at the place of the largest difference.
        new: The other side's.
        difference: `new` − `old`; None where these are no numbers.
        relative: The size of the difference over the largest magnitude on either side; None for metrics.
        low: Lower end of the tolerance; None where there is none.
        high: Its upper end.
        agrees: Whether it is within the tolerance; None where nothing is stated for it.
        note: What else there is to say.
    """

    where: str
    what: str
    old: Value = None
    new: Value = None
    difference: float | None = None
    relative: float | None = None
    low: float | None = None
    high: float | None = None
    agrees: bool | None = None
    note: str = ""

    @property
    def moved(self) -> bool:
        """Whether the two sides differ."""
        return self.difference != 0 if self.difference is not None else self.old != self.new

    @property
    def judged(self) -> bool:
        """Whether there is a tolerance for it, and a value to apply it to."""
        return self.low is not None and self.agrees is not None

    @property
    def size(self) -> float:
        """How far it moved, for sorting; what has no size comes before all that has."""
        size = self.difference if self.relative is None else self.relative
        return math.inf if size is None or math.isnan(size) else abs(size)


def moved(items: list[Compared]) -> list[Compared]:
    """Return what differs, in the same order."""
    return [item for item in items if item.moved]


def one_sided(where: str, what: str, *, in_old: bool) -> Compared:
    """Something that only one side has."""
    return Compared(where, what, *((THERE, MISSING) if in_old else (MISSING, THERE)), agrees=False)


def paired(where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[list[str], list[Compared]]:
    """Return the keys that both sides have, in order, and what only one has."""
    both = [key for key in old if key in new]
    return both, [one_sided(where, key, in_old=key in old) for key in [*old, *new] if key not in old or key not in new]


def compare_values(where: str, what: str, old: Any, new: Any) -> Compared:
    """Set two plain values side by side: numbers by their difference, all else as text."""
    if _is_number(old) and _is_number(new):
        same = old == new or (math.isnan(old) and math.isnan(new))  # the difference of two infinities is no number
        difference = 0.0 if same else float(new) - float(old)
        return Compared(where, what, old, new, difference, _relative(difference, max(abs(old), abs(new))))
    return Compared(where, what, _word(old), _word(new))


def compare_arrays(where: str, what: str, old: NDArray[Any], new: NDArray[Any]) -> Compared:
    """Set two arrays of numbers side by side, by their largest difference; two NaN in one place are the same."""
    if old.shape != new.shape or old.dtype != new.dtype:
        return Compared(where, what, _kind(old), _kind(new))
    first, second = (side.astype(np.float64).reshape(-1) for side in (old, new))
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    if same.all():
        return Compared(where, what, difference=0.0, relative=0.0)
    with np.errstate(invalid="ignore"):
        gaps = np.where(same, 0.0, np.abs(second - first))
    place = int(np.argmax(np.where(np.isnan(gaps), np.inf, gaps)))
    before, after = float(first[place]), float(second[place])
    scale = max(np.max(np.abs(side[np.isfinite(side)]), initial=0.0) for side in (first, second))
    difference = after - before
    note = f"{int((~same).sum()):,} of {same.size:,} values differ"
    return Compared(where, what, before, after, difference, _relative(difference, float(scale)), note=note)


def compare_json(where: str, old: Any, new: Any) -> list[Compared]:
    """Set two documents side by side, key by key; a list of numbers is one array."""
    first, second = dict(_leaves(where, old)), dict(_leaves(where, new))
    both, found = paired(where, first, second)
    for key in both:
        sides = first[key], second[key]
        arrays = all(isinstance(side, np.ndarray) for side in sides)
        found.append((compare_arrays if arrays else compare_values)(where, key, *sides))
    return found


def _leaves(where: str, value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield dotted names and plain values, and one array for each list of numbers."""
    if depth > _DEEPEST:
        raise EcganError(f"{where} is nested too deeply to be compared.", "Compare parts of it.")
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _leaves(where, value[key], f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list):
        if value and all(_is_number(item) for item in value):
            yield path, np.array(value, dtype=np.float64)
        else:
            for index, item in enumerate(value):
                yield from _leaves(where, item, f"{path}[{index}]", depth + 1)
    else:
        yield path, value


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, float) or abs(value) <= _LARGEST_WHOLE


def _word(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return _kind(value)
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else json.dumps(value)


def _kind(array: NDArray[Any]) -> str:
    """An array's type and shape in words: "float32, 16 × 1 × 7"."""
    return f"{array.dtype}, {' × '.join(map(str, array.shape)) or 'one number'}"


def _relative(difference: float, scale: float) -> float:
    return abs(difference) / scale if scale else 0.0 if difference == 0 else math.nan
