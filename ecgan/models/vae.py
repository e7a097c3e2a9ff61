"""A variational autoencoder with the networks of BeatGAN (Kingma and Welling, ICLR 2014).

Loss: β·w(t)·KL + reconstruction, as in `vaegan`. The reconstruction loss is a mean over samples, channels and time
and is divided no further, so that β weighs the same here and there. Layers as in ECGAN's
`variational_autoencoder`.
"""

from typing import Any, ClassVar

from ecgan.models.autoencoder import Autoencoder, AutoencoderOptions
from ecgan.models.vaegan import Variational, VariationalOptions
from ecgan.registry import register_model


class VaeOptions(VariationalOptions, AutoencoderOptions):
    """Parameters of `vae`."""


@register_model("vae", "variational_autoencoder")
class Vae(Variational, Autoencoder):
    """A variational autoencoder."""

    title = "variational autoencoder: β-VAEGAN without its discriminator"
    source = "Kingma and Welling, ICLR 2014"
    Options: ClassVar[Any] = VaeOptions
    options: VaeOptions
