"""Strategies: how the components of abnormality of a sample become one score.

R', D' and Z' are R, D and Z on a common scale, learned on the fit half of validation:

- `reconstruction`: R as it is;
- `smoothed`: S as it is, the slow part of the residual in units of what is normal (`ecgan.detection.smoothing`);
- `lambda_grid`: λR' + (1 − λ)D', λ from 0, 1/49, …, 1;
- `lambda_gamma_grid`: λR' + γD' + (1 − λ − γ)Z', λ and γ from the same numbers, λ + γ ≤ 1 (1,275 pairs, which
  contain the λ grid);
- `svm_lambda`, `svm_lambda_gamma`: the decision function of a radial SVM on (R', D') or (R', D', Z');
- `plain`: the one component of a detector that has only one, or its own total.

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
from ecgan.errors import EcganError
from ecgan.registry import STRATEGIES

SVM_SAMPLES = 10_000

Choice = Literal["stable", "best"]
CHOICE: Choice = "stable"

Components = dict[str, F64]
Labels = NDArray[np.int64]


class Strategy(ABC):
    """A way to weigh components, with every detector that gives what it needs.

    One file in `ecgan/detection/strategies/`, registered with `@register_strategy("name")`.

    Attributes:
        title: What it is, one line.
        source: The paper that it follows, where there is one.
        needs: The components that it weighs; empty if it takes the only one there is.
        labelled: Whether it learns from abnormal labels (then its rows are supervised, "S").
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str] = ""
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


def supervision(strategy: str, select_by: str | None) -> str:
    """How much a row of a table owes to abnormal labels.

    Args:
        strategy: Name of the strategy.
        select_by: Criterion by which the model's version was chosen; None for detectors without a model.

    Returns:
        "U" if abnormal labels were used for nothing but the threshold, "S" if they fitted anything else: the
        strategy, or the choice of the version by anything but the loss.
    """
    return "S" if STRATEGIES.get(strategy).labelled or select_by not in (None, "loss") else "U"
