"""How a dataset is cut recording by recording, so that many recordings need no more memory than a few.

A shard is a bounded group of recordings that follow each other. It is cut as a whole, in this process or another one,
and what comes of it depends on its recordings and the options alone: whoever has the shards has the dataset.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import pandas as pd
from threadpoolctl import threadpool_limits

from ecgan.errors import EcganError
from ecgan.preprocessing.cleansing import FAULTS
from ecgan.preprocessing.marks import offsets
from ecgan.preprocessing.options import LEAVE_OUT
from ecgan.preprocessing.preparing import prepare_samples, rounded
from ecgan.runtime import workers
from ecgan.samples import Samples, join

T = TypeVar("T")

MOST_BYTES = 16 << 20
"""Bytes of the files of a shard, unless one recording has more; and of those that threads read at once."""
MOST_RECORDINGS = 256
_ENDS = 64
"""Where a shard ends is told by names, too: behind a recording that has come or gone shards are soon what they were."""
_MOST_WORKERS = 8
FEW = 8
"""Fewer shards are cut in this process, in threads: starting others would take longer."""

Cut = tuple[Samples, Sequence[str]]
"""Labelled samples of a recording, and what its reader warned of."""


@dataclass(frozen=True)
class Recording:
    """A recording that is to be cut.

    Attributes:
        name: Its name, in the order of the dataset.
        item: What `Cuts.cut` is given.
        stem: Path of its files below the folder, without their endings.
    """

    name: str
    item: Any
    stem: str


@dataclass(frozen=True)
class Cuts:
    """How a dataset is cut, recording by recording.

    Attributes:
        recordings: What is cut, in order.
        cut: Cuts one recording's item; another process can be sent it, and the item.
        notes: What is said besides of how samples got their classes.
        facts: What the cut depends on besides options and files, such as leads that all recordings share.
        nothing: What is said where no sample can be cut.
        root: The folder of the files; None: the raw folder.
        digests: SHA-256 by path below the root, where the dataset keeps them itself.
    """

    recordings: Sequence[Recording]
    cut: Callable[[Any], Cut]
    notes: Sequence[str] = ()
    facts: str = ""
    nothing: EcganError | None = None
    root: Path | None = None
    digests: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Shard:
    """What was cut from some recordings.

    Attributes:
        samples: The samples, cleansed, filled, resampled and rounded; None where there is none.
        count: How many there were before.
        faults: Why the others were left out, and how many.
        warnings: What readers warned of, by recording; of each recording that was cut there is an entry.
        marks: How far annotations sit beside the peaks, ms, by record; see `ecgan.preprocessing.marks`.
        left_out: Why a recording could not be used, by its name.
    """

    samples: Samples | None
    count: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, list[str]] = field(default_factory=dict)
    marks: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def grouped(recordings: Iterable[Recording], size: Callable[[Recording], int]) -> Iterator[list[Recording]]:
    """Yield the recordings in groups, by their names and the bytes of their files."""
    group: list[Recording] = []
    total = 0
    for recording in recordings:
        more = size(recording)
        if group and (total + more > MOST_BYTES or len(group) == MOST_RECORDINGS):
            yield group
            group, total = [], 0
        group.append(recording)
        total += more
        if zlib.crc32(recording.name.encode()) % _ENDS == 0:
            yield group
            group, total = [], 0
    if group:
        yield group


def cut_shard(cut: Callable[[Any], Cut], options: Any, largest: int, group: Sequence[Recording]) -> Shard:
    """Cut a group of recordings, several at a time; the result is the same whatever the number of workers.

    Raises:
        EcganError: A recording cannot be used, and `on_error` says to stop.
    """
    parts = in_threads(partial(_prepared, cut, options), group, largest)
    found = [part.samples for part in parts if part.samples is not None]
    faults = sum((Counter(part.faults) for part in parts), Counter[str]())
    return Shard(
        samples=joined(found) if found else None,
        count=sum(part.count for part in parts),
        faults={name: faults[name] for name in FAULTS if name in faults},
        warnings={name: texts for part in parts for name, texts in part.warnings.items()},
        marks={name: ms for part in parts for name, ms in part.marks.items()},
        left_out={name: why for part in parts for name, why in part.left_out.items()},
    )


def in_threads(function: Callable[[Recording], T], recordings: Sequence[Recording], largest: int) -> list[T]:
    """Apply a function to recordings, several at a time; the files of the largest have so many bytes.

    Threads are enough within a process: nearly all time goes into NumPy and SciPy calls that let other threads run
    meanwhile. BLAS is held to one thread, so that it neither competes with them nor sums in an order that depends on
    its thread count.
    """
    pool = ThreadPoolExecutor(max(1, min(workers(), _MOST_WORKERS, MOST_BYTES // max(largest, 1))))
    try:
        with threadpool_limits(1, user_api="blas"):
            return list(pool.map(function, recordings))
    finally:
        pool.shutdown(cancel_futures=True)


def _prepared(cut: Callable[[Any], Cut], options: Any, recording: Recording) -> Shard:
    """Cut one recording and prepare its samples."""
    try:
        samples, warnings = cut(recording.item)
        told = {recording.name: list(warnings)}
        if not len(samples):
            return Shard(None, warnings=told)
        prepared = prepare_samples(samples, options)
    except EcganError as error:
        policy = getattr(options, "on_error", None)
        if policy == LEAVE_OUT:
            return Shard(None, left_out={recording.name: error.message})
        hint = f"{error.hint} Or set preprocess.on_error to {LEAVE_OUT}, to go on without it." if policy else error.hint
        raise EcganError(error.message, hint.strip(), error.items) from error
    kept = replace(prepared.samples, signals=rounded(prepared.samples.signals))
    return Shard(kept, len(samples), prepared.left_out, told, offsets(samples, options))


def joined(parts: Sequence[Samples]) -> Samples:
    """Join the samples of recordings, which fit together."""
    check_alike(parts)
    return join(parts)


def check_alike(parts: Iterable[Samples]) -> None:
    """Refuse recordings that differ in their sampling rate, or give samples of several shapes."""
    parts = list(parts)
    rates = sorted({part.about.sampling_rate for part in parts})
    if len(rates) > 1:
        raise EcganError(
            f"the records differ in their sampling rate: {', '.join(f'{rate:g}' for rate in rates)} Hz.",
            "Leave out those of another rate: `preprocess.records`, or another folder.",
        )
    shapes = sorted({part.signals.shape[1:] for part in parts})
    if len(shapes) > 1:
        told = " and ".join(f"{leads} × {steps}" for leads, steps in shapes)
        raise EcganError(
            f"the recordings give samples of several shapes (leads × time steps): {told}.",
            "Leave out those that differ.",
        )


def stems_of(paths: Iterable[str], known: Iterable[str]) -> dict[str, list[str]]:
    """Sort paths by the recording that they belong to, by its stem; those of none are under ""."""
    stems, found = set(known), dict[str, list[str]]()
    for path in paths:
        once = PurePosixPath(path).with_suffix("")
        stem = next((one for one in (once.as_posix(), once.with_suffix("").as_posix()) if one in stems), "")
        found.setdefault(stem, []).append(path)
    return found


def table_of(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of several tables as one."""
    return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
