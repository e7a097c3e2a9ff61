"""Lead names: which of a recording's channels is meant by a name, and leads that follow from others."""

import functools
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError, nearest

_PREFIX = re.compile(r"^(mdc_ecg_lead_|(ecg|ekg|lead)[\s_.:-]+)(?=\S)")
_SPACE = re.compile(r"[\s_]+")
_LIMB = {"1": "i", "2": "ii", "3": "iii"}
_NUMBERED = re.compile(r"(?:d|l|lead|abl|ableitung)[\s_.:-]*(?P<limb>[123]|i{1,3})")
"""Limb leads as they are spelt elsewhere: DII and D2, L2, Lead 2. A number alone is that of a channel."""
_CHEST = re.compile(r"[cv](?P<chest>[1-9]r?)")
_GOLDBERGER = re.compile(r"a?v(?P<limb>[rlf])")

DERIVED = {"III": (-1.0, 1.0), "aVR": (-0.5, -0.5), "aVL": (1.0, -0.5), "aVF": (-0.5, 1.0)}
"""Leads that follow from I and II: how often each of the two is in them (Einthoven's and Goldberger's definitions)."""
FORMULAS = {"III": "II - I", "aVR": "-(I + II) / 2", "aVL": "I - II / 2", "aVF": "II - I / 2"}
"""The same in words."""


ANY = "*"
"""A lead that is wanted whatever its name: the first of the others."""


@functools.lru_cache(maxsize=1024)
def canonical_lead(name: str) -> str:
    """Return what lead names are compared by: "ECG II", "MDC_ECG_LEAD_II" and "II" are one lead, "aVR" and "AVR" too.

    Nothing that was recorded elsewhere on the body is taken for the same: MLII is a lead of its own beside II.
    """
    plain = name.strip().casefold()
    while (shorter := _PREFIX.sub("", plain)) != plain:
        plain = shorter
    return _SPACE.sub("", plain)


def standard_lead(name: str) -> str:
    """Return the canonical name of a lead that is spelt as standards, devices or other countries do: "DII" is "ii".

    A name that is none of the standard twelve comes back as `canonical_lead` has it: MLII stays MLII.
    """
    if limb := _NUMBERED.fullmatch(name.strip().casefold()):
        return _LIMB.get(limb["limb"], limb["limb"])
    canonical = canonical_lead(name)
    if chest := _CHEST.fullmatch(canonical):
        return f"v{chest['chest']}"
    goldberger = _GOLDBERGER.fullmatch(canonical)
    return f"av{goldberger['limb']}" if goldberger else canonical


def match_leads(have: Sequence[str], want: Sequence[str], left_out: Mapping[str, str] | None = None) -> list[int]:
    """Find the channels of wanted leads among the names of those that there are.

    Args:
        have: The names that there are.
        want: The leads that are wanted; `ANY` stands for one that no other of them names.
        left_out: Why a lead of the file is not among them, by its name.

    Returns:
        For each wanted lead the index of its channel: the one that is spelt the same, else the one that has the same
        name but for case, spaces and the words "ECG", "EKG", "Lead" or `MDC_ECG_LEAD_` in front.

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


def derive_leads(
    signals: NDArray[np.float64], have: Sequence[str], want: Sequence[str]
) -> tuple[NDArray[np.float64], list[str]]:
    """Add wanted leads that are not there and follow exactly from I and II.

    Args:
        signals: Shape (T, C), NaN where samples are missing; a lead misses them that one of its two misses.
        have: Name of each channel, length C.
        want: Leads that are wanted.

    Returns:
        Signals (T, C + d), and the names of the d leads that were added, in the order of `want`.
    """
    known = {canonical_lead(lead) for lead in have}
    formulas = {canonical_lead(lead): parts for lead, parts in DERIVED.items()}
    missing = {canonical_lead(lead): lead for lead in want if canonical_lead(lead) in formulas.keys() - known}
    first, second = ([row for row, lead in enumerate(have) if canonical_lead(lead) == limb] for limb in ("i", "ii"))
    if not missing or len(first) != 1 or len(second) != 1:
        return signals, []
    one, two = signals[:, first[0]], signals[:, second[0]]
    added = [formulas[lead][0] * one + formulas[lead][1] * two for lead in missing]
    return np.column_stack([signals, *added]), list(missing.values())


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
