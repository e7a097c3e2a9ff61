"""Where published models lie, and whether their files are those that were published."""

import re
from pathlib import Path

from ecgan.errors import EcganError, nearest
from ecgan.files import is_portable
from ecgan.seals import NAME, check_seal

FOLDER = Path("models/published")
CARD = "README.md"
RESULTS = "results"
"""Folder of the result file of each fold, `fold_<k>.json`."""
SCHEME = "published:"

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,60}")


def check_name(name: str) -> None:
    """Refuse what is no name of a published model: small letters, digits, dots and hyphens."""
    if not _NAME.fullmatch(name) or not is_portable(name):
        raise EcganError(
            f"{name!r} is no name of a published model.", "Use small letters, digits, dots and hyphens: beta-vaegan-2."
        )


def published_names(folder: Path = FOLDER) -> list[str]:
    """Return the names of the published models that are here."""
    return sorted(path.parent.name for path in folder.glob(f"*/{NAME}"))


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
            f"Bring it here: dvc pull {folder / name}.dvc"
            if tracked
            else "`dvc pull` in a clone brings what there is; or name a run."
        )
        raise EcganError(f"there is no published model {name!r} here{nearest(name, names)}", known + how)
    check_seal(folder / name, f"Bring it here again: rm -r {folder / name} && dvc checkout {folder / name}.dvc")
    return folder / name
