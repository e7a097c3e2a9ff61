"""What the classical detectors share: samples as flat rows, held to the shape that was learned."""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ecgan.detection.base import F32, F64, Detector, State
from ecgan.detection.components import TOO_LARGE, check_finite, chunks
from ecgan.detection.stored import AGAIN, stored_value
from ecgan.errors import EcganError
from ecgan.samples import Samples
from ecgan.scratch import contiguous, finite_rows


class Classical(Detector):
    """A detector without a model and with one component, computed row by row.

    A subclass says what it learns from rows (m, C·L) and how it scores rows; here are the shape, the checks and
    the blocks. A score depends on its sample and on what was learned, never on the samples that are scored beside.

    Attributes:
        component: Name of its component.
        rows: Samples that are scored at once.
    """

    component: ClassVar[str]
    rows: ClassVar[int] = 2048

    _shape: tuple[int, int] | None = None  # (C, L)

    def fit(self, train: Samples) -> None:
        """Learn from the training samples."""
        x = train.signals
        _check_input(self.name, x)
        self.check_count(len(x))
        self.learn(contiguous(x, np.float32).reshape(len(x), -1))  # (m, C * L)
        self._shape = (x.shape[1], x.shape[2])

    def components(self, samples: Samples) -> dict[str, F64]:
        """The component of each of n samples, float64 (n,), higher = more abnormal."""
        x = samples.signals
        if self._shape is None:
            raise EcganError(
                f"the detector {self.name!r} has not been fitted.", "Fit it first: `fit`, or `ecgan detect`."
            )
        check_shape(self.name, x, self._shape)
        _check_input(self.name, x)
        flat = contiguous(x, np.float32).reshape(len(x), self._shape[0] * self._shape[1])
        values = np.empty(len(x), dtype=np.float64)
        for part in chunks(len(x), self.rows):
            values[part] = self.score(flat[part])
        found = {self.component: values}
        check_finite(found, TOO_LARGE)
        return found

    def state(self) -> State:
        """What was learned, and of which shape the samples were."""
        if self._shape is None:
            return State()
        learned = self.learned()
        return State(learned.arrays, {**learned.values, "shape": list(self._shape)})

    def restore(self, state: State) -> None:
        """Take back what `state` gave; it must fit the samples' shape."""
        shape = stored_value(state.values, "shape")
        if not isinstance(shape, list) or len(shape) != 2 or not all(type(side) is int and side > 0 for side in shape):
            raise EcganError(f"the stored shape is {shape!r}; expected the numbers of leads and steps.", AGAIN)
        self.relearn(state, shape[0] * shape[1])
        self._shape = (shape[0], shape[1])

    def check_count(self, count: int) -> None:
        """Refuse too few training samples."""
        if count == 0:
            raise EcganError(
                f"there are no training samples for the detector {self.name!r} to learn from.",
                "Choose other classes or more data in `split`.",
            )

    @abstractmethod
    def learn(self, rows: F32) -> None:
        """Learn from the rows (m, C·L)."""

    @abstractmethod
    def score(self, rows: F32) -> F64:
        """The component of the rows (b, C·L), shape (b,)."""

    @abstractmethod
    def learned(self) -> State:
        """Everything that `learn` learned."""

    @abstractmethod
    def relearn(self, state: State, width: int) -> None:
        """Take back what `learned` gave; rows have `width` values."""


def too_few(detector: str, option: str, wanted: int, there: int) -> EcganError:
    """The sentence about an option that asks for more training samples than there are."""
    return EcganError(
        f"detectors.{detector}.{option} is {wanted}, and there are {there} training samples.",
        f"Lower detectors.{detector}.{option}.",
    )


def drawn(rows: F32, samples: int, seed: int) -> F32:
    """At most `samples` of the rows, drawn at random and kept in their order."""
    if len(rows) <= samples:
        return rows
    return rows[np.sort(np.random.default_rng(seed).choice(len(rows), size=samples, replace=False))]


def check_width(name: str, array: NDArray[Any], width: int) -> None:
    """Refuse a stored array whose rows are not `width` values long."""
    if array.shape[-1] != width:
        raise EcganError(f"the stored array {name!r} has rows of {array.shape[-1]} values; expected {width}.", AGAIN)


def check_shape(detector: str, x: F32, learned: tuple[int, ...]) -> None:
    """Refuse samples of another shape than those that a detector learned."""
    if x.shape[1:] != learned:
        raise EcganError(
            f"the samples have shape {x.shape[1:]} (leads, steps) and those that {detector!r} learned {learned}.",
            "Give samples (n, leads, steps) as those that it was fitted to.",
        )


def _check_input(detector: str, x: F32) -> None:
    if x.ndim != 3:
        raise EcganError(
            f"the detector {detector!r} takes samples (n, leads, steps), not an array {x.shape}.",
            "Give samples (n, leads, steps) as those that it was fitted to.",
        )
    broken = int(np.count_nonzero(~finite_rows(x)))
    if broken:
        raise EcganError(
            f"{broken} of {len(x)} samples hold values that are no finite numbers.",
            "Fill in what is missing, or leave these samples out.",
        )
