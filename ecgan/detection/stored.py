"""Checked access to stored state: what is read from a file is data of unknown origin until it is checked."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.detection.base import State
from ecgan.errors import EcganError

AGAIN = "Run the detect stage again to write it anew."


def stored_array(state: State, key: str, *, dtype: type[np.generic], ndim: int) -> NDArray[Any]:
    """The array `key` of `state`, of exactly this type and number of dimensions, finite."""
    array = state.arrays.get(key)
    if array is None:
        raise EcganError(f"the stored state lacks the array {key!r}.", AGAIN)
    if array.dtype != np.dtype(dtype) or array.ndim != ndim:
        raise EcganError(
            f"the stored array {key!r} has shape {array.shape} and type {array.dtype};"
            f" expected {ndim} dimensions of {np.dtype(dtype)}.",
            AGAIN,
        )
    if not np.isfinite(array).all():
        raise EcganError(f"the stored array {key!r} holds values that are no finite numbers.", AGAIN)
    return np.ascontiguousarray(array)


def stored_number(values: Any, key: str) -> float:
    """The finite number `key` of the mapping `values`."""
    value = stored_value(values, key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise EcganError(f"the stored value {key!r} is {value!r}; expected a finite number.", AGAIN)
    return float(value)


def stored_mapping(values: Any, key: str) -> dict[str, Any]:
    """The mapping `key` of the mapping `values`."""
    value = stored_value(values, key)
    if not isinstance(value, dict):
        raise EcganError(f"the stored value {key!r} is {value!r}; expected a mapping.", AGAIN)
    return value


def stored_value(values: Any, key: str) -> Any:
    """The value `key` of the mapping `values`."""
    if not isinstance(values, dict) or key not in values:
        raise EcganError(f"the stored state lacks the value {key!r}.", AGAIN)
    return values[key]
