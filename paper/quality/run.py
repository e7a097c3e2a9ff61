"""Quality per second on MIT-BIH: train each configuration, write AUROC and AP on validation against CPU seconds.

    python paper/quality/run.py                        # everything below, a few hours on one core
    python paper/quality/run.py aegan "aegan, published"

Rows are added to `runs.csv` beside this file after every epoch. `ECGAN_MIRROR` names a copy of PhysioNet's files where
there is no network. Seconds are those of the processor in this process (one thread), so that it matters little what
else the machine does; the loop's own evaluation is in them. Nothing here looks at the test fold.
"""

import csv
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ecgan.config import Params, load_params, render_params
from ecgan.config.checking import overlay
from ecgan.detection.smoothing import SmoothedError
from ecgan.evaluation.ranking import auroc, average_precision
from ecgan.models.base import GenerativeModel, batched
from ecgan.preprocessing.processed import load_processed
from ecgan.preprocessing.transformations import fit_transformation
from ecgan.presets import find
from ecgan.protocols.folds import load_fold, vali_halves
from ecgan.registry import MODELS
from ecgan.runtime import derive_seed, set_deterministic, set_threads
from ecgan.training.data import TrainingData, to_tensor
from ecgan.training.loop import Run, fit
from ecgan.training.resume import ResumeFile
from stages import fetch, paths, preprocess, split

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WORK = ROOT / ".ecgan" / "quality"
OUT = HERE / "runs.csv"
DATASET = "mitbih_beatgan"
COLUMNS = ("run", "seconds", "epoch", "vali_loss", "vali_auroc", "vali_ap", "smoothed_auroc", "smoothed_ap")
TRAIN_ROWS = 4096  # training samples that the scale of the smoothed residual is learned from, as the detector does

BATCHES = 1024

ONE_CYCLE = {"schedule": "one_cycle"}
PRESET = "aegan, published"  # the preset beatgan-50
RUNS: dict[str, tuple[str, int, dict[str, Any], dict[str, Any]]] = {
    # name: model, epochs, what differs from its defaults, what differs from those of `train`
    "aegan": ("aegan", 20, {}, {}),
    "aegan, one cycle of 20 epochs": ("aegan", 20, {}, ONE_CYCLE),
    "aegan, one cycle": ("aegan", 7, {}, ONE_CYCLE),
    "aegan, one cycle, width 0.5": ("aegan", 4, {"width": 0.5}, ONE_CYCLE),
    "aegan, one cycle, discriminator on every batch": ("aegan", 7, {"discriminator_every": 1}, ONE_CYCLE),
    "aegan, one cycle, no average": ("aegan", 7, {}, ONE_CYCLE | {"ema": 0.0}),
    "aegan, rate 0.001, no average": ("aegan", 7, {"generator": {"lr": 1e-3}}, {"ema": 0.0}),
    PRESET: ("aegan", 1, {}, {}),
    "autoencoder": ("autoencoder", 7, {}, {}),
    "autoencoder, one cycle": ("autoencoder", 7, {}, ONE_CYCLE),
    "autoencoder, one cycle of 14 epochs": ("autoencoder", 14, {}, ONE_CYCLE),
    "autoencoder, one cycle, 6 latents": ("autoencoder", 7, {"latent_size": 6}, ONE_CYCLE),
    "autoencoder, one cycle, 16 latents": ("autoencoder", 7, {"latent_size": 16}, ONE_CYCLE),
    "autoencoder, one cycle, width 0.5": ("autoencoder", 4, {"width": 0.5}, ONE_CYCLE),
    "autoencoder, one cycle, width 0.125": ("autoencoder", 10, {"width": 0.125}, ONE_CYCLE),
    "autoencoder, one cycle, batches of 64": ("autoencoder", 6, {"batch_size": 64}, ONE_CYCLE),
    "autoencoder, one cycle, rate 0.01": ("autoencoder", 7, {"optimizer": {"lr": 1e-2}}, ONE_CYCLE),
    "autoencoder, one cycle, one scale for all beats": (
        "autoencoder", 7, {}, ONE_CYCLE | {"transformation": "minmax"},
    ),
    "autoencoder, cosine after a warm-up": ("autoencoder", 7, {}, {"schedule": "cosine", "warmup": 0.05}),
    "vaegan, one cycle": ("vaegan", 7, {}, ONE_CYCLE),
    "vae, one cycle": ("vae", 7, {}, ONE_CYCLE),
}  # fmt: skip


