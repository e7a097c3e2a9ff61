"""Seals: what a stage leaves says of every file how long it is and what its SHA-256 is, in `seal.json`, written last.

Whoever reads such a folder checks it first: a flipped bit is told and not computed with. A seal tells damage. It does
not tell who wrote the files: who can change them can seal them again.
"""

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ecgan.errors import EcganError
from ecgan.files import read_json, sha256, shown, write_json

NAME = "seal.json"
RUN_HINT = (
    "Get the run anew (copy it again, `dvc checkout`, or train it again). If it was changed on purpose, or made before"
    " runs were sealed, and you know it to be sound: ecgan seal RUN"
)

_SHA256 = re.compile(r"[0-9a-f]{64}")


def seal(folder: Path, only: Iterable[str] | None = None) -> None:
    """Write `seal.json` for the named files, or for all in and below `folder`; hidden files do not count."""
    names = _in(folder) if only is None else only
    described = {name: {"size": (folder / name).stat().st_size, "sha256": sha256(folder / name)} for name in names}
    write_json(folder / NAME, described)


def check_seal(folder: Path, hint: str = RUN_HINT, only: Iterable[str] | None = None) -> dict[str, str]:
    """See that the files of a folder are those that it was sealed with.

    Args:
        folder: The folder.
        hint: What to do if they are not.
        only: Names of the files that count; None: all, and no others of the same kinds may have come.

    Returns:
        SHA-256 by the path below the folder, with "/".

    Raises:
        EcganError: There is no seal, or a file has changed, come or gone; the message names it.
    """
    known = _load(folder, hint)
    names = sorted(known if only is None else only)
    for name in names:
        _check_size(folder / name, known[name][0] if name in known else None, hint)
    if only is None:
        kinds = {PurePosixPath(name).suffix for name in known}
        for name in sorted(_in(folder) - known.keys()):
            if PurePosixPath(name).suffix in kinds:
                raise EcganError(f"{folder / name} was not there when {folder / NAME} was written.", hint)
    for name in names:
        if (found := sha256(folder / name)) != (was := known[name][1]):
            shortened = [f"{one[:12]}…" for one in (found, was)]
            found, was = shortened if len(set(shortened)) > 1 else (found, was)
            raise EcganError(
                f"{folder / name} is damaged: its SHA-256 is {found}, and was {was} when it was written.", hint
            )
    return {name: known[name][1] for name in names}


def _check_size(file: Path, size: int | None, hint: str) -> None:
    """Refuse what is no file of its size, before any of it is read."""
    if size is None:
        raise EcganError(f"{file} was not there when {file.with_name(NAME)} was written.", hint)
    try:
        found = file.stat()
    except FileNotFoundError:
        raise EcganError(f"{file} is missing.", hint) from None
    if not stat.S_ISREG(found.st_mode):
        raise EcganError(f"{file} is no plain file.", hint)
    if found.st_size != size:
        raise EcganError(f"{file} is damaged: it has {found.st_size:,} bytes, and had {size:,} when written.", hint)


def _load(folder: Path, hint: str) -> dict[str, tuple[int, str]]:
    """Read a seal: size and SHA-256 by the path below the folder."""
    if not (folder / NAME).exists():
        raise EcganError(f"{folder} has no {NAME}, so that nobody can tell whether its files are whole.", hint)
    found = read_json(folder / NAME)
    if not isinstance(found, dict):
        raise EcganError(f"{folder / NAME} is no seal: it holds {shown(found)}.", hint)
    known = {}
    for name, entry in found.items():
        plain = isinstance(entry, dict) and type(entry.get("size")) is int
        plain = plain and _SHA256.fullmatch(str(entry.get("sha256"))) is not None
        if not plain or name.startswith("/") or ".." in name.split("/"):
            raise EcganError(f"{folder / NAME} is no seal: {shown(name)} is {shown(entry)}.", hint)
        known[name] = entry["size"], entry["sha256"]
    return known


def _in(folder: Path) -> set[str]:
    """Return the files in and below a folder but for the seal, by their path with "/"; hidden ones do not count."""
    found = set()
    for where, below, names in os.walk(folder):
        below[:] = [name for name in below if not name.startswith(".")]
        found |= {(Path(where) / name).relative_to(folder).as_posix() for name in names if not name.startswith(".")}
    return found - {NAME}
