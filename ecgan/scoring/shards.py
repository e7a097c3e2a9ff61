"""The work of scoring an archive, as tasks: a shard of recordings to its parts, a recording to its page.

A task knows all that it depends on, reads the recordings, writes files that appear at once, and gives back a few
numbers; where it does not see the folder of the results, it gives back the files. Done twice, even at the same time, it
leaves the same bytes.
"""

import functools
import hashlib
import os
import platform
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecgan.errors import EcganError, first_line
from ecgan.files import FULL
from ecgan.references import Reference
from ecgan.registry import load_plugins
from ecgan.remotes.recordings import is_url, read_anywhere
from ecgan.reporting.recordings import ScoredRecording
from ecgan.runtime import set_threads
from ecgan.scoring.batch import FAILURES, sentence
from ecgan.scoring.files import files_of, summarised, write_scored
from ecgan.scoring.inputs import Input
from ecgan.scoring.parts import Earlier, Parts, write_parts
from ecgan.scoring.places import models_here
from ecgan.scoring.plan import Done, Shard
from ecgan.scoring.recording import score_recording
from ecgan.scoring.runs import chosen, load_all
from ecgan.scoring.scorer import Scorer

PAGES = "pages"
"""The folder of the pages."""


@dataclass(frozen=True)
class Settings:
    """What scores, how recordings are read, and where the results go.

    Attributes:
        models: The runs by the number of leads that they look at; 0: the one that a user named.
        out: The folder of the results, from the root.
        root: What places that are relative are relative to.
        key: SHA-256 of all that the results depend on.
        strategy: Which score decides.
        threshold: From which on beats are flagged.
        leads: The recordings' leads that stand for the model's.
        asked: The leads that reading looks for.
        reading: Rate, unit, gain, baseline and annotator of the recordings.
        contents: SHA-256 of the runs' files, by the same numbers.
        plugins: Files with parts of the user's own, from the root.
        mark: The name of a file in the folder of the results.
    """

    models: tuple[tuple[int, Reference], ...]
    out: Path
    root: Path
    key: str
    strategy: str | None
    threshold: float | None
    leads: tuple[str, ...] | None
    asked: tuple[str, ...]
    reading: tuple[tuple[str, Any], ...]
    contents: tuple[tuple[int, str], ...]
    plugins: tuple[str, ...] = ()
    mark: str = ""


@dataclass(frozen=True)
class Page:
    """What became of a page.

    Attributes:
        problem: Why it is not there.
        content: Its files by their paths in the folder of the pages, where they could not be written there.
    """

    problem: str = ""
    content: Mapping[str, bytes] = field(default_factory=dict)


@functools.lru_cache(maxsize=1)
def _scorers(settings: Settings) -> dict[int, Scorer]:
    """The runs, loaded once a process; it computes in one thread, since others compute beside it."""
    models = models_here(dict(settings.models), dict(settings.contents))
    load_plugins(list(settings.plugins), Path())
    scorers = load_all(models, settings.strategy, settings.threshold)
    set_threads(1)
    return scorers


def _sees_out(settings: Settings) -> bool:
    """Whether the folder of the results is that of the first process."""
    return (settings.out / settings.mark).is_file()


def score_shard(settings: Settings, shard: Shard) -> Done:
    """Score the recordings of a shard and write its parts; one that cannot be scored is said to be so in them.

    What is to be kept is taken from the parts that are there, if these can be seen.

    Raises:
        EcganError: No run can be loaded, or the parts cannot be written.
    """
    _scorers(settings)
    parts, sees_out = Parts(), _sees_out(settings)
    unseen: dict[str, str] = {}
    earlier = Earlier(settings.out, shard.number) if shard.keep and sees_out else None
    for one in shard.inputs:
        if earlier is not None and one.name in shard.keep:
            parts.keep(one.name, earlier)
            continue
        if message := shard.refused.get(one.name):
            parts.fail(one, message)
            continue
        try:
            scored = _score(settings, one, pages=False)
            parts.add(one, scored, summarised(scored))
        except EcganError as error:
            parts.fail(one, _without_root(settings, error.message))
            if not is_url(one.place) and not os.path.lexists(settings.root / one.place):
                unseen = {platform.node(): str(settings.root / one.place)}
    content = parts.encoded()
    files = {table: hashlib.sha256(part).hexdigest() for table, part in content.items()}
    if sees_out:
        write_parts(settings.out, shard.number, content)
        content = {}
    return Done(shard.number, shard.key(settings.key), files, parts.counts, content, unseen)


def try_alone(settings: Settings, one: Input) -> None:
    """Score one recording and keep nothing: to see whether the process lives."""
    try:
        _score(settings, one, pages=False)
    except EcganError:
        return


def write_one(settings: Settings, one: Input) -> Page:
    """Score a recording and write its page, tables, annotations and summary."""
    try:
        scored = _score(settings, one, pages=True)
        if _sees_out(settings):
            write_scored(settings.out / PAGES, one.name, scored)
            return Page()
        with tempfile.TemporaryDirectory(prefix="ecgan-") as folder:
            write_scored(Path(folder), one.name, scored)
            files = files_of(Path(folder), one.name)
            return Page(content={file.relative_to(folder).as_posix(): file.read_bytes() for file in files})
    except EcganError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in FULL:
            raise
        return Page(_without_root(settings, error.message))


def page_of(out: Path, name: str) -> Path:
    """The page of a recording."""
    return files_of(out / PAGES, name)[0]


def _score(settings: Settings, one: Input, *, pages: bool) -> ScoredRecording:
    """Read and score a recording.

    Raises:
        EcganError: It cannot be, whatever the reason: a mistake of ours in one recording is not to end all.
    """
    scorers = _scorers(settings)
    place: Path | str = one.place if is_url(one.place) else settings.root / one.place
    reading: Mapping[str, Any] = dict(settings.reading)
    try:
        record = read_anywhere(place, several=True, leads=settings.asked, **reading)
        count, taken = chosen(record, scorers, settings.leads)
        return score_recording(record, scorers[count], leads=taken, annotator=reading["annotator"], explain=pages)
    except FAILURES as error:
        raise sentence(place, error) from error
    except Exception as error:
        kind = type(error).__name__
        raise EcganError(
            f"a mistake of ECGAN's own, to be reported: {kind}: {first_line(error)}",
            "Leave the recording out till then.",
        ) from error


def _without_root(settings: Settings, message: str) -> str:
    """Say places as they were named, and not as one machine knows them."""
    return message.replace(f"{settings.root}{os.sep}", "")
