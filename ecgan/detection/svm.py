"""A support vector machine with a radial kernel on two or three components.

Fitted by scikit-learn; what it found is kept as arrays and evaluated here:
f(x) = Σ_s α_s · exp(−γ ‖x − s‖²) + b, positive for abnormal. Far from everything that it was fitted on, the
kernel vanishes and f(x) is b, however large the components are: an SVM does not extrapolate.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgan.detection.base import F64
from ecgan.errors import EcganError

_BLOCK_VALUES = 2_000_000


@dataclass(frozen=True)
class RbfSvm:
    """A fitted machine.

    Attributes:
        support: Support vectors (s, d).
        coefficients: Their signed dual coefficients (s,), positive for abnormal ones.
        intercept: b.
        gamma: γ of the kernel.
    """

    support: F64
    coefficients: F64
    intercept: float
    gamma: float

    def decision(self, x: F64) -> F64:
        """f(x) of the rows of x (n, d); each depends on its row alone."""
        found = np.empty(len(x), dtype=np.float64)
        block = max(1, _BLOCK_VALUES // max(len(self.support), 1))
        for start in range(0, len(x), block):
            rows = x[start : start + block]
            square = np.zeros((len(rows), len(self.support)))
            for axis in range(x.shape[1]):
                difference = rows[:, axis, None] - self.support[None, :, axis]
                square += np.square(difference, out=difference)
            kernel = np.exp(np.multiply(square, -self.gamma, out=square), out=square)
            found[start : start + block] = np.multiply(kernel, self.coefficients, out=kernel).sum(axis=1)
        return found + self.intercept


@dataclass(frozen=True)
class SvmSettings:
    """What a machine is fitted with.

    Attributes:
        penalty: C.
        gamma: γ of the kernel; None: 1 / (d · variance of x), the rule that scikit-learn calls "scale".
        balanced: Whether both classes have the same weight, however many samples they have.
    """

    penalty: float = 1.0
    gamma: float | None = None
    balanced: bool = False


USUAL = SvmSettings()
SMOOTH = SvmSettings(penalty=10.0, gamma=0.03, balanced=True)
"""For normal scores: a kernel wider than their spread, with which the decision is about a quadratic one."""


def fit_svm(x: F64, abnormal: NDArray[np.bool_], *, samples: int, seed: int, settings: SvmSettings = USUAL) -> RbfSvm:
    """Fit a machine to scaled components (n, d), of which both classes are there.

    At most so many `samples` are used, drawn at random by `seed` with the classes in proportion.
    """
    if not abnormal.any() or abnormal.all():
        raise EcganError(
            "a support vector machine needs normal and abnormal samples in the validation half for fitting.",
            "Choose a strategy without one, or more data in `split`.",
        )
    from sklearn.svm import SVC

    rows = stratified(abnormal, samples, np.random.default_rng(seed))
    points = x[rows]
    variance = float(points.var())
    gamma = settings.gamma or (1.0 / (points.shape[1] * variance) if variance > 0 else 1.0)
    weight = "balanced" if settings.balanced else None
    machine = SVC(C=settings.penalty, kernel="rbf", gamma=gamma, class_weight=weight)
    machine.fit(points, abnormal[rows].astype(np.int64))
    return RbfSvm(
        support=np.ascontiguousarray(machine.support_vectors_, dtype=np.float64),
        coefficients=np.ascontiguousarray(machine.dual_coef_[0], dtype=np.float64),
        intercept=float(machine.intercept_[0]),
        gamma=gamma,
    )


def stratified(abnormal: NDArray[np.bool_], samples: int, generator: np.random.Generator) -> NDArray[np.intp]:
    """Sorted indices of at most `samples` (at least 2) samples, both classes in proportion and present."""
    n = len(abnormal)
    if n <= samples:
        return np.arange(n)
    wanted = int(np.clip(round(samples * np.count_nonzero(abnormal) / n), 1, max(samples - 1, 1)))
    parts = [
        generator.choice(np.flatnonzero(which), size=size, replace=False)
        for which, size in ((abnormal, wanted), (~abnormal, max(samples - wanted, 1)))
    ]
    return np.sort(np.concatenate(parts))
