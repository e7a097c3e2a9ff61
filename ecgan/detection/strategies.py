"""Strategies: how the components of abnormality of a sample become one score.

R', D' and Z' are R, D and Z on a common scale, learned on the fit half of validation:

- `reconstruction`: R as it is;
- `smoothed`: S as it is, the slow part of the residual in units of what is normal (`ecgan.detection.smoothing`);
- `lambda_grid`: λR' + (1 − λ)D', λ from 0, 1/49, …, 1;
- `lambda_gamma_grid`: λR' + γD' + (1 − λ − γ)Z', λ and γ from the same numbers, λ + γ ≤ 1 (1,275 pairs, which
  contain the λ grid);
- `svm_lambda`, `svm_lambda_gamma`: the decision function of a radial SVM on (R', D') or (R', D', Z');
- `plain`: the one component of a detector that has only one.

How scale, weights and machine are chosen (`detect.choice`):

- `best`, as published (Lüer et al., arXiv 2310.18091): 0–1 by the smallest and largest values (other samples may lie
  outside and are not clipped); the weights whose best F1 of the abnormal class over all thresholds is highest; an SVM
  with C = 1 and γ by its "scale" rule;
- `stable`: normal scores; the first weights whose AUROC is within one standard error of the best; an SVM with both
  classes balanced and a wide kernel.

Of equally good weights both take those with the larger λ, then the larger γ.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ecgan.detection.base import F64, State
from ecgan.detection.scales import NormalScores, Range, Scale, restore_scales, scales_state
from ecgan.detection.stored import AGAIN, stored_array, stored_mapping, stored_number
from ecgan.detection.svm import SMOOTH, USUAL, RbfSvm, fit_svm, stratified
from ecgan.detection.weighing import Weights, best_weights, stable_weights, weighted_sum
from ecgan.errors import EcganError, nearest

SVM_SAMPLES = 10_000
STABLE_SAMPLES = 4096  # that weights are compared on: 1,275 sorts of all samples take long, and tell little more

Choice = Literal["stable", "best"]
CHOICE: Choice = "stable"

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

    def __init__(self, *, seed: int = 0, svm_samples: int = SVM_SAMPLES, choice: Choice = CHOICE) -> None:
        self.seed = seed
        self.svm_samples = svm_samples
        self.choice = choice

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
    """Base of the strategies that weigh components on a scale learned from the fit half."""

    labelled = True

    def __init__(self, *, seed: int = 0, svm_samples: int = SVM_SAMPLES, choice: Choice = CHOICE) -> None:
        super().__init__(seed=seed, svm_samples=svm_samples, choice=choice)
        self._scales: dict[str, Scale] = {}

    def fit(self, components: Components, labels: Labels) -> None:
        """Learn the scales, then what the strategy adds."""
        abnormal = labels != 0
        if not abnormal.any() or abnormal.all():
            missing = "normal" if abnormal.any() else "abnormal"
            raise EcganError(
                f"the validation half for fitting holds no {missing} sample,"
                f" and the strategy {self.name!r} learns from both kinds.",
                "Remove it from `detect.strategies`; 'reconstruction' learns from none.",
            )
        scale: type[Scale] = NormalScores if self.choice == "stable" else Range
        self._scales = {name: scale.learn(components[name]) for name in self.needs}
        self._learn(self._scale(components), abnormal)

    def state(self) -> State:
        """The scales."""
        return scales_state(self._scales)

    def restore(self, state: State) -> None:
        """Take back the scales."""
        self._scales = restore_scales(state, self.needs)

    @property
    def scales(self) -> list[Scale]:
        """The scale of each component of `needs`, in their order."""
        return [self._scales[name] for name in self.needs]

    @abstractmethod
    def _learn(self, scaled: list[F64], abnormal: NDArray[np.bool_]) -> None: ...

    def _scale(self, components: Components) -> list[F64]:
        return [scale.apply(components[name]) for name, scale in zip(self.needs, self.scales, strict=True)]


class Grid(Scaled):
    """Base of the weighted sums."""

    def __init__(self, *, seed: int = 0, svm_samples: int = SVM_SAMPLES, choice: Choice = CHOICE) -> None:
        super().__init__(seed=seed, svm_samples=svm_samples, choice=choice)
        self.weights: Weights = ()

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

    def __init__(self, *, seed: int = 0, svm_samples: int = SVM_SAMPLES, choice: Choice = CHOICE) -> None:
        super().__init__(seed=seed, svm_samples=svm_samples, choice=choice)
        self._machine: RbfSvm | None = None

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
