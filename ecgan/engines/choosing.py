"""Which engine does the work: this process, a pool of the machine, or the cluster that `ECGAN_CLUSTER` names."""

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeVar

from ecgan.engines.base import Engine, in_order
from ecgan.engines.here import Here
from ecgan.engines.pool import Pool
from ecgan.errors import EcganError
from ecgan.progress import track
from ecgan.runtime import workers

Item = TypeVar("Item")
Result = TypeVar("Result")

SHARED = "All machines need it under the same path, on a file system that they share."
CLUSTER = "ECGAN_CLUSTER"
"""Environment variable: `local:N`, `tcp://HOST:PORT` or `tls://HOST:PORT`."""
_AT_ONCE = 8  # items that a process is given
_FEW = 100
"""Below that, starting processes takes longer than the work itself."""


def asks_for_cluster() -> bool:
    """Whether the environment names a cluster."""
    return bool(os.environ.get(CLUSTER))


def engine() -> Engine:
    """Return the engine that the environment asks for: `ECGAN_CLUSTER`, else `ECGAN_WORKERS` processes, one a core."""
    if address := os.environ.get(CLUSTER, ""):
        from ecgan.engines.cluster import Cluster

        return Cluster(address)
    count = workers()
    return Here() if count == 1 else Pool(count)


def each(
    work: Callable[[Item], Result], items: Sequence[Item], what: str, *, few: int = _FEW, at_once: int = _AT_ONCE
) -> Iterator[Result]:
    """Apply a function to every item; the results are in the order of the items, wherever they come from.

    The function, what it is given and what it returns can be sent to another process. Whatever it raises is raised;
    the others are then dropped, and the processes end. `what` is going on, for the progress bar; fewer than `few`
    items are worked on here where nobody asks for a cluster, others are handed out `at_once`. Paths may be relative:
    all work in the same folder.

    Raises:
        EcganError: A process does not see the folder.
    """
    if not items or (len(items) < few and not asks_for_cluster()):
        yield from track(map(work, items), len(items), what)
        return
    parts = (items[start : start + at_once] for start in range(0, len(items), at_once))
    with engine() as one:
        yield from track(chain.from_iterable(in_order(one, partial(_all, work, Path.cwd()), parts)), len(items), what)


def _all(work: Callable[[Item], Result], folder: Path, items: Sequence[Item]) -> list[Result]:
    try:
        os.chdir(folder)
    except OSError as error:
        raise EcganError(f"{platform.node()} does not see {folder}, where the work is.", SHARED) from error
    return [work(item) for item in items]
