"""Scaling of values: none, minmax, standard, individual."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from ecgan.errors import EcganError
from ecgan.preprocessing.transformations.base import (
    F32,
    F64,
    Learned,
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
    """y = (f(x) − shift) / scale · width + base, one shift, scale and base a channel of f(x), which is x here."""

    keys: ClassVar[tuple[str, str]]

    stored: tuple[F64, F64] | None = None

    @abstractmethod
    def terms(self) -> tuple[F64, F64, F64, float]:
        """Return shift, scale, base and width, the first three of shape (D, 1); scale is never 0."""

    def forth(self, x: F64) -> F64:
        """Return f(x), (n, D, L), of samples x (n, C, L)."""
        return x

    def back(self, y: F64) -> F64:
        """Undo `forth`."""
        return y

    def transform(self, x: F32) -> F32:
        """Transform x (n, C, L) to (n, D, L)."""
        each = self.channels(1)
        terms = self._fitted(x, each)
        return blockwise(lambda part: scaled(self.forth(part), terms), x, channels=x.shape[1] * each)

    def invert(self, y: F32, like: F32) -> F32:
        """Turn y (n, D, L) back into (n, C, L); `like` is not needed."""
        terms = self._fitted(y, 1)
        return blockwise(lambda part: self.back(unscaled(part, terms)), y, channels=y.shape[1] // self.channels(1))

    def _fitted(self, x: F32, each: int) -> tuple[F64, F64, F64, float]:
        """Return the terms for x, of which each channel becomes so many."""
        if self.stored is None:
            raise self._not_fitted()
        count = len(self.stored[0])
        if x.ndim != 3 or x.shape[1] * each != count:
            raise self._other_shape(f"{count // self.channels(1)} leads", x)
        return self.terms()

    def _learned(self) -> Learned:
        return {key: values.tolist() for key, values in zip(self.keys, self.stored or (), strict=False)}

    def take_back(self, learned: Learned) -> None:
        """Restore one value of each key a channel."""
        each = self.channels(1)
        counts = {len(values) for values in learned.values()}
        if set(learned) != set(self.keys) or len(counts) > 1 or counts.pop() % each:
            raise ValueError(f"{self.name} needs {' and '.join(self.keys)}, values of either a lead: {each}")
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
            raise EcganError(
                f"samples of shape {y.shape} cannot be scaled like samples of shape {like.shape}.",
                "Give samples of one shape.",
            )
        return blockwise(lambda part, raw: unscaled(part, self._terms(raw)), y, like)

    def _terms(self, raw: F64) -> tuple[F64, F64, F64, float]:
        return range_terms(raw.min(axis=2, keepdims=True), raw.max(axis=2, keepdims=True), self.target)
