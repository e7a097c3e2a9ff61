"""A progress bar with the numbers that matter, on the terminal only; some lines elsewhere."""

import sys
import time
from collections import deque
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SHOWN = ("reconstruction", "vali_loss", "vali_auroc", "vali_ap")
LINES = 10
REFRESH = 0.25  # seconds from one look at the clock that counts to the next
WINDOW = 20  # such looks behind the speed that is shown: the last five seconds
SILENCE = 60.0  # most seconds without a line where there is no terminal


class TrainingBar:
    """Shows losses, validation AUROC and speed while a model trains; writes to standard error.

    Between two epochs it counts batches and reads no tensor, so that the device never waits for it. The speed is that
    of training in the last seconds, without evaluations.

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
        self._numbers = self._speed = ""
        self._told = time.monotonic()
        self._marks = deque([(self._told, 0.0)], maxlen=WINDOW)  # when, and how many epochs were done

    def __enter__(self) -> "TrainingBar":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def batch(self, epoch: int, done: int, of: int) -> None:
        """Take note of a batch: `done` of the `of` batches that follow `epoch` complete epochs."""
        now, passed = time.monotonic(), epoch + done / of
        if now - self._marks[-1][0] < REFRESH and done < of:
            return
        start, before = self._marks[0]
        if passed > self._marks[-1][1] + 1:  # a run that is taken up begins here
            self._marks.clear()
        else:
            self._speed = f"{self.samples * (passed - before) / max(now - start, 1e-9):,.0f} beats/s"
        self._marks.append((now, passed))
        self._bar.update(self._task, completed=passed, numbers=f"{self._numbers}  {self._speed}")
        if not self._console.is_terminal and now - self._told > SILENCE:
            self._line(f"epoch {epoch}/{self.epochs} and {done}/{of} batches  {self._numbers}")

    def epoch(self, row: dict[str, float]) -> None:
        """Show one row of the history."""
        epoch = int(row["epoch"])
        self._numbers = "  ".join(f"{name} {row[name]:.4f}" for name in SHOWN if name in row)
        self._bar.update(self._task, completed=epoch, numbers=f"{self._numbers}  {self._speed}")
        step = max(1, self.epochs // LINES)
        if not self._console.is_terminal and (epoch % step == 0 or epoch == self.epochs):
            self._line(f"epoch {epoch}/{self.epochs}  {self._numbers}")
        self._marks.clear()
        self._marks.append((time.monotonic(), float(epoch)))  # evaluations are no part of the speed

    def _line(self, text: str) -> None:
        self._console.print(f"{self.title}: {text}  {self._speed}", soft_wrap=True)
        self._told = time.monotonic()
