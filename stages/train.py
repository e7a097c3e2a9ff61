"""Stage `train`: processed data and one fold → `models/…/<run>/train/fold_<k>` and `reports/train/<run>/fold_<k>`."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecgan.arrays import F32
from ecgan.config import Params, render_config
from ecgan.config.declaring import reads
from ecgan.files import sole_writer, write_text
from ecgan.generation.watch import Watch
from ecgan.models.base import Model
from ecgan.models.sharing import process, processes
from ecgan.preprocessing.folds import Fold, load_fold, save_fold, vali_halves
from ecgan.preprocessing.leads import select_leads
from ecgan.preprocessing.processed import Processed, load_processed
from ecgan.preprocessing.transformations import Transformation, fit_transformation, make_transformation
from ecgan.registry import MODELS
from ecgan.runtime import derive_seed, device, reuse_memory, set_deterministic, set_threads
from ecgan.tracking.base import Subject
from ecgan.tracking.opening import run_parameters, track_figures, tracked
from ecgan.training.data import TrainingData
from ecgan.training.history import save_history
from ecgan.training.inputs import Input, save_input, to_tensor
from ecgan.training.loop import Run, fit
from ecgan.training.progress import TrainingBar
from ecgan.training.resume import Progress, ResumeFile, fingerprint
from ecgan.training.versions import Versions, save_index, save_version, version_name
from ecgan.watched import code, watch_part
from stages import paths


@reads(
    "train",
    "experiment dataset runtime fetch preprocess modules.{model}",
    "split: protocol k test_share vali_share train_on source",
    "train: epochs leads transformation schedule warmup ema select_by evaluate_every patience generation",
    "train: augment augment_share",
    unwatched="train.tracker",  # where metrics are logged besides
)
def run(params: Params, model: str, fold: int) -> Progress:
    """Train one model on one fold; an interrupted run is taken up where it stood."""
    set_threads(params.runtime.threads)
    set_deterministic()
    reuse_memory()
    watch_part(MODELS, model)
    data = load_processed(paths.processed(params))
    split = load_fold(paths.folds(params) / f"fold_{fold}.json")
    split.check_data(data.sha256)
    split.check_size(len(data.labels))
    if process() > 0:  # of several that train together only the first writes
        return fit(_job(params, model, data, split)[0], [])
    subject, told = _subject(params, model, split), run_parameters(params, model, fold)
    report_folder = paths.report(params, "train", model, fold)
    with (
        sole_writer(paths.part(params, "train", model, fold)) as out,
        sole_writer(report_folder),
        tracked(params.train.tracker, subject, told, report_folder) as tracker,
    ):
        job, watch, expected = _job(params, model, data, split)
        with TrainingBar(f"{model}, fold {fold}", params.train.epochs, len(split.train)) as bar:
            progress = fit(job, [tracker, bar])
        _write(out, progress, job.model, params.train.select_by)
        drawn = watch.write(report_folder, progress.best, version_name(progress.best_epoch))
        save_input(out, expected)
        save_fold(out / "split.json", split)
        write_text(out / "config.yml", render_config(params, model, fold=fold))
        job.resume.clear()
        if params.train.tracker != "local":
            track_figures(tracker, drawn)
        tracker.versions(out)
    return progress


def _job(params: Params, model: str, data: Processed, split: Fold) -> tuple[Run, Watch, Input]:
    """Build the model and bring everything that its training sees onto the device."""
    seed, about = derive_seed(params.runtime.seed, "train", model, split.index), data.about
    torch.manual_seed(derive_seed(seed, "weights"))
    samples, leads = select_leads(data.data, about.leads, params.train.leads)
    channels = make_transformation(params.train.transformation).channel_names(leads)
    size = {"channels": len(channels), "length": samples.shape[1], "classes": len(about.classes)}
    network = MODELS.get(model)(params.modules[model], **size)
    transformation = fit_transformation(params.train.transformation, samples[split.train], network.output_range)
    state = transformation.state()
    expected = Input(leads, samples.shape[1], about.sampling_rate, about.unit, about.centre, state, about.classes)
    tensors, report = _tensors(data, samples, split, transformation)
    network.to(device())
    drawn = derive_seed(params.runtime.seed, "generation", split.index)  # all models see the same real samples
    watch = Watch(network, tensors, report, params.train, channels, drawn)
    resume = ResumeFile(paths.resume(params, model, split.index), _fingerprint(params, model, split))
    precision = params.runtime.precision
    job = Run(network, tensors, params.train, seed, precision, resume, about.centre, watch.columns)
    return job, watch, expected


def _tensors(
    data: Processed, samples: F32, split: Fold, transformation: Transformation
) -> tuple[TrainingData, tuple[Tensor, Tensor]]:
    """Transform training samples and the validation half that may be fitted on; and the other half with its labels."""
    fit_half, report_half = vali_halves(split, data.labels, data.patients)
    signals = {
        name: to_tensor(transformation.apply(samples[rows]))
        for name, rows in (("train", split.train), ("vali", fit_half), ("report", report_half))
    }
    training = TrainingData(
        train=signals["train"],
        train_labels=_labels(data, split.train),
        vali=signals["vali"].to(device()),
        vali_labels=_labels(data, fit_half),
    )
    return training, (signals["report"].to(device()), _labels(data, report_half))


def _labels(data: Processed, rows: NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(data.labels[rows]).to(device())


def _write(out: Path, progress: Progress, model: Model, criterion: str) -> None:
    """Write best and latest version (once, where they are the same), their index and the history."""
    best, latest = version_name(progress.best_epoch), version_name(progress.epoch)
    save_version(out, best, progress.best)
    if latest != best:
        save_version(out, latest, model.state_dict())
    save_index(out, Versions(best, latest, criterion, progress.best_value))
    save_history(out / "history.csv", progress.history)


def _subject(params: Params, model: str, split: Fold) -> Subject:
    """Name the run for trackers; where it stands is kept beside the state of an interrupted training."""
    place, state = params.experiment, paths.resume(params, model, split.index).with_suffix(".run.json")
    named = params.run_name(model)
    return Subject(place.entity, place.project, named, split.index, "train", state, _fingerprint(params, model, split))


def _fingerprint(params: Params, model: str, split: Fold) -> str:
    facts = [split.data_sha256, split.train.tolist(), split.vali.tolist(), device().type, processes()]
    return fingerprint(render_config(params, model, fold=split.index), facts, code(Path(__file__), MODELS, model))
