"""What detectors that compare a sample with its reconstruction by a trained model share."""

from abc import abstractmethod
from collections.abc import Collection
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from ecgan.detection.base import F32, F64, Detector, Mapping, State
from ecgan.detection.components import (
    Discrimination,
    check_finite,
    chunks,
    component_names,
    latent_norm,
    mode_of_norms,
    model_components,
)
from ecgan.detection.smoothing import SmoothedError
from ecgan.detection.stored import stored_number
from ecgan.errors import EcganError
from ecgan.registry import STRATEGIES, strategies_of
from ecgan.samples import Samples

DISCRIMINATION: Any = Field(
    "feature_matching",
    description="How the discriminator judges a reconstruction: feature_matching (its hidden features beside those of "
    "the sample), target_value (1 − its probability of being real) or log (−log of that probability).",
)
SMOOTHING: Any = Field(
    0.04,
    ge=0,
    le=0.5,
    description="Standard deviation of the Gaussian that smooths the residual for the strategy smoothed, as a share of "
    "the sample's length; 0 does not smooth.",
)


class Reconstructing(Detector):
    """Components R, S, D and Z of a sample and its reconstruction; a subclass says where the latents come from.

    Attributes:
        mode_samples: Most training samples, evenly spaced, from which the most frequent latent norm and the scale of
            the smoothed residual are learned.
    """

    needs_model: ClassVar[bool] = True
    strategies: ClassVar[tuple[str, ...]] = (
        "reconstruction",
        "smoothed",
        "lambda_grid",
        "lambda_gamma_grid",
        "svm_lambda",
        "svm_lambda_gamma",
    )
    gives: ClassVar[tuple[str, ...]] = ("reconstruction", "smoothed", "discrimination", "latent")
    mode_samples: ClassVar[int] = 4096

    _mode: float | None = None
    _smoothed: SmoothedError | None = None

    @abstractmethod
    def latents(self, samples: Samples) -> F32:
        """Latents z (n, Z) of samples."""

    @property
    def discrimination(self) -> Discrimination:
        """How the discriminator judges, as the parameters say."""
        kind: Discrimination = self.options.discrimination
        return kind

    def available_strategies(self) -> tuple[str, ...]:
        """Those whose components the model gives: without a discriminator, only those of the reconstruction error."""
        there = {"smoothed", *component_names(self.model, self.discrimination)}
        return tuple(name for name in strategies_of(self) if there.issuperset(STRATEGIES.get(name).needs))

    def fit(self, train: Samples) -> None:
        """Learn from the training samples: the most frequent latent norm, the smoothed residual's scale."""
        if len(train) == 0:
            raise EcganError(
                "there are no training samples to learn the latent's mode from.",
                "Choose other classes or more data in `split`.",
            )
        rows = np.linspace(0, len(train) - 1, min(self.mode_samples, len(train))).astype(np.int64)
        some = train[rows]
        z = self.latents(some)
        norms = latent_norm(z)
        check_finite({"latent": norms})
        self._mode = mode_of_norms(norms)
        parts = [self.model.reconstruct(some[part], self.seed, z[part]) for part in chunks(len(some))]
        self._smoothed = SmoothedError.learn(some.signals, np.concatenate(parts), self.options.smoothing)

    def components(self, samples: Samples) -> dict[str, F64]:
        """R, S and Z of samples, and D where the model has what it takes."""
        return self.compare(samples, self.latents(samples))

    def some_components(self, samples: Samples, names: Collection[str]) -> dict[str, F64]:
        """Those of R, S, D and Z of samples that are named; the discriminator is asked for D alone."""
        looked_at = "latent" in names or self.model.rebuild is None
        return self.compare(samples, self.latents(samples) if looked_at else None, names)

    def compare(self, samples: Samples, z: F32 | None, wanted: Collection[str] | None = None) -> dict[str, F64]:
        """Components of samples with the latents z (n, Z), all or those that are wanted; z where it counts."""
        if self._mode is None or self._smoothed is None:
            raise EcganError(
                f"the detector {self.name!r} has not been fitted.", "Fit it first: `fit`, or `ecgan detect`."
            )
        measure = self._smoothed.measure
        return model_components(samples, z, self.model, self._mode, self.discrimination, wanted, measure, self.seed)

    def reconstruct(self, samples: Samples) -> F32:
        """What the model takes samples for, (n, C, L)."""
        return self.model.reconstruct(samples, self.seed, None if self.model.rebuild else self.latents(samples))

    def state(self) -> State:
        """The mode of the latent norms and the scale of the smoothed residual."""
        arrays = self._smoothed.state().arrays if self._smoothed else {}
        return State(arrays=arrays, values={"latent_mode": self._mode})

    def restore(self, state: State) -> None:
        """Take back the mode of the latent norms and the scale of the smoothed residual."""
        self._mode = stored_number(state.values, "latent_mode")
        self._smoothed = SmoothedError.restored(state, self.options.smoothing)

    @property
    def model(self) -> Mapping:
        """The trained model."""
        if self.mapping is None:
            raise EcganError(
                f"the detector {self.name!r} scores through a trained model, and none was given.",
                "Give the trained model.",
            )
        if self.mapping.logits is not None:
            raise EcganError(
                f"the detector {self.name!r} compares samples with reconstructions, and a classifier makes none.",
                "Set detect.detector to argmax.",
            )
        return self.mapping
