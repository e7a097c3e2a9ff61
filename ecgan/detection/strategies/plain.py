"""The one component of a detector that has only one, or its total."""

from ecgan.detection.base import F64
from ecgan.detection.strategies.base import Components, Strategy
from ecgan.errors import EcganError
from ecgan.registry import register_strategy

TOTAL = "total"
"""The component of a detector that adds up the others itself."""


@register_strategy("plain")
class Plain(Strategy):
    """The one component that there is, or the detector's own `total` of them; nothing is fitted."""

    title = "the one component of a detector that has only one, or its total"

    def score(self, components: Components) -> F64:
        """The component, unscaled."""
        if TOTAL in components:
            return components[TOTAL]
        if len(components) != 1:
            raise EcganError(
                "the strategy 'plain' takes the only component of a detector, or its total;"
                f" this one has {', '.join(components)}.",
                "Choose another strategy: `ecgan list strategies`.",
            )
        return next(iter(components.values()))
