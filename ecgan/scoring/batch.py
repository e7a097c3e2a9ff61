"""Several recordings: which files are meant, what their results are called, and what became of each."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ecgan.datasets.inventory import recordings_among
from ecgan.ecg.files.recordings import locate
from ecgan.errors import EcganError
from ecgan.files import write_frame, write_text
from ecgan.progress import track
from ecgan.reporting.recordings import ScoredRecording
from ecgan.scoring.annotations import ANNOTATOR
from ecgan.scoring.files import files_of, write_scored

SUMMARIES = ("summary.csv", "summary.html")
"""Of several recordings: a table and a page with a link to the page of each."""

_COUNTS = ("samples", "scored", "flagged", "families", "episodes")


@dataclass(frozen=True)
class Wanted:
    """A recording that is to be scored.

    Attributes:
        path: As it was named.
        file: Its file; of a WFDB record the header.
        name: What its results are called, perhaps with a folder in front.
    """

    path: Path
    file: Path
    name: str


@dataclass(frozen=True)
class Outcome:
    """What became of a recording: facts, or an error."""

    wanted: Wanted
    facts: dict[str, Any] | None
    error: EcganError | None = None

    @property
    def counts(self) -> dict[str, Any]:
        """Minutes and numbers of samples; None where there are no facts."""
        return {key: (self.facts or {}).get(key) for key in ("minutes", *_COUNTS)}

    @property
    def warnings(self) -> list[str]:
        """Sentences that a reader must see."""
        return [str(text) for text in (self.facts or {}).get("warnings", [])]


def find_recordings(paths: Iterable[Path]) -> list[Wanted]:
    """Find the recordings that paths name: each once, of a folder all that are in it, sorted.

    Recordings of one name get the name of their folder in front. A folder without recordings stands for itself, which
    cannot be scored.

    Raises:
        EcganError: Two recordings would have results of one name.
    """
    files: dict[Path, tuple[Path, Path]] = {}
    for path in paths:
        for one in (_in_folder(path) or [path]) if path.is_dir() else [path]:
            file = _file(one)
            files.setdefault(file.resolve(), (one, file))
    stems = Counter(file.stem.casefold() for _, file in files.values())
    found = []
    for path, file in files.values():
        folder = file.resolve().parent.name
        alone = stems[file.stem.casefold()] == 1
        found.append(Wanted(path, file, file.stem if alone or not folder else f"{folder}/{file.stem}"))
    _check_names(found)
    return found


def check_targets(out: Path, wanted: Sequence[Wanted], *, annotator: str | None, force: bool) -> None:
    """Refuse a folder that cannot be written to, and files that must not be overwritten, before anything is scored."""
    if out.exists() and not out.is_dir():
        raise EcganError(f"--out {out} is no folder.", "Name a folder; it is made if it is not there.")
    targets = [file for one in wanted for file in files_of(out, one.name)]
    if len(wanted) > 1:
        targets += [out / name for name in SUMMARIES]
        if any(one.name.casefold() == "summary" for one in wanted):
            raise EcganError("the results of the recording 'summary' and the summary of all would have one name.")
    if len({str(target).casefold() for target in targets}) < len(targets):
        raise EcganError("two recordings would have results of one name.", "Score them one by one.")
    inputs = {one.file.resolve() for one in wanted}
    if annotator == ANNOTATOR:
        inputs |= {one.file.with_suffix(f".{ANNOTATOR}").resolve() for one in wanted}
    for target in targets:
        if target.resolve() in inputs:
            raise EcganError(f"{target} would be written over what is to be scored.", "Name another folder: --out DIR.")
        if target.is_dir():
            raise EcganError(f"{target} is a folder.", "Name another folder: --out DIR.")
        if target.exists() and not force:
            raise EcganError(f"{target} is there already.", "Say --force to overwrite it, or name another --out DIR.")


def score_all(wanted: Sequence[Wanted], out: Path, score: Callable[[Path], ScoredRecording]) -> list[Outcome]:
    """Score recordings and write their files; one that cannot be scored does not stop the others."""
    outcomes = [_score_one(one, out, score) for one in track(wanted, len(wanted), "scoring")]
    if len(outcomes) > 1:
        _write_summaries(out, outcomes)
    return outcomes


def _score_one(one: Wanted, out: Path, score: Callable[[Path], ScoredRecording]) -> Outcome:
    try:
        scored = score(one.path)
        write_scored(out, one.name, scored)
    except EcganError as error:
        return Outcome(one, None, error)
    except OSError as error:
        where = error.filename or one.path
        return Outcome(one, None, EcganError(f"cannot use {where}: {error.strerror or error}"))
    except MemoryError:
        return Outcome(one, None, EcganError(f"{one.path} needs more memory than there is.", "Score it in parts."))
    return Outcome(one, {"threshold": scored.threshold, **scored.facts})


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
        status = "scored" if outcome.error is None else outcome.error.message
        named = {"record": outcome.wanted.name, "file": str(outcome.wanted.path)}
        told = {"share_flagged": share, "threshold": facts.get("threshold"), "status": status}
        told["warnings"] = " ".join(outcome.warnings)
        rows.append(named | outcome.counts | told)
    return pd.DataFrame(rows).astype(dict.fromkeys(_COUNTS, "Int64"))


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
        other = seen.setdefault(one.name.casefold(), one)
        if other is not one:
            raise EcganError(
                f"{other.path} and {one.path} would have results of the same name, {one.name}.",
                "Score them one by one, each with an --out DIR of its own.",
            )
