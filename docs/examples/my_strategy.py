"""A strategy of your own: what stands out most, as a whole or smoothed."""

import numpy as np

from ecgan.detection.base import F64, State
from ecgan.detection.strategies.base import Components, Labels, Strategy
from ecgan.registry import register_strategy


@register_strategy("largest")
class Largest(Strategy):
    """The larger of R and S, each in units of its median on the fitting half of validation, without labels."""

    title = "the larger of reconstruction error and smoothed residual (example plug-in)"
    needs = ("reconstruction", "smoothed")

    def fit(self, components: Components, labels: Labels) -> None:
        """Learn the medians."""
        self.medians = [float(np.median(components[name])) or 1.0 for name in self.needs]

    def score(self, components: Components) -> F64:
        """Return one score (n,) a sample: float64, higher = more abnormal."""
        return np.maximum(*(components[name] / median for name, median in zip(self.needs, self.medians, strict=True)))

    def state(self) -> State:
        """Return everything that was learned, as arrays and plain JSON values."""
        return State(values={"medians": self.medians})

    def restore(self, state: State) -> None:
        """Take it back; afterwards `score` gives the same bytes."""
        self.medians = [float(value) for value in state.values["medians"]]
