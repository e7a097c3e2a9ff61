"""What is compared: a path here, or one in Git, `REVISION:PATH` as in `git show`."""

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ecgan.errors import EcganError

HINT = (
    "Name two runs, two files dvc.lock, two folders of reports or two projects; REVISION:PATH is one in Git, as in"
    " `ecgan compare HEAD:reports reports`."
)
_COMPARED = (".lock", ".json", ".csv", ".yml", ".safetensors")
_FILES = ("100644", "100755")


@contextlib.contextmanager
def opened(old: str, new: str) -> Iterator[tuple[Path, Path]]:
    """Give the two paths; what lies in Git is copied into a folder that goes away.

    Args:
        old: A path, `REVISION:PATH`, or `REVISION` alone: there, what `new` is here.
        new: The same.

    Raises:
        EcganError: One of them is not there.
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        yield _place(old, new, scratch / "old"), _place(new, old, scratch / "new")


def _place(text: str, other: str, scratch: Path) -> Path:
    path = Path(text)
    if path.exists():
        return path
    revision, colon, inside = text.partition(":")
    inside = inside if colon else _beside(other)
    found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}:{inside}")
    if not found or not revision:
        raise EcganError(f"{text!r} is no file or folder here, and Git knows no such revision and path.", HINT)
    target = scratch / re.sub(r"[^\w.-]+", "-", text)
    return _copied(found.decode().strip(), target)


def _beside(other: str) -> str:
    """Return the path of what the other side names, from the top of this repository."""
    if not Path(other).exists():
        return other.partition(":")[2]
    prefix = os.fsdecode(_git("rev-parse", "--show-prefix")).removesuffix("\n")
    path = os.path.normpath(Path(prefix) / os.path.relpath(other))
    return "" if path == "." else path


def _copied(name: str, target: Path) -> Path:
    """Copy a file or folder of Git, by the name of its object; of a folder, what can be compared."""
    if _git("cat-file", "-t", name).strip() == b"blob":
        return _written(target, name)
    listed = [entry.split(b"\t", 1) for entry in _git("ls-tree", "-r", "-z", "--full-tree", name).split(b"\0") if entry]
    files = {os.fsdecode(path): about.decode().split() for about, path in listed}
    target.mkdir(parents=True)
    for path, (mode, _, found) in files.items():
        if mode in _FILES and path.endswith(_COMPARED) and not {"..", "/"} & set(PurePosixPath(path).parts):
            _written(target / path, found)
    return target


def _written(target: Path, name: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(_git("cat-file", "blob", name))
    return target


def _git(*arguments: str) -> bytes:
    """Return what Git says, nothing if it fails."""
    try:
        return subprocess.run(["git", *arguments], capture_output=True, check=False).stdout
    except FileNotFoundError:
        raise EcganError("git is not installed, which finds revisions.", HINT) from None
