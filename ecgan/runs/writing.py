"""What training leaves on disk: `<run>/train/fold_<k>`, which `ecgan.runs.loading` reads."""

from pathlib import Path

import pandas as pd

from ecgan.config import Params
from ecgan.files import write_frame
from ecgan.models.base import Model
from ecgan.preprocessing.inputs import Input
from ecgan.protocols.folds import Fold
from ecgan.runs.settings import save_settings
from ecgan.training.resume import Progress
from ecgan.training.versions import Versions, save_index, save_version, version_name


def save_training(folder: Path, params: Params, model: Model, progress: Progress, fold: Fold, expected: Input) -> None:
    """Write one fold of a trained model.

    Args:
        folder: The run's `train/fold_<k>`.
        params: What it was trained with.
        model: With the weights of the last epoch.
        progress: The history, and the best weights.
        fold: The samples that it was trained and validated on.
        expected: What it expects of its input.
    """
    best, latest = version_name(progress.best_epoch), version_name(progress.epoch)
    save_version(folder, best, progress.best)
    if latest != best:  # once, where they are the same
        save_version(folder, latest, model.state_dict())
    save_index(folder, Versions(best, latest, params.train.select_by, progress.best_value))
    save_history(folder / "history.csv", progress.history)
    save_settings(folder, params, fold, expected, model=model.name)


def save_history(path: Path, rows: list[dict[str, float]]) -> None:
    """Write one row an evaluated epoch; the same run gives the same bytes."""
    write_frame(path, pd.DataFrame(rows).astype({"epoch": int}))
