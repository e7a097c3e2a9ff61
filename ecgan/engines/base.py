"""What every engine does: it applies a function to items, as many at a time as there is room for.

The function, what it is given and what it returns can be sent to another process. What takes long to load, such as a
model, the function keeps for the next item by itself (`functools.cache`), so that a process loads it once. It may be
applied to an item again, elsewhere, where a process ended over it: so it has no effect that a second time would spoil.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from ecgan.errors import EcganError

Item = TypeVar("Item")
Result = TypeVar("Result")

ATTEMPTS = 2
"""So often an item is tried whose process ends without a word."""
_EARLY = 4  # times as many items as are under way at once: those that are, and those that came before their turn


class LostError(EcganError):
    """The process that worked on an item ended, each time it was tried: killed by hand, or for want of memory."""


class Handle(Protocol):
    """An item that is worked on."""

    def result(self) -> Any:
        """What came of it.

        Raises:
            LostError: Its process ended.
            Exception: What the function raised.
        """


class Engine(Protocol):
    """A place where work is done. It is left as a context, at an error without waiting for what is still running."""

    @property
    def room(self) -> int:
        """How many items may be under way at once, so that nobody waits for the next one."""

    def submit(self, work: Callable[[Any], Any], item: Any) -> Any:
        """Begin to work on an item, and return its `Handle`."""

    def finished(self, handles: Collection[Any]) -> Collection[Any]:
        """Wait until one of the handles or several are done, and return these."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def as_done(engine: Engine, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[int, Handle]]:
    """Yield the place of each item and its handle, as soon as it is done; items are taken as room is made."""
    under_way: dict[Handle, int] = {}
    source = enumerate(items)
    more = True
    while more or under_way:
        while more and len(under_way) < engine.room:
            for place, item in islice(source, 1):
                under_way[engine.submit(work, item)] = place
                break
            else:
                more = False
        for handle in engine.finished(under_way) if under_way else ():
            yield under_way.pop(handle), handle


def in_order(engine: Engine, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield the results in the order of the items, of which few are held: those that came early wait for their turn.

    What one raises is raised when its turn comes.
    """
    queue: deque[Handle] = deque()
    running: set[Handle] = set()
    source = iter(items)
    more = True
    while more or queue:
        while more and len(running) < engine.room and len(queue) < _EARLY * engine.room:
            for item in islice(source, 1):
                queue.append(engine.submit(work, item))
                running.add(queue[-1])
                break
            else:
                more = False
        while queue and queue[0] not in running:
            yield queue.popleft().result()
        if running:
            running -= set(engine.finished(running))
