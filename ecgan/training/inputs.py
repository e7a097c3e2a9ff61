"""What a trained model expects of its input, and how samples become tensors."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ecgan.arrays import F32
from ecgan.files import read_record, write_json
from ecgan.runtime import device


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


def save_input(folder: Path, expected: Input) -> None:
    """Write `input.json`."""
    write_json(folder / "input.json", vars(expected))


def load_input(folder: Path) -> Input:
    """Read `input.json`."""
    return read_record(folder / "input.json", Input, "what a model expects")


def to_tensor(x: F32) -> Tensor:
    """Turn samples (n, L, C) into a tensor (n, C, L) on the run's device."""
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 2, 1))).to(device())
