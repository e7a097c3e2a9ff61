"""Raw files from where they are: an archive of the web, or what the user has already.

An archive for which nobody publishes a hash is pinned when it is first fetched: its SHA-256, and those of the files
out of it, are written to SHA256SUMS.txt in the raw folder, and whatever comes later must be the same.
"""

import filecmp
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pydantic import Field

from ecgan.config.options import Options
from ecgan.config.schema import FilePath
from ecgan.datasets.archives import Check, Limits, Pick, RoomError, unpack
from ecgan.datasets.fetching import SUMS, read_sums, remove_others
from ecgan.datasets.names import PART, check_names
from ecgan.datasets.transfer import Remote, transfer
from ecgan.errors import EcganError
from ecgan.files import FULL, sha256, unwritable, write_text
from ecgan.progress import track, track_bytes


class SourceOptions(Options):
    """Where the raw files come from; the base of `Fetch` of datasets that can be handed files."""

    source: FilePath | None = Field(
        None, description="folder or zip archive with files that you have already; null: download"
    )


@dataclass(frozen=True)
class Archive:
    """A zip archive of the web.

    Attributes:
        remote: Where it is; where it has no published hash, its hash of the first time is the one that counts.
        name: Its name.
        pick: Says which of its files are wanted and where they go.
        limits: What it may hold at most.
    """

    remote: Remote
    name: str
    pick: Pick
    limits: Limits


def fetch_archive(
    raw: Path, archive: Archive, check: Callable[[], None], beside: Mapping[str, Remote] = MappingProxyType({})
) -> None:
    """Put the wanted files of an archive of the web into `raw`; afterwards nothing else is there but their hashes.

    The archive itself is removed once it is unpacked. Files that are there with the hashes of the first time are kept.
    `check` raises an error if the unpacked files, which are not yet pinned, are not the right ones; files `beside` the
    archive come by name.

    Raises:
        EcganError: The archive cannot be had, is damaged, is refused, or is not that of the first time.
    """
    pins = read_sums(raw / SUMS) if (raw / SUMS).is_file() else {}
    files = {file: digest for file, digest in pins.items() if file != archive.name}
    kept = {*beside, *([SUMS] if pins else [])}
    packed = raw / archive.name
    remove_others(raw, {*files, *kept, archive.name})
    for other, remote in beside.items():
        if not remote.fits(raw / other):
            transfer(remote, raw / other)
    if files and all((raw / file).is_file() and sha256(raw / file) == digest for file, digest in files.items()):
        packed.unlink(missing_ok=True)
        return
    _fetch(packed, archive.remote, pins.get(archive.name))
    try:
        unpacked = unpack(packed, raw, archive.pick, archive.limits)
        check()
    except RoomError:
        raise
    except EcganError as error:  # not the archive that is meant: it is not kept
        remove_others(raw, kept)
        raise EcganError(f"{archive.name} of {archive.remote.url} is of no use: {error.message}", error.hint) from None
    sums = {archive.name: sha256(packed)} | {file: sha256(raw / file) for file in unpacked}
    write_text(raw / SUMS, "".join(f"{digest}  {file}\n" for file, digest in sums.items()))
    packed.unlink()


def _fetch(file: Path, remote: Remote, pin: str | None) -> None:
    """Fetch an archive; `pin` is its SHA-256 of the first time."""
    if not remote.fits(file):
        with track_bytes(f"fetching {file.name}") as report:
            transfer(remote, file, report)
    if pin is not None and (found := sha256(file)) != pin:
        file.unlink()
        raise EcganError(
            f"{remote.url} has changed: its SHA-256 is {found}, and was {pin} when it was first fetched.",
            f"If the change is meant, remove {file.with_name(SUMS)} and fetch again.",
        )


def take_source(raw: Path, source: str, pick: Pick, check: Check, limits: Limits | None = None) -> None:
    """Put files that the user has, in a folder, below it or in a zip archive, into `raw`; nothing else stays there.

    `check` raises an error if a file is missing; what is in `raw` is then left as it is.

    Raises:
        EcganError: The source is not there, lacks a file, or has two files for one place.
    """
    place = Path(source).expanduser()
    if place.is_file():
        remove_others(raw, set(unpack(place, raw, pick, limits or Limits(), check)))
        return
    if not place.is_dir():
        raise EcganError(
            f"fetch.source: there is no folder or archive {source}.", "Mend fetch.source, or use null to download."
        )
    if raw.resolve().is_relative_to(place.resolve()):
        raise EcganError(
            f"fetch.source is {source}, which holds the folder {raw} that is to be filled.",
            "Name the folder that holds nothing but the files of the dataset.",
        )
    chosen = _chosen(place, pick)
    check(chosen)
    remove_others(raw, set(chosen))
    for name, file in track(chosen.items(), len(chosen), "copying"):
        _copy(file, raw / name)


def _chosen(folder: Path, pick: Pick) -> dict[str, Path]:
    chosen: dict[str, Path] = {}
    for file in filter(Path.is_file, sorted(folder.rglob("*"))):
        name = pick(file.relative_to(folder).as_posix())
        if name is None:
            continue
        if name in chosen:
            raise EcganError(f"fetch.source has {name!r} twice: {chosen[name]} and {file}.", "Leave one of them.")
        chosen[name] = file
    check_names(chosen, f"fetch.source, {folder},")
    return chosen


def _copy(file: Path, target: Path) -> None:
    """Copy a file unless the same is there; it appears under its name only when it is whole."""
    if target.is_file() and filecmp.cmp(file, target, shallow=False):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + PART)
    try:
        shutil.copyfile(file, part)
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.errno in FULL:
            raise unwritable(target, error) from error
        raise EcganError(
            f"cannot copy {file}: {error.strerror or error}", "Check its permissions and the room on the disk."
        ) from error
    part.replace(target)
