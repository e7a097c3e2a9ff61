"""Where published models lie, and whether their files are those that were published."""

import re
from pathlib import Path

from ecgan.errors import EcganError, nearest
from ecgan.files import read_text, sha256

FOLDER = Path("models/published")
SUMS = "SHA256SUMS"
"""Hash and path of every other file of a published model, as `sha256sum --check` reads them."""
CARD = "README.md"
RESULTS = "results"
"""Folder of the result file of each fold, `fold_<k>.json`."""
SCHEME = "published:"

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,60}")
_LINE = re.compile(r"(?P<sum>[0-9a-f]{64})  (?P<path>[\w.-]+(?:/[\w.-]+)*)", re.ASCII)
_MOST_BYTES = 1 << 20


def check_name(name: str) -> None:
    """Refuse what is no name of a published model: small letters, digits, dots and hyphens."""
    if not _NAME.fullmatch(name):
        raise EcganError(
            f"{name!r} is no name of a published model.", "Use small letters, digits, dots and hyphens: beta-vaegan-2."
        )


def published_names(folder: Path = FOLDER) -> list[str]:
    """Return the names of the published models that are here."""
    return sorted(path.parent.name for path in folder.glob(f"*/{SUMS}"))


def find_published(name: str, folder: Path = FOLDER) -> Path:
    """Return the folder of a published model whose files are those that were published.

    Raises:
        EcganError: There is no such model here, or a file of it is missing or was changed; the message names it.
    """
    check_name(name)
    names = published_names(folder)
    if name not in names:
        known = f"Here are: {', '.join(names)}. " if names else ""
        tracked = (folder / f"{name}.dvc").is_file()
        how = (
            f"Bring it here: dvc pull {folder / name}.dvc" if tracked else "`dvc pull` in a clone brings what there is."
        )
        raise EcganError(f"there is no published model {name!r} here{nearest(name, names)}", known + how)
    check_sums(folder / name)
    return folder / name


def check_sums(model: Path) -> None:
    """Compare every file that a published model lists with its hash."""
    again = f"Bring it here again: rm -r {model} && dvc checkout {model}.dvc"
    for line in read_text(model / SUMS, again, most=_MOST_BYTES).splitlines():
        match = _LINE.fullmatch(line)
        if match is None or ".." in match["path"]:
            raise EcganError(f"{model / SUMS} is damaged: {line[:80]!r} is no hash and path.", again)
        file = model / match["path"]
        if not file.is_file():
            raise EcganError(f"the published model {model.name} lacks its file {match['path']}.", again)
        if sha256(file) != match["sum"]:
            raise EcganError(
                f"{file} is not as it was published: its SHA-256 is {sha256(file)[:16]}…, not {match['sum'][:16]}….",
                again,
            )
