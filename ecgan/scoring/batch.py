"""Several recordings: which files are meant, what their results are called, and what became of each."""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from ecgan.datasets.inventory import recordings_among
from ecgan.datasets.omissions import left_out
from ecgan.ecg.files.recordings import files_of_recording, locate
from ecgan.ecg.records import Record
from ecgan.errors import EcganError, Interrupted
from ecgan.files import FULL, alike, check_target_folder, unsayable, unusable, write_frame, write_text
from ecgan.progress import Stopwatch, track
from ecgan.remotes.recordings import path_in, told_place
from ecgan.reporting.recordings import ScoredRecording
from ecgan.scoring.files import CONTENTS, files_of, summarised, write_scored
from ecgan.terminal import encodable

SUMMARIES = ("summary.csv", "summary.html")
"""Of several recordings: a table and a page with a link to the page of each."""

FAILURES = (EcganError, OSError, UnicodeEncodeError, MemoryError)
"""What a recording that cannot be scored raises; the others are scored all the same."""

_COUNTS = ("samples", "scored", "flagged", "noisy", "families", "episodes")


@dataclass(frozen=True)
class Wanted:
    """A recording that is to be scored.

    Attributes:
        path: As it was named, a path or a URL.
        file: Its file; of a WFDB record the header, of a URL its last parts.
        name: What its results are called, perhaps with a folder in front.
    """

    path: Path | str
    file: Path
    name: str


@dataclass(frozen=True)
class Outcome:
    """What became of a recording: what its summary says, or an error; and the seconds that steps took."""

    wanted: Wanted
    facts: dict[str, Any] | None
    error: EcganError | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, Any]:
        """Minutes and numbers of samples; None where there are no facts."""
        return {key: (self.facts or {}).get(key) for key in ("minutes", *_COUNTS)}

    @property
    def warnings(self) -> list[str]:
        """Sentences that a reader must see."""
        return [str(text) for text in (self.facts or {}).get("warnings", [])]


@dataclass
class Ahead:
    """What was read before anything that scores was loaded.

    Attributes:
        found: The first recordings, up to one that could be read, or why they could not, by their places.
        read: What reads a recording.
    """

    found: dict[Path | str, Record | EcganError]
    read: Callable[[Path | str], Record]

    @property
    def can_be_read(self) -> bool:
        """Whether any of them could be read."""
        return any(isinstance(one, Record) for one in self.found.values())

    def take(self, place: Path | str) -> Record:
        """Return a recording, which is kept no longer; read it if nobody did."""
        found = self.found.pop(place) if place in self.found else self.read(place)
        if isinstance(found, EcganError):
            raise found
        return found

    def refuse(self, place: Path | str) -> NoReturn:
        """Raise why a recording cannot be read, where none can."""
        self.take(place)
        raise AssertionError("it can be read")


def read_ahead(wanted: Iterable[Wanted], read: Callable[[Path | str], Record]) -> Ahead:
    """Read recordings until one can be read: where none can, nothing that scores need be loaded."""
    ahead = Ahead({}, read)
    for one in wanted:
        try:
            ahead.found[one.path] = read(one.path)
            break
        except FAILURES as error:
            ahead.found[one.path] = sentence(one.path, error)
    return ahead


def find_recordings(paths: Iterable[Path | str]) -> list[Wanted]:
    """Find the recordings that paths name: each once, of a folder all that are in it, sorted.

    Recordings of one name get the name of their folder in front. A folder without recordings stands for itself, which
    cannot be scored.

    Raises:
        EcganError: Two recordings would have results of one name.
    """
    files: dict[Path | str, tuple[Path | str, Path]] = {}
    for path in paths:
        if isinstance(path, str):
            files.setdefault(path, (path, Path(path_in(path))))
            continue
        for one in (_in_folder(path) or [path]) if path.is_dir() else [path]:
            file = _file(one)
            files.setdefault(_real(file), (one, file))
    stems = Counter(alike(file.stem) for _, file in files.values())
    found = []
    for path, file in files.values():
        folder = _real(file).parent.name
        alone = stems[alike(file.stem)] == 1
        found.append(Wanted(path, file, file.stem if alone or not folder else f"{folder}/{file.stem}"))
    _check_names(found)
    return found


