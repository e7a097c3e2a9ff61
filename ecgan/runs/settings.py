"""What a run knows beside weights: `config.yml`, `input.json` and `split.json` in `<run>/train/fold_<k>`."""

from pathlib import Path

from ecgan.config import Params, render_config
from ecgan.files import write_text
from ecgan.preprocessing.inputs import Input, save_input
from ecgan.protocols.folds import Fold, save_fold
from ecgan.seals import seal


def save_settings(folder: Path, params: Params, fold: Fold, expected: Input, *, model: str | None) -> None:
    """Write what a fold of a run knows beside weights; a classical detector has no model, and none of them.

    It is the last that is written, and seals the folder.
    """
    save_input(folder, expected)
    save_fold(folder / "split.json", fold)
    write_text(folder / "config.yml", render_config(params, model, fold=fold.index))
    seal(folder)