class Clock:
    """Follows a training: measures after each epoch, with the clock stopped, and writes the row."""

    def __init__(self, name: str, model: GenerativeModel, data: TrainingData, share: float) -> None:
        self.name, self.model, self.data, self.share = name, model, data, share
        self.used, self.since = 0.0, time.process_time()

    def measure(self, epoch: int) -> dict[str, float]:
        """Add AUROC and AP of the strategy `smoothed` to the history's columns."""
        self.used += time.process_time() - self.since
        train = self.data.train[:: max(1, len(self.data.train) // TRAIN_ROWS)]
        error = SmoothedError.learn(train.numpy(), self._reconstructed(train), self.share)
        scores = error.measure(self.data.vali.numpy(), self._reconstructed(self.data.vali))
        abnormal = self.data.vali_labels.numpy() != 0
        return {"smoothed_auroc": auroc(scores, abnormal), "smoothed_ap": average_precision(scores, abnormal)}

    def epoch(self, row: dict[str, float]) -> None:
        """Write the row."""
        values = [self.name, f"{self.used:.1f}", int(row["epoch"]), *(f"{row[key]:.6g}" for key in COLUMNS[3:])]
        new = not OUT.is_file()
        with OUT.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, values] if new else [values])
        sys.stdout.write(", ".join(map(str, values)) + "\n")
        sys.stdout.flush()
        self.since = time.process_time()

    def _reconstructed(self, x: Tensor) -> Any:
        return batched(lambda part: self.model.decode(self.model.encode(part)), x, BATCHES).numpy()


def parameters(name: str) -> Params:
    """The parameters of a configuration, as a file that can be kept."""
    model, epochs, module, train = RUNS[name]
    changes: dict[str, Any] = {"runtime": {"threads": 1}, "split": {"folds": [0]}, "modules": {model: module}}
    changes["train"] = {"epochs": epochs, "evaluate_every": 1} | train
    if name == PRESET:
        preset = find("beatgan-50").overrides(DATASET)
        changes = overlay({"modules": preset["modules"], "train": preset["train"]}, changes)
    WORK.mkdir(parents=True, exist_ok=True)
    file = WORK / "params.yaml"
    file.write_text(render_params(DATASET, [model], {"data_dir": str(WORK / "data")}, overrides=changes))
    return load_params(file)


def prepare(params: Params) -> None:
    """Fetch, cut and divide the beats, once."""
    if not (paths.folds(params) / "fold_0.json").is_file():
        for stage in (fetch, preprocess, split):
            stage.run(params)


def tensors(params: Params, model: GenerativeModel) -> TrainingData:
    """Training beats and the fitting half of validation, as the stage `train` sees them."""
    data, fold = load_processed(paths.processed(params)), load_fold(paths.folds(params) / "fold_0.json")
    data = data.with_leads(params.train.leads)
    vali, _ = vali_halves(fold, data)
    transformation = fit_transformation(params.train.transformation, data.signals[fold.train], model.output_range)
    signals = [to_tensor(transformation.transform(data.signals[rows])) for rows in (fold.train, vali)]
    labels = [torch.from_numpy(data.class_ids[rows]) for rows in (fold.train, vali)]
    return TrainingData(signals[0], labels[0], signals[1], labels[1])


def job(name: str) -> Run:
    """A configuration, ready to be trained."""
    params = parameters(name)
    prepare(params)
    seed = derive_seed(params.runtime.seed, "train", params.models[0], 0)
    torch.manual_seed(derive_seed(seed, "weights"))
    model = MODELS.get(params.models[0])(params.modules[params.models[0]], channels=1, length=320)
    never = ResumeFile(WORK / "state", "", seconds=float("inf"))
    return Run(model, tensors(params, model), params.train, seed, params.runtime.precision, never)


def run(name: str) -> None:
    """Train one configuration, measuring."""
    plain = job(name)
    clock = Clock(name, plain.model, plain.data, parameters(name).detectors["inverse_mapping"].smoothing)
    fit(replace(plain, measure=clock.measure), [clock])


def main() -> int:
    """Train what the arguments name, or everything."""
    set_threads(1)
    set_deterministic()
    for name in sys.argv[1:] or RUNS:
        run(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
