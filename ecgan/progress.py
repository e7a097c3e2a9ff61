"""A progress bar on the standard error stream, where that is a terminal; nothing otherwise."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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


@contextmanager
def track_bytes(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show how far the transfer of one file is.

    Args:
        what: What is going on, in a word or two.

    Yields:
        A function to be told the bytes that are there, and the bytes that there will be, where that is known.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda have, total: progress.update(task, completed=have, total=total)
