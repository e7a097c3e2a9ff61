"""Work that is done by processes of this machine."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from types import TracebackType
from typing import Any, Self

from ecgan.engines.base import ATTEMPTS, LostError
from ecgan.runtime import set_threads
from ecgan.terminal import deferred


class _Place:
    """A process, begun anew where it was killed: of a pool of one it is known what it was working on."""

    def __init__(self) -> None:
        self.pool: ProcessPoolExecutor | None = None

    def submit(self, work: Callable[[Any], Any], item: Any) -> Future[Any]:
        """Give it an item; it has none."""
        with deferred():  # Ctrl-C, which a terminal sends to all, is for the parent alone
            if self.pool is not None:
                try:
                    return self.pool.submit(work, item)
                except BrokenProcessPool:  # killed while it waited
                    self.end()
            context = multiprocessing.get_context("spawn")  # a fork may inherit a lock that a thread holds
            self.pool = ProcessPoolExecutor(1, context, initializer=_begin)
            return self.pool.submit(work, item)

    def end(self) -> None:
        """Let it go."""
        if self.pool is not None:
            self.pool.shutdown()
            self.pool = None


class _Given:
    """An item that a process was given."""

    def __init__(self, work: Callable[[Any], Any], item: Any, place: _Place) -> None:
        self.work, self.item, self.place = work, item, place
        self.left = ATTEMPTS
        self.future = self.begin()

    def begin(self) -> Future[Any]:
        """Give it to the process, once more."""
        self.left -= 1
        self.future = self.place.submit(self.work, self.item)
        return self.future

    @property
    def lost(self) -> bool:
        """Whether the process ended over it."""
        return isinstance(self.future.exception(), BrokenProcessPool)

    def result(self) -> Any:
        """What came of it."""
        if self.lost:
            raise LostError(
                f"a process was killed {ATTEMPTS} times, each time with the same work; memory may be short.",
                "Take less at once: ECGAN_WORKERS=1.",
            )
        return self.future.result()


class Pool:
    """So many processes, each of which computes in one thread."""

    def __init__(self, workers: int) -> None:
        self.room = workers
        self._places = [_Place() for _ in range(workers)]
        self._free = list(self._places)
        self._others = set(multiprocessing.active_children())

    def submit(self, work: Callable[[Any], Any], item: Any) -> _Given:
        """Give an item to a process that has none."""
        return _Given(work, item, self._free.pop())

    def finished(self, handles: Collection[_Given]) -> Collection[_Given]:
        """Wait until one or several are done."""
        while True:
            wait([handle.future for handle in handles], return_when=FIRST_COMPLETED)
            done = [handle for handle in handles if handle.future.done() and not self._again(handle)]
            if done:
                self._free += [handle.place for handle in done]
                return done

    def _again(self, handle: _Given) -> bool:
        """Begin anew what a killed process was working on, and say whether it goes on."""
        if not handle.lost:
            return False
        handle.place.end()
        if not handle.left:
            return False
        handle.begin()
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            for child in set(multiprocessing.active_children()) - self._others:
                child.kill()
        for place in self._places:
            place.end()


def _begin() -> None:
    """Prepare a process: it computes in one thread, and ends when its parent does, however that ends."""
    os.environ["ECGAN_WORKERS"] = "1"
    set_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
