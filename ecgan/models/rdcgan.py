"""RDCGAN: the recurrent generator of `rgan` against the convolutional discriminator of `dcgan` (as in ECGAN)."""

from typing import Any, ClassVar

from pydantic import Field
from torch import nn

from ecgan.models.dcgan import NORM, ConvolutionalDiscriminator, ConvolutionalGanOptions, Gan, SignalDiscriminator
from ecgan.models.layers.convolutions import NormName
from ecgan.models.rgan import RecurrentGenerator
from ecgan.registry import register_model


class RdcganOptions(ConvolutionalGanOptions):
    """Parameters of `rdcgan`; the defaults are the published ones, but for the discriminator's normalisation.

    A recurrent generator begins with nearly flat signals. Normalised one by one they come out as large as any other,
    so that a normalising critic has gradients without bound there, and the generator learns nothing.
    """

    discriminator_norm: NormName = Field("none", description=NORM)


@register_model("rdcgan")
class Rdcgan(Gan):
    """RDCGAN with the Wasserstein loss."""

    title = "RDCGAN: recurrent generator, convolutional discriminator"
    source = "Esteban et al. 2017 and Radford et al. 2016"
    Options: ClassVar[Any] = RdcganOptions
    options: RdcganOptions

    def build_generator(self) -> nn.Module:
        """Return the recurrent generator."""
        o = self.options
        return RecurrentGenerator(self.channels, self.length, o.latent_size, o.width, o.output)

    def build_discriminator(self) -> SignalDiscriminator:
        """Return the convolutional discriminator."""
        o = self.options
        norm, spectral = o.discriminator_norm, o.spectral_norm
        return ConvolutionalDiscriminator(self.channels, self.length, o.width, norm, spectral=spectral)
