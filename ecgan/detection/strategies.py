"""Strategies: how the components of abnormality of a sample become one score.

With R, D and Z scaled to 0–1 by their smallest and largest values on the fit half of validation (written R', D',
Z'; other samples may lie outside 0–1 and are not clipped):

- `reconstruction`: R as it is;
- `smoothed`: S as it is, the slow part of the residual in units of what is normal (`ecgan.detection.smoothing`);
- `lambda_grid`: λR' + (1 − λ)D', λ from 0, 1/49, …, 1;
- `lambda_gamma_grid`: λR' + γD' + (1 − λ − γ)Z', λ and γ from the same numbers, λ + γ ≤ 1 (1,275 pairs, which
  contain the λ grid);
- `svm_lambda`, `svm_lambda_gamma`: the decision function of a radial SVM on (R', D') or (R', D', Z');
- `plain`: the one component of a detector that has only one.

The grids take the weights whose best F1 of the abnormal class over all thresholds is highest on the fit half; of
equally good ones, the one with the larger λ, then the larger γ. Source: Lüer et al., arXiv 2310.18091.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ecgan.detection.base import F64, State
from ecgan.detection.components import has_extent
from ecgan.detection.stored import AGAIN, stored_array, stored_mapping, stored_number
from ecgan.detection.svm import RbfSvm, fit_svm
from ecgan.detection.weighing import Weights, best_weights, weighted_sum
from ecgan.errors import EcganError, nearest

SVM_SAMPLES = 10_000

Components = dict[str, F64]
Labels = NDArray[np.int64]


class Strategy(ABC):
    """A way to weigh components.

    Attributes:
        name: Its name in params.yaml and in every table.
        needs: The components that it weighs; empty if it takes the only one there is.
        labelled: Whether it learns from abnormal labels (then its rows are supervised, "S").
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    labelled: ClassVar[bool] = False

    def __init__(self, *, seed: int = 0, svm_samples: int = SVM_SAMPLES) -> None:
        self.seed = seed
        self.svm_samples = svm_samples

    @abstractmethod
    def fit(self, components: Components, labels: Labels) -> None:
        """Learn from the fit half of validation: components (n,) by name, class ids (n,) with 0 for normal."""

    @abstractmethod
    def score(self, components: Components) -> F64:
        """One score (n,) a sample, higher = more abnormal."""

    def parameters(self) -> dict[str, float]:
        """What was learned, in a few numbers for the reports."""
        return {}

    def state(self) -> State:
        """Everything that `fit` learned."""
        return State()

    def restore(self, state: State) -> None:  # noqa: B027 - strategies that learn nothing restore nothing
        """Take back what `state` gave; afterwards `score` gives the same bytes."""


class Reconstruction(Strategy):
    """R alone; nothing is fitted."""

    name = "reconstruction"
    needs = ("reconstruction",)

    def fit(self, components: Components, labels: Labels) -> None:
        """Nothing to learn."""

    def score(self, components: Components) -> F64:
        """The reconstruction error, unscaled."""
        return components["reconstruction"]


class Smoothed(Strategy):
    """S alone; nothing is fitted."""

    name = "smoothed"
    needs = ("smoothed",)

    def fit(self, components: Components, labels: Labels) -> None:
        """Nothing to learn: the scale of S was learned from training samples."""

    def score(self, components: Components) -> F64:
        """The smoothed residual, unscaled."""
        return components["smoothed"]


class Plain(Strategy):
    """The one component that there is; nothing is fitted."""

    name = "plain"

    def fit(self, components: Components, labels: Labels) -> None:
        """Nothing to learn."""

    def score(self, components: Components) -> F64:
        """The component, unscaled."""
        if len(components) != 1:
            raise EcganError(
                f"the strategy 'plain' takes the only component of a detector; this one has {', '.join(components)}."
            )
        return next(iter(components.values()))


class Scaled(Strategy):
    """Base of the strategies that weigh components scaled to the range of the fit half."""

    labelled = True

    def __init__(self, *, seed: int = 0, svm_samples: int = SVM_SAMPLES) -> None:
        super().__init__(seed=seed, svm_samples=svm_samples)
        self._ranges: dict[str, tuple[float, float]] = {}

    def fit(self, components: Components, labels: Labels) -> None:
        """Learn the ranges, then what the strategy adds."""
        abnormal = labels != 0
        if not abnormal.any() or abnormal.all():
            missing = "normal" if abnormal.any() else "abnormal"
            raise EcganError(
                f"the validation half for fitting holds no {missing} sample,"
                f" and the strategy {self.name!r} learns from both kinds.",
                "Remove it from `detect.strategies`; 'reconstruction' learns from none.",
            )
        self._ranges = {name: (float(components[name].min()), float(components[name].max())) for name in self.needs}
        self._learn(self._scale(components), abnormal)

    def state(self) -> State:
        """The ranges."""
        return State(values={"ranges": {name: list(ends) for name, ends in self._ranges.items()}})

    def restore(self, state: State) -> None:
        """Take back the ranges."""
        ranges = stored_mapping(state.values, "ranges")
        self._ranges = {name: _stored_range(ranges, name) for name in self.needs}

    @abstractmethod
    def _learn(self, scaled: list[F64], abnormal: NDArray[np.bool_]) -> None: ...

    def _scale(self, components: Components) -> list[F64]:
        return [scaled(components[name], *self._ranges[name]) for name in self.needs]


