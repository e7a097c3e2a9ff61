"""A recurrent classifier: one LSTM layer whose last state names the class (as in ECGAN)."""

from typing import Any, ClassVar

from torch import nn

from ecgan.models.classifier import ClassifierOptions, NetworkClassifier
from ecgan.models.recurrent import RecurrentClassifier
from ecgan.registry import register_model


class RnnOptions(ClassifierOptions):
    """Parameters of `rnn`; the defaults are the published ones."""


@register_model("rnn")
class Rnn(NetworkClassifier):
    """LSTM and a linear layer."""

    title = "RNN: recurrent classifier"
    source = "Hochreiter and Schmidhuber, Neural Computation 1997"
    Options: ClassVar[Any] = RnnOptions
    options: RnnOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {
        "split": {"protocol": "stratified", "train_on": "all"},
        "detect": {"detector": "argmax"},
    }

    def build_network(self) -> nn.Module:
        """Return the network."""
        return RecurrentClassifier(self.channels, self.classes, self.options.width)
