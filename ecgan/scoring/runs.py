"""The runs that score: one that the user names, or the usual ones, of which a recording's leads choose."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from ecgan.ecg.records import Record
from ecgan.preprocessing.inputs import load_input
from ecgan.references import Reference, folds_of
from ecgan.runs.layout import part
from ecgan.runtime import own_process, return_large, reuse_memory
from ecgan.scoring.leads import AUTO
from ecgan.scoring.usual import usual_leads
from ecgan.seals import check_seal

if TYPE_CHECKING:
    from ecgan.scoring.scorer import Scorer


def chosen(record: Record, counts: Collection[int], named: Sequence[str] | None) -> tuple[int, Sequence[str] | None]:
    """Which run scores a recording, by its number of leads or 0, and which leads of the recording stand for its own."""
    if 0 in counts:
        return 0, named
    taken = usual_leads(record.leads) if named is None or tuple(named) == AUTO else named
    return min(len(taken), max(counts)), taken


def prepare_process(models: Mapping[int, Reference]) -> None:
    """Set the process up for the runs, before the first of them is loaded."""
    from ecgan.scoring.scorer import with_network

    (own_process if any(with_network(one) for one in models.values()) else reuse_memory)()


def settle_memory(scorers: "Mapping[int, Scorer]") -> None:
    """Set it up for what they are, once they are loaded."""
    if not any(scorer.has_network for scorer in scorers.values()):
        return_large()


def load_all(models: Mapping[int, Reference], strategy: str | None, threshold: float | None) -> "dict[int, Scorer]":
    """Load the runs into a process that is ECGAN's own."""
    from ecgan.scoring.scorer import load_scorer

    prepare_process(models)
    scorers = {count: load_scorer(one, strategy=strategy, threshold=threshold) for count, one in models.items()}
    settle_memory(scorers)
    return scorers


def leads_of(model: Reference) -> Sequence[str]:
    """The leads that a run looks at, without the run."""
    folder = part(model.folder, "train", folds_of(model)[0])
    check_seal(folder)
    return load_input(folder).leads


def asked_of(
    leads: Sequence[str] | None, models: Collection[int], looked_at: Mapping[int, Sequence[str]]
) -> tuple[str, ...]:
    """The leads that reading looks for: those that a user named, else those of the run that a user named."""
    if leads is not None and tuple(leads) != AUTO:
        return tuple(leads)
    return tuple(looked_at[0]) if 0 in models else ()
