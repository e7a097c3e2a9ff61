"""Work that is done item by item: in several processes where there is much of it, in threads where it waits."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from queue import Empty, SimpleQueue
from typing import TypeVar

from ecgan.progress import track
from ecgan.runtime import set_threads, workers
from ecgan.terminal import deferred

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST_WORKERS = 8
_AT_ONCE = 8  # items that a process is given
_FEW = 100
"""Below that, starting processes takes longer than the work itself."""


def each(work: Callable[[Item], Result], items: Sequence[Item], what: str) -> list[Result]:
    """Apply a function to every item; the results are in the order of the items, whatever the number of processes.

    The function, what it is given and what it returns can be sent to another process. Whatever it raises is raised;
    the others are then dropped, and the processes end. `what` is going on, for the progress bar.
    """
    count = min(workers(), _MOST_WORKERS)
    if count == 1 or len(items) < _FEW:
        return list(track(map(work, items), len(items), what))
    context = multiprocessing.get_context("spawn")  # a fork may inherit a lock that a thread holds
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(count, context, initializer=set_threads, initargs=(1,))
    try:
        with deferred():  # Ctrl-C, which a terminal sends to all, is for this process alone
            starts = range(0, len(items), _AT_ONCE)
            parts = [pool.submit(_all, work, items[start : start + _AT_ONCE]) for start in starts]
        return list(track(chain.from_iterable(part.result() for part in parts), len(items), what))
    except BaseException:
        for child in set(multiprocessing.active_children()) - others:
            child.kill()
        raise
    finally:
        pool.shutdown()


def _all(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    return [work(item) for item in items]


def in_threads(jobs: Sequence[Callable[[], None]], most: int, stop: threading.Event) -> Iterator[None]:
    """Do jobs that wait for others, so many at a time, and yield as each is done.

    What one raises is raised, once the others have seen `stop` and ended. At an interruption nobody waits for them, nor
    does Python when it ends: a connection that stalls would take a minute to give up.
    """
    waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
    done: SimpleQueue[BaseException | None] = SimpleQueue()
    for job in jobs:
        waiting.put(job)

    arguments = (waiting, done, stop)
    threads = [threading.Thread(target=_work, args=arguments, daemon=True) for _ in range(min(most, len(jobs)))]
    for thread in threads:
        thread.start()
    try:
        for _ in jobs:
            _check(done.get())
            yield
    except Exception:
        stop.set()
        for thread in threads:
            thread.join()
        raise
    finally:
        stop.set()


def _work(
    waiting: SimpleQueue[Callable[[], None]], done: SimpleQueue[BaseException | None], stop: threading.Event
) -> None:
    while not stop.is_set():
        try:
            job = waiting.get_nowait()
        except Empty:
            return
        try:
            job()
        except BaseException as error:
            done.put(error)
        else:
            done.put(None)


def _check(error: BaseException | None) -> None:
    if error is not None:
        raise error
