"""Does a generator copy what it was trained on? Distances to the nearest training sample tell.

A generated sample that lies nearer to training samples than unseen real ones do was remembered rather than made. The
test is that of Meehan, Chaudhuri and Dasgupta (AISTATS 2020) with one cell; authenticity is that of Alaa et al. (ICML
2022).
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError

F64 = NDArray[np.float64]
Places = NDArray[np.int64]

_ROWS = 256


def memorisation(generated: NDArray[Any], unseen: NDArray[Any], train: NDArray[Any]) -> dict[str, float]:
    """Compare how near generated and unseen real samples lie to the training samples.

    With g the Euclidean distances of generated, u those of unseen real samples to their nearest training sample:

    - `ratio` is median(g) / median(u): 1 for a perfect generator, 0 for copies.
    - `nearer` is P(g < u) + ½ P(g = u), the Mann–Whitney statistic over its largest value: ½ for a perfect generator,
      towards 1 for copies, towards 0 for samples that are farther from the training data than real ones.
    - `p` is the probability of so large a `nearer` for a generator that is as far from the training data as unseen
      samples are (one-sided rank test, normal approximation with ties): small values tell copying.
    - `authentic` is the share of generated samples that are farther from their nearest training sample than that is
      from its own nearest training sample; `authentic_real` that of unseen real samples, with which it compares.

    Args:
        generated: Samples (n, …), n ≥ 1.
        unseen: Real samples that the generator was not trained on, (m, …), m ≥ 1.
        train: The samples that it was trained on, (t, …), t ≥ 2.

    Raises:
        EcganError: A set is too small, or shapes differ.
    """
    shapes = {x.shape[1:] for x in (generated, unseen, train)}
    if len(shapes) > 1 or min(len(generated), len(unseen), len(train) - 1) < 1:
        sizes = ", ".join(str(x.shape) for x in (generated, unseen, train))
        raise EcganError(
            f"memorisation needs generated, unseen and at least two training samples, not {sizes}.",
            "Give more samples.",
        )
    g, near_g = nearest(generated, train)
    u, near_u = nearest(unseen, train)
    nearer, p = _rank_test(g, u)
    places, rows = np.unique(np.concatenate([near_g, near_u]), return_inverse=True)
    between, _ = nearest(train[places], train, apart_from=places)
    authentic = np.concatenate([g, u]) > between[rows]
    middle = float(np.median(u))
    return {
        "ratio": float(np.median(g)) / middle if middle else math.nan,
        "nearer": nearer,
        "p": p,
        "authentic": float(authentic[: len(g)].mean()),
        "authentic_real": float(authentic[len(g) :].mean()),
    }


def nearest(x: NDArray[Any], train: NDArray[Any], apart_from: Places | None = None) -> tuple[F64, Places]:
    """Distance of each x (n, …) to its nearest training sample (t, …), and which it is; float64 (n,), int64 (n,).

    `apart_from` names for each x one training sample that does not count, such as itself.
    """
    rows, known = (np.ascontiguousarray(a.reshape(len(a), -1), dtype=np.float32) for a in (x, train))
    middle = known.mean(axis=0, dtype=np.float64).astype(np.float32)
    rows, known = rows - middle, known - middle  # smaller numbers: less is lost in the product
    lengths = np.square(known).sum(axis=1)
    places = np.empty(len(rows), dtype=np.int64)
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        squares = lengths - 2 * (part @ known.T)  # (b, t), without what is the same for all t
        if apart_from is not None:
            squares[np.arange(len(part)), apart_from[start : start + _ROWS]] = np.inf
        places[start : start + _ROWS] = squares.argmin(axis=1)
    apart = rows.astype(np.float64) - known[places]
    return np.sqrt(np.square(apart).sum(axis=1)), places


def _rank_test(g: F64, u: F64) -> tuple[float, float]:
    """P(g < u) + ½ P(g = u), and the one-sided p-value for it to be so large."""
    from scipy.stats import mannwhitneyu

    found = mannwhitneyu(u, g, alternative="greater", method="asymptotic")
    return float(found.statistic) / (len(g) * len(u)), float(found.pvalue)
