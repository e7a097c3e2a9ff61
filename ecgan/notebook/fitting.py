"""From arrays to the folder of a run, by the same calls as the stages `train`, `inverse` and `detect`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgan.detection.fitted import FittedDetector, fit_detector, save_detector
from ecgan.detection.latents import build
from ecgan.detection.thresholds import OF_TRAINING, alarms_in, budgets_in
from ecgan.errors import EcganError
from ecgan.inversion.base import choose, save_inversion
from ecgan.notebook.parameters import Chosen
from ecgan.preprocessing.inputs import Input
from ecgan.preprocessing.transformations import fit_transformation
from ecgan.protocols.folds import NO_PIPELINE, Fold
from ecgan.registry import DETECTORS, STRATEGIES, strategies_of
from ecgan.runs.layout import part
from ecgan.runs.loading import Trained, load_fold_of, load_trained
from ecgan.runs.settings import save_settings
from ecgan.runs.writing import save_training
from ecgan.runtime import derive_seed
from ecgan.samples import Samples
from ecgan.training.loop import Run, fit
from ecgan.training.preparing import prepare_training
from ecgan.training.resume import ResumeFile

FOLD = 0
Rows = NDArray[np.int64]


def fit_run(folder: Path, chosen: Chosen, data: Samples, *, labelled: bool) -> None:
    """Train, map, and fit what detects; write the three parts of a run into its folder.

    Without labels (`labelled`) all samples are called normal.

    Raises:
        EcganError: There are too few samples, or something cannot be fitted.
    """
    _check_labels(chosen, labelled=labelled)
    fold = hold_out(chosen, data, labelled=labelled)
    if chosen.model is not None:
        _train(folder, chosen.model, chosen, data, fold)
        _invert(folder, chosen, data, fold)
    else:
        _settle(folder, chosen, data, fold)
    _detect(folder, chosen, data, fold, labelled=labelled)


def hold_out(chosen: Chosen, data: Samples, *, labelled: bool) -> Fold:
    """Divide samples into those that are learned from and those that validate.

    With labels, abnormal samples validate; so does a share of the normal ones (`vali_share`), of a classifier a share
    of every class. Without labels a share of all validates where a version of a model is chosen by it, else none.
    """
    labels, share, seed = data.class_ids, chosen.params.split.vali_share, chosen.params.runtime.seed
    rng = np.random.default_rng(derive_seed(seed, "hold out"))
    divided = [np.flatnonzero(labels == index) for index in (np.unique(labels) if chosen.classifies else [0])]
    if not labelled and chosen.model is None:
        share = 0.0
    train, vali = [], [np.empty(0, dtype=np.int64) if chosen.classifies else np.flatnonzero(labels != 0)]
    for rows in divided:
        count = 0 if share == 0 else max(1, round(share * len(rows)))
        if len(rows) - count < 1:
            kind = "normal samples" if labels[rows].sum() == 0 else f"samples of the class {labels[rows[0]]}"
            raise EcganError(f"there are {len(rows)} {kind}, too few to learn from and to validate.", "Give more.")
        drawn = rng.permutation(rows)
        vali.append(drawn[:count])
        train.append(drawn[count:])
    test = np.empty(0, dtype=np.int64)
    return Fold(
        FOLD, NO_PIPELINE, seed, data.sha256, np.sort(np.concatenate(train)), np.sort(np.concatenate(vali)), test
    )


def _check_labels(chosen: Chosen, *, labelled: bool) -> None:
    """Refuse what learns from labels where there are none."""
    if labelled:
        return
    if chosen.classifies:
        raise EcganError(
            f"{chosen.name!r} learns classes, and there are no labels of abnormal samples.", "Give labels: fit(x, y)."
        )
    if chosen.params.detect.threshold == "best_f1":
        raise EcganError(
            "the threshold 'best_f1' needs labels of abnormal samples.", "Give labels: fit(x, y); or leave it out."
        )
    for name in chosen.params.detect.strategies:
        if STRATEGIES.get(name).labelled:
            usable = strategies_of(DETECTORS.get(chosen.params.detect.detector))
            free = [one for one in usable if not STRATEGIES.get(one).labelled]
            raise EcganError(
                f"the strategy {name!r} learns from labels of abnormal samples, and there are none.",
                f"Give labels: fit(x, y); or take {' or '.join(free)}.",
            )


def _train(folder: Path, model: str, chosen: Chosen, data: Samples, fold: Fold) -> None:
    params = chosen.params
    ready = prepare_training(params, model, data, fold=FOLD, train=fold.train, vali=fold.vali)
    never = ResumeFile(folder / "resume.safetensors", "", seconds=float("inf"))
    precision, about = params.runtime.precision, data.about
    job = Run(
        ready.model, ready.data, params.train, ready.seed, precision, never, about.centre, None, about.sampling_rate
    )
    progress = fit(job, [])
    save_training(part(folder, "train", FOLD), params, ready.model, progress, fold, ready.expected)


def _settle(folder: Path, chosen: Chosen, data: Samples, fold: Fold) -> None:
    """Write what a classical detector's run knows besides."""
    name = DETECTORS.get(chosen.params.detect.detector).transformation(chosen.params.train.transformation)
    transformation = fit_transformation(name, data.seen(fold.train).signals)
    expected = Input.of(data, transformation)
    save_settings(part(folder, "train", FOLD), chosen.params, fold, expected, model=None)


def _invert(folder: Path, chosen: Chosen, data: Samples, fold: Fold) -> None:
    trained, params = load_trained(folder, FOLD, "best"), chosen.params
    seed = derive_seed(params.runtime.seed, "inverse", trained.model.name, FOLD)
    precision = params.runtime.precision
    inversion = choose(params.inverse.method, trained.model, params.inverse, seed=seed, precision=precision)
    inversion.fit(trained.tensor(data[fold.train]))
    save_inversion(part(folder, "inverse", FOLD), inversion, trained.version)


def _detect(folder: Path, chosen: Chosen, data: Samples, fold: Fold, *, labelled: bool) -> None:
    run, params, options = load_fold_of(folder, FOLD, "best"), chosen.params, chosen.params.detect
    mapping = run.mapping(options.batch_size) if isinstance(run, Trained) else None
    seed = derive_seed(params.runtime.seed, "detect", chosen.name, FOLD)
    detector = build(DETECTORS.get(options.detector), params.detectors[options.detector], mapping, seed=seed)
    rows = fold.vali if labelled else np.arange(len(data))
    fitted = fit_detector(
        detector,
        options.strategies,
        run.inputs(data.seen(fold.train, detector.sees)),
        run.inputs(data.seen(rows, detector.sees)),
        data.class_ids[rows],
        threshold=options.threshold,
        quantile=options.quantile,
        threshold_value=options.threshold_value,
        alarms=alarms_in(data.facts(rows), options.alarms_per_hour),
        budgets=budgets_in(data.facts(rows), options.alarms_per_hour),
        choice=options.choice,
        svm_samples=options.svm_samples,
        seed=seed,
    )
    save_detector(part(folder, "detect", FOLD), fitted if labelled else _of_training(fitted))


def _of_training(fitted: FittedDetector) -> FittedDetector:
    """Say that quantiles are those of the training scores: no validation has seen them."""
    thresholds = {
        name: replace(found, method=OF_TRAINING) if found.method != "fixed" else found
        for name, found in fitted.thresholds.items()
    }
    return replace(fitted, thresholds=thresholds)
