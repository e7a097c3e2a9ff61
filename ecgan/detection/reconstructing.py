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
    component_names,
    latent_norm,
    mode_of_norms,
    model_components,
)
from ecgan.detection.stored import stored_number
from ecgan.detection.strategies import STRATEGIES
from ecgan.errors import EcganError

DISCRIMINATION: Any = Field(
    "feature_matching",
    description="How the discriminator judges a reconstruction: feature_matching (its hidden features beside those of "
    "the sample), target_value (1 − its probability of being real) or log (−log of that probability).",
)


class Reconstructing(Detector):
    """Components R, D and Z of a sample and its reconstruction; a subclass says where the latents come from.

    Attributes:
        mode_samples: Most training samples, evenly spaced, from which the most frequent latent norm is learned.
    """

    needs_model: ClassVar[bool] = True
    strategies: ClassVar[tuple[str, ...]] = (
        "reconstruction",
        "lambda_grid",
        "lambda_gamma_grid",
        "svm_lambda",
        "svm_lambda_gamma",
    )
    mode_samples: ClassVar[int] = 4096

    _mode: float | None = None

    @abstractmethod
    def latents(self, x: F32) -> F32:
        """Latents z (n, Z) of x (n, C, L)."""

    @property
    def discrimination(self) -> Discrimination:
        """How the discriminator judges, as the parameters say."""
        kind: Discrimination = self.options.discrimination
        return kind

    def available_strategies(self) -> tuple[str, ...]:
        """Those whose components the model gives: without a discriminator, only the reconstruction error."""
        there = set(component_names(self.model, self.discrimination))
        return tuple(name for name in self.strategies if there.issuperset(STRATEGIES[name].needs))

    def fit(self, train: F32) -> None:
        """Learn the most frequent latent norm of the training samples (n, C, L)."""
        if len(train) == 0:
            raise EcganError("there are no training samples to learn the latent's mode from.")
        rows = np.linspace(0, len(train) - 1, min(self.mode_samples, len(train))).astype(np.int64)
        norms = latent_norm(self.latents(train[rows]))
        check_finite({"latent": norms})
        self._mode = mode_of_norms(norms)

    def components(self, x: F32) -> dict[str, F64]:
        """R and Z of x (n, C, L), and D where the model has what it takes."""
        return self.compare(x, self.latents(x))

    def some_components(self, x: F32, names: Collection[str]) -> dict[str, F64]:
        """Those of R, D and Z of x (n, C, L) that are named; the discriminator is asked for D alone."""
        return self.compare(x, self.latents(x), names)

    def compare(self, x: F32, z: F32, wanted: Collection[str] | None = None) -> dict[str, F64]:
        """Components of x (n, C, L) with the latents z (n, Z), all or those that are wanted."""
        if self._mode is None:
            raise EcganError(f"the detector {self.name!r} has not been fitted.")
        return model_components(x, z, self.model, self._mode, self.discrimination, wanted)

    def reconstruct(self, x: F32) -> F32:
        """What the model takes x (n, C, L) for, same shape."""
        return self.model.decode(self.latents(x))

    def state(self) -> State:
        """The mode of the latent norms."""
        return State(values={"latent_mode": self._mode})

    def restore(self, state: State) -> None:
        """Take back the mode of the latent norms."""
        self._mode = stored_number(state.values, "latent_mode")

    @property
    def model(self) -> Mapping:
        """The trained model."""
        if self.mapping is None:
            raise EcganError(f"the detector {self.name!r} scores through a trained model, and none was given.")
        if self.mapping.logits is not None:
            raise EcganError(
                f"the detector {self.name!r} compares samples with reconstructions, and a classifier makes none.",
                "Set detect.detector to argmax.",
            )
        return self.mapping
