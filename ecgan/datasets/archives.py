"""Zip archives from outside, unpacked with suspicion: nothing is written but what is wanted, below one folder.

What an archive says of itself is checked before anything is unpacked, and what really comes out of it is counted
while it is: a header that lies cannot fill the disk.
"""

import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO

from ecgan.datasets.names import check_names
from ecgan.errors import EcganError
from ecgan.files import FULL, unfinished, unwritable
from ecgan.progress import track

Pick = Callable[[str], str | None]
"""Given the path of a file, says under which path it is wanted, or None."""

Check = Callable[[Collection[str]], None]
"""Given the paths of the wanted files, raises an error if one is missing."""

_ENCRYPTED = 0x1 | 0x40 | 0x2000  # by password, strongly, and with a hidden directory
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HEADER = 30  # bytes of a local header, without the name
_LONGEST_ENTRY = 2048  # bytes of the directory that a member may take up on average
_SMALL = 1 << 20
_CHUNK = 1 << 20


class RoomError(EcganError):
    """The disk is full or cannot be used; nothing is wrong with the archive."""


@dataclass(frozen=True)
class Limits:
    """What an archive may hold at most.

    Attributes:
        members: Number of files and folders.
        size: Bytes of all wanted files, unpacked.
        ratio: Bytes unpacked for each byte packed, of a file of more than 1 MiB.
    """

    members: int = 20_000
    size: int = 8 << 30
    ratio: int = 200


_USUAL = Limits()


def unpack(
    archive: Path, target: Path, pick: Pick, limits: Limits = _USUAL, check: Check = lambda _: None
) -> list[str]:
    """Unpack the wanted files of a zip archive into `target`, where they appear together, once all are whole.

    The names in the archive have "/" between their parts; `check` looks at the wanted ones before anything is written.

    Returns:
        The paths of the files below `target`, sorted.

    Raises:
        EcganError: The archive is damaged or refused; nothing is written.
    """
    try:
        _check_directory(archive, limits)
        with zipfile.ZipFile(archive) as opened:
            members = _wanted(archive, opened.infolist(), pick, limits)
            check(members)
            target.mkdir(parents=True, exist_ok=True)
            _check_space(archive, target, sum(member.file_size for member in members.values()))
            with unfinished(target, "unpacking") as folder:
                for name, member in track(members.items(), len(members), "unpacking"):
                    _write(opened, member, folder / name)
                _move(folder, target, list(members))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error) as error:
        raise EcganError(f"the archive {archive} is damaged: {error}.", "Fetch it again, or another copy.") from None
    except OSError as error:
        if error.errno in FULL:
            full = unwritable(target, error)
            raise RoomError(full.message, full.hint) from error
        raise RoomError(f"cannot unpack {archive}: {error.strerror or error}.") from error
    return sorted(members)


def check_archive(archive: Path, limits: Limits) -> None:
    """Refuse an archive that another library is to read whole, such as a workbook, if it does not keep to the limits.

    Raises:
        EcganError: It is damaged or refused.
    """
    try:
        _check_directory(archive, limits)
        with zipfile.ZipFile(archive) as opened:
            _wanted(archive, opened.infolist(), lambda name: name, limits)
    except (zipfile.BadZipFile, NotImplementedError, struct.error) as error:
        raise EcganError(f"{archive} is damaged: {error}.", "Fetch it again; a copy may have been cut off.") from None
    except OSError as error:
        raise EcganError(
            f"cannot read {archive}: {error.strerror or error}.", "Check its permissions, or fetch it again."
        ) from error


def _check_directory(archive: Path, limits: Limits) -> None:
    """Refuse a directory of the archive that is too large to be read; `zipfile` reads it whole."""
    with archive.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(0, end - (1 << 16) - 256))
        tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0:
        raise zipfile.BadZipFile("it does not end as a zip archive does")
    (size,) = struct.unpack_from("<I", tail, at + 12)
    if (large := tail.rfind(b"PK\6\6", 0, at)) >= 0:  # more than 4 GB, or more than 65,535 members
        (size,) = struct.unpack_from("<Q", tail, large + 40)
    if size > limits.members * _LONGEST_ENTRY:
        raise EcganError(f"the archive {archive} has more than {limits.members:,} members.", _NOT_THIS)


_NOT_THIS = "It is not the archive that is meant here; take it from the place that the documentation names."


def _wanted(archive: Path, members: list[zipfile.ZipInfo], pick: Pick, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """Check all members and return those that are wanted, by the path where they go."""
    where = f"the archive {archive}"
    if len(members) > limits.members:
        raise EcganError(f"{where} has {len(members):,} members, more than {limits.members:,}.", _NOT_THIS)
    files = [member for member in members if not member.is_dir()]
    check_names([member.filename for member in files], where)
    _check_overlaps(where, members)
    found: dict[str, zipfile.ZipInfo] = {}
    for member in files:
        if reason := _reason(member, limits):
            raise EcganError(f"{where} was refused: its member {member.filename!r} {reason}.", _NOT_THIS)
        if (name := pick(member.filename)) is not None:
            if name in found:
                raise EcganError(
                    f"{where} has {name!r} twice: {found[name].filename!r} and {member.filename!r}.",
                    "Fetch it again from its publisher.",
                )
            found[name] = member
    check_names(found, where)
    if (total := sum(member.file_size for member in found.values())) > limits.size:
        raise EcganError(f"{where} unpacks to {total:,} bytes, more than {limits.size:,}.", _NOT_THIS)
    return found


def _reason(member: zipfile.ZipInfo, limits: Limits) -> str:
    """Say why a member is refused; nothing where it is not."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "is a link" if kind == stat.S_IFLNK else "is no plain file"
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if member.compress_type not in _METHODS:
        return f"is packed by the method {member.compress_type}; stored and deflated ones are read"
    if member.file_size > max(_SMALL, limits.ratio * member.compress_size):
        return f"unpacks {member.compress_size:,} bytes to {member.file_size:,}, more than {limits.ratio} times as much"
    return ""


def _check_overlaps(where: str, members: list[zipfile.ZipInfo]) -> None:
    """Refuse members that share bytes, by which a small archive can hold very much."""
    ordered = sorted(members, key=lambda member: member.header_offset)
    for member, following in pairwise(ordered):
        end = member.header_offset + _HEADER + len(member.orig_filename) + member.compress_size
        if end > following.header_offset:
            raise EcganError(
                f"{where} was refused: its members {member.filename!r} and {following.filename!r} overlap.", _NOT_THIS
            )


def _check_space(archive: Path, target: Path, needed: int) -> None:
    free = shutil.disk_usage(target).free
    if needed > free:
        raise RoomError(
            f"{archive} unpacks to {needed / 1e9:.1f} GB, and the disk of {target} has {free / 1e9:.1f} GB left.",
            "Make room, or name another data folder.",
        )


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(member) as source, target.open("xb") as file:
        copied = _copy(source, file, member.file_size)
    if copied != member.file_size:
        raise zipfile.BadZipFile(f"{member.filename!r} has {copied:,} bytes and not {member.file_size:,}")


def _copy(source: IO[bytes], file: IO[bytes], most: int) -> int:
    """Copy up to `most` bytes and one more, so that the caller sees that there were more."""
    copied = 0
    while copied <= most and (chunk := source.read(min(_CHUNK, most + 1 - copied))):
        file.write(chunk)
        copied += len(chunk)
    return copied


def _move(folder: Path, target: Path, names: list[str]) -> None:
    for name in names:
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        (folder / name).replace(place)
