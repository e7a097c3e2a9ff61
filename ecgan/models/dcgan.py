"""DCGAN for signals: convolutional generator and discriminator (Radford et al., ICLR 2016; sizes as in ECGAN)."""

from typing import Any, ClassVar

from pydantic import Field
from torch import nn

from ecgan.models.convolutional import ConvolutionalDiscriminator, ConvolutionalGenerator
from ecgan.models.discriminator import SignalDiscriminator
from ecgan.models.gan import ConvolutionalGanOptions, Gan
from ecgan.models.options import NormName
from ecgan.registry import register_model


class DcganOptions(ConvolutionalGanOptions):
    """Parameters of `dcgan`; the defaults are the published ones, but for the discriminator's normalisation."""

    norm: NormName = Field("batch", description="normalisation in the generator")
    discriminator_rounds: int = Field(2, ge=1, description="discriminator steps on a batch")


@register_model("dcgan")
class Dcgan(Gan):
    """DCGAN with the Wasserstein loss."""

    title = "DCGAN: convolutional generator and discriminator"
    source = "Radford, Metz and Chintala, ICLR 2016"
    Options: ClassVar[Any] = DcganOptions
    options: DcganOptions

    def build_generator(self) -> nn.Module:
        """Return the convolutional generator."""
        o = self.options
        return ConvolutionalGenerator(self.channels, self.length, o.latent_size, o.width, o.norm, o.output)

    def build_discriminator(self) -> SignalDiscriminator:
        """Return the convolutional discriminator."""
        o = self.options
        norm, spectral = o.discriminator_norm, o.spectral_norm
        return ConvolutionalDiscriminator(self.channels, self.length, o.width, norm, spectral=spectral)
