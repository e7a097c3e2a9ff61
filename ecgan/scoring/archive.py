"""Scoring an archive: a plan of shards, an engine that does them, what is done of it, pages of a few, a list of all."""

import contextlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ecgan.engines.base import Engine, LostError, as_done
from ecgan.engines.choosing import engine
from ecgan.errors import EcganError, Interrupted, needed
from ecgan.files import made, sha256, write_bytes, write_text
from ecgan.progress import track_rate
from ecgan.remotes.recordings import told_place
from ecgan.reporting.index_page import ListedRecording, index_page
from ecgan.scoring.inputs import MANIFEST, Input
from ecgan.scoring.parts import TABLES, is_bounded, part_of, scored_in, write_parts
from ecgan.scoring.places import check_seen, marked
from ecgan.scoring.plan import Done, Manifest, Shard, damaged, digest, planned, resumed
from ecgan.scoring.shards import PAGES, Settings, page_of, score_shard, try_alone, write_one

SUMMARY = "summary.html"
_GONE = "its process was killed each time that it was tried; memory may be short"
_COUNTS = ("minutes", "samples", "scored", "flagged", "families", "episodes", "noisy")
_PART = re.compile(r"part-\d+\.parquet|\.part-\d+\.parquet\.\w+\.part")
_AT_ONCE = 10_000  # rows of the list that are taken apart together
_READ = ("record", "status", "error", "share_flagged", "highest_score", "warnings", *_COUNTS)


@dataclass(frozen=True)
class Summary:
    """What became of an archive.

    Attributes:
        counts: Numbers of recordings, of those that failed, of beats, …
        again: Shards whose parts were damaged and were made again.
        kept: Recordings that had been scored before.
        tried_again: Recordings that had failed before.
        pages: Recordings that have a page.
        problems: What could not be done, a sentence each.
    """

    counts: dict[str, float]
    again: int
    kept: int
    tried_again: int
    pages: int
    problems: list[str]


def open_manifest(settings: Settings, told: dict[str, Any], inputs: Sequence[Input], *, resume: bool) -> Manifest:
    """Plan the archive, or take up the plan that is there."""
    path = settings.out / MANIFEST
    if resume and path.exists():
        return resumed(path, settings.key, told, inputs)
    return Manifest(path, settings.key, told, list(planned(inputs, len(inputs))))


def score_archive(
    settings: Settings,
    manifest: Manifest,
    *,
    named: Collection[str] = (),
    leading: int = 0,
    shown: bool = True,
) -> Summary:
    """Score what is not yet scored, and write the pages and the list.

    Args:
        settings: What scores, and where the results go.
        manifest: The plan, and what is done of it.
        named: Recordings that are to have a page.
        leading: So many of those that lead the ranking have one, too.
        shown: Whether it is told how far this is.
    """
    out = settings.out
    if missing := set(named) - {one.name for shard in manifest.shards for one in shard.inputs}:
        raise EcganError(
            f"--page names {min(missing)}, which is no recording of the archive.",
            "A recording is called by its path below the folder, without the ending.",
        )
    with made(out), marked(out) as mark, engine() as one:  # without an engine nothing is begun
        settings = replace(settings, mark=mark)
        again = _verify(settings, manifest)
        kept, tried_again = _keep(out, manifest)
        try:
            problems = _score(one, settings, manifest, shown=shown)
            if not manifest.done:
                raise EcganError(f"nothing could be scored: {problems[0]}", "Take less at once: ECGAN_WORKERS=1.")
            ranked = _ranked(out, manifest)
            first = (ranked[name][:leading].to_pylist() for name in ("record", "status"))
            leaders = [name for name, status in zip(*first, strict=True) if status == "scored"]
            problems += _pages(one, settings, manifest, {*named, *leaders}, shown=shown)
        except Interrupted as error:
            if manifest.done:
                error.add_note(f"what is scored is in {out}; the same command goes on with --resume.")
            raise
        _clear(out, manifest)
        manifest.write()
        write_text(out / SUMMARY, index_page(_listed(manifest, ranked), title="Scored archive"))
    return Summary(_total(manifest), again, kept, tried_again, len(manifest.pages), problems)


def _verify(settings: Settings, manifest: Manifest) -> int:
    """Forget what is damaged, and pages of what has changed; return how many shards have damaged parts."""
    out = settings.out
    numbers = [*manifest.done, *manifest.before]
    files = {number: {table: part_of(out, table, number) for table in TABLES} for number in numbers}
    keys = _page_keys(settings, manifest, manifest.pages)
    manifest.pages = {
        name: (key, of)
        for name, (key, of) in manifest.pages.items()
        if key == keys.get(name) and _is_whole(page_of(out, name), of)
    }
    again = damaged(manifest, files)
    for number, done in (manifest.done | manifest.before).items():
        if not is_bounded(out, number, int(done.counts["recordings"])):
            again.append(number)
            manifest.done.pop(number, None)
            manifest.before.pop(number, None)
    return len(again)


def _keep(out: Path, manifest: Manifest) -> tuple[int, int]:
    """Settle whose results stay; return how many do, and how many are tried again that had failed."""
    tried_again = 0
    for place, shard in enumerate(manifest.shards):
        scored = scored_in(out, shard.number) if shard.number in manifest.before else {}
        manifest.shards[place] = replace(shard, keep=frozenset(name for name in shard.keep if scored.get(name)))
        tried_again += sum(not scored.get(one.name, True) for one in shard.inputs)
    done = sum(int(one.counts["recordings"]) for one in manifest.done.values())
    return done + sum(len(shard.keep) for shard in manifest.shards), tried_again


