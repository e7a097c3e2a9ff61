"""Work that is done item by item, in several processes where there is much of it."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from ecgan.progress import track
from ecgan.runtime import set_threads, workers

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST_WORKERS = 8
_FEW = 100
"""Below that, starting processes takes longer than the work itself."""


def each(work: Callable[[Item], Result], items: Sequence[Item], what: str) -> list[Result]:
    """Apply a function to every item; the results are in the order of the items, whatever the number of processes.

    The function, what it is given and what it returns can be sent to another process. Whatever it raises is raised;
    items that have not begun are then dropped. `what` is going on, for the progress bar.
    """
    count = min(workers(), _MOST_WORKERS)
    if count == 1 or len(items) < _FEW:
        return list(track(map(work, items), len(items), what))
    context = multiprocessing.get_context("spawn")  # a fork may inherit a lock that a thread holds
    pool = ProcessPoolExecutor(count, context, initializer=set_threads, initargs=(1,))
    try:
        return list(track(pool.map(work, items, chunksize=8), len(items), what))
    finally:
        pool.shutdown(cancel_futures=True)
