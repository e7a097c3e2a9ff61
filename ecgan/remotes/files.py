"""Which files of a remote run are fetched, how large they may be, and how they come here."""

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ecgan.errors import EcganError
from ecgan.files import LARGEST_JSON, LARGEST_WEIGHTS, is_portable, unfinished
from ecgan.terminal import say

# `<part>/fold_<k>[/v<NN>]/<name>`: no path that leaves the run's folder, no file that could be executed.
WANTED = re.compile(
    r"(?:train|inverse|detect)/fold_(?P<fold>0|[1-9]\d{0,5})/(?:v\d{1,9}/)?[A-Za-z0-9][\w-]{0,80}"
    r"\.(?P<kind>yml|json|csv|safetensors)",
    re.ASCII,
)
PARTS = ("train", "inverse", "detect")
REQUIRED = ("config.yml", "input.json", "split.json")
MOST_FILES = 10_000
MOST_ENTRIES = 1_000  # of a folder
_MB = 1 << 20
LARGEST = {"safetensors": LARGEST_WEIGHTS, "yml": _MB, "json": LARGEST_JSON, "csv": 256 * _MB}
LARGEST_UNKNOWN = 256 * _MB  # of a file whose size the remote does not say
CHUNK = 4 * _MB
_SLOWEST = 100  # bytes a second, over a minute
_MINUTE = 60.0


@dataclass(frozen=True)
class RemoteFile:
    """One file of a remote run.

    Attributes:
        size: Bytes, or None where the remote does not say.
        mark: What changes when the file changes: a checksum, a time, an id.
        fetch: Writes the file to a path; stops with EcganError after so many bytes.
    """

    size: int | None
    mark: str
    fetch: Callable[[Path, int], None]


@dataclass
class Remote:
    """A run elsewhere.

    Attributes:
        name: The run's name, which becomes the name of its folder here.
        files: What it holds, by path below the run's folder.
    """

    name: str
    files: dict[str, RemoteFile] = field(default_factory=dict)

    def add(self, path: str, file: Callable[[], RemoteFile], fold: int | None) -> None:
        """Take a file in if it is one of a run's, and of the fold where one is wanted; only then ask what it is."""
        match = WANTED.fullmatch(path)
        if match and (fold is None or int(match["fold"]) == fold):
            self.files[path] = file()
            if len(self.files) > MOST_FILES:
                raise EcganError(
                    f"{self.name} holds more than {MOST_FILES:,} files, more than a trained run.", "Check the address."
                )

    def folds(self) -> list[int]:
        """Return the trained folds."""
        return sorted({int(path.split("/")[1].removeprefix("fold_")) for path in self.files if path[:6] == "train/"})


def copy_stream(source: IO[bytes], target: Path, limit: int) -> None:
    """Write a stream to a file, and stop where it is longer than a file of a run may be."""
    done, before, began = 0, 0, time.monotonic()
    with target.open("wb") as file:
        while chunk := source.read(CHUNK):
            done += len(chunk)
            if done > limit:
                raise too_large(target.name, limit)
            file.write(chunk)
            if time.monotonic() - began > _MINUTE:
                if done - before < _SLOWEST * _MINUTE:
                    raise EcganError(
                        f"{target.name} comes too slowly: {done - before:,} bytes in a minute.",
                        "Try again later, or copy it here first.",
                    )
                before, began = done, time.monotonic()


def too_large(name: str, limit: int) -> EcganError:
    """Return the error for a file beyond its limit."""
    return EcganError(
        f"{name} is larger than {limit // _MB:,} MB, more than a trained run holds.", "Check the address."
    )


def download(remote: Remote, path: str, fold: int | None, cache: Path) -> Path:
    """Copy the files of what `path` refers to below `cache`, all or none of them; return the run's folder."""
    _check(remote, path, fold)
    state = [path, fold, sorted((name, file.size, file.mark) for name, file in remote.files.items())]
    place = cache / hashlib.sha256(json.dumps(state).encode()).hexdigest()[:16]
    folder = place / _folder_name(remote.name)
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    size = sum(file.size or 0 for file in remote.files.values()) / _MB
    if size > (free := shutil.disk_usage(cache).free / _MB):
        raise EcganError(f"{path} has {size:,.0f} MB, and the disk of {cache} has {free:,.0f} MB left.", "Make room.")
    say(f"fetching {path}: {len(remote.files)} file{'s' * (len(remote.files) > 1)}, {size:,.1f} MB")
    with unfinished(cache, "part") as within:
        part = within / "run"
        for name, file in sorted(remote.files.items()):
            target = part / folder.name / name
            target.parent.mkdir(parents=True, exist_ok=True)
            file.fetch(target, _limit(name) if file.size is not None else min(_limit(name), LARGEST_UNKNOWN))
            if file.size is not None and target.stat().st_size != file.size:
                raise EcganError(
                    f"{name} of {path} came incomplete: it changed, or the connection broke.", "Try again."
                )
        try:
            part.replace(place)
        except OSError:
            if not folder.is_dir():  # else another process was faster
                raise
    return folder


def _check(remote: Remote, path: str, fold: int | None) -> None:
    """Refuse what is no complete trained run, or larger than one, before anything is copied."""
    folds = remote.folds()
    if not folds:
        where = "train/fold_<k>" if fold is None else f"train/fold_{fold}"
        raise EcganError(
            f"{path} holds no trained run: there is no {where} below it, or it cannot be listed.",
            "Check the address; it is that of the folder above `train`.",
        )
    for index in folds:
        train = f"train/fold_{index}"
        missing = [name for name in REQUIRED if f"{train}/{name}" not in remote.files]
        if missing := missing + _lacking(remote, index):
            raise EcganError(f"{path} is no complete run: {train} lacks {', '.join(missing)}.", "Check the address.")
    for name, file in remote.files.items():
        if file.size is not None and file.size > _limit(name):
            raise too_large(f"{name} of {path}", _limit(name))


def _lacking(remote: Remote, fold: int) -> list[str]:
    """What a fold lacks of a model; nothing where a detector scores without one."""
    train = f"train/fold_{fold}"
    weights = any(re.fullmatch(rf"{train}/v\d+/model\.safetensors", name) for name in remote.files)
    indexed = f"{train}/versions.json" in remote.files
    if not weights and not indexed and f"detect/fold_{fold}/detector.json" in remote.files:
        return []
    return [*([] if indexed else ["versions.json"]), *([] if weights else ["v<NN>/model.safetensors"])]


def _limit(name: str) -> int:
    return LARGEST[name.rsplit(".", 1)[-1]]


def _folder_name(name: str) -> str:
    plain = re.sub(r"[^\w .+-]", "_", name).strip(" .")[:100].rstrip(" .") or "run"
    return plain if is_portable(plain) else f"_{plain}"
