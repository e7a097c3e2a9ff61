"""An exponential moving average of the weights, which validation sees and versions hold.

After step t the average takes the share 1 − d of the new weights, d = min(decay, (1 + t) / (10 + t)): at first it
follows closely, so that the initial weights are soon forgotten. Parameters and the running statistics of batch
normalisation are averaged, all other buffers are those of the last step. Polyak and Juditsky, SIAM J. Control Optim.
1992, average all steps alike; exponential averages of a GAN's weights: Yazıcı et al., ICLR 2019.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from ecgan.training.versions import Weights

_STATISTICS = ("running_mean", "running_var")


class Average:
    """The average of a model's weights over training steps; with decay 0 it is off and costs nothing.

    `weights` is where the average stood when training was interrupted; empty at the start.
    """

    def __init__(self, decay: float, model: nn.Module, weights: Weights) -> None:
        self.decay = decay
        self.model = model
        parameters = {name for name, _ in model.named_parameters()}
        self._sources = {  # the model's own tensors: training changes them in place
            key: value
            for key, value in (model.state_dict() if decay else {}).items()
            if key in parameters or key.rpartition(".")[2] in _STATISTICS
        }
        self.weights: Weights = {
            key: weights.get(key, value).to(value.device, copy=True) for key, value in self._sources.items()
        }

    def update(self, step: int) -> None:
        """Take in the weights after step t = 0, 1, …, counted over all epochs."""
        if not self.decay:
            return
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        for average, source in zip(self.weights.values(), self._sources.values(), strict=True):
            average.lerp_(source, share)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the model the averaged weights for a while; afterwards it has its own again."""
        own = {key: value.detach().clone() for key, value in self.model.state_dict().items()} if self.decay else {}
        self.apply()
        try:
            yield
        finally:
            if own:
                self.model.load_state_dict(own)

    def apply(self) -> None:
        """Give the model the averaged weights for good."""
        if self.decay:
            self.model.load_state_dict(self.weights, strict=False)
