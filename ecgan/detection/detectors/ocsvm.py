"""A boundary around the training samples, drawn by a support vector machine that knows one class only."""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.spatial.distance import cdist

from ecgan.config.options import Options
from ecgan.detection.base import F32, F64, State
from ecgan.detection.classical import Classical, check_width, drawn
from ecgan.detection.stored import AGAIN, stored_array, stored_number
from ecgan.errors import EcganError
from ecgan.registry import register_detector
from ecgan.runtime import derive_seed


class OcsvmOptions(Options):
    """Parameters of the detector `ocsvm`."""

    nu: float = Field(
        0.05, gt=0, le=1, description="ν: at most this share of the training samples lies outside the boundary"
    )
    gamma: Annotated[float, Field(gt=0)] | Literal["scale"] = Field(
        "scale", description="γ of the kernel exp(−γ‖x − s‖²); scale takes 1 / (values of a sample · variance)"
    )
    samples: int = Field(
        5000,
        ge=2,
        description="Most training samples that are learned from, drawn at random if there are more: time grows with"
        " the square of their number",
    )


@register_detector("ocsvm")
class Ocsvm(Classical):
    """One-class support vector machine (Schölkopf et al. 2001): ρ − Σ_s α_s exp(−γ‖x − s‖²), positive outside.

    Far from every support vector the kernel vanishes and the score is ρ, however far the sample is.
    """

    title: ClassVar[str] = "one-class support vector machine"
    source: ClassVar[str] = "Schölkopf et al., Neural Computation 2001"
    Options: ClassVar[type[Options]] = OcsvmOptions
    component: ClassVar[str] = "outside"

    _support: F64  # (s, C * L)
    _coefficients: F64  # (s,)
    _rho: float
    _gamma: float

    def check_count(self, count: int) -> None:
        """Refuse training sets that have no extent."""
        if count < 2:
            raise EcganError(
                f"the detector {self.name!r} needs at least two training samples, and there are {count}.",
                "Give more training samples.",
            )

    def learn(self, rows: F32) -> None:
        """Fit the boundary to the rows (m, C·L)."""
        from sklearn.svm import OneClassSVM

        chosen = drawn(rows, self.options.samples, derive_seed(self.seed, "samples")).astype(np.float64)
        self._gamma = _scale(chosen) if self.options.gamma == "scale" else float(self.options.gamma)
        machine = OneClassSVM(kernel="rbf", nu=self.options.nu, gamma=self._gamma).fit(chosen)
        self._support = np.ascontiguousarray(machine.support_vectors_, dtype=np.float64)
        self._coefficients = np.ascontiguousarray(machine.dual_coef_[0], dtype=np.float64)
        self._rho = -float(machine.intercept_[0])

    def score(self, rows: F32) -> F64:
        """How far outside the boundary the rows (b, C·L) are."""
        kernel = np.exp(-self._gamma * cdist(rows.astype(np.float64), self._support, "sqeuclidean"))  # (b, s)
        outside: F64 = self._rho - np.multiply(kernel, self._coefficients, out=kernel).sum(axis=1)
        return outside

    def learned(self) -> State:
        """Support vectors, their coefficients, ρ and γ."""
        arrays = {"support": self._support, "coefficients": self._coefficients}
        return State(arrays=arrays, values={"rho": self._rho, "gamma": self._gamma})

    def relearn(self, state: State, width: int) -> None:
        """Take back what `learned` gave."""
        support = stored_array(state, "support", dtype=np.float64, ndim=2)
        coefficients = stored_array(state, "coefficients", dtype=np.float64, ndim=1)
        check_width("support", support, width)
        if len(support) != len(coefficients):
            raise EcganError("the stored support vectors and their coefficients differ in number.", AGAIN)
        self._rho, self._gamma = (stored_number(state.values, key) for key in ("rho", "gamma"))
        self._support, self._coefficients = support, coefficients


def _scale(rows: F64) -> float:
    variance = float(rows.var())
    return 1.0 / (rows.shape[1] * variance) if variance > 0 else 1.0
