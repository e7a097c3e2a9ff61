"""The smoothed residual S."""

from ecgan.detection.base import F64
from ecgan.detection.strategies.base import Components, Labels, Strategy
from ecgan.registry import register_strategy


@register_strategy("smoothed")
class Smoothed(Strategy):
    """S alone; nothing is fitted."""

    title = "the slow part of the residual, in units of what is normal"
    needs = ("smoothed",)

    def fit(self, components: Components, labels: Labels) -> None:
        """Nothing to learn: the scale of S was learned from training samples."""

    def score(self, components: Components) -> F64:
        """The smoothed residual, unscaled."""
        return components["smoothed"]
