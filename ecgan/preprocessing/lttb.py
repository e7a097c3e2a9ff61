"""Largest triangle three buckets (LTTB) for a whole batch of series at once.

S. Steinarsson, "Downsampling time series for visual representation", MSc thesis, University of Iceland, 2013. The first
and the last point are kept; those between are divided into length − 2 buckets, and of each bucket the point is kept
that spans the largest triangle with the point kept before it and the mean of the bucket after it.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError

F64 = NDArray[np.float64]

_VALUES = 20_000
"""Values of one bucket, of all series together, that are computed at once. With fewer NumPy waits for Python; more do
not stay in the processor's cache."""


def lttb(x: NDArray[Any], length: int) -> NDArray[Any]:
    """Thin out every series (n, C, L), each channel for itself, to exactly the points that the package `lttb` gives.

    The inner points are divided as evenly as whole numbers allow, the larger buckets first. Areas are computed in
    float64 by the package's formula and in its order of operations, so that rounding decides between triangles of equal
    size as it does there; where it leaves a tie, the first point is taken. The package refuses NaN, and so does this:
    fill gaps first. The length is from 3 to L, which gives x itself.

    Returns:
        Shape (n, C, length), of the type of x; values of one time step may come from different times.

    Raises:
        EcganError: The length does not fit, or a value is missing.
    """
    if check_lttb(x, length):
        return x
    n, channels, steps = x.shape
    result = np.empty((n, channels, length), dtype=x.dtype)
    edges = _even_edges(steps, length)
    block = max(1, _VALUES // (_largest(edges) * channels))
    for start in range(0, n, block):
        kept = _thin_out(x[start : start + block], edges)
        result[start : start + block] = kept.reshape(length, -1, channels).transpose(1, 2, 0)  # (length, n, C)
    return result


def pylttb(x: NDArray[Any], length: int) -> NDArray[Any]:
    """Thin out every series by the buckets of Steinarsson's own program, which the package `pylttb` took over.

    Bucket i begins at the whole part of i · (L − 2) / (length − 2), plus 1: larger and smaller buckets alternate. The
    points are those of the package `tsdownsample`. It orders the terms of the area otherwise than Steinarsson (and
    pylttb otherwise again, by determinants): of triangles that are equally large but for rounding, as integer samples
    have them, each of the three may take another.

    Shapes, lengths and errors are those of `lttb`.
    """
    if check_lttb(x, length):
        return x
    from tsdownsample import LTTBDownsampler

    sampler: Any = LTTBDownsampler()  # type: ignore[no-untyped-call]
    n, channels, steps = x.shape
    result = np.empty((n * channels, length), dtype=x.dtype)
    for row, series in enumerate(np.ascontiguousarray(x).reshape(-1, steps)):  # (n, C, L) to (n · C, L)
        points = sampler.downsample(series.astype(np.float64), n_out=length).astype(np.int64)
        result[row] = series[points]
    return result.reshape(n, channels, length)


def check_lttb(x: NDArray[Any], length: int) -> bool:
    """Say whether nothing needs to be done.

    Raises:
        EcganError: The series cannot be thinned out.
    """
    if not 3 <= length <= x.shape[2]:
        raise EcganError(
            f"LTTB cannot give {length} of {x.shape[2]} time steps.",
            "It keeps points and makes none: set a length from 4 to that, or the method interpolate.",
        )
    if not np.isfinite(x).all():
        raise EcganError("LTTB cannot compare triangles with missing or infinite values.", "Fill the gaps first.")
    return bool(length == x.shape[2])


def _even_edges(steps: int, length: int) -> list[int]:
    """Where each of the length − 2 buckets begins, then where the last ends, then the end of the series."""
    size, larger = divmod(steps - 2, length - 2)
    sizes = np.full(length - 2, size)
    sizes[:larger] += 1
    return [1, *(1 + np.cumsum(sizes)).tolist(), steps]


def _largest(edges: list[int]) -> int:
    return max(end - begin for begin, end in pairwise(edges))


def _thin_out(x: NDArray[Any], edges: list[int]) -> F64:
    """Return the kept values of series (n, C, L), shape (buckets + 2, n · C).

    Twice the area of the triangle of the points a (kept before), b and c (mean of the next bucket) is
    |(a₀ − c₀)(b₁ − a₁) − (a₀ − b₀)(c₁ − a₁)|, with the time as 0 and the value as 1. All series go through a bucket
    together, in buffers that are used again and again; each bucket is laid out for that once, time first.
    """
    series = x.transpose(2, 0, 1)  # (n, C, L) to (L, n, C)
    buckets, shape = len(edges) - 2, series.shape[1:]
    count, largest = shape[0] * shape[1], _largest(edges)
    bucket, following, areas, terms = np.empty((4, largest, count))
    mean, lean, rise = np.empty((3, count))
    time = np.arange(len(series), dtype=np.float64)[:, None]
    columns = np.arange(count)
    kept = np.empty((buckets + 2, count))
    kept[0], kept[-1] = series[0].ravel(), series[-1].ravel()
    kept_time = np.zeros(count)
    bucket[: edges[1] - 1].reshape(-1, *shape)[:] = series[1 : edges[1]]
    for index, (begin, end, after) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        area, term, last = areas[: end - begin], terms[: end - begin], kept[index]
        following[: after - end].reshape(-1, *shape)[:] = series[end:after]
        np.add.reduce(following[: after - end], axis=0, out=mean)
        mean /= after - end
        np.subtract(kept_time, (end + after - 1) / 2, out=lean)
        np.subtract(mean, last, out=rise)
        np.subtract(bucket[: end - begin], last, out=area)
        area *= lean
        np.subtract(kept_time, time[begin:end], out=term)
        term *= rise
        area -= term
        np.abs(area, out=area)
        points = area.argmax(axis=0)
        kept[index + 1] = bucket[points, columns]
        points += begin
        kept_time[:] = points
        bucket, following = following, bucket
    return kept
