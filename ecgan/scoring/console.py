"""What became of the recordings, on the terminal."""

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ecgan.remotes.recordings import plain
from ecgan.scoring.batch import SUMMARIES, Outcome, status_of
from ecgan.scoring.files import SUFFIXES
from ecgan.terminal import printable


def tell(outcomes: Sequence[Outcome], out: Path, console: Console | None = None, errors: Console | None = None) -> None:
    """Print a table of the recordings; among the errors warnings, what failed, and where the results are."""
    console, errors = console or Console(), errors or Console(stderr=True)
    console.print(_table(outcomes))
    for outcome in outcomes:
        for words in outcome.warnings:
            errors.print(Text(printable(f"warning: {outcome.wanted.name}: {words}"), style="yellow"), soft_wrap=True)
        if outcome.error is not None:
            path, message = plain(str(outcome.wanted.path)), outcome.error.message
            told = message if f" {path} " in f" {message} " else f"{path}: {message}"
            errors.print(Text(printable(f"error: {told}"), style="red"), soft_wrap=True)
            if outcome.error.hint:
                errors.print(Text(printable(outcome.error.hint)), soft_wrap=True)
    scored = [outcome for outcome in outcomes if outcome.error is None]
    if scored:
        name = scored[0].wanted.name if len(outcomes) == 1 else "RECORD"
        files = [f"{name}{suffix}" for suffix in SUFFIXES] + list(SUMMARIES if len(outcomes) > 1 else ())
        errors.print(Text(printable(f"wrote {out}: {', '.join(files)}")), soft_wrap=True)


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
