"""Arrays that are larger than memory may be: they lie in files without a name, which go with the arrays.

Whoever makes an array of many samples asks here for the room. What is small is made in memory as ever; what is larger
than `LARGE` is a map of a file on the disk, of which the system keeps in memory what is in use. Both are plain arrays,
and the same numbers are computed with them in the same order.
"""

import math
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ecgan.files import unusable

LARGE = 256 << 20
"""Bytes of an array that is made in memory at most."""

_VALUES = 1 << 22  # that are copied or looked at together
_FOLDER = Path(".ecgan")


def is_large(size: int) -> bool:
    """Whether so many bytes are to stay on the disk."""
    return size > LARGE


def room(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array that is yet to be filled, in memory or in a file.

    The file lies in `.ecgan` where the working directory has such a folder, else where the system keeps temporary files
    (`TMPDIR`).

    Raises:
        EcganError: The disk has no room for it.
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    if not is_large(size):
        return np.empty(shape, dtype=kind)
    try:
        with tempfile.TemporaryFile(dir=_FOLDER if _FOLDER.is_dir() else None) as file:
            if hasattr(os, "posix_fallocate"):  # a disk that fills up later would kill the process
                os.posix_fallocate(file.fileno(), 0, size)
            return np.asarray(np.memmap(file, dtype=kind, mode="r+", shape=shape))
    except OSError as error:
        raise unusable(error) from error


def taken(x: NDArray[Any], rows: Any) -> NDArray[Any]:
    """Return x[rows], where x is (n, …) and `rows` are a slice, indices or a mask."""
    chosen = np.arange(0) if isinstance(rows, slice) else np.asarray(rows)
    chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
    found: NDArray[Any]
    if isinstance(rows, slice) or not is_large(len(chosen) * _row(x) * x.itemsize):
        found = x[rows]
        return found
    order = [0, *sorted(range(1, x.ndim), key=lambda axis: -abs(x.strides[axis]))]  # as NumPy lays it out
    shape = (len(chosen), *x.shape[1:])
    found = room(tuple(shape[axis] for axis in order), x.dtype).transpose(np.argsort(order))
    for part in parts(found):
        found[part] = x[chosen[part]]
    return found


def of_channels(x: NDArray[Any], channels: list[int]) -> NDArray[Any]:
    """Return x[:, channels], where x is (n, C, L)."""
    if len(channels) == 1:
        return x[:, channels[0] : channels[0] + 1]
    if not is_large(len(x) * len(channels) * x.shape[2] * x.itemsize):
        return x[:, channels]
    found = room((len(channels), len(x), x.shape[2]), x.dtype).transpose(1, 0, 2)  # likewise
    for part in parts(x):
        found[part] = x[part][:, channels]
    return found


def contiguous(x: NDArray[Any], dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Return x (n, …) as an array whose numbers lie one after the other in memory, of a type if one is given."""
    kind = x.dtype if dtype is None else np.dtype(dtype)
    if x.flags.c_contiguous and x.flags.aligned and x.dtype == kind:
        return x
    return _copied(x, room(x.shape, kind))


def of_type(x: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Return x (n, …) as numbers of a type, itself where it has it."""
    return x if x.dtype == np.dtype(dtype) else _copied(x, room(x.shape, dtype))


def _copied(x: NDArray[Any], found: NDArray[Any]) -> NDArray[Any]:
    for part in parts(x):
        found[part] = x[part]
    return found


def finite_rows(x: NDArray[Any]) -> NDArray[np.bool_]:
    """Say of each of the rows of x (n, …) whether all its numbers are finite, (n,)."""
    found = np.empty(len(x), dtype=bool)
    for part in parts(x):
        found[part] = np.isfinite(x[part]).reshape(len(found[part]), -1).all(axis=1)
    return found


def parts(x: NDArray[Any], most: int = sys.maxsize, values: int = _VALUES) -> Iterator[slice]:
    """Slices that cut x (n, …) into parts of at most so many rows, and values where these are more than a row."""
    step = max(1, min(most, values // max(_row(x), 1)))
    for start in range(0, len(x), step):
        yield slice(start, min(start + step, len(x)))


def _row(x: NDArray[Any]) -> int:
    return math.prod(x.shape[1:])