def _page_keys(settings: Settings, manifest: Manifest, names: Collection[str]) -> dict[str, str]:
    """What the pages of recordings depend on, by their names."""
    inputs = (one for shard in manifest.shards for one in shard.inputs if one.name in names)
    return {one.name: digest([settings.key, one._replace(place=told_place(one.place))]) for one in inputs}


def _is_whole(file: Path, digits: str) -> bool:
    return file.is_file() and sha256(file) == digits


def _score(one: Engine, settings: Settings, manifest: Manifest, *, shown: bool) -> list[str]:
    """Score the shards that are left; those over which processes were killed come last, one after the other."""
    left = manifest.left
    due = [len(shard.inputs) - len(shard.keep) for shard in left]
    lost: list[int] = []
    problems: list[str] = []
    with track_rate("scoring", sum(due), "recordings", shown=shown) as advance:
        for place, handle in as_done(one, partial(score_shard, settings), left):
            try:
                manifest.add(_placed(settings, handle.result()))
            except LostError:
                lost.append(place)
            else:
                advance(due[place])
        for place in sorted(lost, key=lambda place: left[place].number):
            shard = left[place]
            try:
                manifest.add(_placed(settings, _alone(one, settings, shard)))
            except LostError as error:
                problems.append(f"shard {shard.number}, of {len(shard.inputs)} recordings: {error.message}")
            advance(due[place])
    return problems


def _placed(settings: Settings, done: Done) -> Done:
    """Write the parts that a process gave back which does not see where they belong."""
    check_seen(done.unseen)
    write_parts(settings.out, done.number, done.content)
    return replace(done, content={}, unseen={})


def _alone(one: Engine, settings: Settings, shard: Shard) -> Any:
    """Score a shard with nothing beside it, without the recordings that kill a process by themselves."""
    with contextlib.suppress(LostError):
        return _only(one, partial(score_shard, settings), shard)
    refused = {}
    for recording in shard.inputs:
        try:
            _only(one, partial(try_alone, settings), recording)
        except LostError:
            refused[recording.name] = f"{told_place(recording.place)}: {_GONE}."
    return _only(one, partial(score_shard, settings), replace(shard, refused=refused))


def _only(one: Engine, work: Any, item: Any) -> Any:
    return next(handle.result() for _, handle in as_done(one, work, [item]))


def _ranked(out: Path, manifest: Manifest) -> Any:
    """What the list says of each recording, an Arrow table: those with the largest share of flagged beats first."""
    arrow = needed("pyarrow", "parquet", "--to parquet")
    parquet = needed("pyarrow.parquet", "parquet", "--to parquet")
    files = [part_of(out, "recordings", number) for number in sorted(manifest.done)]
    table = arrow.concat_tables([parquet.read_table(file, columns=list(_READ)) for file in files])
    order = {
        "status": "descending",
        "share_flagged": "descending",
        "highest_score": "descending",
        "record": "ascending",
    }
    return table.sort_by(list(order.items()))


def _pages(one: Engine, settings: Settings, manifest: Manifest, wanted: Collection[str], *, shown: bool) -> list[str]:
    """Write the pages that are wanted and not there."""
    inputs = [one for shard in manifest.shards for one in shard.inputs if one.name in wanted]
    keys = _page_keys(settings, manifest, wanted)
    left = [one for one in inputs if manifest.pages.get(one.name, ("", ""))[0] != keys[one.name]]
    problems = []
    with track_rate("pages", len(left), "pages", shown=shown) as advance:
        for place, handle in as_done(one, partial(write_one, settings), left):
            name = left[place].name
            try:
                page = handle.result()
                for file, content in page.content.items():
                    write_bytes(settings.out / PAGES / file, content)
                problem = page.problem
            except LostError:
                problem = f"{_GONE}."
            if problem:
                problems.append(f"no page of {name}: {problem}")
            else:
                manifest.add_page(name, keys[name], sha256(page_of(settings.out, name)))
            advance(1)
    return problems


def _clear(out: Path, manifest: Manifest) -> None:
    """Remove parts of no shard, and what killed processes left half-written."""
    for table in TABLES:
        wanted = {part_of(out, table, number) for number in manifest.done}
        for file in (out / table).glob("*part-*"):
            if file not in wanted and _PART.fullmatch(file.name):
                file.unlink(missing_ok=True)


def _listed(manifest: Manifest, ranked: Any) -> Iterator[ListedRecording]:
    out = manifest.path.parent
    for batch in ranked.to_batches(max_chunksize=_AT_ONCE):
        for row in batch.to_pylist():
            name, failed = row["record"], row["status"] != "scored"
            yield ListedRecording(
                name=name,
                page=page_of(out, name).relative_to(out).as_posix() if name in manifest.pages else None,
                remark=(row["error"] if failed else row["warnings"]) or "",
                failed=failed,
                **{name: row[name] for name in _COUNTS},
            )


def _total(manifest: Manifest) -> dict[str, float]:
    counts: dict[str, float] = {}
    for number in sorted(manifest.done):
        for name, value in manifest.done[number].counts.items():
            counts[name] = round(counts.get(name, 0) + value, 6)
    return counts
