"""Stage `detect`: a trained model (or a classical detector) and one fold → fitted detector, scores, metrics."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from ecgan.config import Params
from ecgan.config.declaring import reads
from ecgan.config.schema import Detection
from ecgan.detection.fitted import save_detector
from ecgan.detection.job import Job, detect
from ecgan.detection.latents import build
from ecgan.files import sole_writer
from ecgan.preprocessing.inputs import Input
from ecgan.preprocessing.processed import load_processed
from ecgan.preprocessing.transformations import fit_transformation
from ecgan.protocols.folds import load_own_fold
from ecgan.registry import DETECTORS, MODELS
from ecgan.runs.layout import part
from ecgan.runs.settings import save_settings
from ecgan.runtime import derive_seed, own_process, set_threads
from ecgan.samples import Samples
from ecgan.watched import watch_part, watch_stage, watch_strategies
from stages import paths


@reads(
    "detect",
    "experiment dataset runtime detectors.{detect.detector}",
    "detect: detector strategies threshold quantile alarms_per_hour threshold_value choice svm_samples",
    "detect: bootstrap batch_size version",
)
def run_model(params: Params, model: str, fold: int) -> dict[str, Any]:
    """Detect with one model of the pipeline; return the metrics."""
    set_threads(params.runtime.threads)
    watch_stage("detect")
    watch_part(MODELS, model)
    watch_part(DETECTORS, params.detect.detector)
    watch_strategies(params.detect.strategies)
    return with_run(
        paths.run(params, model),
        fold,
        params.detect.version,
        params.detect,
        params.detectors[params.detect.detector],
        load_processed(paths.processed(params)),
        seed=derive_seed(params.runtime.seed, "detect", model, fold),
        results=paths.report(params, "detect", model, fold),
        method=model,
    )


def with_run(
    folder: Path,
    fold: int,
    version: str,
    options: Detection,
    settings: Any,
    data: Samples,
    *,
    seed: int,
    results: Path,
    method: str,
) -> dict[str, Any]:
    """Detect with one fold of any trained run; return the metrics.

    Args:
        folder: The run's folder.
        fold: Which fold.
        version: `best`, `latest` or `v12`.
        options: The section `detect`.
        settings: Parameters of the detector that `options` names.
        data: The dataset that the run was trained on; another one is refused.
        seed: Seed of the detection.
        results: Folder of scores and metrics.
        method: What the results are called.
    """
    from ecgan.runs.loading import load_trained  # needs torch, which the classical detectors do without

    own_process()
    trained = load_trained(folder, fold, version)
    mapping = trained.mapping(options.batch_size)
    data = data.with_leads(trained.expected.leads)
    facts = {
        "method": method,
        "detector": options.detector,
        "version": trained.version,
        "select_by": trained.params.train.select_by,
        "train_on": trained.params.split.train_on,
        "transformation": trained.params.train.transformation,
        "leads": data.about.leads,
    }
    return _detect(
        Job(
            detector=build(DETECTORS.get(options.detector), settings, mapping, seed=seed),
            strategies=options.strategies,
            options=options,
            data=data,
            transformation=trained.transformation,
            fold=trained.fold,
            seed=seed,
            facts=facts,
        ),
        part(folder, "detect", fold),
        results,
    )


@reads(
    "detect-classical",
    "experiment dataset runtime fetch preprocess train.leads train.transformation detectors.{detector}",
    "split: protocol k test_share vali_share train_on source",
    "detect: threshold quantile alarms_per_hour threshold_value choice svm_samples bootstrap",
)
def run_classical(params: Params, detector: str, fold: int) -> dict[str, Any]:
    """Detect with a classical detector on the same fold, fitted to its normal training samples; return the metrics."""
    set_threads(params.runtime.threads)
    watch_stage("detect-classical")
    watch_part(DETECTORS, detector)
    data = load_processed(paths.processed(params)).with_leads(params.train.leads)
    split = load_own_fold(paths.folds(params), fold)
    split.check_size(len(data))
    split = replace(split, train=split.train[data.class_ids[split.train] == 0])
    seed = derive_seed(params.runtime.seed, "detect", detector, fold)
    built = DETECTORS.get(detector)(params.detectors[detector], seed=seed)
    name = built.transformation(params.train.transformation)
    facts = {
        "method": detector,
        "detector": detector,
        "version": None,
        "select_by": None,
        "train_on": "normal",
        "transformation": name,
        "leads": data.about.leads,
    }
    transformation = fit_transformation(name, data.seen(split.train).signals, None)
    with sole_writer(paths.classical(params, detector, "train", fold)) as folder:  # so that it scores recordings
        save_settings(folder, params, split, Input.of(data, transformation), model=None)
    return _detect(
        Job(
            detector=built,
            strategies=list(built.strategies),
            options=params.detect,
            data=data,
            transformation=transformation,
            fold=split,
            seed=seed,
            facts=facts,
        ),
        paths.classical(params, detector, "detect", fold),
        paths.report(params, "detect", detector, fold),
    )


def _detect(job: Job, fitted_folder: Path, results: Path) -> dict[str, Any]:
    """Detect and write: what was fitted into one folder, the result into another; return the metrics."""
    fitted, result = detect(job)
    with sole_writer(fitted_folder) as folder:
        save_detector(folder, fitted)
    with sole_writer(results) as folder:
        result.write(folder)
    return result.metrics
