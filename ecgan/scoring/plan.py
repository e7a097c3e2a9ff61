"""The plan of an archive: which recordings are scored together, and what is done of it already.

It stands in `manifest.jsonl` beside the results. The plan is made once, from the recordings alone, and kept: so the
same bytes come of it wherever the work is done, and a recording that changes costs its own shard only.
"""

import hashlib
import json
import math
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ecgan.errors import EcganError
from ecgan.files import check_plain, sha256, write_text
from ecgan.remotes.recordings import told_place
from ecgan.scoring.inputs import Input

FORMAT = 1
MOST = 500
"""Recordings of a shard at most,"""
FEWEST = 8
"""and at least, if there are that many: a small archive has enough shards for a few processes."""
SHARDS = 64
LARGE = 16 << 20
"""Bytes of a shard: who comes above it begins another one. A recording of so many bytes is a shard of its own."""
_EARLIER = 1.25
_LONGEST = 64 << 20
"""Characters of a line of the manifest: 500 recordings whose places are as long as any."""
_LARGEST = 16 << 30
_TOLD = {"recordings", "failed", "scored", "flagged"}
"""Counts that every shard has."""
_KIND = "another format of the manifest, a damaged one, or none"


@dataclass(frozen=True)
class Shard:
    """Recordings that are scored together, in this order.

    Attributes:
        number: Of its parts.
        inputs: The recordings.
        refused: Why some of them are not tried any more, by name.
        keep: Those whose results stay as they stand in its parts.
    """

    number: int
    inputs: tuple[Input, ...]
    refused: Mapping[str, str] = field(default_factory=dict)
    keep: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(one.size for one in self.inputs)

    def key(self, settings: str) -> str:
        """What its results depend on."""
        return digest([settings, _inputs(self)])


