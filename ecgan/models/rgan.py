"""RGAN: recurrent generator and discriminator (Esteban et al., 2017; sizes as in ECGAN)."""

from typing import Any, ClassVar

from pydantic import Field
from torch import nn

from ecgan.models.discriminator import SignalDiscriminator
from ecgan.models.gan import Gan, GanOptions
from ecgan.models.recurrent import RecurrentDiscriminator, RecurrentGenerator
from ecgan.registry import register_model


class RganOptions(GanOptions):
    """Parameters of `rgan`; the defaults are the published ones."""

    generator_rounds: int = Field(3, ge=1, description="generator steps on a batch")


@register_model("rgan")
class Rgan(Gan):
    """RGAN with the Wasserstein loss."""

    title = "RGAN: recurrent generator and discriminator"
    source = "Esteban, Hyland and Rätsch, arXiv 1706.02633"
    Options: ClassVar[Any] = RganOptions
    options: RganOptions

    def build_generator(self) -> nn.Module:
        """Return the recurrent generator."""
        o = self.options
        return RecurrentGenerator(self.channels, self.length, o.latent_size, o.width, o.output)

    def build_discriminator(self) -> SignalDiscriminator:
        """Return the recurrent discriminator."""
        return RecurrentDiscriminator(self.channels, self.options.width, spectral=self.options.spectral_norm)
