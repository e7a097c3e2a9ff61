"""A weighted sum of R and D, and what weighted sums share."""

import numpy as np
from numpy.typing import NDArray

from ecgan.detection.base import F64, State
from ecgan.detection.stored import stored_mapping, stored_number
from ecgan.detection.strategies.base import Components, Scaled
from ecgan.detection.svm import stratified
from ecgan.detection.weighing import Weights, best_weights, stable_weights, weighted_sum
from ecgan.registry import register_strategy

STABLE_SAMPLES = 4096  # that weights are compared on: 1,275 sorts of all samples take long, and tell little more


class Grid(Scaled):
    """Base of the weighted sums."""

    weights: Weights = ()

    def score(self, components: Components) -> F64:
        """The weighted sum."""
        return weighted_sum(self.weights, self._scale(components))

    def state(self) -> State:
        """Scales and weights."""
        scales = super().state()
        return State(scales.arrays, scales.values | {"weights": dict(zip(self.needs, self.weights, strict=True))})

    def restore(self, state: State) -> None:
        """Take back scales and weights."""
        super().restore(state)
        weights = stored_mapping(state.values, "weights")
        self.weights = tuple(stored_number(weights, name) for name in self.needs)

    def parameters(self) -> dict[str, float]:
        """λ and, where there is one, γ."""
        return dict(zip(("lambda", "gamma"), self.weights[:-1], strict=False))

    def _learn(self, scaled: list[F64], abnormal: NDArray[np.bool_]) -> None:
        if self.choice == "best":
            self.weights = best_weights(scaled, abnormal)
            return
        rows = stratified(abnormal, STABLE_SAMPLES, np.random.default_rng(self.seed))
        self.weights = stable_weights([part[rows] for part in scaled], abnormal[rows])


@register_strategy("lambda_grid")
class LambdaGrid(Grid):
    """λR' + (1 − λ)D'."""

    title = "weighted sum of reconstruction error and discrimination"
    source = "Lüer et al., arXiv 2310.18091"
    needs = ("reconstruction", "discrimination")
