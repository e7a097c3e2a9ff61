"""Names of files that a list or an archive from outside gives: only what stays below its folder is let in."""

import unicodedata
from collections.abc import Iterable

from ecgan.errors import EcganError

PART = ".part"
"""End of the name of a file that is not finished."""

_LONGEST = 255


def check_names(names: Iterable[str], where: str) -> None:
    """Refuse relative paths that lead out of a folder, or that would lie on top of each other on some disk.

    Raises:
        EcganError: A name is refused; the message says why, and by `where` what names it: "the archive x.zip".
    """
    seen: dict[str, str] = {}
    for name in names:
        if reason := _reason(name):
            raise EcganError(
                f"{where} names the file {name!r}, which is refused: {reason}.",
                "Fetch it from its publisher, or leave that file out.",
            )
        folded = unicodedata.normalize("NFC", name).casefold()
        if (known := seen.get(folded)) is not None:
            kind = "twice" if known == name else f"and {known!r}, which are one file where case does not count"
            raise EcganError(
                f"{where} names the file {name!r} {kind}.", "Fetch it from its publisher, or leave that file out."
            )
        seen[folded] = name
    for folded, name in seen.items():
        parts = folded.split("/")
        for count in range(1, len(parts)):
            if (above := seen.get("/".join(parts[:count]))) is not None:
                raise EcganError(
                    f"{where} names {above!r} as a file and, for {name!r}, as a folder.",
                    "Fetch it from its publisher, or leave that file out.",
                )


def _reason(name: str) -> str:
    """Say why a name is refused; nothing where it is not."""
    parts = name.split("/")
    if not name.isprintable() or "\\" in name:
        return "it has a backslash or a control character"
    if parts[0] == "" or parts[0].endswith(":"):
        return "it begins at the root of a disk"
    if {"", ".", ".."} & set(parts):
        return 'a part of its path is empty, "." or ".."'
    if any(len(part.encode()) > _LONGEST for part in parts):
        return f"a part of its path is longer than {_LONGEST} bytes"
    if any(part.endswith(PART) for part in parts):
        return f"{PART} is kept for files that are not finished"
    return ""