def omissions(paths: Iterable[Path | str]) -> list[str]:
    """Say of each folder among the paths which of its files are no recordings."""
    told = []
    for folder in paths:
        if isinstance(folder, Path) and folder.is_dir():
            names = sorted(path.name for path in folder.iterdir() if path.is_file())
            told.append(left_out(folder, names, recordings_among(folder, names)))
    return [text for text in told if text]


def check_targets(
    out: Path, wanted: Sequence[Wanted], *, annotator: str | None, force: bool, others: Iterable[Path] = ()
) -> None:
    """Refuse a folder that cannot be written to, and files that must not be overwritten, before anything is scored.

    No file is that is read, under whatever name: the recordings, all that their headers name, and `others`.
    """
    check_target_folder(out)
    targets = [file for one in wanted for file in files_of(out, one.name)]
    if len(wanted) > 1:
        targets += [out / name for name in SUMMARIES]
        if any(one.name.casefold() == "summary" for one in wanted):
            raise EcganError(
                "the results of the recording 'summary' and the summary of all would have one name.",
                "Rename the recording, or score it by itself.",
            )
    if len({alike(str(target)) for target in targets}) < len(targets):
        raise EcganError("two recordings would have results of one name.", "Score them one by one.")
    inputs = [file for one in wanted for file in files_of_recording(one.file, annotator)]
    known = {mark for file in [*inputs, *others] for mark in _marks(file)}
    for target in targets:
        if known & _marks(target):
            what = "would be written over what is to be scored, or is read for it"
            raise EcganError(f"{target} {what}.", "Name another folder: --out DIR.")
        if target.is_dir():
            raise EcganError(f"{target} is a folder.", "Name another folder: --out DIR.")
        if os.path.lexists(target) and not force:
            raise EcganError(f"{target} is there already.", "Say --force to overwrite it, or name another --out DIR.")


def _marks(file: Path) -> set[Any]:
    """What tells that a file is another one by another name: its place, in letters of one size, and its number."""
    found: set[Any] = {alike(str(_real(file)))}
    with contextlib.suppress(OSError):
        state = file.stat()
        found.add((state.st_dev, state.st_ino))
    return found


def _real(path: Path) -> Path:
    """Where a path leads; of links in a circle it says nothing, reading it does."""
    return Path(os.path.realpath(path))


def score_all(
    wanted: Sequence[Wanted],
    out: Path,
    score: Callable[[Path | str], ScoredRecording],
    *,
    done: Callable[[Outcome], None] = lambda outcome: None,
    watch: Stopwatch | None = None,
    bar: bool = True,
) -> list[Outcome]:
    """Score recordings and write their files; one that cannot be scored does not stop the others.

    Args:
        wanted: The recordings.
        out: The folder of the results.
        score: Reads and scores one.
        done: Is told of each as soon as its files are there.
        watch: Where `score` notes how long its steps take.
        bar: Whether a terminal shows how far this is.
    """
    outcomes: list[Outcome] = []
    watch = watch or Stopwatch()
    try:
        for one in track(wanted, len(wanted), "scoring", shown=bar):
            outcome = replace(_score_one(one, out, score, watch), seconds=watch.taken())
            outcomes.append(outcome)
            done(outcome)
            cause = outcome.error and outcome.error.__cause__
            if len(wanted) > 1 and isinstance(cause, OSError) and cause.errno in FULL:
                break  # as with this one, so with the others
    except Interrupted as error:
        if len(wanted) > 1:
            error.add_note(
                f"{len(outcomes)} of {len(wanted)} recordings are done, their results are in {out}. To go on, name the"
                " others; with --force the same command begins again."
            )
        raise
    if len(outcomes) < len(wanted) and outcomes[-1].error is not None:
        raise outcomes[-1].error
    if len(outcomes) > 1:
        _write_summaries(out, outcomes)
    return outcomes


