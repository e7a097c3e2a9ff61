"""A model made from another one: an autoencoder of a few thousand weights."""

from typing import Any, ClassVar

from pydantic import Field

from ecgan.models.autoencoder import Autoencoder, AutoencoderOptions
from ecgan.registry import register_model


class SlimOptions(AutoencoderOptions):
    """The keys of `autoencoder` with other defaults."""

    width: float = Field(0.0625, gt=0, le=1, description="factor on the number of channels")
    latent_size: int = Field(3, ge=1, description="Z, the number of latent dimensions")


@register_model("slim", "slim_autoencoder")
class Slim(Autoencoder):
    """Networks and loss are those of `autoencoder`."""

    title = "slim autoencoder (example package)"
    source = "Zhou et al., BeatGAN, IJCAI 2019"
    Options: ClassVar[Any] = SlimOptions
