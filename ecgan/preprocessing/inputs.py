"""What a trained model, or a detector without one, expects of its input."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ecgan.arrays import F32
from ecgan.errors import EcganError
from ecgan.files import RESTORE, read_record, write_json
from ecgan.preprocessing.transformations import Transformation
from ecgan.samples import About, Samples

LONGEST = 1_000_000  # time steps


@dataclass(frozen=True)
class Input:
    """What a model expects of its input, `input.json`.

    Attributes:
        leads: Names of the leads, in order.
        length: L, time steps.
        sampling_rate: Hz.
        unit: Unit before the transformation.
        centre: Index of the R peak, or None.
        transformation: The transformation fitted on the training data, as `Transformation.state` gives it.
        classes: Name of each class of the dataset; the first is normal.
    """

    leads: list[str]
    length: int
    sampling_rate: float
    unit: str
    centre: int | None
    transformation: dict[str, Any]
    classes: list[str]

    @classmethod
    def of(cls, samples: Samples, transformation: Transformation) -> "Input":
        """What a model that learned from samples through a fitted transformation expects."""
        about = samples.about
        state, length = transformation.state(), samples.length
        return cls(about.leads, length, about.sampling_rate, about.unit, about.centre, state, about.classes)


def save_input(folder: Path, expected: Input) -> None:
    """Write `input.json`."""
    write_json(folder / "input.json", vars(expected))


def load_input(folder: Path) -> Input:
    """Read `input.json`."""
    path = folder / "input.json"
    found = read_record(path, Input, "what a model expects")
    problem = ""
    if not 1 <= found.length <= LONGEST:
        problem = f"length is {found.length}, expected 1 to {LONGEST:,}"
    elif not found.leads or not found.classes:
        problem = f"{'classes' if found.leads else 'leads'} is an empty list"
    elif not 0 <= found.sampling_rate < math.inf:
        problem = f"sampling_rate is {found.sampling_rate:g}, expected 0 or more"
    elif found.centre is not None and not 0 <= found.centre < found.length:
        problem = f"centre is {found.centre}, expected null or 0 to {found.length - 1}"
    if problem:
        raise EcganError(
            f"{path} does not describe what a model expects: {problem}.",
            RESTORE,
        )
    return found


def bare(x: F32, expected: Input) -> Samples:
    """Return signals (n, C, L) as samples of which nothing else is known."""
    about = About(expected.sampling_rate, expected.leads, expected.classes, expected.unit, centre=expected.centre)
    return Samples(x, pd.DataFrame(index=range(len(x))), about)