class Grid(Scaled):
    """Base of the weighted sums."""

    def __init__(self, *, seed: int = 0, svm_samples: int = SVM_SAMPLES) -> None:
        super().__init__(seed=seed, svm_samples=svm_samples)
        self._weights: Weights = ()

    def score(self, components: Components) -> F64:
        """The weighted sum."""
        return weighted_sum(self._weights, self._scale(components))

    def state(self) -> State:
        """Ranges and weights."""
        return State(values={**super().state().values, "weights": dict(zip(self.needs, self._weights, strict=True))})

    def restore(self, state: State) -> None:
        """Take back ranges and weights."""
        super().restore(state)
        weights = stored_mapping(state.values, "weights")
        self._weights = tuple(stored_number(weights, name) for name in self.needs)

    def parameters(self) -> dict[str, float]:
        """λ and, where there is one, γ."""
        return dict(zip(("lambda", "gamma"), self._weights[:-1], strict=False))

    def _learn(self, scaled: list[F64], abnormal: NDArray[np.bool_]) -> None:
        self._weights = best_weights(scaled, abnormal)


class LambdaGrid(Grid):
    """λR' + (1 − λ)D'."""

    name = "lambda_grid"
    needs = ("reconstruction", "discrimination")


class LambdaGammaGrid(Grid):
    """λR' + γD' + (1 − λ − γ)Z'."""

    name = "lambda_gamma_grid"
    needs = ("reconstruction", "discrimination", "latent")


class Svm(Scaled):
    """Base of the support vector machines; the score is the decision function, positive for abnormal."""

    def __init__(self, *, seed: int = 0, svm_samples: int = SVM_SAMPLES) -> None:
        super().__init__(seed=seed, svm_samples=svm_samples)
        self._machine: RbfSvm | None = None

    def score(self, components: Components) -> F64:
        """The decision function."""
        return self._fitted().decision(np.stack(self._scale(components), axis=1))  # (n, d)

    def state(self) -> State:
        """Ranges, support vectors, dual coefficients, intercept and γ."""
        machine = self._fitted()
        return State(
            arrays={"support": machine.support, "coefficients": machine.coefficients},
            values={**super().state().values, "intercept": machine.intercept, "gamma": machine.gamma},
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
        self._machine = fit_svm(np.stack(scaled, axis=1), abnormal, samples=self.svm_samples, seed=self.seed)

    def _fitted(self) -> RbfSvm:
        if self._machine is None:
            raise EcganError(f"the strategy {self.name!r} has not been fitted.")
        return self._machine


class SvmLambda(Svm):
    """A radial SVM on (R', D')."""

    name = "svm_lambda"
    needs = ("reconstruction", "discrimination")


class SvmLambdaGamma(Svm):
    """A radial SVM on (R', D', Z')."""

    name = "svm_lambda_gamma"
    needs = ("reconstruction", "discrimination", "latent")


STRATEGIES: dict[str, type[Strategy]] = {
    cls.name: cls for cls in (Reconstruction, Smoothed, LambdaGrid, LambdaGammaGrid, SvmLambda, SvmLambdaGamma, Plain)
}


def strategy_class(name: str) -> type[Strategy]:
    """The strategy of that name; an unknown name lists what there is."""
    if name not in STRATEGIES:
        raise EcganError(
            f"there is no strategy {name!r}{nearest(name, list(STRATEGIES))}",
            f"Known strategies: {', '.join(STRATEGIES)}.",
        )
    return STRATEGIES[name]


def supervision(strategy: str, select_by: str | None) -> str:
    """How much a row of a table owes to abnormal labels.

    Args:
        strategy: Name of the strategy.
        select_by: Criterion by which the model's version was chosen; None for detectors without a model.

    Returns:
        "U" if abnormal labels were used for nothing but the threshold, "S" if they fitted anything else: the
        strategy, or the choice of the version by anything but the loss.
    """
    return "S" if strategy_class(strategy).labelled or select_by not in (None, "loss") else "U"


def scaled(values: F64, low: float, high: float) -> F64:
    """(e − low) / (high − low); a range without extent (a constant component) only loses its offset."""
    return (values - low) / (high - low if has_extent(low, high) else 1.0)


def _stored_range(ranges: dict[str, Any], name: str) -> tuple[float, float]:
    ends = ranges.get(name)
    if not isinstance(ends, list) or len(ends) != 2:
        raise EcganError(f"the stored range of {name!r} is {ends!r}; expected two numbers.", AGAIN)
    pair = {"low": ends[0], "high": ends[1]}
    return stored_number(pair, "low"), stored_number(pair, "high")
