"""Arrays that a user hands over, checked: what is wrong is said in their words."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.arrays import F32
from ecgan.errors import EcganError
from ecgan.scratch import contiguous, finite_rows

SHAPES = "Samples are arrays (n, L) of one lead, or (n, C, L): samples, leads, time steps."


def samples_from(x: Any, *, leads: int | None = None, length: int | None = None) -> F32:
    """Return samples as float32 (n, C, L).

    Args:
        x: Samples (n, L) or (n, C, L).
        leads: C that is expected, if any.
        length: L that is expected, if any.

    Raises:
        EcganError: It is no array of numbers, of another shape than expected, or holds NaN or infinity.
    """
    try:
        array = np.asarray(x)
    except ValueError:
        raise EcganError("the samples are no array: they differ in length.", SHAPES) from None
    if array.dtype.kind not in "biuf":
        raise EcganError(f"the samples hold {array.dtype}, expected numbers.", SHAPES)
    with np.errstate(over="ignore"):
        array = contiguous(array, np.float32)
    if array.ndim not in (2, 3):
        raise EcganError(f"the samples have the shape {array.shape}.", SHAPES)
    if array.ndim == 2:
        array = array[:, None]  # (n, L) → (n, 1, L)
    if 0 in array.shape[1:]:
        raise EcganError(f"the samples have the shape {array.shape}, which leaves nothing to look at.", SHAPES)
    if length is not None and array.shape[1:] != (leads, length):
        swapped = " Are time steps and leads swapped?" if array.shape[1:] == (length, leads) else ""
        raise EcganError(
            f"the samples have {array.shape[1]} leads of {array.shape[2]} time steps; what was fitted takes"
            f" {leads} of {length}.{swapped}",
            f"{SHAPES} Cut them as those of the fit.",
        )
    if broken := int(np.count_nonzero(~finite_rows(array))):
        raise EcganError(
            f"{broken:,} of {len(array):,} samples hold NaN or infinity, or values too large for 32 bits.",
            "Leave them out, or fill the gaps: x[np.isfinite(x).all(axis=-1)].",
        )
    return array


def labels_from(y: Any, count: int) -> NDArray[np.int64]:
    """Return labels as class ids (n,), 0 = normal.

    Raises:
        EcganError: They are no whole numbers from 0, or not one for each of `count` samples.
    """
    labels = np.asarray(y)
    if labels.shape != (count,):
        raise EcganError(f"there are {count:,} samples and labels of the shape {labels.shape}.", "Give one a sample.")
    whole = labels.dtype.kind in "biu" or (labels.dtype.kind == "f" and bool((labels == np.rint(labels)).all()))
    if not whole or (count and labels.min() < 0):
        some = ", ".join(map(repr, np.unique(labels)[:3].tolist()))
        raise EcganError(
            f"labels are whole numbers, 0 for normal and 1, 2, … for what is not; found {some}.",
            "Turn names or ±1 into such numbers: y = (names != 'normal').astype(int).",
        )
    return labels.astype(np.int64)
