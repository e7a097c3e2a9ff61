"""The report as Markdown, and the results table inside a README."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from ecgan.errors import EcganError
from ecgan.evaluation.examples import KINDS
from ecgan.reporting.beats import KIND_TEXT, BeatGroup
from ecgan.reporting.content import Block, Content, headline, result_notes
from ecgan.reporting.grid import Cell, Column, Grid, escape, markdown_table, results_grid
from ecgan.reporting.inputs import Plot
from ecgan.reporting.tables import Metrics, Tables

OPENING: Final = "<!-- results -->"
CLOSING: Final = "<!-- /results -->"


def summary(content: Content) -> str:
    """The text of `summary.md`; figures are linked by paths relative to it."""
    parts = [f"# {escape(content.title)}"]
    parts += [f"> **{escape(content.warning)}**"] if content.warning else []
    parts += ["\n".join(f"- {escape(sentence)}" for sentence in content.headline)]
    parts += _block("Results", content.results) + _block("Results per class", content.classes)
    parts += _block("Results by finding", content.findings)
    if content.naming is not None:
        parts += _block("Classes named", Block(content.naming.overall))
        parts += [markdown_table(content.naming.classes).rstrip(), _notes(content.naming.notes)]
        parts += _plots([content.naming.plot])
    parts += _beats(content.beats)
    parts += ["## Training", *_plots(content.training)] if content.training else []
    parts += _block("Generated samples", content.generation)
    parts += _block("Every strategy", content.every_strategy) + _block("Every fold", content.folds)
    parts += _block("What was run", content.methods)
    parts += ["## Data", _pairs(content.dataset)] if content.dataset else []
    if content.counts.grid.rows:
        parts += [markdown_table(content.counts.grid).rstrip(), *map(escape, content.counts.notes)]
    parts += ["## Parameters", _pairs(content.params, "Parameter")] if content.params else []
    parts += ["## How to get the same", _code(content.commands)] if content.commands else []
    return "\n\n".join(parts) + "\n"


def readme_table(readme: str, metrics: Sequence[Metrics], *, warning: str = "", link: str = "") -> str:
    """Put the results table between the markers of a README.

    Args:
        readme: Its text, with one `<!-- results -->` and, after it, one `<!-- /results -->`.
        metrics: `metrics.json` of every method and fold.
        warning: A sentence to put above the table, such as `ecgan.reporting.content.DEMONSTRATION`.
        link: Relative path of the full report, linked beneath the table.

    Returns:
        The new text; everything outside the markers is as before.

    Raises:
        EcganError: Markers that are missing, repeated or in the wrong order.
    """
    if readme.count(OPENING) != 1 or readme.count(CLOSING) != 1 or readme.index(OPENING) > readme.index(CLOSING):
        raise EcganError(
            f"the README needs one line {OPENING} and, after it, one line {CLOSING}",
            "Put both on lines of their own where the results table shall stand.",
        )
    tables = Tables(metrics)
    parts = [f"> {escape(warning)}"] if warning else []
    parts += ["\n".join(f"- {escape(sentence)}" for sentence in headline(tables))]
    parts += [markdown_table(results_grid(tables.condensed)).rstrip()]
    parts += [_notes(result_notes(tables))] if len(tables.results) else []
    parts += [f"[The full report]({link})"] if link else []
    before, rest = readme.split(OPENING)
    after = rest.split(CLOSING)[1]
    return f"{before}{OPENING}\n" + "\n\n".join(parts) + f"\n{CLOSING}{after}"


def _block(title: str, block: Block) -> list[str]:
    parts = [f"## {title}", markdown_table(block.grid).rstrip(), _notes(block.notes)] if block.grid.rows else []
    return [*filter(None, parts), *_plots(block.plots)]


def _notes(notes: Iterable[str]) -> str:
    return "\n".join(f"- {escape(note)}" for note in notes)


def _plots(plots: Iterable[Plot]) -> list[str]:
    return [f"![{escape(plot.title)}]({plot.path})\n\n*{escape(plot.title)}.* {escape(plot.caption)}" for plot in plots]


def _beats(groups: Sequence[BeatGroup]) -> list[str]:
    if not groups:
        return []
    parts = ["## Best and worst beats", "Signals in mV are true to scale when printed: 25 mm/s, 10 mm/mV."]
    for group in groups:
        parts.append(f"### {escape(group.title)}\n\n{escape(group.note)}")
        for kind in KINDS:
            beats = [beat for beat in group.beats if beat.title == kind]
            if beats:
                images = " ".join(f"![{escape(beat.caption)}]({beat.path})" for beat in beats)
                parts.append(f"**{kind}** ({KIND_TEXT[kind]})\n\n{images}")
    return parts


def _pairs(rows: Iterable[tuple[str, str]], left: str = "What") -> str:
    columns = (Column(left), Column("Value"))
    return markdown_table(Grid(columns, tuple((Cell(key), Cell(value)) for key, value in rows))).rstrip()


def _code(lines: Sequence[str]) -> str:
    """A fenced block whose fence is longer than any run of backticks within."""
    body = "\n".join(" ".join(str(line).splitlines()) for line in lines)
    longest: Any = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sh\n{body}\n{fence}"
