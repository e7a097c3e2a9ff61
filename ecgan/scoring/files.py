"""What is written of a scored recording."""

from pathlib import Path
from typing import Any

from ecgan.files import write_frame, write_json, write_text
from ecgan.reporting.recordings import ScoredRecording
from ecgan.scoring.annotations import ANNOTATOR, write_annotations
from ecgan.scoring.families import family_frame

SUFFIXES = (".html", ".csv", ".families.csv", ".episodes.csv", f".{ANNOTATOR}", ".json")
"""Of the files of a recording, in the order in which they are written; who finds the last one has all of them."""


def files_of(out: Path, name: str) -> list[Path]:
    """The files of the recording that is called `name` in the folder `out`."""
    return [out / f"{name}{suffix}" for suffix in SUFFIXES]


def write_scored(out: Path, name: str, scored: ScoredRecording) -> None:
    """Write page, tables, annotations and summary, each atomically; the name may have a folder in front."""
    page, table, families, episodes, annotations, summary = files_of(out, name)
    write_page(page, scored)  # first: it is the one that can fail for want of something else than space
    write_table(table, scored)
    write_frame(families, family_frame(scored.families, scored.beats))
    write_frame(episodes, scored.episodes)
    write_annotations(annotations, scored)
    write_json(summary, summarised(scored))


def write_table(path: Path, scored: ScoredRecording) -> None:
    """Write one row a beat as CSV."""
    write_frame(path, scored.beats.assign(flagged=scored.beats["flagged"].astype(int)))


def write_page(path: Path, scored: ScoredRecording) -> None:
    """Write the page that shows the recording, one HTML file."""
    from ecgan.reporting.recording_page import recording_page

    write_text(path, recording_page(scored))


def summarised(scored: ScoredRecording) -> dict[str, Any]:
    """The summary of a scored recording."""
    facts = dict(scored.facts)
    return {
        "record": scored.record.name,
        "sampling_rate_hz": scored.record.sampling_rate,
        "leads": dict(zip(scored.leads, scored.record.leads, strict=True)),
        "model": scored.model,
        "dataset": scored.dataset,
        "strategy": scored.strategy,
        "threshold": scored.threshold,
        "share_flagged": round(facts["flagged"] / facts["scored"], 6),
        **facts,
    }
