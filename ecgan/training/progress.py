"""A progress bar with the numbers that matter, on the terminal only; one line an epoch elsewhere."""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SHOWN = ("reconstruction", "vali_loss", "vali_auroc", "vali_ap")
LINES = 10


class TrainingBar:
    """Shows losses, validation AUROC and speed while a model trains; writes to standard error.

    Args:
        title: What is trained, such as "aegan, fold 0".
        epochs: How many epochs there will be at most.
        samples: Training samples an epoch.
    """

    def __init__(self, title: str, epochs: int, samples: int) -> None:
        self.title = title
        self.epochs = epochs
        self.samples = samples
        self._console = Console(file=sys.stderr)
        self._bar = Progress(
            TextColumn(f"{title}  "),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=epochs, numbers="")
        self._start, self._first = time.monotonic(), 0

    def __enter__(self) -> "TrainingBar":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def epoch(self, row: dict[str, float]) -> None:
        """Show one row of the history."""
        epoch = int(row["epoch"])
        numbers = "  ".join(f"{name} {row[name]:.4f}" for name in SHOWN if name in row)
        seconds = max(time.monotonic() - self._start, 1e-9)
        speed = f"{self.samples * epoch / seconds:,.0f} beats/s"
        self._bar.update(self._task, completed=epoch, numbers=f"{numbers}  {speed}")
        step = max(1, self.epochs // LINES)
        if not self._console.is_terminal and (epoch % step == 0 or epoch == self.epochs):
            self._console.print(f"{self.title}: epoch {epoch}/{self.epochs}  {numbers}  {speed}", soft_wrap=True)
