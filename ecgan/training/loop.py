"""The training loop: epochs, validation, versions, early stopping, resuming."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from ecgan.config import Train
from ecgan.errors import EcganError
from ecgan.evaluation.ranking import auroc, average_precision
from ecgan.models.base import GenerativeModel, Model, batched
from ecgan.runtime import autocast, derive_seed
from ecgan.sharing import own, process
from ecgan.terminal import say
from ecgan.training import distributed
from ecgan.training.augmentation import augment
from ecgan.training.averaging import Average
from ecgan.training.data import TrainingData, batch_count, batches
from ecgan.training.resume import Optimizers, Progress, ResumeFile
from ecgan.training.schedule import Schedule

EVALUATION_BATCH = 1024


class Listener(Protocol):
    """Something that is told of each evaluated epoch: a progress bar, a tracker."""

    def epoch(self, row: dict[str, float]) -> None:
        """Take one row of the history."""


@runtime_checkable
class BatchListener(Protocol):
    """A listener that is told of every batch too; it gets counts, so that the device need not be waited for."""

    def batch(self, epoch: int, done: int, of: int) -> None:
        """Take note that `done` of the `of` batches that follow `epoch` complete epochs are done."""


@dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        model: The model, on its device.
        data: Training and validation tensors on the same device.
        options: The section `train`.
        seed: Seed of this run, fold included.
        precision: `runtime.precision`.
        resume: Where the state is kept between processes.
        centre: Index of the R peak, which augmentation keeps in place; None takes the middle.
        measure: Gives further columns of the history after so many epochs; leaves model and random numbers alone.
        sampling_rate: Hz, of the jitter; 0 where time has no unit.
    """

    model: Model
    data: TrainingData
    options: Train
    seed: int
    precision: str
    resume: ResumeFile
    centre: int | None = None
    measure: Callable[[int], dict[str, float]] | None = None
    sampling_rate: float = 0.0


def fit(run: Run, listeners: list[Listener]) -> Progress:
    """Train until `train.epochs` or until patience runs out; return the history and the best weights.

    The model ends with the weights of the last epoch, averaged where `train.ema` says so. Listeners are told of epochs
    from before an interruption too.
    """
    run.model.begin(run.data.train_labels)
    optimizers, options = run.model.optimizers(), run.options
    distributed.prepare(run.model, optimizers, len(run.data.train))
    per_epoch = batch_count(len(run.data.train), run.model.options.batch_size)
    progress = distributed.restore(run.resume, run.model, optimizers)  # replaces the groups, which a schedule holds
    schedule = Schedule(options.schedule, options.warmup, optimizers, epochs=options.epochs, per_epoch=per_epoch)
    measure = run.measure or (lambda _: {})
    average = Average(options.ema, run.model, progress.average)
    progress.average = average.weights
    for row in progress.history:
        for listener in listeners:
            listener.epoch(row)
    run.resume.kept = progress.epoch
    if 0 < progress.epoch < options.epochs and process() == 0:
        say(f"resuming {run.model.name} at epoch {progress.epoch + 1} of {options.epochs}")
    while progress.epoch < options.epochs and not 0 < options.patience <= progress.waited:
        losses = _train_epoch(run, optimizers, progress.epoch, schedule, average, listeners)
        progress.epoch += 1
        if progress.epoch % options.evaluate_every == 0 or progress.epoch == options.epochs:
            with average.applied():
                measured = distributed.by_first(lambda: evaluate(run.model, run.data) | measure(progress.epoch))
                row = {"epoch": float(progress.epoch)} | losses | measured
                _note(progress, row, run)
            for listener in listeners:
                listener.epoch(row)
        if process() == 0:
            run.resume.save(run.model, optimizers, progress)
    average.apply()
    _fit_prior(run)
    return progress


def _train_epoch(
    run: Run,
    optimizers: Optimizers,
    epoch: int,
    schedule: Schedule,
    average: Average,
    listeners: list[Listener],
) -> dict[str, float]:
    """Train one epoch; return the mean of each loss. Losses stay on the device until the epoch ends."""
    torch.manual_seed(derive_seed(run.seed, "noise", epoch))
    run.model.train()
    sums: dict[str, Tensor] = {}
    counts: Counter[str] = Counter()
    data, model = run.data, run.model
    followers = [listener for listener in listeners if isinstance(listener, BatchListener)]
    order = batches(len(data.train), model.options.batch_size, derive_seed(run.seed, "order", epoch))
    for index, rows in enumerate(order):
        schedule.set(epoch, index)
        x, classes = data.batch(own(rows))
        x = augment(x, run.options, run.centre, run.sampling_rate)  # and its conditions alike
        labels = classes if model.classifies else None
        with autocast(run.precision, x.device):
            losses = model.train_batch(x, model.due(optimizers, index), epoch, labels)
        average.update(epoch * schedule.per_epoch + index)
        sums |= {name: loss.float() + sums.get(name, 0.0) for name, loss in losses.items()}
        counts.update(losses.keys())
        for follower in followers:
            follower.batch(epoch, index + 1, schedule.per_epoch)
    means = distributed.mean_losses(sums, counts)
    if not all(math.isfinite(mean) for mean in means.values()):
        raise EcganError(
            f"{run.model.name} diverged in epoch {epoch + 1}: {means}.",
            f"Lower the learning rate in modules.{run.model.name} or choose another train.transformation.",
        )
    return means


def evaluate(model: Model, data: TrainingData) -> dict[str, float]:
    """Score the validation half: the model's own validation loss (`vali_loss`), AUROC and average precision.

    Where validation holds no abnormal sample the last two are NaN.
    """
    model.eval()
    found = batched(model.validation_scores, data.vali, EVALUATION_BATCH)
    scores, abnormal = found.double().cpu().numpy(), (data.vali_labels != 0).cpu().numpy()
    both = bool(abnormal.any()) and not bool(abnormal.all())
    return {
        "vali_loss": model.validation_loss(data.vali, data.vali_labels, found),
        "vali_auroc": auroc(scores, abnormal) if both else math.nan,
        "vali_ap": average_precision(scores, abnormal) if both else math.nan,
    }


def _note(progress: Progress, row: dict[str, float], run: Run) -> None:
    """Append a row to the history and keep the weights where the criterion improved."""
    criterion = run.options.select_by
    value = row[f"vali_{criterion}"]
    if math.isnan(value):
        raise _no_criterion(criterion, run.model.name, progress.epoch)
    progress.history.append(row)
    progress.waited += 1
    better = value < progress.best_value if criterion == "loss" else value > progress.best_value
    if better or not progress.best_epoch:
        progress.best_epoch, progress.best_value, progress.waited = progress.epoch, value, 0
        _fit_prior(run)
        progress.best = {key: tensor.detach().cpu().clone() for key, tensor in run.model.state_dict().items()}


def _no_criterion(criterion: str, model: str, epoch: int) -> EcganError:
    """Return the error for a criterion that is no number."""
    if criterion != "loss":
        return EcganError(
            f"train.select_by is {criterion!r}, but validation holds no abnormal samples to compute it.",
            "Set train.select_by to loss, or choose another split.protocol.",
        )
    return EcganError(
        f"the validation loss of {model} is no number after epoch {epoch}: the model diverged, or validation holds too"
        " few samples of the classes that it compares.",
        f"Lower the learning rate in modules.{model}, or look at the counts that `ecgan split` prints.",
    )


def _fit_prior(run: Run) -> None:
    """Let a generative model learn the distribution of its latents before its weights are kept."""
    if isinstance(run.model, GenerativeModel):
        run.model.eval()
        run.model.fit_prior(run.data.train)
