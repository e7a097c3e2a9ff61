"""Arrays on disk: `data.pkl` and `label.pkl`, read without ever running what a pickle says.

The files are pickles because other programs of the field read them; ours reads them with a loader that knows
the few globals NumPy writes for one plain array and answers each with an inert stand-in. Nothing is imported by
name, no NumPy function is called by the file, every other global is refused, and so is every operation that such a
pickle does not need. What a file makes of the stand-ins ends with it: those that all files share hold nothing.
"""

import math
import os
import pickle
import pickletools
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError
from ecgan.files import check_plain, written

F32 = NDArray[np.float32]

_MOST_OPERATIONS = 1000  # NumPy's own pickles of an array take about 50
_MEMO = ("PUT", "BINPUT", "LONG_BINPUT")
_OPERATIONS = {
    *_MEMO,
    *("PROTO", "FRAME", "STOP", "MARK", "MEMOIZE", "GET", "BINGET", "LONG_BINGET", "GLOBAL", "STACK_GLOBAL"),
    *("REDUCE", "BUILD", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "NONE", "NEWTRUE", "NEWFALSE"),
    *("INT", "BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
"""What NumPy's own pickles of an array do, in the protocols from 3 on: nothing that adds to an object but BUILD."""
_OUTSIDE = "it refers to objects outside itself"
_NUMERIC = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"}


class RefusedError(Exception):
    """The file holds something else than one numeric array."""


class _Shared:
    """Stands for a global; all files share it, so that it holds nothing and takes nothing in."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise RefusedError("it changes what the loader itself consists of")

    def __setstate__(self, state: object) -> NoReturn:
        raise RefusedError("it changes what the loader itself consists of")


class _NdarrayType(_Shared):
    """Stands for the class `numpy.ndarray`; good for nothing but being handed to `_reconstruct`."""

    __slots__ = ()

    def __call__(self, *_: object) -> NoReturn:
        raise RefusedError("it builds an array in an unknown way")


class _Dtype:
    """Stands for `numpy.dtype(code)`; only plain numeric codes."""

    def __init__(self, code: object) -> None:
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


class _NewDtype(_Shared):
    """Stands for calling `numpy.dtype`."""

    __slots__ = ()

    def __call__(self, code: object, align: object = False, copy: object = True) -> _Dtype:
        return _Dtype(code)


class _Reconstruct(_Shared):
    """Stands for the function that begins an array."""

    __slots__ = ()

    def __call__(self, kind: object, shape: object, typecode: object) -> _Array:
        if not isinstance(kind, _NdarrayType) or shape != (0,) or typecode != b"b":
            raise RefusedError("it builds an array in an unknown way")
        return _Array()


class _Frombuffer(_Shared):
    """Stands for the function that makes an array of bytes."""

    __slots__ = ()

    def __call__(self, raw: object, dtype: object, shape: object, order: object) -> _Array:
        array = _Array()
        array.fill(shape, dtype, order == "F", raw)
        return array


_STAND_INS: Mapping[tuple[str, str], _Shared] = MappingProxyType(
    {
        ("numpy", "ndarray"): _NdarrayType(),
        ("numpy", "dtype"): _NewDtype(),
        ("numpy._core.multiarray", "_reconstruct"): _Reconstruct(),
        ("numpy.core.multiarray", "_reconstruct"): _Reconstruct(),
        ("numpy._core.numeric", "_frombuffer"): _Frombuffer(),
        ("numpy.core.numeric", "_frombuffer"): _Frombuffer(),
    }
)


class _Loader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _stand_in(module, name)

    def persistent_load(self, pid: object) -> NoReturn:
        raise RefusedError(_OUTSIDE)


def _stand_in(module: str, name: str) -> Any:
    try:
        return _STAND_INS[module, name]
    except KeyError:
        raise RefusedError(f"it asks for {module}.{name}, which an array never needs") from None


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
    again = "Run `ecgan preprocess` again."
    try:
        check_plain(path, _memory(), again)
        with path.open("rb") as file:
            _check_opcodes(file)
            file.seek(0)
            found = _Loader(file).load()
    except OSError as error:
        raise EcganError(f"cannot read {path}: {error.strerror or error}.", again) from error
    except EcganError:
        raise
    except RefusedError as error:
        raise EcganError(f"{path} was refused: {error}.", "Only files with one plain numeric array are read.") from None
    except Exception:
        size = path.stat().st_size
        raise EcganError(f"{path} is no pickled array, or is cut off ({size:,} bytes).", again) from None
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


def _check_opcodes(file: BinaryIO) -> None:
    """Refuse what no pickled array has: other objects, by name, operations that it does not need, a large memo."""
    names = _Names()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if opcode.name in ("PERSID", "BINPERSID"):
            raise RefusedError(_OUTSIDE)
        if (found := names.after(opcode.name, argument)) is not None:
            _stand_in(*found)
        large = opcode.name in _MEMO and isinstance(argument, int) and argument > _MOST_OPERATIONS
        if count > _MOST_OPERATIONS or large or opcode.name not in _OPERATIONS:
            raise RefusedError("it does more than building one array takes")


class _Names:
    """Follows the texts of a pickle through its memo, so far as they name objects."""

    def __init__(self) -> None:
        self.last: tuple[str | None, str | None] = (None, None)
        self.memo: dict[int, str | None] = {}

    def after(self, operation: str, argument: Any) -> tuple[str, str] | None:
        """Take an operation in; return module and name where it asks for an object."""
        if operation == "GLOBAL":
            module, _, name = str(argument).partition(" ")
            self.last = (self.last[1], None)
            return module, name
        if operation == "STACK_GLOBAL":
            first, second = self.last
            self.last = (None, None)
            return None if first is None or second is None else (first, second)
        if operation == "MEMOIZE":
            self.memo[len(self.memo)] = self.last[1]
        elif operation in _MEMO:
            self.memo[int(argument)] = self.last[1]
        elif "UNICODE" in operation:
            self.last = (self.last[1], str(argument))
        elif operation in ("GET", "BINGET", "LONG_BINGET"):
            self.last = (self.last[1], self.memo.get(int(argument)))
        elif operation not in ("PROTO", "FRAME"):
            self.last = (self.last[1], None)
        return None


def _memory() -> int:
    """Return the memory of this machine in bytes: a larger array could not be read."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
