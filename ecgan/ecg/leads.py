"""Lead names: which of a recording's channels is meant by a name."""

import re
from collections.abc import Mapping, Sequence

from ecgan.errors import EcganError, nearest

_PREFIX = re.compile(r"^(ecg|ekg|lead)[\s_.:-]+(?=\S)")
_SPACE = re.compile(r"[\s_]+")


ANY = "*"
"""A lead that is wanted whatever its name: the first of the others."""


def canonical_lead(name: str) -> str:
    """Return what lead names are compared by: "ECG II", "Lead II" and "II" are one lead, so are "aVR" and "AVR".

    Nothing that was recorded elsewhere on the body is taken for the same: MLII is a lead of its own beside II.
    """
    return _SPACE.sub("", _PREFIX.sub("", name.strip().casefold()))


def match_leads(have: Sequence[str], want: Sequence[str], left_out: Mapping[str, str] | None = None) -> list[int]:
    """Find the channels of wanted leads among the names of those that there are.

    Args:
        have: The names that there are.
        want: The leads that are wanted; `ANY` stands for one that no other of them names.
        left_out: Why a lead of the file is not among them, by its name.

    Returns:
        For each wanted lead the index of its channel: the one that is spelt the same, else the one that has the same
        name but for case, spaces and the words "ECG", "EKG" or "Lead" in front.

    Raises:
        EcganError: A lead is not there, or two channels could be meant, or there are too few.
    """
    for lead in want:
        for name, reason in (left_out or {}).items():
            if canonical_lead(name) == canonical_lead(lead) and lead not in have:
                raise EcganError(f"the lead {lead!r} cannot be read: {reason}.", f"Leads: {', '.join(have)}.")
    named = {lead: _match_lead(have, lead) for lead in want if lead != ANY}
    others = [index for index in range(len(have)) if index not in named.values()]
    if want.count(ANY) > len(others):
        raise EcganError(f"{len(want)} leads are wanted, and there are {len(have)}.", f"Leads: {', '.join(have)}.")
    rest = iter(others)
    return [next(rest) if lead == ANY else named[lead] for lead in want]


def _match_lead(have: Sequence[str], lead: str) -> int:
    exact = [index for index, name in enumerate(have) if name == lead]
    same = exact or [index for index, name in enumerate(have) if canonical_lead(name) == canonical_lead(lead)]
    if len(same) == 1:
        return same[0]
    if not same:
        close = nearest(lead, list(have)) or "."
        raise EcganError(f"there is no lead {lead!r}{close}", f"The leads are: {', '.join(have)}.")
    raise EcganError(
        f"the lead {lead!r} could be each of the channels {', '.join(repr(have[index]) for index in same)}.",
        "Name the channel exactly as the file does.",
    )
