"""Folds of made-up runs: untrained models with everything fitted on random beats, nothing of it on disk."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ecgan.detection.fitted import fit_detector, usable
from ecgan.detection.latents import build
from ecgan.detection.strategies.base import Choice
from ecgan.inversion.base import choose
from ecgan.preprocessing.inputs import Input, bare
from ecgan.preprocessing.transformations import make_transformation
from ecgan.registry import DETECTORS, MODELS
from ecgan.runs.loading import Trained
from ecgan.scoring.scorer import Member, Scorer
from ecgan.testing.check import small

LENGTH, LEADS = 45, ["MLII", "V1"]
ALL = ["reconstruction", "smoothed", "lambda_grid", "lambda_gamma_grid", "svm_lambda", "svm_lambda_gamma"]


class _Trained(Trained):
    """A fold that was never written anywhere."""

    def __init__(self, **parts: Any) -> None:
        vars(self).update(parts)


class Nothing:
    """Whatever attributes it is given."""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)


def member(
    name: str = "aegan",
    transformation: str = "individual",
    detector: str | None = None,
    *,
    inversion: str = "auto",
    kind: str = "feature_matching",
    seed: int = 0,
    length: int = LENGTH,
    leads: int = 2,
    precision: str = "fp32",
    choice: Choice = "stable",
    **options: Any,
) -> Member:
    """One fold; `options` are those of the model."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(80, leads, length)).cumsum(axis=2).astype(np.float32)
    labels = (np.arange(80) % 4 == 0).astype(np.int64)
    cls = MODELS.get(name)
    given = make_transformation(transformation, None if cls.classifies else (-1.0, 1.0))
    given.fit(x)
    torch.manual_seed(seed)
    settled = small(cls.Options, {"width": 0.125, "latent_size": 3, "sampling_steps": 3}, options)
    model = cls(settled, channels=given.channels(leads), length=length, classes=3).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    expected = Input(LEADS[:leads], length, 360.0, "mV", 20, given.state(), ["N", "S", "V"])
    params = Nothing(dataset="ecgsyn", runtime=Nothing(precision=precision), detect=Nothing(batch_size=256))
    trained = _Trained(
        folder=Path(), model=model, version="v03", params=params, fold=Nothing(index=seed), expected=expected,
        transformation=given,
    )  # fmt: skip
    vars(trained)["inversion"] = choose(inversion, trained.folded, precision=precision)
    if inversion == "search":
        trained.inversion.fit(torch.from_numpy(x))
    chosen = DETECTORS.get(detector or ("argmax" if cls.classifies else "inverse_mapping"))
    settings = {"discrimination": kind} if "discrimination" in chosen.Options.model_fields else {}
    built = build(chosen, chosen.Options(**settings), trained.mapping(256), seed=0)
    inputs = trained.inputs(bare(x, expected))
    strategies = usable(built, ALL) if "reconstruction" in built.strategies else ["plain"]
    return Member(trained, fit_detector(built, strategies, inputs, inputs, labels, choice=choice))


def scorer(*members: Member, strategy: str | None = None) -> Scorer:
    fitted = members[0].fitted
    chosen = strategy or next(iter(fitted.strategies))
    threshold = float(np.mean([one.fitted.thresholds[chosen].value for one in members]))
    return Scorer("a run", members, chosen, threshold, "validation, best_f1", alone=strategy is not None)
