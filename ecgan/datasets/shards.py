"""From a dataset's raw files to the files of its samples: all at once, or shard by shard where it is cut by recordings.

Shards lie beside until all of them are there, each in a folder of its own under the hash of all that it depends on: the
SHA-256 of its recordings' files and of the files that belong to none of them, the section `preprocess`, and the code.
`shard.json` names its inputs, `seal.json` has the hashes of what came of them. After an interruption a shard that is
whole is taken as it is; one that is damaged, or was cut from something else, is cut again.
"""

import functools
import hashlib
import json
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.arrays import load_array, save_array
from ecgan.datasets.base import Dataset
from ecgan.datasets.cuts import FEW, Cuts, Recording, Shard, cut_shard
from ecgan.datasets.joining import Files, Say, groups_of, summed_up
from ecgan.engines.choosing import SHARED, each
from ecgan.errors import EcganError
from ecgan.files import read_json, read_table, sha256, write_frame, write_json
from ecgan.preprocessing.processed import save_blocks_of, save_processed
from ecgan.samples import About, Samples
from ecgan.seals import NAME, check_seal, seal

_AGAIN = "Run `ecgan preprocess` again."


@dataclass(frozen=True)
class Work:
    """What is cut, and where shards are kept until all are there.

    Attributes:
        dataset: The dataset.
        raw: Its raw files.
        options: The section `preprocess`.
        place: Folder of the shards; nothing else is in it.
        digests: SHA-256 of the raw files, by path; None: nobody knows them, and shards are not taken up again.
        code: Files of the program that shards depend on.
    """

    dataset: Dataset
    raw: Path
    options: Any
    place: Path
    digests: Mapping[str, str] | None = None
    code: Sequence[Path] = ()


def write_dataset(folder: Path, work: Work, say: Say = lambda _: None) -> About:
    """Cut a dataset's samples and write them into a folder; `say` is told what was left out.

    The shards are still there at the end, for whoever is interrupted after that.
    """
    cuts = work.dataset.by_recording(work.raw, work.options)
    if cuts is None:
        return save_processed(folder, work.dataset.name, work.dataset.samples(work.raw, work.options, say))
    places = _cut(cuts, work, say)
    facts = summed_up(cuts, map(_load, places), say)
    blocks = (_signals(place) for place in places if (place / "data.pkl").is_file())
    return save_blocks_of(folder, work.dataset.name, facts, blocks)


def _cut(cuts: Cuts, work: Work, say: Say) -> list[Path]:
    """See that all shards are there; return their folders, in order."""
    files = Files(cuts, work.raw, work.digests)
    groups, largest = groups_of(cuts, files)
    inputs = _inputs(cuts, work, files, groups)
    keys = [_digest(one)[:32] for one in inputs]
    _clear(work.place, keys if files.digests is not None else [])
    there = [_is_whole(work.place / key) for key in keys]
    if any(there):
        say(f"{sum(there):,} of {len(keys):,} shards are there already.")
    todo = [number for number, whole in enumerate(there) if not whole]
    content = _sha256(files.root / NAME)
    cut = partial(_cut_group, partial(cut_shard, cuts.cut, work.options, largest), files.root, content)
    left = [groups[number] for number in todo]
    results = each(cut, left, "cutting", few=FEW, at_once=1)
    for number, shard in zip(todo, results, strict=True):
        _write(work.place / keys[number], shard, inputs[number])
    return [work.place / key for key in keys]


def _cut_group(
    cut: Callable[[Sequence[Recording]], Shard], root: Path, content: str | None, group: Sequence[Recording]
) -> Shard:
    """Cut recordings where their files are seen: else they would be such as cannot be used."""
    _check_root(root, content)
    return cut(group)


@functools.cache
def _check_root(root: Path, content: str | None) -> None:
    if not root.is_dir() or content != _sha256(root / NAME):
        raise EcganError(f"{platform.node()} does not see {root} as it is, where the raw files are.", SHARED)


def _sha256(file: Path) -> str | None:
    return sha256(file) if file.is_file() else None


def _inputs(cuts: Cuts, work: Work, files: Files, groups: Sequence[Sequence[Recording]]) -> list[dict[str, Any]]:
    """Return what each shard depends on."""
    if files.digests is None:
        return [{"recordings": [one.name for one in group]} for group in groups]
    common = {
        "dataset": work.dataset.name,
        "preprocess": work.options.model_dump(mode="json"),
        "facts": cuts.facts,
        "code": _digest([sha256(file) for file in work.code]),
        "shared": _digest(files.of("")),
    }
    return [{**common, "recordings": {one.name: files.of(one.stem) for one in group}} for group in groups]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _clear(place: Path, keys: Sequence[str]) -> None:
    """Remove shards of other files, parameters or code."""
    known = set(keys)
    for folder in place.iterdir() if place.is_dir() else ():
        if folder.name not in known:
            shutil.rmtree(folder)


def _is_whole(folder: Path) -> bool:
    """Whether a shard is there as it was written; what is left of another is removed."""
    if not folder.exists():
        return False
    try:
        check_seal(folder)
    except EcganError:
        shutil.rmtree(folder)
        return False
    return True


def _write(folder: Path, shard: Shard, inputs: Mapping[str, Any]) -> None:
    """Write a shard, the seal last."""
    folder.mkdir(parents=True, exist_ok=True)
    described = {name: value for name, value in vars(shard).items() if name != "samples"}
    if (samples := shard.samples) is not None:
        save_array(folder / "data.pkl", samples.signals.transpose(0, 2, 1))  # (n, C, L) to (n, L, C)
        save_array(folder / "label.pkl", samples.class_ids)
        write_frame(folder / "samples.csv", samples.table)
        texts = [str(name) for name, kind in samples.table.dtypes.items() if kind.kind not in "biuf"]
        described |= {"about": asdict(samples.about), "texts": texts}
    write_json(folder / "shard.json", described | {"inputs": inputs})
    seal(folder)


def _load(folder: Path) -> Shard:
    """Read what was written; the signals stay where they are if they are large."""
    found = read_json(folder / "shard.json")
    told = {name: found[name] for name in ("count", "faults", "warnings", "marks", "left_out")}
    if "about" not in found:
        return Shard(None, **told)
    labels = load_array(folder / "label.pkl", ndim=1, kind="iu").astype(np.int64)
    table = read_table(folder / "samples.csv", dict.fromkeys(found["texts"], str), hint=_AGAIN)
    signals = _signals(folder).transpose(0, 2, 1)  # (n, L, C) to (n, C, L)
    return Shard(Samples(signals, table, About(**found["about"]), labels), **told)


def _signals(folder: Path) -> NDArray[Any]:
    """Signals of a shard as they lie on the disk, (n, L, C)."""
    return load_array(folder / "data.pkl", ndim=3, kind="f")
