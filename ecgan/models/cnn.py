"""A convolutional classifier: the body of BeatGAN's encoder with one output a class (as in ECGAN)."""

from typing import Any, ClassVar

from pydantic import Field
from torch import nn

from ecgan.models.classifier import ClassifierOptions, NetworkClassifier
from ecgan.models.networks import Encoder
from ecgan.models.options import NormName
from ecgan.registry import register_model


class CnnOptions(ClassifierOptions):
    """Parameters of `cnn`; the defaults are the published ones."""

    norm: NormName = Field("batch", description="normalisation between the convolutions")


@register_model("cnn")
class Cnn(NetworkClassifier):
    """Five strided convolutions and one over what they leave."""

    title = "CNN: convolutional classifier"
    source = "encoder of Zhou et al., BeatGAN, IJCAI 2019"
    Options: ClassVar[Any] = CnnOptions
    options: CnnOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {
        "split": {"protocol": "stratified", "train_on": "all"},
        "detect": {"detector": "argmax"},
    }

    def build_network(self) -> nn.Module:
        """Return the network."""
        return Encoder(self.channels, self.length, self.classes, self.options.width, self.options.norm)