def _score_one(one: Wanted, out: Path, score: Callable[[Path | str], ScoredRecording], watch: Stopwatch) -> Outcome:
    try:
        scored = score(one.path)
        with watch.step("files"):
            write_scored(out, one.name, scored)
    except FAILURES as error:
        return Outcome(one, None, sentence(one.path, error))
    return Outcome(one, summarised(scored))


def sentence(place: Path | str, error: Exception) -> EcganError:
    """Return what a user is told of one of `FAILURES` at a recording."""
    if isinstance(error, EcganError):
        error.hint = error.hint or "Mend or convert it, or leave it out; docs/recordings.md says what can be read."
        return error
    if isinstance(error, OSError):
        error.filename = error.filename or str(place)
        return unusable(error)
    if isinstance(error, UnicodeEncodeError):
        return unsayable(error)
    return EcganError(f"{place} needs more memory than there is.", "Score it in parts.")


def _write_summaries(out: Path, outcomes: Sequence[Outcome]) -> None:
    from ecgan.reporting.index_page import ListedRecording, index_page

    write_frame(out / SUMMARIES[0], summary_frame(outcomes))
    listed = []
    for outcome in outcomes:
        name, problem = outcome.wanted.name, outcome.error.message if outcome.error else ""
        page, remark = (None, problem) if problem else (f"{name}.html", " ".join(outcome.warnings))
        listed.append(ListedRecording(name, page, **outcome.counts, remark=remark))
    write_text(out / SUMMARIES[1], index_page(listed))


def summary_frame(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """One row a recording, in the order in which they were named."""
    rows = []
    for outcome in outcomes:
        facts = outcome.facts or {}
        share = facts["flagged"] / facts["scored"] if facts else None
        named = {"record": outcome.wanted.name, "file": told_place(str(outcome.wanted.path))}
        told = {"share_flagged": share, "threshold": facts.get("threshold"), "status": status_of(outcome)}
        told["warnings"] = " ".join(outcome.warnings)
        row = named | outcome.counts | told
        rows.append({key: encodable(value) if isinstance(value, str) else value for key, value in row.items()})
    return pd.DataFrame(rows).astype(dict.fromkeys(_COUNTS, "Int64"))


TOLD = ("minutes", *_COUNTS[:3], "share_flagged", *_COUNTS[3:], "strategy", "threshold", "model", "leads")
"""What `as_document` says of the summary of a recording, and `sampling_rate_hz` and `warnings`."""


def as_document(outcome: Outcome, out: Path) -> dict[str, Any]:
    """What became of a recording, for other programs: always the same keys, null where there is nothing to say."""
    facts, error = outcome.facts or {}, outcome.error
    files = dict(zip(CONTENTS, map(str, files_of(out, outcome.wanted.name)), strict=True))
    return {
        "record": outcome.wanted.name,
        "file": told_place(str(outcome.wanted.path)),
        "status": "scored" if error is None else "failed",
        "error": error and error.message,
        "hint": (error and error.hint) or None,
        **{key: facts.get(key) for key in (*TOLD, "sampling_rate_hz")},
        "warnings": outcome.warnings,
        "files": files if error is None else None,
    }


def status_of(outcome: Outcome) -> str:
    """What became of a recording in a few words: that it was scored, what speaks against that, or why it was not."""
    if outcome.error is not None:
        return outcome.error.message
    count = len(outcome.warnings)
    return f"scored, {count} warning{'s' * (count > 1)}" if count else "scored"


def _in_folder(folder: Path) -> list[Path]:
    """The recordings of a folder, sorted by their names."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    return [folder / name for name in recordings_among(folder, names)]


def _file(path: Path) -> Path:
    """The file of a recording; of what is none, the path itself: reading it tells what is wrong."""
    try:
        return locate(path).file
    except EcganError:
        return path


def _check_names(wanted: Sequence[Wanted]) -> None:
    seen: dict[str, Wanted] = {}
    for one in wanted:
        other = seen.setdefault(alike(one.name), one)
        if other is not one:
            raise EcganError(
                f"{told_place(str(other.path))} and {told_place(str(one.path))} would have results of the same name,"
                f" {one.name}.",
                "Score them one by one, each with an --out DIR of its own.",
            )
