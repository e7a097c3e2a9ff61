"""A run that needs no training: a window's score is its largest deflection, its reconstruction its mean."""

from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from ecgan.arrays import F32
from ecgan.config.options import Options
from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.base import Dataset
from ecgan.datasets.ecgsyn import Ecgsyn
from ecgan.detection.base import Group
from ecgan.samples import Samples
from ecgan.scoring.scorer import Judged, Scorer


@dataclass
class _Plain:
    leads: list[str]
    dataset: Dataset
    options: Options
    length: int
    threshold: float
    centre: int | None
    context: tuple[str, ...] = ()
    reference: str = "toy"
    strategy: str = "largest"
    threshold_from: str = "given"
    members: tuple[Any, ...] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        expected = SimpleNamespace(
            length=self.length, sampling_rate=self.rate, leads=self.leads, unit="mV", centre=self.centre
        )
        trained = SimpleNamespace(
            expected=expected,
            transformation=SimpleNamespace(name="none"),
            fold=SimpleNamespace(index=0),
            version="v00",
        )
        silent = {name: lambda components: None for name in ("unreadable", "irregular")}
        fitted = SimpleNamespace(detector=SimpleNamespace(name="largest", **silent))
        self.members = (SimpleNamespace(trained=trained, fitted=fitted),)
        self.trained = trained

    @property
    def beats(self) -> bool:
        return self.centre is not None

    @cached_property
    def rate(self) -> float:
        rate = self.dataset.recording_rate(self.options)
        assert rate is not None
        return rate

    def inputs(self, samples: Samples) -> Samples:
        return samples

    def judge(self, samples: Samples, inputs: Samples | None = None) -> Judged:
        x = samples.signals
        assert np.isfinite(x).all()
        assert x.shape[1:] == (len(self.leads), self.length)
        assert len(x) > 0, "a detector is not asked for nothing"
        assert samples.labels is None
        assert (samples.around is None) == (not self.context)
        largest = np.abs(x - np.median(x, axis=2, keepdims=True)).max(axis=(1, 2)).astype(np.float64)
        return Judged({"size": largest}, {"largest": largest}, None)

    unreadable, flagged, irregular = Scorer.unreadable, Scorer.flagged, Scorer.irregular

    def own_normal(self, samples: Samples) -> None:
        return None

    def describe(self, group: Group, score: float) -> str:
        return f"{'early' if group.early and group.early > 0.1 else 'on time'}, {score:.3g}"

    def reconstruct(self, samples: Samples) -> F32:
        x = samples.signals
        return np.broadcast_to(x.mean(axis=2, keepdims=True), x.shape).copy()


def toy_scorer(
    leads: list[str] | None = None,
    *,
    dataset: Dataset | None = None,
    options: Options | None = None,
    length: int = 320,
    threshold: float = 1.0,
    centre: int | None = 140,
    context: tuple[str, ...] = (),
) -> Scorer:
    """A scorer of a dataset's windows that looks at no model."""
    leads = leads or ["MLII"]
    return cast(
        Scorer, _Plain(leads, dataset or Ecgsyn(), options or BeatOptions(), length, threshold, centre, context)
    )
