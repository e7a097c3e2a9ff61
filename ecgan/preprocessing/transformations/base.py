"""What a transformation is, and computing in float64 block by block."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError
from ecgan.samples import Samples
from ecgan.scratch import contiguous, parts, room

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Range = tuple[float, float]
Learned = dict[str, list[float]]

BLOCK = 4096  # samples that are computed in float64 at once
_VALUES = 1 << 24  # of them at most, 128 MB: fewer samples of many values


class Transformation(ABC):
    """A transformation; arrays are float32, samples (n, C, L) on one side and what models see (n, D, L) on the other.

    Args:
        target: The range of values that is mapped to.
        bounded: Whether the model can produce no others; minmax, individual and fourier map to `target` in any case.
    """

    name: ClassVar[str]

    def __init__(self, target: Range = (0.0, 1.0), *, bounded: bool = False) -> None:
        self.target = (float(target[0]), float(target[1]))
        self.bounded = bounded

    def channels(self, leads: int) -> int:
        """Return D, the number of channels that samples of so many leads have afterwards."""
        return leads

    def channel_names(self, leads: Sequence[str]) -> list[str]:
        """Name the D channels that the leads become."""
        return list(leads)

    def fit(self, x: F32) -> None:
        """Learn from the training samples x (n, C, L)."""
        self._learn(_checked(x))

    def apply(self, samples: Samples) -> Samples:
        """Transform samples, and what stands around them; their channels are the D that models see."""
        signals = contiguous(self.transform(samples.signals))
        about = replace(samples.about, leads=self.channel_names(samples.about.leads))
        around = samples.around
        if around is not None and around.signals is samples.signals:  # all of a record: once
            around = replace(around, signals=signals, about=about)
        elif around is not None:
            around = self.apply(around)
        return replace(samples, signals=signals, about=about, around=around)

    @abstractmethod
    def transform(self, x: F32) -> F32:
        """Transform x (n, C, L) to (n, D, L). Samples beyond what was seen in training may leave the target range."""

    @abstractmethod
    def invert(self, y: F32, like: F32) -> F32:
        """Turn y (n, D, L) back into the unit of the data, (n, C, L).

        Args:
            y: Transformed samples, or a model's reconstructions of them.
            like: The untransformed samples that y belongs to, (n, C, L): `individual` takes their range.
        """

    def state(self) -> dict[str, Any]:
        """Return everything that was learned as plain JSON values."""
        return {"name": self.name, "target": list(self.target), **self._learned()}

    def take_back(self, learned: Learned) -> None:
        """Restore what `state` gave beside name and target.

        Raises:
            ValueError: It is not that.
        """
        if learned:
            raise ValueError(f"{self.name} has no {', '.join(learned)}")

    def _learn(self, x: F32) -> None:  # noqa: B027 -- most learn something, two have nothing to learn
        """Learn from x (n, C, L), which is known to be finite."""

    def _learned(self) -> Learned:
        return {}

    def _not_fitted(self) -> EcganError:
        return EcganError(f"the transformation {self.name!r} was not fitted.", "Fit it first: `fit`.")

    def _other_shape(self, learned: str, x: F32) -> EcganError:
        return EcganError(
            f"the transformation {self.name!r} was learned on {learned}, the samples have shape {x.shape}.",
            "Give samples as those that it learned from.",
        )


def range_terms(low: F64, high: F64, target: Range) -> tuple[F64, F64, F64, float]:
    """Return shift, scale, base and width that map low…high to the target; constant values go to its middle."""
    constant = high <= low
    base = np.where(constant, (target[0] + target[1]) / 2, target[0])
    return low, np.where(constant, 1.0, high - low), base, target[1] - target[0]


def scaled(y: F64, terms: tuple[F64, F64, F64, float]) -> F64:
    """Scale y (n, D, L) by shift, scale, base and width, (D, 1) or (n, D, 1) each."""
    shift, scale, base, width = terms
    return (y - shift) / scale * width + base


def unscaled(y: F64, terms: tuple[F64, F64, F64, float]) -> F64:
    """Undo `scaled`."""
    shift, scale, base, width = terms
    return (y - base) / width * scale + shift


def blocks(x: F32) -> list[F32]:
    """Cut x (n, …) into parts that are small in float64, too."""
    return [x[part] for part in parts(x, BLOCK, _VALUES)]


def float64(x: F32) -> F64:
    """Return x in float64."""
    return x.astype(np.float64)


def blockwise(function: Callable[..., F64], *arrays: F32, channels: int | None = None) -> F32:
    """Compute `function(*parts)` in float64, block by block.

    Args:
        function: Of parts (b, …, L) of the arrays; gives (b, channels, L).
        arrays: Shape (n, …, L) each.
        channels: Of the result; None: as many as the first array has.

    Returns:
        float32, shape (n, channels, L).
    """
    n, count, length = arrays[0].shape
    result = room((n, channels or count, length), np.float32)
    for part in parts(arrays[0], BLOCK, _VALUES):
        result[part] = function(*(float64(x[part]) for x in arrays))
    return result


def _checked(x: F32) -> F32:
    if x.ndim != 3 or 0 in x.shape:
        raise EcganError(
            f"the training samples have shape {x.shape}, expected (n, C, L) without zeros.",
            "Give samples as those that it learned from.",
        )
    for part in blocks(x):
        if not np.isfinite(part).all():
            raise EcganError("the training samples hold NaN or infinity.", "Mend the dataset's preprocessing.")
    return x
