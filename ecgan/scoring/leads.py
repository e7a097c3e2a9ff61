"""Which of a recording's leads a model sees."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from numpy.typing import NDArray

from ecgan.ecg.files.units import check_size_of_ecg
from ecgan.ecg.leads import FORMULAS, canonical_lead, derive_leads, match_leads, standard_lead
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.terminal import quoted

AUTO = ("auto",)
"""Asks, in place of names, for the leads that standards, devices or other countries name as the model does."""

_MOST_LOOKED_AT = 10**7
"""Values, leads times samples, of a recording that is looked at before a model is loaded."""


def with_derived(record: Record, expected: Sequence[str], given: Sequence[str] | None) -> tuple[Record, dict[str, str]]:
    """Add leads that are wanted, are not there and follow exactly from I and II; return their formulas as well."""
    automatic = given is not None and tuple(given) == AUTO
    names = [standard_lead(lead) for lead in record.leads] if automatic else record.leads
    signals, added = derive_leads(record.signals, names, expected if given is None or automatic else given)
    formulas = {canonical_lead(lead): words for lead, words in FORMULAS.items()}
    told = {lead: formulas[canonical_lead(lead)] for lead in added}
    return (replace(record, signals=signals, leads=[*record.leads, *added]), told) if added else (record, {})


def choose_leads(
    have: Sequence[str],
    expected: Sequence[str],
    given: Sequence[str] | None,
    left_out: Mapping[str, str] | None = None,
) -> list[int]:
    """Find the channel of each lead that a model expects, in its order.

    `given` are the recording's leads that stand for them, in the same order; `AUTO`: those that standards name so;
    None: those of the same names. `left_out` says why a lead of the recording is not among `have`, by its name.

    Raises:
        EcganError: A lead is not there, or not as many were given as the model has.
    """
    automatic = given is not None and tuple(given) == AUTO
    wanted = list(expected if given is None or automatic else given)
    fits = len(wanted) == len(expected) and len({canonical_lead(lead) for lead in wanted}) == len(wanted)
    example = _example(have, wanted if fits else expected)
    hint = f"Say which of the recording's leads stand for the model's, in order: --leads{example}"
    if any(canonical_lead(lead) == "mlii" for lead in expected) and "ii" in {canonical_lead(lead) for lead in have}:
        hint += " (II is near MLII, whose limb electrodes are on the trunk: beats look somewhat different)"
    if given is not None and not fits:
        raise EcganError(
            f"--leads {','.join(wanted)} does not name one lead of the recording for each of the model's"
            f" {len(expected)}: {', '.join(expected)}.",
            hint,
        )
    try:
        if automatic:
            missing = {standard_lead(lead): why for lead, why in (left_out or {}).items()}
            names = [standard_lead(lead) for lead in have]
            return match_leads(names, [standard_lead(lead) for lead in expected], missing)
        return match_leads(have, wanted, left_out)
    except EcganError as error:
        raise EcganError(
            f"{error.message} The model sees {', '.join(expected)}; the recording has {', '.join(have)}.", hint
        ) from None


def columns(signals: NDArray[Any], chosen: Sequence[int]) -> NDArray[Any]:
    """The chosen leads of signals (T, C), at least one; no copy of a day where they stand side by side."""
    first = chosen[0]
    beside = list(chosen) == list(range(first, first + len(chosen)))
    return signals[:, first : first + len(chosen)] if beside else signals[:, list(chosen)]


def _example(have: Sequence[str], wanted: Sequence[str]) -> str:
    """Of each wanted lead that of the recording which is called the same or nearly, II for MLII, or what is left."""
    left = [lead for lead in have if lead not in wanted]
    example = []
    for lead in wanted:
        limb = [other for other in left if canonical_lead(lead) == "mlii" and canonical_lead(other) == "ii"]
        close = [lead] if lead in have else [*limb, *get_close_matches(lead, left, n=1, cutoff=0.5), *left, "LEAD"]
        example.append(close[0])
        left = [other for other in left if other != close[0]]
    text = ",".join(example)
    return f"{'=' if text.startswith('-') else ' '}{quoted(text)}"  # labels of EDF files hold blanks, or worse


def check_leads(record: Record, want: Sequence[str], leads: Sequence[str] | None) -> None:
    """Refuse a recording that lacks leads, or whose size is that of no ECG, by what a model's leads are called alone.

    A long recording is not looked at: it would be copied for that.

    Raises:
        EcganError: As `score_recording` would.
    """
    if record.signals.size > _MOST_LOOKED_AT:
        return
    record, _ = with_derived(record, want, leads)
    chosen = choose_leads(record.leads, want, leads, record.left_out)
    names = [record.leads[index] for index in chosen]
    check_size_of_ecg(
        f"the recording {record.name}", columns(record.signals, chosen), record.sampling_rate, names, record.assumed
    )
