"""A progress bar with the numbers that matter, on the terminal only; some lines elsewhere."""

import sys
import time
from collections import deque
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SHOWN = ("reconstruction", "vali_loss", "vali_auroc", "vali_ap")
SPEED = "speed"
LEFT_OUT = ("reconstruction", "vali_loss", "vali_ap", SPEED, "vali_auroc")
"""What is shown, in the order in which a terminal that is too narrow does without it."""
WIDE = 110  # columns of a terminal from which the bar is long
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
            BarColumn(bar_width=24 if self._console.width >= WIDE else 10),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=epochs, numbers="")
        self._numbers: dict[str, str] = {}
        self._speed = ""
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
        self._bar.update(self._task, completed=passed, numbers=self._fitting())
        if not self._console.is_terminal and now - self._told > SILENCE:
            self._line(f"epoch {epoch}/{self.epochs} and {done}/{of} batches  {'  '.join(self._numbers.values())}")

    def epoch(self, row: dict[str, float]) -> None:
        """Show one row of the history."""
        epoch = int(row["epoch"])
        self._numbers = {name: f"{name} {row[name]:.4f}" for name in SHOWN if name in row}
        self._bar.update(self._task, completed=epoch, numbers=self._fitting())
        step = max(1, self.epochs // LINES)
        if not self._console.is_terminal and (epoch % step == 0 or epoch == self.epochs):
            self._line(f"epoch {epoch}/{self.epochs}  {'  '.join(self._numbers.values())}")
        self._marks.clear()
        self._marks.append((time.monotonic(), float(epoch)))  # evaluations are no part of the speed

    def _fitting(self) -> str:
        """Numbers and speed, as many as there is room for beside title, bar, epochs and the time that is left."""
        texts = self._numbers | {SPEED: self._speed}
        if not self._console.is_terminal:
            return f"{'  '.join(self._numbers.values())}  {self._speed}"
        fixed = len(self.title) + 2 + (24 if self._console.width >= WIDE else 10) + len(f"{self.epochs}/{self.epochs}")
        room = self._console.width - fixed - len("0:00:00") - 4  # a blank between two columns
        for name in LEFT_OUT:
            if len("  ".join(texts.values())) > room:
                texts.pop(name, None)
        return "  ".join(texts.values())

    def _line(self, text: str) -> None:
        self._console.print(f"{self.title}: {text}  {self._speed}", soft_wrap=True)
        self._told = time.monotonic()
