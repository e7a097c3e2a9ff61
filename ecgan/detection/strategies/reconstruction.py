"""The reconstruction error R."""

from ecgan.detection.base import F64
from ecgan.detection.strategies.base import Components, Strategy
from ecgan.registry import register_strategy


@register_strategy("reconstruction")
class Reconstruction(Strategy):
    """R alone; nothing is fitted."""

    title = "the reconstruction error"
    needs = ("reconstruction",)

    def score(self, components: Components) -> F64:
        """The reconstruction error, unscaled."""
        return components["reconstruction"]
