"""A support vector machine on R and D, and what such machines share."""

import numpy as np
from numpy.typing import NDArray

from ecgan.detection.base import F64, State
from ecgan.detection.stored import AGAIN, stored_array, stored_number
from ecgan.detection.strategies.base import Components, Scaled
from ecgan.detection.svm import SMOOTH, USUAL, RbfSvm, fit_svm
from ecgan.errors import EcganError
from ecgan.registry import register_strategy


class Svm(Scaled):
    """Base of the support vector machines; the score is the decision function, positive for abnormal."""

    _machine: RbfSvm | None = None

    def score(self, components: Components) -> F64:
        """The decision function."""
        return self._fitted().decision(np.stack(self._scale(components), axis=1))  # (n, d)

    def state(self) -> State:
        """Scales, support vectors, dual coefficients, intercept and γ."""
        machine, scales = self._fitted(), super().state()
        return State(
            arrays={**scales.arrays, "support": machine.support, "coefficients": machine.coefficients},
            values={**scales.values, "intercept": machine.intercept, "gamma": machine.gamma},
        )

    def restore(self, state: State) -> None:
        """Take back what `state` gave."""
        super().restore(state)
        support = stored_array(state, "support", dtype=np.float64, ndim=2)
        coefficients = stored_array(state, "coefficients", dtype=np.float64, ndim=1)
        if support.shape != (len(coefficients), len(self.needs)):
            raise EcganError(
                f"the stored support vectors have shape {support.shape};"
                f" expected {(len(coefficients), len(self.needs))}.",
                AGAIN,
            )
        intercept, gamma = stored_number(state.values, "intercept"), stored_number(state.values, "gamma")
        self._machine = RbfSvm(support, coefficients, intercept, gamma)

    def parameters(self) -> dict[str, float]:
        """γ of the kernel, and how many support vectors there are."""
        machine = self._fitted()
        return {"kernel_gamma": machine.gamma, "support_vectors": len(machine.support)}

    def _learn(self, scaled: list[F64], abnormal: NDArray[np.bool_]) -> None:
        points, settings = np.stack(scaled, axis=1), SMOOTH if self.choice == "stable" else USUAL  # (n, d)
        self._machine = fit_svm(points, abnormal, samples=self.svm_samples, seed=self.seed, settings=settings)

    def _fitted(self) -> RbfSvm:
        if self._machine is None:
            raise EcganError(
                f"the strategy {self.name!r} has not been fitted.", "Fit it first: `fit`, or `ecgan detect`."
            )
        return self._machine


@register_strategy("svm_lambda")
class SvmLambda(Svm):
    """A radial SVM on (R', D')."""

    title = "support vector machine on reconstruction error and discrimination"
    source = "Lüer et al., arXiv 2310.18091"
    needs = ("reconstruction", "discrimination")
