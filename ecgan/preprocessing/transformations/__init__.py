"""Transformations of samples before they reach a model, learned from the training data alone."""

import math
from typing import Any

from ecgan.errors import EcganError
from ecgan.files import shown
from ecgan.preprocessing.transformations.base import F32, Range, Transformation, blocks
from ecgan.preprocessing.transformations.fourier import Fourier
from ecgan.preprocessing.transformations.scaling import Individual, MinMax, Standard, Unchanged
from ecgan.preprocessing.transformations.whitening import Whitening

__all__ = [
    "TRANSFORMATIONS",
    "Transformation",
    "check_range",
    "fit_transformation",
    "make_transformation",
    "restore_transformation",
]

TRANSFORMATIONS: dict[str, type[Transformation]] = {
    cls.name: cls for cls in (Unchanged, MinMax, Standard, Individual, Whitening, Fourier)
}


def make_transformation(name: str, output_range: Range | None = None) -> Transformation:
    """Return an unfitted transformation to the range that the model can produce; None (any) maps to 0…1.

    Raises:
        EcganError: There is no such transformation.
    """
    if name not in TRANSFORMATIONS:
        raise EcganError(f"there is no transformation {name!r}.", f"Known: {', '.join(TRANSFORMATIONS)}.")
    return TRANSFORMATIONS[name](output_range or (0.0, 1.0), bounded=output_range is not None)


def fit_transformation(name: str, train: F32, output_range: Range | None = None) -> Transformation:
    """Return a transformation fitted on training samples (n, C, L), which the model can then reconstruct.

    Raises:
        EcganError: The training data are not finite, or leave the range that the model can produce (None: any).
    """
    transformation = make_transformation(name, output_range)
    transformation.fit(train)
    check_range(transformation, train, output_range)
    return transformation


def check_range(transformation: Transformation, train: F32, output_range: Range | None) -> None:
    """Refuse training samples (n, C, L), not yet transformed, that a model cannot reconstruct once they are.

    Raises:
        EcganError: Transformed samples leave the range that the model can produce (None: any).
    """
    if output_range is None:
        return
    low, high = output_range
    values = [(float(y.min()), float(y.max())) for y in map(transformation.transform, blocks(train))]
    least, most = min(v[0] for v in values), max(v[1] for v in values)
    slack = 1e-5 * (high - low)
    if least < low - slack or most > high + slack:
        raise EcganError(
            f"the model can only produce values from {low:g} to {high:g}, but with the transformation"
            f" {transformation.name!r} the training data reach from {least:.4g} to {most:.4g}.",
            "Set train.transformation to individual or minmax, or give the model an output without bounds.",
        )


def restore_transformation(state: Any) -> Transformation:
    """Return the transformation whose `state` was stored.

    Raises:
        EcganError: The state is not one that a transformation gives.
    """
    try:
        return _restored(state)
    except ValueError as error:
        raise EcganError(f"the stored transformation cannot be used: {error}.", "Train the model again.") from None


def _restored(state: Any) -> Transformation:
    if not isinstance(state, dict) or not isinstance(state.get("name"), str) or state["name"] not in TRANSFORMATIONS:
        name = state.get("name") if isinstance(state, dict) else state
        raise ValueError(f"its name is {shown(name)}, expected {', '.join(TRANSFORMATIONS)}")
    lists = {key: value for key, value in state.items() if key != "name"}
    for key, values in lists.items():
        if not isinstance(values, list) or not all(_is_number(value) for value in values):
            raise ValueError(f"{key} is no list of finite numbers")
    target = lists.pop("target", [])
    if len(target) != 2 or target[0] >= target[1]:
        raise ValueError("target is no range")
    transformation = TRANSFORMATIONS[state["name"]]((target[0], target[1]))
    transformation.take_back(lists)
    return transformation


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
