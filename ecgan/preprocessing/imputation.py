"""Gaps in samples, filled."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.filters import bridge
from ecgan.errors import EcganError
from ecgan.progress import track

NEIGHBOURS = 5


def impute(data: NDArray[Any], method: Literal["knn", "linear"]) -> NDArray[Any]:
    """Fill missing values (NaN), sample by sample.

    `linear` joins the ends of a gap with a straight line; a gap at a border gets the value at its edge.

    `knn` fills a lead from the time steps of the same sample at which the other leads are most alike: the mean of five
    (`sklearn.impute.KNNImputer` on time × leads). Where every lead is missing, and so in a sample of one lead, there is
    nothing to go by, and the imputer would put the mean of the whole sample there, a step in the middle of a beat: such
    time steps are filled linearly, before the others. So are all gaps of a sample that has fewer than five time steps
    with every lead.

    Returns:
        Shape (n, C, L) without NaN; `data` itself where nothing is missing.

    Raises:
        EcganError: A sample has a lead without any value.
    """
    missing = np.isnan(data)
    rows = np.flatnonzero(missing.any(axis=(1, 2)))
    if not len(rows):
        return data
    empty = int(missing[rows].all(axis=2).any(axis=1).sum())
    if empty:
        raise EcganError(
            f"{empty:,} of {len(data):,} samples have a lead without any value, which nothing can fill.",
            "Set preprocess.cleansing.drop to true, or choose other leads.",
        )
    fill = _nearest if method == "knn" else bridge
    result = data.copy()
    for row in track(rows, len(rows), "filling gaps"):
        result[row] = fill(data[row].T.astype(np.float64)).T  # time first, (L, C)
    return result


def _nearest(sample: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill a sample (L, C) from its time steps with the most similar other leads."""
    from sklearn.impute import KNNImputer

    nowhere = np.isnan(sample).all(axis=1, keepdims=True)
    sample = np.where(nowhere, bridge(sample), sample)
    whole = int((~np.isnan(sample)).all(axis=1).sum())
    if whole == len(sample) or whole < NEIGHBOURS:
        return bridge(sample)
    filled: NDArray[np.float64] = KNNImputer(n_neighbors=NEIGHBOURS).fit_transform(sample)
    return filled
