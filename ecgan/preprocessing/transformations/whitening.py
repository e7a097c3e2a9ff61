"""Time steps made uncorrelated."""

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

MOST_STEPS = 1024
"""Time steps of the longest samples, since the matrix has L² numbers a lead, half of which are stored."""

REGULARISATION = 1e-3
"""Share of the mean variance of a lead's time steps that is added to every variance. Directions in which the training
data hardly vary, which hold noise, are raised by a factor of about 30 at most, and the inverse stays accurate."""

_DIGITS = 9  # significant digits of a stored number


class Whitening(Transformation):
    """`whitening`: each lead's time steps to mean 0, variance 1 and no correlation over the training data (ZCA).

    y = W (x − mean) with the symmetric W = V (Λ + ε)^(−½) Vᵀ, where V Λ Vᵀ is the covariance of the L time steps of a
    lead and ε its regularisation: of all whitening transformations the one that changes the samples least (A. Kessy,
    A. Lewin and K. Strimmer, The American Statistician 72(4), 2018). If the model's values are bounded, each lead's
    range in the training data is then mapped to the target range. A lead that is constant in the training data is
    left as it is but for its mean.

    Attributes:
        mean: Shape (C, L).
        matrices: W of each lead, shape (C, L, L).
        limits: Lowest and highest value of each lead of whitened training data, shape (C,) both; without bounds
            those of the target, which changes nothing.
    """

    name = "whitening"

    mean: F64 | None = None
    matrices: F64
    limits: tuple[F64, F64]

    def transform(self, x: F32) -> F32:
        """Transform x (n, C, L)."""
        mean, terms = self._fitted(x)
        return blockwise(lambda part: scaled(_times(part - mean, self.matrices), terms), x)

    def invert(self, y: F32, like: F32) -> F32:
        """Turn y (n, C, L) back; `like` is not needed."""
        mean, terms = self._fitted(y)
        try:
            inverses = np.asarray(np.linalg.inv(self.matrices), dtype=np.float64)
        except np.linalg.LinAlgError:
            raise EcganError("the stored whitening cannot be inverted.", "Train the model again.") from None
        return blockwise(lambda part: _times(unscaled(part, terms), inverses) + mean, y)

    def _fitted(self, x: F32) -> tuple[F64, tuple[F64, F64, F64, float]]:
        if self.mean is None:
            raise self._not_fitted()
        if x.ndim != 3 or x.shape[1:] != self.mean.shape:
            raise self._other_shape(f"{self.mean.shape[1]} time steps of {self.mean.shape[0]} leads", x)
        return self.mean, self.terms()

    def terms(self) -> tuple[F64, F64, F64, float]:
        """Return shift, scale, base and width of what is whitened, the first three of shape (C, 1)."""
        low, high = self.limits
        return range_terms(low[:, None], high[:, None], self.target)

    def _learn(self, x: F32) -> None:
        n, leads, length = x.shape
        if length > MOST_STEPS:
            raise EcganError(
                f"whitening {length:,} time steps needs a matrix of {length**2:,} numbers a lead.",
                f"Shorten the samples to {MOST_STEPS:,} with preprocess.resampling, or take another transformation.",
            )
        mean: F64 = sum((float64(part).sum(axis=0) for part in blocks(x)), np.zeros((leads, length))) / n
        covariance = np.zeros((leads, length, length))
        for part in blocks(x):
            rest = (float64(part) - mean).transpose(1, 2, 0)  # (n, C, L) to (C, L, n)
            covariance += rest @ rest.transpose(0, 2, 1)
        largest = np.max([np.abs(part).max(axis=(0, 2)) for part in blocks(x)], axis=0).astype(np.float64)
        matrices = [_zca(one / n, float(top)) for one, top in zip(covariance, largest, strict=True)]
        self.mean, self.matrices = _rounded(mean), np.stack(matrices)
        self.limits = (np.full(leads, self.target[0]), np.full(leads, self.target[1]))
        if self.bounded:
            whitened = (_times(float64(part) - self.mean, self.matrices) for part in blocks(x))
            ranges = [(y.min(axis=(0, 2)), y.max(axis=(0, 2))) for y in whitened]
            self.limits = (np.min([low for low, _ in ranges], axis=0), np.max([high for _, high in ranges], axis=0))

    def _learned(self) -> Learned:
        if self.mean is None:
            return {}
        upper = np.triu_indices(self.mean.shape[1])
        return {
            "mean": self.mean.ravel().tolist(),  # (C, L) to C · L
            "matrix": np.concatenate([one[upper] for one in self.matrices]).tolist(),
            "low": self.limits[0].tolist(),
            "high": self.limits[1].tolist(),
        }

    def take_back(self, learned: Learned) -> None:
        """Restore the mean and the upper triangle of the matrix of each lead, and one low and high a lead."""
        if set(learned) != {"mean", "matrix", "low", "high"}:
            raise ValueError("whitening needs mean, matrix, low and high")
        leads = len(learned["low"])
        length, rest = divmod(len(learned["mean"]), leads) if leads else (0, 1)
        size = length * (length + 1) // 2
        if rest or length > MOST_STEPS or len(learned["high"]) != leads or len(learned["matrix"]) != leads * size:
            raise ValueError("mean, matrix, low and high of whitening do not belong together")
        self.mean = np.array(learned["mean"]).reshape(leads, length)  # (C · L) to (C, L)
        self.matrices = np.stack([_symmetric(one, length) for one in np.split(np.array(learned["matrix"]), leads)])
        self.limits = (np.array(learned["low"]), np.array(learned["high"]))


def _zca(covariance: F64, largest: float) -> F64:
    """Return the whitening matrix (L, L) of a covariance; `largest` is the largest magnitude of the data."""
    length = len(covariance)
    mean_variance = float(np.trace(covariance)) / length
    if mean_variance <= (1e-9 * largest) ** 2:  # nothing but rounding
        return np.eye(length)
    values, vectors = np.linalg.eigh(covariance)
    weights = 1 / np.sqrt(np.maximum(values, 0) + REGULARISATION * mean_variance)
    matrix = (vectors * weights) @ vectors.T
    return _symmetric(_rounded(matrix[np.triu_indices(length)]), length)


def _symmetric(upper: F64, length: int) -> F64:
    """Return the symmetric matrix (L, L) of an upper triangle, row by row."""
    matrix = np.zeros((length, length))
    rows = np.triu_indices(length)
    matrix[rows] = upper
    matrix.T[rows] = upper
    return matrix


def _rounded(values: F64) -> F64:
    """Round to the digits that are stored: what is restored is then what was used in training, bit by bit."""
    return np.array([float(f"{value:.{_DIGITS}g}") for value in values.ravel().tolist()]).reshape(values.shape)


def _times(x: F64, matrices: F64) -> F64:
    """Return x (n, C, L), each lead multiplied with its symmetric matrix (C, L, L)."""
    return np.asarray((x.transpose(1, 0, 2) @ matrices).transpose(1, 0, 2))  # (n, C, L) to (C, n, L) and back
