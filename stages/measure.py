"""Command `generate --metrics`: a trained model and its data → how much generated signals are like real ones."""

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from ecgan.arrays import F32
from ecgan.config.generation import Generation
from ecgan.errors import EcganError
from ecgan.generation.classifying import RealParts
from ecgan.generation.features import frechet_in_features, require_features
from ecgan.generation.monitor import FIXED_BANDWIDTH, Monitor
from ecgan.generation.sampling import generate, require_generative
from ecgan.preprocessing.inputs import bare
from ecgan.preprocessing.processed import load_processed
from ecgan.protocols.folds import vali_halves
from ecgan.references import Reference, folds_of
from ecgan.runs.loading import Trained, load_trained
from ecgan.runtime import derive_seed
from ecgan.samples import Samples
from ecgan.training.data import to_tensor
from stages import paths

METRICS: list[Literal["mmd", "tstr", "trts", "memorisation"]] = ["mmd", "tstr", "trts", "memorisation"]


def run(trained: Trained, count: int, seed: int, features: Reference | None = None) -> dict[str, Any]:
    """Measure generated signals; keys are those of `generation.json`, and `frechet` with a classifier `features`.

    Real signals are those of the run's training and validation data, `count` of a kind at most; of validation the half
    that nothing was fitted on. Test data are not looked at.

    Raises:
        EcganError: The model generates nothing, its data are not here, or the classifier does not fit them.
    """
    model = require_generative(trained.folded)
    classifier = None if features is None else _classifier(trained, features)
    data = load_processed(paths.processed(trained.params))
    trained.fold.check_data(data.sha256)
    fitted, reported = vali_halves(trained.fold, data)
    sets = [data[trained.fold.train], data[trained.fold.train], data[fitted], data[reported], data[reported]]
    train, normal, fit_abnormal, held, held_abnormal = (
        _some(part, wanted, count, derive_seed(seed, "real", place))
        for place, (part, wanted) in enumerate(zip(sets, (None, False, True, False, True), strict=True))
    )
    real = RealParts(*(_inputs(trained, part) for part in (normal, fit_abnormal, held, held_abnormal)))
    classified = trained.params.train.generation.classifier
    given = Generation(metrics=METRICS, classifier=classified, samples=max(16, min(count, 4096)))
    options = trained.params.train.model_copy(update={"generation": given})
    monitor = Monitor(model, torch.from_numpy(_inputs(trained, train)), real, options, seed)
    found = {"version": trained.version, "bandwidth_fixed": FIXED_BANDWIDTH} | monitor.final()
    if classifier is not None:
        made = generate(model, count, derive_seed(seed, "generation")).float().cpu().numpy()
        seen = [_seen(classifier, part) for part in (held, _in_unit(trained, made), normal)]
        found |= frechet_in_features(require_features(classifier.model), *seen)
    return found


def _classifier(trained: Trained, features: Reference) -> Trained:
    """Load the classifier, and see that it takes the same beats."""
    found = load_trained(features.folder, folds_of(features)[0], features.version)
    require_features(found.model)
    ours, theirs = trained.expected, found.expected
    if (ours.leads, ours.length, ours.sampling_rate) != (theirs.leads, theirs.length, theirs.sampling_rate):
        raise EcganError(
            f"{features.text} takes {theirs.length} time steps of {', '.join(theirs.leads)} at {theirs.sampling_rate:g}"
            f" Hz, and this model gives {ours.length} of {', '.join(ours.leads)} at {ours.sampling_rate:g} Hz.",
            "Train a cnn on the same data, with the same train.leads.",
        )
    if found.fold.data_sha256 != trained.fold.data_sha256 or found.transformation.name != trained.transformation.name:
        raise EcganError(
            f"{features.text} was trained on other data, or with another train.transformation.",
            "Train a cnn on the same processed data, with the same transformation.",
        )
    return found


def _some(samples: Samples, abnormal: bool | None, most: int, seed: int) -> Samples:
    """At most `most` normal or abnormal samples, drawn with a seed; all of both kinds for None."""
    if abnormal is None:
        return samples
    rows = np.flatnonzero((samples.class_ids != 0) == abnormal)
    return samples[np.random.default_rng(seed).permutation(rows)[:most]]


def _inputs(trained: Trained, samples: Samples) -> F32:
    return np.ascontiguousarray(trained.inputs(samples).signals, dtype=np.float32)


def _seen(classifier: Trained, samples: Samples) -> Tensor:
    return to_tensor(_inputs(classifier, samples)).to(next(classifier.model.parameters()).device)


def _in_unit(trained: Trained, made: F32) -> Samples:
    """Generated signals as samples, in the unit of the data where they have one."""
    signals = made if trained.transformation.name == "individual" else trained.transformation.invert(made, like=made)
    return bare(signals, trained.expected)