@dataclass(frozen=True)
class Done:
    """A shard that was scored.

    Attributes:
        number: Of its parts.
        key: What they depend on.
        files: SHA-256 of each part, by table.
        counts: Numbers of recordings, of those that failed, of beats, …
        content: The parts, by table, from a process that does not see the folder of the results.
        unseen: A recording that was not there, by the name of the machine.
    """

    number: int
    key: str
    files: dict[str, str]
    counts: dict[str, float]
    content: Mapping[str, bytes] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Manifest:
    """What is planned and what is done, in a file to which a line is added whenever a shard is.

    Attributes:
        path: The file.
        settings: What all results depend on, as SHA-256.
        told: The same in words.
        shards: The plan.
        done: What is done of it, by number.
        pages: The pages that are there, by name of the recording: what they depend on, and their SHA-256.
        before: What the parts are of shards of which some recordings are scored again, by number.
    """

    path: Path
    settings: str
    told: dict[str, Any]
    shards: list[Shard]
    done: dict[int, Done] = field(default_factory=dict)
    pages: dict[str, tuple[str, str]] = field(default_factory=dict)
    before: dict[int, Done] = field(default_factory=dict)
    _written: bool = field(default=False, init=False)

    @property
    def left(self) -> list[Shard]:
        """The shards that are to be scored, in the order in which they are begun."""
        left = [shard for shard in self.shards if shard.number not in self.done]
        long = [shard for shard in left if shard.inputs[0].size >= LARGE]
        short = [shard for shard in left if shard.inputs[0].size < LARGE]
        return list(_mixed(sorted(long, key=lambda shard: (-(shard.size // LARGE), shard.number)), short))

    def write(self) -> None:
        """Write it whole, in the order of the plan."""
        head = {"format": FORMAT, "settings": self.settings, "told": self.told}
        lines = [head, *({"shard": shard.number, "inputs": _inputs(shard)} for shard in self.shards)]
        keys = {shard.number: shard.key(self.settings) for shard in self.shards if shard.number in self.before}
        done = {number: one for number, one in self.before.items() if one.key == keys[number]} | self.done
        lines += [_line(done[number]) for number in sorted(done)]
        lines += [{"page": name, "key": key, "sha256": of} for name, (key, of) in sorted(self.pages.items())]
        write_text(self.path, "".join(f"{_text(line)}\n" for line in lines))
        self._written = True

    def add(self, done: Done) -> None:
        """Note that a shard is done."""
        self.done[done.number] = done
        self.before.pop(done.number, None)
        self._append(_line(done))

    def add_page(self, name: str, key: str, of: str) -> None:
        """Note that a page is there."""
        self.pages[name] = key, of
        self._append({"page": name, "key": key, "sha256": of})

    def _append(self, line: dict[str, Any]) -> None:
        """Add a line; the file is begun with the first, so that what failed before leaves none."""
        if not self._written:
            self.write()
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{_text(line)}\n")
            file.flush()
            os.fsync(file.fileno())


def planned(inputs: Iterable[Input], count: int, first: int = 0) -> Iterator[Shard]:
    """Put recordings into shards, in their order; a long one is a shard of its own, wherever it stands.

    Args:
        inputs: The recordings.
        count: How many there are.
        first: Number of the first shard.
    """
    most = min(MOST, max(FEWEST, -(-count // SHARDS)))
    gathered: list[Input] = []
    size = 0
    for one in inputs:
        if one.size >= LARGE:
            yield Shard(first, (one,))
            first += 1
            continue
        if gathered and (len(gathered) == most or size + one.size > LARGE):
            yield Shard(first, tuple(gathered))
            first, gathered, size = first + 1, [], 0
        gathered.append(one)
        size += one.size
    if gathered:
        yield Shard(first, tuple(gathered))


def _mixed(long: Sequence[Shard], short: Sequence[Shard]) -> Iterator[Shard]:
    """Yield the long ones among the short ones: none waits for all the others, and no day is begun last.

    Of both the same share of their bytes has been begun at any time, of the long ones a little more.
    """
    sums = [sum(shard.size for shard in shards) for shards in (long, short)]
    waiting, begun = deque(long), [0, 0]
    for shard in short:
        while waiting and begun[0] * sums[1] <= _EARLIER * begun[1] * sums[0]:
            begun[0] += waiting[0].size
            yield waiting.popleft()
        begun[1] += shard.size
        yield shard
    yield from waiting


def resumed(path: Path, settings: str, told: dict[str, Any], inputs: Sequence[Input]) -> Manifest:
    """Take a plan up: recordings stay in their shards, new ones make new shards, those that are gone are left out.

    Of a shard in which a recording has changed or had failed the others may keep their results: what had failed may be
    mended, or there is more memory now.

    Raises:
        EcganError: The manifest cannot be read, or is of another model or other options.
    """
    before = _read(path)
    if before.settings != settings:
        changed = [name for name in told if before.told.get(name) != told[name]] or ["version of ECGAN"]
        raise EcganError(
            f"{path} is of other scores: {', '.join(changed)} differ{'s' * (len(changed) == 1)}.",
            "Name the same, or another --out DIR; --force begins anew.",
        )
    current = {one.name: one for one in inputs}
    taken = Manifest(path, settings, told, [], pages=before.pages)
    for shard in before.shards:
        now = replace(shard, inputs=tuple(current.pop(one.name) for one in shard.inputs if one.name in current))
        if now.inputs:
            taken.shards.append(_taken_up(taken, now, shard, before.done.get(shard.number)))
    first = max((shard.number for shard in before.shards), default=-1) + 1
    taken.shards += planned(current.values(), len(current), first)
    return taken


def _taken_up(manifest: Manifest, shard: Shard, before: Shard, done: Done | None) -> Shard:
    """Note what is done of a shard, and return it with those that may keep their results."""
    if done is None or done.key != before.key(manifest.settings) or done.counts["recordings"] != len(before.inputs):
        return shard
    if done.key == shard.key(manifest.settings) and not done.counts["failed"]:
        manifest.done[shard.number] = done
        return shard
    manifest.before[shard.number] = done
    return replace(shard, keep=frozenset(one.name for one in {*_inputs(shard)} & {*_inputs(before)}))


def _read(path: Path) -> Manifest:
    """Read a manifest; a last line that was not written to its end does not count."""
    found: Manifest | None = None
    try:
        check_plain(path, _LARGEST)
        with path.open(encoding="utf-8") as file:
            while (line := file.readline(_LONGEST)).endswith("\n"):
                found = _taken(path, found, json.loads(line))
    except (EcganError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EcganError(f"cannot read {path}: {_KIND}.", "Say --force to begin anew.") from error
    whole = (
        found is not None and len(line) < _LONGEST and len({one.number for one in found.shards}) == len(found.shards)
    )
    if found is None or not whole:
        raise EcganError(f"cannot read {path}: {_KIND}.", "Say --force to begin anew.")
    return found


def _taken(path: Path, manifest: Manifest | None, line: dict[str, Any]) -> Manifest:
    if manifest is None:
        if line["format"] != FORMAT:
            raise ValueError
        return Manifest(path, line["settings"], dict(line["told"]), [])
    if "shard" in line:
        inputs = (Input(str(name), str(place), int(size), str(mark)) for name, place, size, mark in line["inputs"])
        manifest.shards.append(Shard(_number(line["shard"]), tuple(inputs)))
    elif "page" in line:
        manifest.pages[str(line["page"])] = str(line["key"]), str(line["sha256"])
    else:
        number, counts = _number(line["done"]), dict(line["counts"])
        if not counts.keys() >= _TOLD or not all(map(math.isfinite, counts.values())):
            raise ValueError
        manifest.done[number] = Done(number, str(line["key"]), dict(line["files"]), counts)
    return manifest


def _number(value: Any) -> int:
    """The number of a shard; another value would be the name of another file."""
    if type(value) is not int or value < 0:
        raise ValueError
    return value


def _inputs(shard: Shard) -> list[Input]:
    """The recordings of a shard as they may be told: a signature in a URL is nobody's business, and changes."""
    return [one._replace(place=told_place(one.place)) for one in shard.inputs]


def damaged(manifest: Manifest, files: Mapping[int, Mapping[str, Path]]) -> list[int]:
    """Return the shards of which a part is missing or not as it was written; nothing of them is done any longer.

    Args:
        manifest: The manifest.
        files: The parts of each shard by table.
    """
    found = [
        number
        for number, done in (manifest.done | manifest.before).items()
        if any(not file.is_file() or sha256(file) != done.files.get(table) for table, file in files[number].items())
    ]
    for number in found:
        manifest.done.pop(number, None)
        manifest.before.pop(number, None)
    return sorted(found)


def digest(value: Any) -> str:
    """SHA-256 of plain values."""
    return hashlib.sha256(_text(value).encode()).hexdigest()


def _line(done: Done) -> dict[str, Any]:
    return {"done": done.number, "key": done.key, "files": done.files, "counts": done.counts}


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
