"""Scaling of samples before they reach a model, learned from the training data alone."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Range = tuple[float, float]

_BLOCK = 4096  # samples that are computed in float64 at once


class Transformation(ABC):
    """A scaling; arrays are (n, L, C) float32 on both sides.

    Args:
        target: The range of values that minmax and individual map to.
    """

    name: ClassVar[str]

    def __init__(self, target: Range = (0.0, 1.0)) -> None:
        self.target = (float(target[0]), float(target[1]))

    def fit(self, x: F32) -> None:
        """Learn from the training samples x (n, L, C)."""
        self._learn(_checked(x))

    @abstractmethod
    def apply(self, x: F32) -> F32:
        """Transform x (n, L, C). Samples beyond what was seen in training may leave the target range."""

    @abstractmethod
    def invert(self, y: F32, like: F32) -> F32:
        """Turn y (n, L, C) back into the unit of the data.

        Args:
            y: Transformed samples, or a model's reconstructions of them.
            like: The untransformed samples that y belongs to, (n, L, C): `individual` takes their range.
        """

    def state(self) -> dict[str, Any]:
        """Return everything that was learned as plain JSON values."""
        return {"name": self.name, "target": list(self.target), **self._learned()}

    def _learn(self, x: F32) -> None:  # noqa: B027 -- most learn something, two have nothing to learn
        """Learn from x (n, L, C), which is known to be finite."""

    def _learned(self) -> dict[str, list[float]]:
        return {}

    def _take_back(self, learned: dict[str, list[float]]) -> None:
        if learned:
            raise ValueError(f"{self.name} has no {', '.join(learned)}")


class Unchanged(Transformation):
    """`none`: the samples as they are."""

    name = "none"

    def apply(self, x: F32) -> F32:
        """Return x."""
        return x

    def invert(self, y: F32, like: F32) -> F32:
        """Return y."""
        return y


class _Affine(Transformation):
    """y = (x − shift) / scale · width + base, with one shift, scale and base a lead.

    Attributes:
        shift: Shape (C,).
        scale: Shape (C,), never 0.
        base: Shape (C,).
    """

    keys: ClassVar[tuple[str, str]]

    def __init__(self, target: Range = (0.0, 1.0)) -> None:
        super().__init__(target)
        self.stored: tuple[F64, F64] | None = None

    @abstractmethod
    def _terms(self) -> tuple[F64, F64, F64, float]:
        """Return shift, scale, base and width."""

    def apply(self, x: F32) -> F32:
        """Transform x (n, L, C)."""
        shift, scale, base, width = self._fitted(x)
        return _blockwise(lambda part, _: (part - shift) / scale * width + base, x, x)

    def invert(self, y: F32, like: F32) -> F32:
        """Turn y (n, L, C) back; `like` is not needed."""
        shift, scale, base, width = self._fitted(y)
        return _blockwise(lambda part, _: (part - base) / width * scale + shift, y, y)

    def _fitted(self, x: F32) -> tuple[F64, F64, F64, float]:
        if self.stored is None:
            raise EcganError(f"the transformation {self.name!r} was not fitted.")
        if x.ndim != 3 or x.shape[2] != len(self.stored[0]):
            raise EcganError(
                f"the transformation {self.name!r} was learned on {len(self.stored[0])} leads, the samples have shape"
                f" {x.shape}."
            )
        return self._terms()

    def _learned(self) -> dict[str, list[float]]:
        if self.stored is None:
            return {}
        return {key: [float(v) for v in values] for key, values in zip(self.keys, self.stored, strict=True)}

    def _take_back(self, learned: dict[str, list[float]]) -> None:
        if set(learned) != set(self.keys) or len(learned[self.keys[0]]) != len(learned[self.keys[1]]):
            raise ValueError(f"{self.name} needs {' and '.join(self.keys)}, one value a lead")
        self.stored = (np.array(learned[self.keys[0]]), np.array(learned[self.keys[1]]))


class MinMax(_Affine):
    """`minmax`: each lead's range in the training data to the target range.

    A lead that is constant in the training data is moved to the middle of the target range.
    """

    name = "minmax"
    keys = ("low", "high")

    def _learn(self, x: F32) -> None:
        self.stored = (x.min(axis=(0, 1)).astype(np.float64), x.max(axis=(0, 1)).astype(np.float64))

    def _terms(self) -> tuple[F64, F64, F64, float]:
        assert self.stored is not None
        return _range_terms(*self.stored, self.target)


class Standard(_Affine):
    """`standard`: each lead to mean 0 and standard deviation 1 over the training data; a constant lead to 0."""

    name = "standard"
    keys = ("mean", "std")

    def _learn(self, x: F32) -> None:
        count = x.shape[0] * x.shape[1]
        mean = sum(_float64(part).sum(axis=(0, 1)) for part in _blocks(x)) / count
        variance = sum(((_float64(part) - mean) ** 2).sum(axis=(0, 1)) for part in _blocks(x)) / count
        constant = x.min(axis=(0, 1)) == x.max(axis=(0, 1))
        self.stored = (
            np.where(constant, x[0, 0].astype(np.float64), mean),
            np.where(constant, 0.0, np.sqrt(variance)),
        )

    def _terms(self) -> tuple[F64, F64, F64, float]:
        assert self.stored is not None
        mean, std = self.stored
        return mean, np.where(std > 0, std, 1.0), np.zeros(len(mean)), 1.0


class Individual(Transformation):
    """`individual`: each sample's range in each lead to the target range; nothing is learned.

    A lead that is constant in a sample is moved to the middle of the target range.
    """

    name = "individual"

    def apply(self, x: F32) -> F32:
        """Transform x (n, L, C)."""

        def scaled(part: F64, _: F64) -> F64:
            shift, scale, base, width = self._terms(part)
            return (part - shift) / scale * width + base

        return _blockwise(scaled, x, x)

    def invert(self, y: F32, like: F32) -> F32:
        """Turn y (n, L, C) back into the range of the samples `like` (n, L, C)."""
        if y.shape != like.shape:
            raise EcganError(f"samples of shape {y.shape} cannot be scaled like samples of shape {like.shape}.")

        def restored(part: F64, raw: F64) -> F64:
            shift, scale, base, width = self._terms(raw)
            return (part - base) / width * scale + shift

        return _blockwise(restored, y, like)

    def _terms(self, raw: F64) -> tuple[F64, F64, F64, float]:
        return _range_terms(raw.min(axis=1, keepdims=True), raw.max(axis=1, keepdims=True), self.target)


TRANSFORMATIONS: dict[str, type[Transformation]] = {cls.name: cls for cls in (Unchanged, MinMax, Standard, Individual)}


def make_transformation(name: str, output_range: Range | None = None) -> Transformation:
    """Return an unfitted transformation.

    Args:
        name: none, minmax, standard or individual.
        output_range: Values that the model can produce; None (any) maps to 0…1.

    Raises:
        EcganError: There is no such transformation.
    """
    if name not in TRANSFORMATIONS:
        raise EcganError(f"there is no transformation {name!r}.", f"Known: {', '.join(TRANSFORMATIONS)}.")
    return TRANSFORMATIONS[name](output_range or (0.0, 1.0))


def fit_transformation(name: str, train: F32, output_range: Range | None = None) -> Transformation:
    """Return a transformation fitted on the training samples, which the model can then reconstruct.

    Args:
        name: none, minmax, standard or individual.
        train: Training samples (n, L, C).
        output_range: Values that the model can produce; None means any.

    Raises:
        EcganError: The training data are not finite, or leave the range that the model can produce.
    """
    transformation = make_transformation(name, output_range)
    transformation.fit(train)
    check_range(transformation, train, output_range)
    return transformation


def check_range(transformation: Transformation, train: F32, output_range: Range | None) -> None:
    """Refuse training samples that a model cannot reconstruct after their transformation.

    Args:
        transformation: Fitted.
        train: Untransformed training samples (n, L, C).
        output_range: Values that the model can produce; None means any.

    Raises:
        EcganError: Transformed samples leave the range.
    """
    if output_range is None:
        return
    low, high = output_range
    values = [(float(y.min()), float(y.max())) for y in map(transformation.apply, _blocks(train))]
    least, most = min(v[0] for v in values), max(v[1] for v in values)
    slack = 1e-5 * (high - low)
    if least < low - slack or most > high + slack:
        raise EcganError(
            f"the model can only produce values from {low:g} to {high:g}, but with the transformation"
            f" {transformation.name!r} the training data reach from {least:.4g} to {most:.4g}.",
            "Set train.transformation to individual or minmax, or give the model an output without bounds.",
        )


def restore_transformation(state: Any) -> Transformation:
    """Return the transformation whose `state` was stored.

    Raises:
        EcganError: The state is not one that a transformation gives.
    """
    try:
        return _restored(state)
    except ValueError as error:
        raise EcganError(f"the stored transformation cannot be used: {error}.", "Train the model again.") from None


def _restored(state: Any) -> Transformation:
    if not isinstance(state, dict) or not isinstance(state.get("name"), str) or state["name"] not in TRANSFORMATIONS:
        raise ValueError(f"it names none of {', '.join(TRANSFORMATIONS)}")
    lists = {key: value for key, value in state.items() if key != "name"}
    for key, values in lists.items():
        if not isinstance(values, list) or not all(_is_number(value) for value in values):
            raise ValueError(f"{key} is no list of finite numbers")
    target = lists.pop("target", [])
    if len(target) != 2 or target[0] >= target[1]:
        raise ValueError("target is no range")
    transformation = TRANSFORMATIONS[state["name"]]((target[0], target[1]))
    transformation._take_back(lists)
    return transformation


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _range_terms(low: F64, high: F64, target: Range) -> tuple[F64, F64, F64, float]:
    """Return shift, scale, base and width that map low…high to the target; constant values go to its middle."""
    constant = high <= low
    base = np.where(constant, (target[0] + target[1]) / 2, target[0])
    return low, np.where(constant, 1.0, high - low), base, target[1] - target[0]


def _checked(x: F32) -> F32:
    if x.ndim != 3 or 0 in x.shape:
        raise EcganError(f"the training samples have shape {x.shape}, expected (n, L, C) without zeros.")
    for part in _blocks(x):
        if not np.isfinite(part).all():
            raise EcganError("the training samples hold NaN or infinity.", "Mend the dataset's preprocessing.")
    return x


def _blocks(x: F32) -> list[F32]:
    return [x[start : start + _BLOCK] for start in range(0, len(x), _BLOCK)]


def _float64(x: F32) -> F64:
    return x.astype(np.float64)


def _blockwise(function: Callable[[F64, F64], F64], x: F32, y: F32) -> F32:
    """Compute function(x, y) in float64, block by block; the result is float32 (n, L, C)."""
    result = np.empty(x.shape, dtype=np.float32)
    for start in range(0, len(x), _BLOCK):
        part = _float64(x[start : start + _BLOCK])
        other = part if y is x else _float64(y[start : start + _BLOCK])
        result[start : start + _BLOCK] = function(part, other)
    return result
