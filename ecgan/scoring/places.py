"""What a process finds where it is: the model, the recordings, and the folder of the results."""

import contextlib
import os
import platform
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from ecgan.engines.choosing import SHARED
from ecgan.errors import EcganError
from ecgan.files import sha256, unwritable
from ecgan.references import Reference, parse_reference
from ecgan.remotes import is_remote
from ecgan.scoring.plan import digest

_MARK = ".shared-"


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


def check_seen(unseen: Mapping[str, str]) -> None:
    """See that no recording is here which another process did not find: it would be one that cannot be read.

    Args:
        unseen: Where it was not found, and which.

    Raises:
        EcganError: One is here.
    """
    for machine, place in unseen.items():
        if os.path.lexists(place):
            raise EcganError(f"{machine} does not see {place}, which is to be scored.", f"{SHARED} Or name a URL.")


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
        f"{SHARED} Or name it by a URL (s3://…), from which each fetches it.",
    )
