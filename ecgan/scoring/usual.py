"""What scores where a user names no model: a published one, by how many leads a recording has."""

from collections.abc import Sequence

USUAL = {1: "published:patient-specific-mlii", 2: "published:patient-specific"}
"""By the number of leads that it looks at. It compares with the record's own normal, so that any leads will do."""

SENTENCE = f"no --model is named: {USUAL[2]} scores, or {USUAL[1]} where there is one lead"

_FIRST = ("mlii", "ii", "v1", "v5", "v2", "i", "v6", "v4", "v3")
"""Which leads are taken of many, the first ones first: those that show P waves and the direction of the QRS."""


def usual_leads(have: Sequence[str]) -> list[str]:
    """Return the leads of a recording that the usual model looks at: at most two, as they are called there."""
    from ecgan.ecg.leads import standard_lead  # the names above are wanted before anything numerical is loaded

    ranks = {name: rank for rank, name in enumerate(_FIRST)}
    order = sorted(range(len(have)), key=lambda index: (ranks.get(standard_lead(have[index]), len(ranks)), index))
    return [have[index] for index in order[: max(USUAL)]]
