"""Fréchet distance between two sets of points, taken for samples of normal distributions (Heusel et al. 2017)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError

F64 = NDArray[np.float64]


def frechet_distance(x: NDArray[Any], y: NDArray[Any]) -> float:
    """Squared Fréchet distance of the normal distributions with the sets' means and covariances.

    ‖μ_x − μ_y‖² + Tr(Σ_x + Σ_y − 2(Σ_x Σ_y)^½), which is 0 where means and covariances agree (Dowson and Landau 1982;
    Heusel et al., NeurIPS 2017, equation 6). It grows as sets get smaller: compare sets of one size, and with the value
    between two sets of real samples.

    Args:
        x: Points (m, D), m ≥ 2.
        y: Points (n, D), n ≥ 2.

    Raises:
        EcganError: A set has fewer than two points, or the dimensions differ.
    """
    if min(len(x), len(y)) < 2 or x.ndim != 2 or x.shape[1:] != y.shape[1:]:
        raise EcganError(
            f"a Fréchet distance needs two sets of two or more points of as many numbers, not {x.shape} and {y.shape}.",
            "Give more points.",
        )
    (mean_x, spread_x), (mean_y, spread_y) = _moments(x), _moments(y)
    root = _root(spread_x)
    values = np.linalg.eigvalsh(root @ spread_y @ root)  # those of Σ_x Σ_y, whose product is not symmetric
    common = 2 * float(np.sqrt(values.clip(min=0)).sum())
    found = float(np.square(mean_x - mean_y).sum()) + float(np.trace(spread_x) + np.trace(spread_y)) - common
    return max(found, 0.0)


def _moments(points: NDArray[Any]) -> tuple[F64, F64]:
    """Mean (D,) and covariance (D, D)."""
    rows = points.astype(np.float64)
    mean = rows.mean(axis=0)
    centred = rows - mean
    return mean, centred.T @ centred / (len(rows) - 1)


def _root(matrix: F64) -> F64:
    """The square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(values.clip(min=0))) @ vectors.T)
