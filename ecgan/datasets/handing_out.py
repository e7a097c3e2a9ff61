"""Files that the workers of a cluster fetch, into the folder that they share with the command.

What is under way lies in a hidden folder within, each try in one of its own, and is renamed when it is whole: a worker
that was given up and goes on, or one that is left from an earlier command, spoils nothing. It ends when the mark in
that folder is gone, which the command takes away when it ends.
"""

import contextlib
import platform
import shutil
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import repeat
from pathlib import Path

from ecgan.datasets.transfer import MIRROR, Remote, Stopped, discard, is_address, named_mirror, transfer, use_mirror
from ecgan.engines.base import as_done
from ecgan.engines.choosing import SHARED, engine
from ecgan.engines.threads import in_threads
from ecgan.errors import EcganError
from ecgan.files import unwritable

Group = Sequence[tuple[str, Remote]]

_GROUP = 32  # files that a worker is given
_CONNECTIONS = 4  # of a worker
_LOOK = 1.0  # seconds between looks whether the command is still there
_MARK = "shared"


def fetch_by_workers(raw: Path, files: Mapping[str, Remote]) -> Iterator[None]:
    """Let the workers see to it that the files are in `raw`, in groups, and yield for each file that is.

    Raises:
        EcganError: A file cannot be had or is not the right one; a worker does not see the folder, or the mirror.
    """
    whole = list(files.items())
    groups = [whole[start : start + _GROUP] for start in range(0, len(whole), _GROUP)]
    with _marked(raw.absolute()) as place, engine() as workers:
        for _, handle in as_done(workers, partial(_fetch_group, place, named_mirror()), groups):
            yield from repeat(None, handle.result())


@contextlib.contextmanager
def _marked(raw: Path) -> Iterator[Path]:
    """Make the folder for what is under way, with the mark; whoever finds that sees the folder."""
    place = raw / f".fetching-{uuid.uuid4().hex}"
    place.mkdir()
    try:
        (place / _MARK).touch()
        yield place
    finally:
        (place / _MARK).unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)


def _fetch_group(place: Path, source: str, group: Group) -> int:
    """Fetch what is not there of some files, several at a time; return how many there are."""
    if not (place / _MARK).is_file():
        raise EcganError(f"{platform.node()} does not see {place.parent}, into which files are fetched.", SHARED)
    if source and not is_address(source) and not Path(source).is_dir():
        raise EcganError(f"{platform.node()} does not see {source}, which {MIRROR} names.", SHARED)
    use_mirror(source)  # of the command, and not of the worker
    own, stop = place / uuid.uuid4().hex, threading.Event()
    fetches = [partial(_fetch, place.parent / name, own / name, remote, stop) for name, remote in group]
    jobs = [partial(_watch, place, stop), *fetches]
    try:
        own.mkdir()
        for count, _ in enumerate(in_threads(jobs, 1 + _CONNECTIONS, stop), 1):
            if count == len(fetches):
                stop.set()
    except OSError as error:
        raise unwritable(place.parent, error) from error
    finally:
        shutil.rmtree(own, ignore_errors=True)
    return len(group)


def _fetch(file: Path, part: Path, remote: Remote, stop: threading.Event) -> None:
    if remote.fits(file):
        return
    transfer(remote, part, stop=stop)
    if stop.is_set():
        raise Stopped
    file.parent.mkdir(parents=True, exist_ok=True)
    part.replace(file)
    discard(file)


def _watch(place: Path, stop: threading.Event) -> None:
    """See, until all is done, that somebody waits for the files."""
    while not stop.wait(_LOOK):
        if not (place / _MARK).is_file():
            raise EcganError(f"{platform.node()} does not see {place.parent} any more.", SHARED)
