"""Stage `train`: processed data and one fold → `models/…/<run>/train/fold_<k>` and `reports/train/<run>/fold_<k>`."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ecgan.config import Params, render_config
from ecgan.config.declaring import reads
from ecgan.errors import Interrupted
from ecgan.files import sole_writer
from ecgan.generation.watch import Watch
from ecgan.preprocessing.inputs import Input
from ecgan.preprocessing.processed import load_processed
from ecgan.protocols.folds import Fold, load_own_fold, vali_halves
from ecgan.registry import MODELS
from ecgan.runs.writing import save_training
from ecgan.runtime import derive_seed, device, own_process, set_threads
from ecgan.samples import Samples
from ecgan.seals import seal
from ecgan.sharing import process, processes
from ecgan.tracking.opening import run_parameters, track_figures, tracked
from ecgan.tracking.tracker import Subject
from ecgan.training.data import to_tensor
from ecgan.training.loop import Run, fit
from ecgan.training.preparing import labels_of, prepare_training
from ecgan.training.progress import TrainingBar
from ecgan.training.resume import Progress, ResumeFile, fingerprint
from ecgan.training.versions import version_name
from ecgan.watched import code, watch_part, watch_stage
from stages import paths

REPORTED = ("drawn.safetensors", "generation.json")
"""What `report` reads of the folder of reports."""


@reads(
    "train",
    "experiment dataset runtime fetch preprocess modules.{model}",
    "split: protocol k test_share vali_share train_on source",
    "train: epochs leads transformation schedule warmup ema select_by evaluate_every patience generation",
    "train: augment augment_share jitter_ms",
    unwatched="train.tracker",  # where metrics are logged besides
)
def run(params: Params, model: str, fold: int) -> Progress:
    """Train one model on one fold; an interrupted run is taken up where it stood."""
    set_threads(params.runtime.threads)
    own_process()
    watch_stage("train")
    watch_part(MODELS, model)
    data = load_processed(paths.processed(params))
    split = load_own_fold(paths.folds(params), fold)
    split.check_data(data.sha256)
    split.check_size(len(data))
    if process() > 0:  # of several that train together only the first writes
        return fit(_job(params, model, data, split)[0], [])
    subject, told = _subject(params, model, split), run_parameters(params, model, fold)
    with (
        sole_writer(paths.part(params, "train", model, fold)) as out,
        sole_writer(paths.report(params, "train", model, fold)) as results,
    ):
        with tracked(params.train.tracker, subject, told, results) as tracker:
            job, watch, expected = _job(params, model, data, split)
            with (
                _kept_told(job.resume, f"{model}, fold {fold}", params.train.epochs),
                TrainingBar(f"{model}, fold {fold}", params.train.epochs, len(split.train)) as bar,
            ):
                progress = fit(job, [tracker, bar])
            save_training(out, params, job.model, progress, split, expected)
            drawn = watch.write(results, progress.best, version_name(progress.best_epoch))
            if params.train.tracker != "local":
                track_figures(tracker, drawn)
            tracker.versions(out)
        seal(results, REPORTED)
    job.resume.clear()  # now that all is in its place
    return progress


@contextlib.contextmanager
def _kept_told(resume: ResumeFile, title: str, epochs: int) -> Iterator[None]:
    """Have an interruption of the training say how much of it is kept."""
    try:
        yield
    except Interrupted as error:
        kept = f"{resume.kept} of {epochs} epochs are kept; the same command goes on there."
        error.add_note(f"{title}: {kept if resume.kept else 'the same command begins again.'}")
        raise


def _job(params: Params, model: str, data: Samples, split: Fold) -> tuple[Run, Watch, Input]:
    """Build the model, and bring everything that its training sees and is followed by onto the device."""
    fit_half, report_half = vali_halves(split, data)
    ready = prepare_training(params, model, data, fold=split.index, train=split.train, vali=fit_half)
    reported = data[report_half].with_leads(ready.expected.leads)
    signals = to_tensor(ready.transformation.apply(reported).signals).to(device())
    drawn = derive_seed(params.runtime.seed, "generation", split.index)  # all models see the same real samples
    watch = Watch(ready.model, ready.data, (signals, labels_of(reported)), params.train, ready.channels, drawn)
    resume = ResumeFile(paths.resume(params, model, split.index), _fingerprint(params, model, split))
    precision = params.runtime.precision
    centre, rate = data.about.centre, data.about.sampling_rate
    job = Run(ready.model, ready.data, params.train, ready.seed, precision, resume, centre, watch.columns, rate)
    return job, watch, ready.expected


def _subject(params: Params, model: str, split: Fold) -> Subject:
    """Name the run for trackers; where it stands is kept beside the state of an interrupted training."""
    place, state = params.experiment, paths.resume(params, model, split.index).with_suffix(".run.json")
    named = params.run_name(model)
    return Subject(place.entity, place.project, named, split.index, "train", state, _fingerprint(params, model, split))


def _fingerprint(params: Params, model: str, split: Fold) -> str:
    facts = [split.data_sha256, split.train.tolist(), split.vali.tolist(), device().type, processes()]
    return fingerprint(render_config(params, model, fold=split.index), facts, code(Path(__file__), MODELS, model))
