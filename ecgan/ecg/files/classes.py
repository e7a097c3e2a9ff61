"""Columns of a table that hold classes of beats, or marks, and no signal."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.files.channels import Chosen, Columns
from ecgan.ecg.leads import standard_lead
from ecgan.errors import EcganError

_NAMES = re.compile(
    r"(.*[^a-z])?(labels?|class(es)?|targets?|annotations?|anns?|symbols?|types?|diagnos[ie]s|rhythms?|anomal(y|ies)|beats?"
    r"|markers?|categor(y|ies)|r_?peaks?|is_?peak)([^a-z].*)?",
    re.IGNORECASE,
)
_MOST_NAMED, _MOST = 100, 12
"""Most whole numbers that stand for classes: in a column that is called so, and in any."""
_ENOUGH = 500
"""Fewer rows may hold so few numbers by chance."""


def without_classes(where: str, columns: Columns, chosen: Sequence[Chosen]) -> tuple[list[Chosen], dict[str, str]]:
    """Return the columns that are leads, and why the others are none, by their names.

    A column of few whole numbers is none if it is called as classes are, or if it is long and beside another lead; so
    is one of one number.

    Raises:
        EcganError: No lead is left.
    """
    counts = {one.lead: _whole_numbers(columns.values[:, one.index]) for one in chosen}
    named = [one.lead for one in chosen if _NAMES.fullmatch(one.lead) and counts[one.lead] <= _MOST_NAMED]
    few = [
        one.lead
        for one in chosen
        if (2 <= counts[one.lead] <= _MOST or _says_one_thing(columns, one, counts[one.lead])) and _is_no_name(one.lead)
    ]
    others = few if len(columns.values) >= _ENOUGH and set(few) | set(named) < counts.keys() else []
    what = "whole numbers, as of classes or marks"
    reasons = {lead: f"its values are {counts[lead]:.0f} {what}" for lead in {*named, *others}}
    reasons |= {lead: "it is empty" for lead in reasons if not counts[lead]}
    reasons |= {lead: "all of its values are one whole number" for lead in reasons if counts[lead] == 1}
    left = [one for one in chosen if one.lead not in reasons]
    if not left:
        raise EcganError(f"{where} has no lead: {', '.join(map(repr, reasons))} holds classes or marks.")
    return left, {one.lead: reasons[one.lead] for one in chosen if one.lead in reasons}


def _says_one_thing(columns: Columns, one: Chosen, count: float) -> bool:
    """Whether a column that has a name holds nothing, or one number all along; 0 is that of a lead that is off."""
    values = columns.values[:, one.index]
    return bool(columns.names[one.index]) and (not count or (count == 1 and values[np.isfinite(values)][0] != 0))


def _is_no_name(lead: str) -> bool:
    """Whether a column is not called as a lead of standards is."""
    return standard_lead(lead) not in _LEADS


_LEADS = {*["i", "ii", "iii", "avr", "avl", "avf", "mlii", "mliii", "mlv"], *(f"v{number}" for number in range(1, 10))}


def _whole_numbers(values: NDArray[np.float64]) -> float:
    """Return how many numbers there are in a column of whole numbers (T,); infinity where they are not whole."""
    there = values[np.isfinite(values)]
    if not len(there):
        return 0.0
    if (there[:1000] != np.rint(there[:1000])).any() or (there != np.rint(there)).any():
        return float("inf")
    return float(len(np.unique(there)))
