"""The smoothed residual S."""

from ecgan.detection.base import F64
from ecgan.detection.strategies.base import Components, Strategy
from ecgan.registry import register_strategy


@register_strategy("smoothed")
class Smoothed(Strategy):
    """S alone; nothing is fitted, as the scale of S was learned from training samples."""

    title = "the slow part of the residual, in units of what is normal"
    needs = ("smoothed",)

    def score(self, components: Components) -> F64:
        """The smoothed residual, unscaled."""
        return components["smoothed"]
