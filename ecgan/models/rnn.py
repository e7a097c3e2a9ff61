"""A recurrent classifier: one LSTM layer whose last state names the class (as in ECGAN); the rest is as in `cnn`."""

from typing import Any, ClassVar

from torch import Tensor, nn

from ecgan.models.cnn import ClassifierOptions, NetworkClassifier
from ecgan.models.layers.recurrence import Lstm, hidden_size
from ecgan.registry import register_model


class RecurrentClassifier(nn.Module):
    """x (B, C, L) → logits of the classes (B, K), from the last hidden state."""

    def __init__(self, channels: int, classes: int, width: float) -> None:
        super().__init__()
        self.recurrence = Lstm(channels, hidden_size(width))
        self.head = nn.Linear(hidden_size(width), classes)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        _, (last, _) = self.recurrence(x.transpose(1, 2))  # (B, C, L) → (B, L, C); last (1, B, H)
        logits: Tensor = self.head(last[0])
        return logits


@register_model("rnn")
class Rnn(NetworkClassifier):
    """LSTM and a linear layer."""

    title = "RNN: recurrent classifier"
    source = "Hochreiter and Schmidhuber, Neural Computation 1997"
    Options: ClassVar[Any] = ClassifierOptions
    options: ClassifierOptions

    def build_network(self) -> nn.Module:
        """Return the network."""
        return RecurrentClassifier(self.channels, self.classes, self.options.width)
