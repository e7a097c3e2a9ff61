"""The bar that follows a training: it moves within an epoch and shows the speed of now."""

import io

import pytest
from rich.console import Console

from ecgan.training import progress
from ecgan.training.loop import BatchListener
from ecgan.training.progress import TrainingBar


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def run_epoch(bar: TrainingBar, clock: Clock, epoch: int, seconds: float, batches: int = 100) -> None:
    for done in range(1, batches + 1):
        clock.now += seconds / batches
        bar.batch(epoch, done, batches)


def task(bar: TrainingBar):
    return bar._bar.tasks[0]


def test_it_moves_with_every_share_of_an_epoch(clock: Clock) -> None:
    bar = TrainingBar("aegan, fold 0", 3, 1000)
    assert isinstance(bar, BatchListener)
    seen = []
    for done in range(1, 11):
        clock.now += 1
        bar.batch(1, done, 10)
        seen.append(task(bar).completed)
    assert seen == pytest.approx([1 + done / 10 for done in range(1, 11)])


def test_the_speed_is_that_of_now_and_without_evaluations(clock: Clock) -> None:
    bar = TrainingBar("aegan, fold 0", 3, 1000)
    run_epoch(bar, clock, 0, seconds=100)
    assert task(bar).fields["numbers"].endswith("  10 beats/s")
    clock.now += 500  # an evaluation
    bar.epoch({"epoch": 1.0, "vali_auroc": 0.5})
    assert task(bar).fields["numbers"] == "vali_auroc 0.5000  10 beats/s"
    run_epoch(bar, clock, 1, seconds=20)
    assert task(bar).fields["numbers"] == "vali_auroc 0.5000  50 beats/s"


def test_short_epochs_have_a_speed_too(clock: Clock) -> None:
    bar = TrainingBar("aegan, fold 0", 3, 1000)
    run_epoch(bar, clock, 0, seconds=0.1)
    assert task(bar).fields["numbers"].endswith("10,000 beats/s")


def test_a_run_that_is_taken_up_does_not_count_what_it_did_before(clock: Clock) -> None:
    bar = TrainingBar("aegan, fold 0", 50, 1000)
    run_epoch(bar, clock, 40, seconds=100)
    assert task(bar).fields["numbers"].endswith("  10 beats/s")


def test_without_a_terminal_a_long_epoch_is_not_silent(clock: Clock, capsys) -> None:
    bar = TrainingBar("aegan, fold 0", 2, 1000)
    run_epoch(bar, clock, 0, seconds=150)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2  # one a minute
    assert lines[0].startswith("aegan, fold 0: epoch 0/2 and ")
    assert "/100 batches" in lines[0]


ROW = {"epoch": 40.0, "reconstruction": 0.01, "vali_loss": 0.02, "vali_auroc": 0.9, "vali_ap": 0.8}


@pytest.mark.parametrize("width", [60, 80, 100, 110, 120, 160])
@pytest.mark.parametrize("title", ["aegan, fold 0", "template_autoencoder, fold 10"])
def test_a_terminal_of_any_width_shows_bar_epochs_and_the_time_that_is_left(
    clock: Clock, monkeypatch, width: int, title: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("FORCE_COLOR", "1")
    bar = TrainingBar(title, 100, 1000)
    run_epoch(bar, clock, 39, seconds=10)
    bar.epoch(ROW)
    shown = io.StringIO()
    Console(file=shown, width=width, force_terminal=True, color_system=None).print(bar._bar.get_renderable())
    (line,) = shown.getvalue().splitlines()
    assert len(line) <= width
    assert line.startswith(title)
    assert "40/100" in line
    assert "━━" in line
    assert line.split()[-1].count(":") == 2
    assert "vali_auroc 0.9000" in line or width < 80
    assert "reconstruction" in line or width < 160
