"""What a process finds where it is: the model, the folders of the recordings, and the mark in that of the results."""

import contextlib
import os
import platform
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ecgan.errors import EcganError
from ecgan.files import sha256, unwritable
from ecgan.references import Reference, parse_reference
from ecgan.remotes import is_remote
from ecgan.remotes.recordings import is_url
from ecgan.scoring.plan import digest

_MARK = ".shared-"
_MOST = 100  # folders that are looked for
_SHARED = "All machines need it under the same path, on a file system that they share"


@contextlib.contextmanager
def marked(out: Path) -> Iterator[str]:
    """Lay a file into the folder of the results, and give its name: who finds it there sees that folder.

    Raises:
        EcganError: It cannot be written into.
    """
    mark = out / f"{_MARK}{uuid.uuid4().hex}"
    try:
        for left in out.glob(f"{_MARK}*"):
            left.unlink(missing_ok=True)
        mark.touch()
    except OSError as error:
        raise unwritable(mark, error) from error
    try:
        yield mark.name
    finally:
        mark.unlink(missing_ok=True)


def content_of(folder: Path) -> str:
    """SHA-256 of all files of a run."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))
    return digest([[file.relative_to(folder).as_posix(), sha256(file)] for file in files])


def folders_of(places: Iterable[str]) -> tuple[str, ...]:
    """The folders that are here of those that are named, or in which what is named lies."""
    found = (place if os.path.isdir(place) else os.path.dirname(place) for place in places if not is_url(place))  # noqa: PTH112, PTH120
    folders = sorted({os.path.abspath(folder) for folder in found})  # noqa: PTH100
    return tuple(filter(os.path.isdir, folders[:_MOST]))


def check_folders(folders: Iterable[str]) -> None:
    """See that the folders of the recordings are here: else each of them would be one that cannot be read.

    Raises:
        EcganError: One is not.
    """
    for folder in folders:
        if not os.path.isdir(folder):  # noqa: PTH112
            raise EcganError(
                f"{platform.node()} sees no folder {folder}, where recordings are.", f"{_SHARED}; or name URLs."
            )


def models_here(models: Mapping[int, Reference], contents: Mapping[int, str]) -> dict[int, Reference]:
    """Find the runs: where they lie for the first process, or, of a URL, by a copy of one's own.

    Raises:
        EcganError: A run is not here, or is another one.
    """
    return {count: _model_here(one, contents[count]) for count, one in models.items()}


def _model_here(model: Reference, content: str) -> Reference:
    if content_of(model.folder) == content:
        return model
    if is_remote(model.text) and content_of((own := parse_reference(model.text)).folder) == content:
        return own
    raise EcganError(
        f"{platform.node()} has not the model {model.text} in {model.folder}, or another one.",
        f"{_SHARED}; or name it by a URL (s3://…), from which each fetches it.",
    )
