"""A progress bar on the standard error stream, where that is a terminal; nothing otherwise. How long steps take."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from ecgan.terminal import say

T = TypeVar("T")

_NOW_AND_THEN = 30.0  # seconds between lines where there is no terminal


class Stopwatch:
    """How long steps take: their seconds by name, in the order in which they came first."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the time that the block takes."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin

    def taken(self) -> dict[str, float]:
        """Return the seconds, and begin again."""
        taken, self.seconds = self.seconds, {}
        return taken


def told(seconds: Mapping[str, float]) -> str:
    """Return steps and their seconds in words: `reading 0.12 s, scores 3.4 s`."""
    return ", ".join(f"{name} {one:.{2 if one < 1 else 1}f} s" for name, one in seconds.items())


def track(items: Iterable[T], total: int, what: str, *, shown: bool = True) -> Iterator[T]:
    """Yield the items and show how many of `total` there have been.

    Args:
        items: What is iterated over.
        total: How many there will be.
        what: What is going on, in a word or two.
        shown: Whether there is to be a bar at all.
    """
    from rich.console import Console
    from rich.progress import track as rich_track

    shown = shown and sys.stderr.isatty()
    return iter(rich_track(items, total=total, description=what, console=Console(stderr=True), disable=not shown))


@contextmanager
def track_rate(what: str, total: int, noun: str, *, shown: bool = True) -> Iterator[Callable[[int], None]]:
    """Show how many of `total` are done, how many a second, and when all will be; a line now and then without a bar.

    Args:
        what: What is going on, in a word or two.
        total: How many there will be.
        noun: What is counted.
        shown: Whether anything is to be shown.

    Yields:
        A function to be told how many more are done.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    begin = said = time.monotonic()
    count, bar = 0, shown and sys.stderr.isatty()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), disable=not bar) as progress:
        task = progress.add_task(what, total=total, rate="")

        def advance(more: int) -> None:
            nonlocal count, said
            count += more
            now = time.monotonic()
            speed = count / max(now - begin, 1e-3)
            rate = f"{speed:,.1f} {noun} a second, {timedelta(seconds=round((total - count) / max(speed, 1e-9)))} left"
            progress.update(task, completed=count, rate=rate)
            if shown and not bar and now - said > _NOW_AND_THEN and count < total:
                said = now
                say(f"{what}: {count:,} of {total:,}, {rate}")

        yield advance


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
    shown = sys.stderr.isatty()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not shown) as progress:
        task = progress.add_task(what, total=None)
        yield lambda have, total: progress.update(task, completed=have, total=total)
