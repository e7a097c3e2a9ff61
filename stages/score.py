"""Command `score`: a trained model and recordings of one's own → scores and pages. No stage of the pipeline."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.files import alone_in, made
from ecgan.progress import Stopwatch
from ecgan.references import Reference
from ecgan.remotes.recordings import read_anywhere
from ecgan.reporting.recordings import ScoredRecording
from ecgan.runtime import set_threads
from ecgan.scoring.batch import Ahead, check_targets, find_recordings, omissions, read_ahead, score_all
from ecgan.scoring.console import Manner, note, tell, tell_model, tell_one
from ecgan.scoring.decisions import decide, read_decisions
from ecgan.scoring.leads import check_leads
from ecgan.scoring.runs import asked_of, chosen, leads_of, prepare_process, settle_memory
from ecgan.scoring.usual import SENTENCE

if TYPE_CHECKING:
    from ecgan.scoring.scorer import Scorer


def run(
    records: Sequence[Path | str],
    model: Reference | Mapping[int, Reference],
    out: Path,
    *,
    leads: str | None = None,
    sampling_rate: float | None = None,
    unit: str | None = None,
    gain: float | None = None,
    baseline: float | None = None,
    annotator: str | None = None,
    strategy: str | None = None,
    threshold: float | None = None,
    decisions: Path | None = None,
    force: bool = False,
    manner: Manner = Manner(),  # noqa: B008, it is frozen
) -> bool:
    """Score recordings, write and tell the results; return whether all could be scored.

    Args:
        records: Files of recordings, folders of them, or URLs of recordings.
        model: The trained run; without a fold, all of its folds score. Where a user names none, the usual ones by the
            number of leads that they look at.
        out: The folder of the results.
        leads: The recordings' leads that stand for the model's, with commas between; `auto`: those that standards name
            so; None: those of the same names.
        sampling_rate: Hz, for files that do not say it; one that contradicts times, or the only file, is an error.
        unit: Unit of channels for which the file names none; None: mV.
        gain: Counts per mV, of text and arrays that hold the counts of a converter.
        baseline: The count at 0 mV; None: the median of each lead.
        annotator: Annotation files beside the recordings that mark the beats; None: R peaks are detected.
        strategy: the strategy that decides; None: by validation, see `ecgan.evaluation.choosing`.
        threshold: Its threshold; None: the fitted one.
        decisions: What a reader decided of the families, as the page of the one recording exported it; its annotations
            are then those of the accepted families only.
        force: Whether files that are there are overwritten.
        manner: How much is told, and to whom.

    Raises:
        EcganError: Nothing can be scored; of a single recording, its own error.
    """
    named = None if leads is None else [lead.strip() for lead in leads.split(",")]
    found = find_recordings(records)
    note([] if manner.quiet else omissions(records))
    if decisions is not None and len(found) > 1:
        raise EcganError(f"--decisions is of one recording, and {len(found)} are named.", "Score it by itself.")
    models = {0: model} if isinstance(model, Reference) else model
    others = [file for one in models.values() for file in one.folder.rglob("*")]
    others += [] if decisions is None else [decisions]
    check = partial(check_targets, out, found, annotator=annotator, force=force, others=others)
    check()
    watch = Stopwatch()
    usual = 0 not in models
    looked_at = {count: leads_of(one) for count, one in models.items()}
    read = partial(
        read_anywhere,
        sampling_rate=sampling_rate,
        annotator=annotator,
        unit=unit,
        gain=gain,
        baseline=baseline,
        several=len(found) > 1,
        leads=asked_of(named, models, looked_at),
    )

    def look(place: Path | str) -> Record:
        record = read(place)
        count, taken = chosen(record, models, named)
        check_leads(record, looked_at[count], taken)
        return record

    with watch.step("reading"):
        ahead = read_ahead(found, look)  # what cannot be scored costs no model
    score: Callable[[Path | str], ScoredRecording] = ahead.refuse
    if ahead.can_be_read:
        scorers = _load(models, strategy, threshold, manner)
        score = partial(_score, ahead, scorers, watch=watch, leads=named, annotator=annotator, decisions=decisions)
        note([SENTENCE] if usual and not manner.quiet else [])

    with made(out), alone_in(out) as waited:
        if waited:
            check()
        outcomes = score_all(
            found, out, score, done=partial(tell_one, out=out, manner=manner), watch=watch, bar=manner.bar
        )
        if len(outcomes) == 1 and outcomes[0].error is not None:
            raise outcomes[0].error
    tell(outcomes, out, manner=manner)
    return all(outcome.error is None for outcome in outcomes)


def _load(
    models: Mapping[int, Reference], strategy: str | None, threshold: float | None, manner: Manner
) -> dict[int, "Scorer"]:
    """Load the run, or the usual ones, and set the process up for them."""
    from ecgan.scoring.scorer import load_scorer

    prepare_process(models)
    scorers = {}
    for count, one in models.items():
        watch = Stopwatch()
        with watch.step("model"):
            scorers[count] = load_scorer(one, strategy=strategy, threshold=threshold)
        if manner.verbose:
            tell_model(f"{one.text} in {one.folder}", scorers[count], watch.taken()["model"])
    set_threads(next(iter(scorers.values())).trained.params.runtime.threads)
    settle_memory(scorers)
    return scorers


def _score(
    ahead: Ahead,
    scorers: Mapping[int, "Scorer"],
    place: Path | str,
    *,
    watch: Stopwatch,
    leads: Sequence[str] | None,
    annotator: str | None,
    decisions: Path | None,
) -> ScoredRecording:
    from ecgan.scoring.recording import score_recording

    with watch.step("reading"):
        record = ahead.take(place)
    count, taken = chosen(record, scorers, leads)
    scored = score_recording(record, scorers[count], leads=taken, annotator=annotator, watch=watch)
    return scored if decisions is None else decide(scored, read_decisions(decisions, scored))
