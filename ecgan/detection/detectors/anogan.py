"""Scores through a trained model: search for the latent whose signal is most like x, and compare."""

from dataclasses import replace
from typing import ClassVar

import numpy as np

from ecgan.config.inverse import StartedSearchOptions
from ecgan.config.options import Options
from ecgan.detection.base import F32, F64, Mapping
from ecgan.detection.components import Discrimination, check_finite
from ecgan.detection.reconstructing import DISCRIMINATION, SMOOTHING, Reconstructing
from ecgan.errors import EcganError
from ecgan.registry import register_detector
from ecgan.samples import Samples


class AnoganOptions(StartedSearchOptions):
    """Parameters of the detector `anogan`."""

    discrimination: Discrimination = DISCRIMINATION
    smoothing: float = SMOOTHING


@register_detector("anogan")
class Anogan(Reconstructing):
    """Components R, D and Z of a sample and the signal nearest to it that the model can generate.

    AnoGAN (Schlegl et al., IPMI 2017, section 2.3) searches by gradient descent on z and scores by R and D; Z and the
    strategies that weigh them are those of ECGAN (Lüer et al., arXiv 2310.18091). The length of the path that a search
    took, Σ‖Δz‖, stands beside the components; no strategy weighs it. But for rounding, a sample's scores do not
    depend on the samples that are scored with it: all choose among the same starting points, drawn from the
    detector's seed.
    """

    title: ClassVar[str] = "search for the latent of a sample (AnoGAN)"
    source: ClassVar[str] = "Schlegl et al., IPMI 2017"
    Options: ClassVar[type[Options]] = AnoganOptions
    mode_samples: ClassVar[int] = 256

    @property
    def model(self) -> Mapping:
        """The trained model, which says what a sample is by its latent alone."""
        return replace(super().model, rebuild=None)

    def latents(self, samples: Samples) -> F32:
        """Latents z (n, Z) of samples, searched for."""
        return self._search(samples)[0]

    def components(self, samples: Samples) -> dict[str, F64]:
        """R, S and Z of samples, D where the model has what it takes, and the path's length."""
        if self._mode is None:
            raise EcganError("the detector 'anogan' has not been fitted.", "Fit it first: `fit`, or `ecgan detect`.")
        z, path = self._search(samples)
        found = self.compare(samples, z) | {"path_length": path.astype(np.float64)}
        check_finite(found)
        return found

    def _search(self, samples: Samples) -> tuple[F32, F32]:
        search = self.model.search
        if search is None:
            raise EcganError(
                "the detector 'anogan' searches for latents, and the model that was given has none.",
                "Name a model with a latent, such as dcgan.",
            )
        if self.model.look is not None:
            raise EcganError(
                "the detector 'anogan' searches for latents alone, and this model is told more than a sample.",
                "Set detect.detector to inverse_mapping.",
            )
        return search(samples.signals, self.options, self.seed)
