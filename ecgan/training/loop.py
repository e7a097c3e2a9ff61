"""The training loop: epochs, validation, versions, early stopping, resuming."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ecgan.config import Train
from ecgan.errors import EcganError
from ecgan.evaluation.ranking import auroc, average_precision
from ecgan.models.base import Model, batched
from ecgan.runtime import autocast, derive_seed
from ecgan.training.data import TrainingData, batches
from ecgan.training.resume import Optimizers, Progress, ResumeFile

EVALUATION_BATCH = 1024


class Listener(Protocol):
    """Something that is told of each evaluated epoch: a progress bar, a tracker."""

    def epoch(self, row: dict[str, float]) -> None:
        """Take one row of the history."""


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
    """

    model: Model
    data: TrainingData
    options: Train
    seed: int
    precision: str
    resume: ResumeFile


def fit(run: Run, listeners: list[Listener]) -> Progress:
    """Train until `train.epochs` or until patience runs out; return the history and the best weights.

    The model ends with the weights of the last epoch. Listeners are told of epochs from before an interruption too.
    """
    optimizers = run.model.optimizers()
    progress = run.resume.load(run.model, optimizers)
    for row in progress.history:
        for listener in listeners:
            listener.epoch(row)
    while progress.epoch < run.options.epochs and not _out_of_patience(run.options, progress):
        losses = _train_epoch(run, optimizers, progress.epoch)
        progress.epoch += 1
        if progress.epoch % run.options.evaluate_every == 0 or progress.epoch == run.options.epochs:
            row = {"epoch": float(progress.epoch)} | losses | evaluate(run.model, run.data)
            _note(progress, row, run)
            for listener in listeners:
                listener.epoch(row)
        run.resume.save(run.model, optimizers, progress)
    return progress


def _train_epoch(run: Run, optimizers: Optimizers, epoch: int) -> dict[str, float]:
    """Train one epoch; return the mean of each loss. Losses stay on the device until the epoch ends."""
    torch.manual_seed(derive_seed(run.seed, "noise", epoch))
    run.model.train()
    sums: dict[str, Tensor] = {}
    count = 0
    for x in batches(run.data.train, run.model.options.batch_size, derive_seed(run.seed, "order", epoch)):
        with autocast(run.precision, x.device):
            losses = run.model.train_batch(x, optimizers, epoch)
        sums = {name: loss.float() + sums.get(name, 0.0) for name, loss in losses.items()}
        count += 1
    means = {name: float(total) / count for name, total in sums.items()}
    if not all(math.isfinite(mean) for mean in means.values()):
        raise EcganError(
            f"{run.model.name} diverged in epoch {epoch + 1}: {means}.",
            f"Lower modules.{run.model.name}.generator.lr or choose another train.transformation.",
        )
    return means


def evaluate(model: Model, data: TrainingData) -> dict[str, float]:
    """Score the validation half: mean score of normal samples (`vali_loss`), AUROC and average precision.

    Where validation holds no abnormal sample the last two are NaN.
    """
    model.eval()
    scores = batched(model.validation_scores, data.vali, EVALUATION_BATCH).double().cpu().numpy()
    abnormal = data.vali_abnormal
    both = bool(abnormal.any()) and not bool(abnormal.all())
    return {
        "vali_loss": float(scores[~abnormal].mean()),
        "vali_auroc": auroc(scores, abnormal) if both else math.nan,
        "vali_ap": average_precision(scores, abnormal) if both else math.nan,
    }


_BETTER: dict[str, Callable[[float, float], bool]] = {
    "loss": lambda new, old: new < old,
    "auroc": lambda new, old: new > old,
    "ap": lambda new, old: new > old,
}


def _note(progress: Progress, row: dict[str, float], run: Run) -> None:
    """Append a row to the history and keep the weights where the criterion improved."""
    criterion = run.options.select_by
    value = row[f"vali_{criterion}"]
    if math.isnan(value):
        raise EcganError(
            f"train.select_by is {criterion!r}, but validation holds no abnormal samples to compute it.",
            "Set train.select_by to loss, or choose another split.protocol.",
        )
    progress.history.append(row)
    progress.waited += 1
    if not progress.best_epoch or _BETTER[criterion](value, progress.best_value):
        progress.best_epoch, progress.best_value, progress.waited = progress.epoch, value, 0
        progress.best = {key: tensor.detach().cpu().clone() for key, tensor in run.model.state_dict().items()}


def _out_of_patience(options: Train, progress: Progress) -> bool:
    return 0 < options.patience <= progress.waited
