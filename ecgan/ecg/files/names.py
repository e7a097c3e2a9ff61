"""File names as they are written in headers and on command lines, and as they lie on disk."""

import functools
import re
import time
import unicodedata
from pathlib import Path, PurePosixPath

from ecgan.errors import EcganError

_ELSEWHERE = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:")
"""A drive letter, or the scheme of a URL."""
_COARSE = 3_000_000_000  # ns


def existing(path: Path) -> Path:
    """Return the path, or that of the file whose name is the same text in the other Unicode form (NFC or NFD)."""
    if str(path).isascii() or is_there(path):
        return path
    parent = path.parent if path.parent == path else existing(path.parent)
    wanted = unicodedata.normalize("NFC", path.name)
    same = [name for name in _alike(parent, path.name) if unicodedata.normalize("NFC", name) == wanted]
    return parent / same[0] if same else path


def in_any_case(path: Path) -> Path:
    """Return the path, or that of the only file whose name differs in small and capital letters alone.

    Records that came by a CD or a stick have `100.HEA` and `100.DAT`, and headers that say `100.dat`.
    """
    if is_there(path):
        return path
    same = _alike(path.parent, path.name)
    return path.parent / same[0] if len(same) == 1 else path


def _alike(folder: Path, name: str) -> list[str]:
    """The names in a folder that differ from one in capital letters and Unicode form alone, if in anything.

    The list of a folder is kept while the folder does not change, since each record of an archive may ask for it;
    clocks of file systems may be as coarse as two seconds, and within these nothing is kept.
    """
    try:
        changed = folder.stat().st_mtime_ns
        listed = _listed if 0 <= changed < time.time_ns() - _COARSE else _listed.__wrapped__
        return listed(folder.absolute(), changed).get(_folded(name), [])
    except OSError:
        return []


@functools.lru_cache(maxsize=2)
def _listed(folder: Path, changed: int) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for other in folder.iterdir():
        names.setdefault(_folded(other.name), []).append(other.name)
    return names


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder; there is none of a name that no file can have."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def is_file(path: Path) -> bool:
    """Whether there is such a file."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def beside(header: Path, name: str) -> Path:
    r"""Return the path of a file that a header names: in its own folder, or in one below.

    Blanks, dots and letters of all languages are allowed; `\` stands for `/`, as Windows writes it. A header that lies
    in the folder that it names itself, `gm/r.hea` with `gm/r.dat`, means the file beside it.

    Raises:
        EcganError: The name leads out of the folder.
    """
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or not parts.parts or _ELSEWHERE.match(name):
        raise EcganError(
            f"the header {header} names the file {name[:80]!r}, which is not in its folder.",
            "Files are read from the folder of the header and from those below it; name them without the way there.",
        )
    path = existing(header.parent / parts)
    folders = parts.parts[:-1]
    if folders and not is_there(path) and header.absolute().parent.parts[-len(folders) :] == folders:
        return in_any_case(existing(header.parent / parts.name))
    return in_any_case(path)
