"""Maximum mean discrepancy between two sets of signals (Gretton et al., JMLR 13, 2012, equation 3)."""

import math

import numpy as np
import torch
from torch import Tensor

from ecgan.arithmetic import square_root
from ecgan.errors import EcganError


def mmd2(x: Tensor, y: Tensor, sigma: float | None = None) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy with the kernel exp(−‖x − y‖² / (2σ²)).

    It is 0 on average where both sets follow one distribution, and so may be slightly negative.

    Args:
        x: The reference, such as real signals, (m, …) with m ≥ 2.
        y: What is compared with it, (n, …) with n ≥ 2 and the same further axes.
        sigma: σ > 0, in units of the signals; None takes the median distance within x (`median_distance`), which
            stays the same while y changes, so that values compare.

    Raises:
        EcganError: A set has fewer than two signals, the shapes differ, or σ is not positive.
    """
    if min(len(x), len(y)) < 2 or x.shape[1:] != y.shape[1:]:
        raise EcganError(
            f"the discrepancy needs two sets of at least two equally long signals, not {tuple(x.shape)} and "
            f"{tuple(y.shape)}.",
            "Give more signals, of one length.",
        )
    sigma = median_distance(x) if sigma is None else sigma
    if not sigma > 0:
        raise EcganError(f"the bandwidth of the kernel must be positive, not {sigma}.", "Give another bandwidth.")
    within = _mean_of_pairs(x, sigma) + _mean_of_pairs(y, sigma)
    return within - 2 * float(_kernel(x, y, sigma).mean())


def median_distance(x: Tensor) -> float:
    """Median Euclidean distance between two different signals of x (m, …), the usual choice of σ.

    Where more than half of all pairs coincide it is the mean distance, and 1 where all signals are equal.
    """
    distances = square_root(_squared_distances(x, x)[*torch.triu_indices(len(x), len(x), 1)])  # (m·(m−1)/2,)
    median = float(np.median(distances.cpu().numpy()))
    return median or float(distances.mean()) or 1.0


def _mean_of_pairs(x: Tensor, sigma: float) -> float:
    """Return the kernel's mean over pairs of different signals of x (m, …)."""
    kernel = _kernel(x, x, sigma)
    return float(kernel.sum() - kernel.diagonal().sum()) / math.perm(len(x), 2)


def _kernel(x: Tensor, y: Tensor, sigma: float) -> Tensor:
    return torch.exp(_squared_distances(x, y) / (-2 * sigma**2))


def _squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """Return ‖x_i − y_j‖² in float64, (m, n)."""
    a, b = x.detach().flatten(1).double(), y.detach().flatten(1).double()
    found = a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T
    if x is y:
        found.fill_diagonal_(0)
    return found.clamp(min=0)
