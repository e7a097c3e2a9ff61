"""Scaling of values: none, minmax, standard, individual."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from ecgan.errors import EcganError
from ecgan.preprocessing.transformations.base import (
    F32,
    F64,
    Learned,
    Range,
    Transformation,
    blocks,
    blockwise,
    float64,
    range_terms,
    scaled,
    unscaled,
)


class Unchanged(Transformation):
    """`none`: the samples as they are."""

    name = "none"

    def transform(self, x: F32) -> F32:
        """Return x."""
        return x

    def invert(self, y: F32, like: F32) -> F32:
        """Return y."""
        return y


class Affine(Transformation):
    """y = (x − shift) / scale · width + base, with one shift, scale and base a lead."""

    keys: ClassVar[tuple[str, str]]

    def __init__(self, target: Range = (0.0, 1.0), *, bounded: bool = False) -> None:
        super().__init__(target, bounded=bounded)
        self.stored: tuple[F64, F64] | None = None

    @abstractmethod
    def terms(self) -> tuple[F64, F64, F64, float]:
        """Return shift, scale, base and width, the first three of shape (C, 1); scale is never 0."""

    def transform(self, x: F32) -> F32:
        """Transform x (n, C, L)."""
        terms = self._fitted(x)
        return blockwise(lambda part: scaled(part, terms), x)

    def invert(self, y: F32, like: F32) -> F32:
        """Turn y (n, C, L) back; `like` is not needed."""
        terms = self._fitted(y)
        return blockwise(lambda part: unscaled(part, terms), y)

    def _fitted(self, x: F32) -> tuple[F64, F64, F64, float]:
        if self.stored is None:
            raise self._not_fitted()
        if x.ndim != 3 or x.shape[1] != len(self.stored[0]):
            raise self._other_shape(f"{len(self.stored[0])} leads", x)
        return self.terms()

    def _learned(self) -> Learned:
        if self.stored is None:
            return {}
        return {key: [float(v) for v in values] for key, values in zip(self.keys, self.stored, strict=True)}

    def take_back(self, learned: Learned) -> None:
        """Restore one value of each key a lead."""
        if set(learned) != set(self.keys) or len(learned[self.keys[0]]) != len(learned[self.keys[1]]):
            raise ValueError(f"{self.name} needs {' and '.join(self.keys)}, one value a lead")
        self.stored = (np.array(learned[self.keys[0]]), np.array(learned[self.keys[1]]))


class MinMax(Affine):
    """`minmax`: each lead's range in the training data to the target range.

    A lead that is constant in the training data is moved to the middle of the target range.
    """

    name = "minmax"
    keys = ("low", "high")

    def _learn(self, x: F32) -> None:
        self.stored = (x.min(axis=(0, 2)).astype(np.float64), x.max(axis=(0, 2)).astype(np.float64))

    def terms(self) -> tuple[F64, F64, F64, float]:
        """Return shift, scale, base and width."""
        assert self.stored is not None
        low, high = self.stored
        return range_terms(low[:, None], high[:, None], self.target)


class Standard(Affine):
    """`standard`: each lead to mean 0 and standard deviation 1 over the training data; a constant lead to 0."""

    name = "standard"
    keys = ("mean", "std")

    def _learn(self, x: F32) -> None:
        count = x.shape[0] * x.shape[2]
        mean = sum(float64(part).sum(axis=(0, 2)) for part in blocks(x)) / count
        variance = sum(((float64(part) - mean[:, None]) ** 2).sum(axis=(0, 2)) for part in blocks(x)) / count
        constant = x.min(axis=(0, 2)) == x.max(axis=(0, 2))
        self.stored = (
            np.where(constant, x[0, :, 0].astype(np.float64), mean),
            np.where(constant, 0.0, np.sqrt(variance)),
        )

    def terms(self) -> tuple[F64, F64, F64, float]:
        """Return shift, scale, base and width."""
        assert self.stored is not None
        mean, std = (values[:, None] for values in self.stored)  # (C, 1)
        return mean, np.where(std > 0, std, 1.0), np.zeros_like(mean), 1.0


class Individual(Transformation):
    """`individual`: each sample's range in each lead to the target range; nothing is learned.

    A lead that is constant in a sample is moved to the middle of the target range.
    """

    name = "individual"

    def transform(self, x: F32) -> F32:
        """Transform x (n, C, L)."""
        return blockwise(lambda part: scaled(part, self._terms(part)), x)

    def invert(self, y: F32, like: F32) -> F32:
        """Turn y (n, C, L) back into the range of the samples `like` (n, C, L)."""
        if y.shape != like.shape:
            raise EcganError(f"samples of shape {y.shape} cannot be scaled like samples of shape {like.shape}.")
        return blockwise(lambda part, raw: unscaled(part, self._terms(raw)), y, like)

    def _terms(self, raw: F64) -> tuple[F64, F64, F64, float]:
        return range_terms(raw.min(axis=2, keepdims=True), raw.max(axis=2, keepdims=True), self.target)
