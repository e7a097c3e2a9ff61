"""What became of the recordings, on the terminal."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ecgan.errors import EcganError
from ecgan.files import finite
from ecgan.progress import told
from ecgan.remotes.recordings import told_place
from ecgan.scoring.batch import SUMMARIES, Outcome, as_document, status_of
from ecgan.scoring.files import SUFFIXES
from ecgan.scoring.parts import TABLES
from ecgan.terminal import printable, say, write_json

if TYPE_CHECKING:
    from ecgan.scoring.archive import Summary
    from ecgan.scoring.scorer import Scorer

_RED, _YELLOW = 31, 33  # of a terminal


@dataclass(frozen=True)
class Manner:
    """How much is told, and to whom.

    Attributes:
        as_json: To other programs: of each recording a line of JSON, and no table.
        quiet: No more than errors and warnings.
        verbose: Also what was read, from where, and how long each step took.
    """

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False

    def __post_init__(self) -> None:
        if self.quiet and self.verbose:
            raise EcganError("--quiet and --verbose exclude each other.", "Leave one of them out.")

    @property
    def bar(self) -> bool:
        """Whether a terminal shows how far this is, which lines in between would disturb."""
        return not (self.quiet or self.verbose or (self.as_json and sys.stdout.isatty()))


def tell_model(name: str, scorer: "Scorer", seconds: float) -> None:
    """Say what scores, and from where."""
    folds = ", ".join(str(member.trained.fold.index) for member in scorer.members)
    versions = ", ".join(sorted({member.trained.version or "none" for member in scorer.members}))
    decides = f"strategy {scorer.strategy}, threshold {scorer.threshold:.4g} ({scorer.threshold_from})"
    say(f"model {name}: folds {folds}, version {versions}, {decides}; loaded in {seconds:.1f} s")


def tell_one(outcome: Outcome, out: Path, manner: Manner) -> None:
    """Say of a recording, as soon as its files are there, what `manner` asks for."""
    if manner.as_json:
        write_json(finite(as_document(outcome, out)), line=True)
    if manner.verbose:
        path, facts = told_place(str(outcome.wanted.path)), outcome.facts
        say(f"{outcome.wanted.name}: {path}{'' if facts is None else _read(facts)}; {told(outcome.seconds)}")


def _read(facts: Mapping[str, Any]) -> str:
    """Say what was read of a recording."""
    source = str(facts["beats_from"])
    beats = f"{facts['samples']:,} {'windows' if source == 'windows' else f'beats, {source}'}"
    leads = ", ".join(facts["leads"].values())
    return f", {facts['minutes']:.1f} minutes at {facts['sampling_rate_hz']:g} Hz, leads {leads}; {beats}"


def tell(
    outcomes: Sequence[Outcome],
    out: Path,
    console: Console | None = None,
    errors: Console | None = None,
    manner: Manner = Manner(),
) -> None:
    """Print a table of the recordings; among the errors warnings, what failed, and where the results are."""
    console, errors = console or Console(), errors or Console(stderr=True)
    if not (manner.as_json or manner.quiet):
        console.print(_table(outcomes))
    for outcome in outcomes:
        for words in outcome.warnings:
            errors.print(Text(printable(f"warning: {outcome.wanted.name}: {words}"), style="yellow"), soft_wrap=True)
        if outcome.error is not None:
            path, message = told_place(str(outcome.wanted.path)), outcome.error.message
            told = message if re.search(rf"(^|\s){re.escape(path)}([\s:,]|$)", message) else f"{path}: {message}"
            errors.print(Text(printable(f"error: {told}"), style="red"), soft_wrap=True)
            if outcome.error.hint:
                errors.print(Text(printable(outcome.error.hint)), soft_wrap=True)
    scored = [outcome for outcome in outcomes if outcome.error is None]
    if scored and not manner.quiet:
        name = scored[0].wanted.name if len(outcomes) == 1 else "RECORD"
        files = [f"{name}{suffix}" for suffix in SUFFIXES] + list(SUMMARIES if len(outcomes) > 1 else ())
        errors.print(Text(printable(f"wrote {out}: {', '.join(files)}")), soft_wrap=True)


def tell_archive(summary: "Summary", out: Path, manner: Manner) -> None:
    """Say what became of an archive."""
    counts = summary.counts
    if manner.as_json:
        told = {name: getattr(summary, name) for name in ("pages", "kept", "tried_again", "problems")}
        write_json({**counts, **told, "out": str(out)})
    if summary.tried_again:
        say(f"tried {_counted(summary.tried_again)} again that had failed")
    if summary.again:
        say(f"warning: parts of {summary.again:,} shards were damaged or missing, and were made again")
    for problem in summary.problems:
        say(f"error: {problem}", _RED)
    if failed := int(counts.get("failed", 0)):
        say(
            f"warning: {_counted(failed)} could not be scored; the table recordings says why of each",
            _YELLOW,
        )
    if not manner.quiet:
        number, before = int(counts.get("recordings", 0)), f", {summary.kept:,} of them before" if summary.kept else ""
        say(f"{_counted(number)}{before}: {int(counts['flagged']):,} of {int(counts['scored']):,} beats are flagged")
        tables = ", ".join(f"{table}/" for table in TABLES)
        say(f"wrote {out}: {tables}, {SUMMARIES[1]}, {summary.pages:,} pages")


def note(sentences: Sequence[str], errors: Console | None = None) -> None:
    """Print sentences that a reader must see before anything is scored."""
    errors = errors or Console(stderr=True)
    for text in sentences:
        errors.print(Text(printable(text), style="yellow"), soft_wrap=True)


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("Record", overflow="fold")
    for title in ("Minutes", "Beats", "Scored", "Flagged", "Share", "Families"):
        table.add_column(title, justify="right")
    table.add_column("Status")
    for outcome in outcomes:
        name = Text(printable(outcome.wanted.name))
        facts = outcome.facts
        if facts is None:
            table.add_row(name, *["–"] * 6, Text("not scored", style="red"))
            continue
        counts = [f"{facts[key]:,}" for key in ("samples", "scored", "flagged")]
        share = f"{100 * facts['flagged'] / facts['scored']:.1f} %"
        families = f"{facts.get('families', 0):,}"
        status = Text(printable(status_of(outcome)), style="yellow" if outcome.warnings else "")
        table.add_row(name, f"{facts['minutes']:.1f}", *counts, share, families, status)
    return table


def _counted(recordings: int) -> str:
    return f"{recordings:,} recording{'s' * (recordings != 1)}"
