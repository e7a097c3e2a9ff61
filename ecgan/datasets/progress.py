"""A progress bar on the standard error stream, where that is a terminal; nothing otherwise."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Yield the items and show how many of `total` there have been.

    Args:
        items: What is iterated over.
        total: How many there will be.
        what: What is going on, in a word or two.
    """
    from rich.console import Console
    from rich.progress import track as rich_track

    console = Console(stderr=True)
    return iter(rich_track(items, total=total, description=what, console=console, disable=not console.is_terminal))
