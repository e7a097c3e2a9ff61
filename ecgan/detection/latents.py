"""A classical detector behind a trained model: it looks at the latents of samples instead of the samples."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from ecgan.detection.base import F32, F64, Detector, Mapping, State
from ecgan.detection.components import CHUNK, check_finite, chunks
from ecgan.errors import EcganError
from ecgan.samples import Samples


class OnLatents(Detector):
    """A classical detector that needs no model, given the latents z of samples as if they were samples (n, 1, Z).

    The latents come from the run's inverse mapping. Seen from outside it takes samples like any other detector; its
    name, components and strategies are those of the detector inside.
    """

    title: ClassVar[str] = "classical detector on a model's latents"
    needs_model: ClassVar[bool] = True

    def __init__(self, inside: Detector, mapping: Mapping) -> None:
        super().__init__(inside.options, mapping, seed=inside.seed)
        self.inside = inside
        self.name = inside.name  # type: ignore[misc]
        self.strategies, self.gives = inside.strategies, inside.gives  # type: ignore[misc]
        self.context = inside.context  # type: ignore[misc]

    def fit(self, train: Samples) -> None:
        """Learn from the latents of the training samples."""
        self.inside.fit(self.latents(train))

    def components(self, samples: Samples) -> dict[str, F64]:
        """Components of the latents of samples."""
        return self.inside.components(self.latents(samples))

    def state(self) -> State:
        """What the detector inside learned."""
        return self.inside.state()

    def restore(self, state: State) -> None:
        """Take back what the detector inside learned."""
        self.inside.restore(state)

    def latents(self, samples: Samples) -> Samples:
        """Samples whose signals are the latents of these as one lead, (n, 1, Z), and so are those around them."""
        assert self.mapping is not None
        parts = [samples[part] for part in chunks(len(samples), CHUNK)] or [samples]
        z = np.concatenate([self.mapping.latents(part) for part in parts])
        wide: F32 = np.ascontiguousarray(z.reshape(len(z), 1, -1), dtype=np.float32)
        check_finite({"latent": wide.sum(axis=(1, 2), dtype=np.float64)})
        around = None if samples.around is None else self.latents(samples.around)
        return replace(samples, signals=wide, about=replace(samples.about, leads=["z"]), around=around)


def build(cls: type[Detector], options: Any, mapping: Mapping | None, *, seed: int) -> Detector:
    """A detector for a trained model, or without one: one that could do without it looks at the latents, or at both.

    Raises:
        EcganError: The detector is for classifiers and the model is generative, or the other way round.
    """
    if mapping is None or cls.needs_model or cls.takes_model:
        detector = cls(options, mapping, seed=seed)
    else:
        detector = OnLatents(cls(options, seed=seed), mapping)
    if mapping is not None:
        check_kind(cls, classifier=mapping.logits is not None)
    return detector


def check_kind(cls: type[Detector], *, classifier: bool) -> None:
    """Refuse a detector of generative models for a classifier, and the other way round."""
    if cls.classifies and not classifier:
        raise EcganError(
            f"the detector {cls.name!r} asks a classifier for classes, and the model is generative.",
            "Set detect.detector to inverse_mapping, or train a classifier such as cnn.",
        )
    if classifier and not cls.classifies:
        raise EcganError(
            f"the detector {cls.name!r} looks at latents and reconstructions, and the model is a classifier.",
            "Set detect.detector to argmax.",
        )
