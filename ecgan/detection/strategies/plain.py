"""The one component of a detector that has only one."""

from ecgan.detection.base import F64
from ecgan.detection.strategies.base import Components, Labels, Strategy
from ecgan.errors import EcganError
from ecgan.registry import register_strategy


@register_strategy("plain")
class Plain(Strategy):
    """The one component that there is; nothing is fitted."""

    title = "the one component of a detector that has only one"

    def fit(self, components: Components, labels: Labels) -> None:
        """Nothing to learn."""

    def score(self, components: Components) -> F64:
        """The component, unscaled."""
        if len(components) != 1:
            raise EcganError(
                f"the strategy 'plain' takes the only component of a detector; this one has {', '.join(components)}."
            )
        return next(iter(components.values()))
