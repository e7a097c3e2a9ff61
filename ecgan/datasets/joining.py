"""What is said of a dataset's shards together, and of the files that they come from."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ecgan.datasets.cuts import (
    FEW,
    Cuts,
    Recording,
    Shard,
    check_alike,
    cut_shard,
    grouped,
    in_threads,
    joined,
    stems_of,
    table_of,
)
from ecgan.datasets.remarks import left_out_note, warnings_note
from ecgan.engines.choosing import each
from ecgan.errors import EcganError
from ecgan.preprocessing.cleansing import FAULTS
from ecgan.preprocessing.marks import marks_note
from ecgan.preprocessing.preparing import describe_left_out, no_sample_left
from ecgan.samples import Samples

Say = Callable[[str], None]


def as_cut(cuts: Cuts, raw: Path) -> Samples:
    """Return all samples as they are cut, neither cleansed nor resampled."""
    _, largest = groups_of(cuts, Files(cuts, raw, None))
    parts = in_threads(lambda one: cuts.cut(one.item), cuts.recordings, largest)
    found = joined([samples for samples, _ in parts])
    if cuts.nothing is not None and not len(found):
        raise cuts.nothing
    warnings = {one.name: texts for one, (_, texts) in zip(cuts.recordings, parts, strict=True)}
    return _noted(found, [*cuts.notes, warnings_note(warnings)])


def samples_in_memory(cuts: Cuts, raw: Path, options: Any, say: Say) -> Samples:
    """Cut all samples of a dataset and return them."""
    groups, largest = groups_of(cuts, Files(cuts, raw, None))
    shards = list(each(partial(cut_shard, cuts.cut, options, largest), groups, "cutting", few=FEW, at_once=1))
    facts = summed_up(cuts, shards, say)
    return replace(facts, signals=np.concatenate([one.samples.signals for one in shards if one.samples is not None]))


def summed_up(cuts: Cuts, shards: Iterable[Shard], say: Say) -> Samples:
    """Return what is known of all samples of a dataset's shards besides their signals.

    Raises:
        EcganError: There is no sample, or recordings do not fit together.
    """
    found: list[Samples] = []
    count, faults = 0, Counter[str]()
    warnings: dict[str, list[str]] = {}
    marks: dict[str, float] = {}
    left_out: dict[str, str] = {}
    for shard in shards:
        count += shard.count
        faults.update(shard.faults)
        warnings |= shard.warnings
        marks |= shard.marks
        left_out |= shard.left_out
        if shard.samples is not None:
            found.append(shard.samples.facts(slice(None)))
    if not sum(map(len, found)):
        raise _none(cuts, count, faults, left_out)
    check_alike(found)
    labels = np.concatenate([one.class_ids for one in found])
    signals = np.broadcast_to(np.float32(np.nan), (len(labels), *found[0].signals.shape[1:]))
    about = replace(found[0].about, left_out=left_out)
    notes = [*cuts.notes, warnings_note(warnings), left_out_note(left_out, len(cuts.recordings), say)]
    notes += [marks_note(marks, about.leads, say)]
    if told := describe_left_out({name: faults[name] for name in FAULTS if name in faults}, count):
        say(f"{told}.")
    return _noted(Samples(signals, table_of([one.table for one in found]), about, labels), [*notes, told])


def _noted(samples: Samples, notes: Iterable[str]) -> Samples:
    mapping = "; ".join(filter(None, [samples.about.mapping, *notes]))
    return replace(samples, about=replace(samples.about, mapping=mapping))


def _none(cuts: Cuts, count: int, faults: Mapping[str, int], left_out: Mapping[str, str]) -> EcganError:
    if count:
        return no_sample_left(dict(faults), count)
    if left_out:
        name, why = next(iter(left_out.items()))
        told = f"{len(left_out):,} of {len(cuts.recordings):,} recordings cannot be used, and the others have no sample"
        return EcganError(f"{told}; {name}: {why}", "Mend or remove them.")
    return cuts.nothing or EcganError(
        "no sample can be cut: there are no annotated beats, or `preprocess` leaves all out.",
        "Look at records, leads and cleansing in the section `preprocess`.",
    )


class Files:
    """The files of recordings, with their sizes and hashes."""

    def __init__(self, cuts: Cuts, raw: Path, digests: Mapping[str, str] | None) -> None:
        self.root = cuts.root or raw
        self.digests = cuts.digests if cuts.digests is not None else digests
        names = self.digests if self.digests is not None else _below(self.root)
        self.by_stem = stems_of(names, (recording.stem for recording in cuts.recordings))

    def size(self, recording: Recording) -> int:
        """Return how many bytes the files of a recording have."""
        return sum(_size(self.root / name) for name in self.by_stem.get(recording.stem, ()))

    def of(self, stem: str) -> dict[str, str]:
        """SHA-256 of the files of a recording, or of those that belong to none, by path."""
        assert self.digests is not None
        return {name: self.digests[name] for name in sorted(self.by_stem.get(stem, ()))}


def _below(folder: Path) -> Iterator[str]:
    for where, _, names in os.walk(folder):
        yield from ((Path(where) / name).relative_to(folder).as_posix() for name in names)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def groups_of(cuts: Cuts, files: Files) -> tuple[list[list[Recording]], int]:
    """Return the groups of recordings that become shards, and the size of the largest recording."""
    sizes = {recording.name: files.size(recording) for recording in cuts.recordings}
    return list(grouped(cuts.recordings, lambda one: sizes[one.name])), max(sizes.values(), default=0)
