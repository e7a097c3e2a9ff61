"""Scores through a trained model: map x to its latent, reconstruct, and compare."""

from typing import ClassVar, Literal

from pydantic import Field

from ecgan.config.options import Options
from ecgan.detection.base import F32, F64, Detector, Mapping, State
from ecgan.detection.components import (
    check_finite,
    component_names,
    latent_norms,
    mode_of_norms,
    model_components,
)
from ecgan.detection.stored import stored_number
from ecgan.detection.strategies import STRATEGIES
from ecgan.errors import EcganError
from ecgan.registry import register_detector


class InverseMappingOptions(Options):
    """Parameters of the detector `inverse_mapping`."""

    discrimination: Literal["feature_matching"] = Field(
        "feature_matching",
        description="How the discriminator judges a reconstruction: mean squared difference of its hidden features",
    )


@register_detector("inverse_mapping")
class InverseMapping(Detector):
    """Components R, D and Z of a sample and its reconstruction through the run's mapping x to z.

    The components and the strategies that weigh them follow ECGAN (Lüer et al., arXiv 2310.18091) and BeatGAN
    (Zhou et al. 2019, reconstruction error alone). The latent's mode is learned from the training samples and is
    the centre of the fullest histogram bin, see `ecgan.detection.components.mode_of_norms`.
    """

    title: ClassVar[str] = "reconstruction through a trained model"
    Options: ClassVar[type[Options]] = InverseMappingOptions
    needs_model: ClassVar[bool] = True
    strategies: ClassVar[tuple[str, ...]] = (
        "reconstruction",
        "lambda_grid",
        "lambda_gamma_grid",
        "svm_lambda",
        "svm_lambda_gamma",
    )

    _mode: float | None = None

    def available_strategies(self) -> tuple[str, ...]:
        """Those whose components the model gives: without discriminator features, only the reconstruction error."""
        there = set(component_names(self._model()))
        return tuple(name for name in self.strategies if there.issuperset(STRATEGIES[name].needs))

    def fit(self, train: F32) -> None:
        """Learn the most frequent latent norm of the training samples (n, C, L)."""
        if len(train) == 0:
            raise EcganError("there are no training samples to learn the latent's mode from.")
        norms = latent_norms(train, self._model().invert)
        check_finite({"latent": norms})
        self._mode = mode_of_norms(norms)

    def components(self, x: F32) -> dict[str, F64]:
        """R and Z of x (n, C, L), and D where the model has discriminator features."""
        if self._mode is None:
            raise EcganError("the detector 'inverse_mapping' has not been fitted.")
        return model_components(x, self._model(), self._mode)

    def state(self) -> State:
        """The mode of the latent norms."""
        return State(values={"latent_mode": self._mode})

    def restore(self, state: State) -> None:
        """Take back the mode of the latent norms."""
        self._mode = stored_number(state.values, "latent_mode")

    def _model(self) -> Mapping:
        if self.mapping is None:
            raise EcganError("the detector 'inverse_mapping' scores through a trained model, and none was given.")
        return self.mapping
