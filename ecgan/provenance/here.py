"""What lies in a project, set beside what its `dvc.lock` says: hashes as DVC makes them, and the commit."""

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SAME: Final = "as in dvc.lock"
OTHER: Final = "not as in dvc.lock"
GONE: Final = "not here"


def state(path: Path, locked: str) -> str:
    """Say of a file or folder whether it is what a hash of `dvc.lock` says: `SAME`, `OTHER` or `GONE`."""
    if not path.exists():
        return GONE
    return SAME if dvc_hash(path) == locked else OTHER


def dvc_hash(path: Path) -> str:
    """Return the hash that DVC gives a file (MD5) or a folder (MD5 of its list, and `.dir`).

    What `.dvcignore` leaves out, compiled Python, does not count.
    """
    if path.is_file():
        return _md5(path)
    entries = [{"md5": _md5(file), "relpath": file.relative_to(path).as_posix()} for file in files_in(path)]
    entries.sort(key=lambda entry: entry["relpath"])
    return f"{hashlib.md5(json.dumps(entries, sort_keys=True).encode(), usedforsecurity=False).hexdigest()}.dir"


def files_in(folder: Path) -> list[Path]:
    """Return the files in and below a folder, also through links, without compiled Python; sorted."""
    found = []
    for where, below, names in os.walk(folder, followlinks=True):
        below[:] = [name for name in below if name != "__pycache__"]
        found += [Path(where) / name for name in names if not name.endswith((".pyc", ".pyo"))]
    return sorted(found)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


@dataclass(frozen=True)
class Commit:
    """A commit.

    Attributes:
        name: Its full hash; empty outside Git.
        date: When it was made, ISO 8601 with the zone of who made it.
    """

    name: str = ""
    date: str = ""


def commit_of(path: str = "") -> Commit:
    """Return the last commit that changed a file, or the last of all; none where the file has changed since."""
    if path and _git("status", "--porcelain", "--", path):
        return Commit()
    found = _git("log", "-1", "--format=%H %cI", *(["--", path] if path else [])).split()
    return Commit(*found) if len(found) == 2 else Commit()


def _git(*arguments: str) -> str:
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
