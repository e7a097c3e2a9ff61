"""Arrays on disk: `data.pkl` and `label.pkl`, read without ever running what a pickle says.

The files are pickles because other programs of the field read them; ours reads them with a loader that knows
the few globals NumPy writes for one plain array and answers each with an inert stand-in. Nothing is imported by
name, no NumPy function is called by the file, every other global is refused.
"""

import io
import math
import pickle
import pickletools
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError
from ecgan.files import written

F32 = NDArray[np.float32]

_MOST_OPERATIONS = 1000  # NumPy's own pickles of an array take about 50
_MEMO = ("PUT", "BINPUT", "LONG_BINPUT")
_NUMERIC = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"}


class RefusedError(Exception):
    """The file holds something else than one numeric array."""


class _NdarrayType:
    """Stands for the class `numpy.ndarray`; good for nothing but being handed to `_reconstruct`."""

    def __new__(cls, *_: object) -> NoReturn:
        raise RefusedError("it builds an array in an unknown way")


class _Dtype:
    """Stands for `numpy.dtype(code)`; only plain numeric codes."""

    def __init__(self, code: object, align: object = False, copy: object = True) -> None:
        if not isinstance(code, str) or code not in _NUMERIC:
            raise RefusedError(f"the data type {code!r} is not numeric")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 8 or state[2:5] != (None, None, None):
            raise RefusedError("the data type is not a plain numeric one")
        if state[1] not in ("<", ">", "|", "="):
            raise RefusedError("the data type is not a plain numeric one")
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """Stands for the array under construction."""

    array: NDArray[Any] | None = None

    def fill(self, shape: object, dtype: object, fortran: bool, raw: object) -> None:
        if not isinstance(raw, (bytes, bytearray)) or not isinstance(dtype, _Dtype):
            raise RefusedError("it does not hold the bytes of one numeric array")
        if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise RefusedError(f"the shape {shape!r} is none")
        if math.prod(shape) * dtype.dtype.itemsize != len(raw):
            raise RefusedError(f"the shape {shape} does not fit {len(raw)} bytes")
        flat = np.frombuffer(raw, dtype=dtype.dtype)
        self.array = flat.reshape(shape, order="F" if fortran else "C")

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise RefusedError("the array's state is unknown")
        self.fill(state[1], state[2], bool(state[3]), state[4])


def _reconstruct(kind: object, shape: object, typecode: object) -> _Array:
    if kind is not _NdarrayType or shape != (0,) or typecode != b"b":
        raise RefusedError("it builds an array in an unknown way")
    return _Array()


def _frombuffer(raw: object, dtype: object, shape: object, order: object) -> _Array:
    array = _Array()
    array.fill(shape, dtype, order == "F", raw)
    return array


_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _NdarrayType,
    ("numpy", "dtype"): _Dtype,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.numeric", "_frombuffer"): _frombuffer,
    ("numpy.core.numeric", "_frombuffer"): _frombuffer,
}


class _Loader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _STAND_INS[module, name]
        except KeyError:
            raise RefusedError(f"it asks for {module}.{name}, which an array never needs") from None

    def persistent_load(self, pid: object) -> NoReturn:
        raise RefusedError("it refers to objects outside itself")


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write one numeric array as a pickle of protocol 4, atomically; the same array gives the same bytes."""
    if array.dtype.str[1:] not in _NUMERIC:
        raise TypeError(f"not a numeric array: {array.dtype}")
    plain = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("="), copy=False)
    with written(path) as file:
        pickle.dump(plain.view(np.ndarray), file, protocol=4)


def load_array(path: Path, *, ndim: int, kind: str) -> NDArray[Any]:
    """Read an array that `save_array` (or NumPy's own pickling) wrote; nothing in the file is executed.

    Args:
        path: The file.
        ndim: The number of dimensions that the array must have.
        kind: The NumPy kinds that are admitted: "f" for floats, "iu" for integers.

    Raises:
        EcganError: The file is missing, is no pickled array, or has another type or shape.
    """
    try:
        content = path.read_bytes()
        _check_opcodes(content)
        found = _Loader(io.BytesIO(content)).load()
    except OSError as error:
        raise EcganError(f"cannot read {path}: {error.strerror or error}.", "Run `ecgan preprocess` again.") from error
    except RefusedError as error:
        raise EcganError(f"{path} was refused: {error}.", "Only files with one plain numeric array are read.") from None
    except Exception:
        raise EcganError(
            f"{path} is no pickled array, or is cut off ({len(content):,} bytes).", "Run `ecgan preprocess` again."
        ) from None
    if not isinstance(found, _Array) or found.array is None:
        raise EcganError(f"{path} was refused: it holds no array.", "Only files with one plain numeric array are read.")
    array = found.array
    if array.ndim != ndim or array.dtype.kind not in kind:
        expected = "floating-point numbers" if kind == "f" else "whole numbers"
        raise EcganError(
            f"{path} holds an array of shape {array.shape} and type {array.dtype};"
            f" expected {ndim} dimension{'s' if ndim > 1 else ''} of {expected}."
        )
    return array


def _check_opcodes(content: bytes) -> None:
    """Refuse what no pickled array has: loops of the pickle machine, a large memo, thousands of operations."""
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        large = opcode.name in _MEMO and isinstance(argument, int) and argument > _MOST_OPERATIONS
        if count > _MOST_OPERATIONS or large or opcode.name in ("DUP", "POP", "POP_MARK"):
            raise RefusedError("it does more than building one array takes")
