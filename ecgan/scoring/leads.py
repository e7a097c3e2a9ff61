"""Which of a recording's leads a model sees."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ecgan.ecg.leads import FORMULAS, canonical_lead, derive_leads, match_leads, standard_lead
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.terminal import quoted

AUTO = ("auto",)
"""Instead of names: the leads that standards, devices or other countries name as the model does."""


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
    hint = f"Say which of the recording's leads stand for the model's, in order: --leads{_example(have, expected)}"
    if any(canonical_lead(lead) == "mlii" for lead in expected) and "ii" in {canonical_lead(lead) for lead in have}:
        hint += " (II is near MLII, whose limb electrodes are on the trunk: beats look somewhat different)"
    automatic = given is not None and tuple(given) == AUTO
    if (
        given is not None
        and not automatic
        and (len(given) != len(expected) or len({canonical_lead(lead) for lead in given}) < len(given))
    ):
        raise EcganError(
            f"--leads {','.join(given)} does not name one lead of the recording for each of the model's"
            f" {len(expected)}: {', '.join(expected)}.",
            hint,
        )
    try:
        if automatic:
            missing = {standard_lead(lead): why for lead, why in (left_out or {}).items()}
            names = [standard_lead(lead) for lead in have]
            return match_leads(names, [standard_lead(lead) for lead in expected], missing)
        return match_leads(have, expected if given is None else given, left_out)
    except EcganError as error:
        raise EcganError(
            f"{error.message} The model sees {', '.join(expected)}; the recording has {', '.join(have)}.", hint
        ) from None


def _example(have: Sequence[str], expected: Sequence[str]) -> str:
    """As many of the recording's leads as the model has, those of the same name where there are any, II for MLII."""
    others = [lead for lead in have if lead not in expected]
    others.sort(key=lambda lead: canonical_lead(lead) != "ii" or "MLII" not in expected)
    example = ",".join(lead if lead in have else (others.pop(0) if others else "LEAD") for lead in expected)
    return f"{'=' if example.startswith('-') else ' '}{quoted(example)}"  # labels of EDF files hold blanks, or worse
