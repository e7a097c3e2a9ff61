"""Scores through a trained model: map x to its latent, reconstruct, and compare."""

from typing import ClassVar

from ecgan.config.options import Options
from ecgan.detection.base import F32
from ecgan.detection.components import Discrimination
from ecgan.detection.reconstructing import DISCRIMINATION, SMOOTHING, Reconstructing
from ecgan.registry import register_detector
from ecgan.samples import Samples


class InverseMappingOptions(Options):
    """Parameters of the detector `inverse_mapping`."""

    discrimination: Discrimination = DISCRIMINATION
    smoothing: float = SMOOTHING


@register_detector("inverse_mapping")
class InverseMapping(Reconstructing):
    """Components R, S, D and Z of a sample and its reconstruction through the run's mapping x to z.

    The components and the strategies that weigh them follow ECGAN (Lüer et al., arXiv 2310.18091) and BeatGAN
    (Zhou et al. 2019, reconstruction error alone). The latent's mode is learned from the training samples and is
    the centre of the fullest histogram bin, see `ecgan.detection.components.mode_of_norms`.
    """

    title: ClassVar[str] = "reconstruction through a trained model"
    source: ClassVar[str] = "Lüer et al., arXiv 2310.18091"
    Options: ClassVar[type[Options]] = InverseMappingOptions

    def latents(self, samples: Samples) -> F32:
        """Latents z (n, Z) of samples, by the run's inverse mapping."""
        return self.model.latents(samples)
