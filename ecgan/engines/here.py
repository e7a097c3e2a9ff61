"""Work that is done in this process, an item when its turn comes."""

from collections.abc import Callable, Collection
from types import TracebackType
from typing import Any, Self


class _Later:
    """An item that is worked on when its result is asked for."""

    def __init__(self, work: Callable[[Any], Any], item: Any) -> None:
        self.work, self.item = work, item

    def result(self) -> Any:
        """Work on it."""
        return self.work(self.item)


class Here:
    """This process."""

    room = 1

    def submit(self, work: Callable[[Any], Any], item: Any) -> _Later:
        """Remember the item."""
        return _Later(work, item)

    def finished(self, handles: Collection[Any]) -> Collection[Any]:
        """Return all: what is to be done is done when it is asked for."""
        return list(handles)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
