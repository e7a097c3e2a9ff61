"""How far an inverse mapping has come, on the terminal; lines elsewhere, if it takes longer than a moment."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

QUIET_SECONDS = 20.0
LINES = 10


class Bar:
    """Shows how much is done; writes to standard error.

    Args:
        title: What is going on, such as "dcgan: searching latents".
        total: How much there is to do.
    """

    def __init__(self, title: str, total: int) -> None:
        self.title = title
        self.total = total
        self._console = Console(file=sys.stderr)
        self._bar = Progress(
            TextColumn(f"{title}  "),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task(title, total=total, note="")
        self._start, self._told = time.monotonic(), 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, done: int, note: str = "") -> None:
        """Show that so much of the total is done."""
        self._bar.update(self._task, completed=done, note=note)
        part = LINES * done // max(self.total, 1)
        if self._console.is_terminal or part <= self._told or time.monotonic() - self._start < QUIET_SECONDS:
            return
        self._told = part
        self._console.print(f"{self.title}: {done:,} of {self.total:,}  {note}", soft_wrap=True)
