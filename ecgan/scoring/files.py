"""What is written of a scored recording."""

from pathlib import Path
from typing import Any

from ecgan.errors import EcganError
from ecgan.files import made, unfinished, unwritable, write_frame, write_json, write_text
from ecgan.reporting.recordings import ScoredRecording
from ecgan.scoring.annotations import ANNOTATOR, write_annotations
from ecgan.scoring.families import family_frame
from ecgan.terminal import deferred

SUFFIXES = (".html", ".csv", ".families.csv", ".episodes.csv", f".{ANNOTATOR}", ".json")
"""Of the files of a recording, in the order in which they are written; who finds the last one has all of them."""


CONTENTS = ("page", "beats", "families", "episodes", "annotations", "summary")
"""What is in them."""


def files_of(out: Path, name: str) -> list[Path]:
    """The files of the recording that is called `name` in the folder `out`."""
    return [out / f"{name}{suffix}" for suffix in SUFFIXES]


def write_scored(out: Path, name: str, scored: ScoredRecording) -> None:
    """Write page, tables, annotations and summary, all or none of them; the name may have a folder in front.

    Raises:
        EcganError: They cannot be written, as on a full disk.
    """
    targets = files_of(out, name)
    folder = targets[0].parent
    try:
        with made(folder), unfinished(folder, "scored") as beside:
            page, table, families, episodes, annotations, summary = parts = files_of(beside, "recording")
            write_page(page, scored)  # first: it is the one that can fail for want of something else than space
            write_table(table, scored)
            write_frame(families, family_frame(scored.families, scored.columns))
            write_frame(episodes, scored.episodes)
            write_annotations(annotations, scored)
            write_json(summary, summarised(scored))
            with deferred():
                for part, target in sorted(zip(parts, targets, strict=True), key=_place):
                    part.replace(target)
    except OSError as error:
        raise unwritable(out / name, error) from error
    except EcganError as error:
        if isinstance(error.__cause__, OSError):
            raise unwritable(out / name, error.__cause__) from error.__cause__
        raise


def _place(pair: tuple[Path, Path]) -> tuple[bool, int]:
    """The longest name first, since it is the one that may be too long, and the summary last."""
    return pair[0].suffix == ".json", -len(pair[0].name)


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
