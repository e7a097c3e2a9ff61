"""Arrays on disk: `data.pkl` and `label.pkl`, read without ever running what a pickle says.

The files are pickles because other programs of the field read them; ours reads them with a loader that knows
the few globals NumPy writes for one plain array and answers each with an inert stand-in. Nothing is imported by
name, no NumPy function is called by the file, every other global is refused, and so is every operation that such a
pickle does not need. What a file makes of the stand-ins ends with it: those that all files share hold nothing.

A large array is written block by block, and read as a map of its numbers within the file: neither needs memory for all
of them. The bytes of the file are the same, whichever way it was written.
"""

import io
import math
import os
import pickle
import pickletools
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError
from ecgan.files import RESTORE, check_plain, written
from ecgan.scratch import is_large, parts

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
_BYTES = {"SHORT_BINBYTES": 2, "BINBYTES": 5}  # how long operation and length are together
_UNFRAMED = 1 << 16  # bytes from which on pickle writes an object outside its frames
_MARK = b"the numbers"
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


@dataclass(frozen=True)
class _Plan:
    """What a pickle says of its array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    raw: bytes | bytearray

    def array(self) -> NDArray[Any]:
        """Return the array over the bytes that were read."""
        self.check_length(len(self.raw))
        return self._shaped(np.frombuffer(self.raw, dtype=self.dtype))

    def mapped(self, path: Path, start: int, length: int) -> NDArray[Any]:
        """Return the array over so many bytes of a file, which begin at `start`; nobody can write to it."""
        self.check_length(length)
        return self._shaped(np.asarray(np.memmap(path, self.dtype, "r", start, (length // self.dtype.itemsize,))))

    def check_length(self, length: int) -> None:
        if math.prod(self.shape) * self.dtype.itemsize != length:
            raise RefusedError(f"the shape {self.shape} does not fit {length} bytes")

    def _shaped(self, flat: NDArray[Any]) -> NDArray[Any]:
        return flat.reshape(self.shape, order="F" if self.fortran else "C")


class _Array:
    """Stands for the array under construction."""

    plan: _Plan | None = None

    def fill(self, shape: object, dtype: object, fortran: bool, raw: object) -> None:
        if not isinstance(raw, (bytes, bytearray)) or not isinstance(dtype, _Dtype):
            raise RefusedError("it does not hold the bytes of one numeric array")
        if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise RefusedError(f"the shape {shape!r} is none")
        self.plan = _Plan(shape, dtype.dtype, fortran, raw)

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
    save_blocks(path, array.shape, array.dtype, (array[part] for part in parts(array)) if array.ndim else [array])


def save_blocks(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], blocks: Iterable[NDArray[Any]]) -> None:
    """Write one numeric array (n, …) that comes in blocks (b, …) with the bytes that `save_array` writes at once."""
    if dtype.str[1:] not in _NUMERIC:
        raise TypeError(f"not a numeric array: {dtype}")
    kind = dtype.newbyteorder("=")
    before, after = _around(shape, kind)
    with written(path) as file:
        file.write(before)
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype=kind).data)
        if file.tell() - len(before) != math.prod(shape) * kind.itemsize:
            raise ValueError(f"the blocks make no array of shape {shape}")
        file.write(after)


class _Hollow:
    """Is pickled as an array of a shape and type is, with other bytes in the place of its numbers."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], raw: bytes) -> None:
        self.state = (1, shape, dtype, False, raw)

    def __reduce__(self) -> Any:
        return (*np.empty(0, self.state[2]).__reduce__()[:2], self.state)


def _around(shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[bytes, bytes]:
    """Return what stands before and behind the numbers of an array in its pickle of protocol 4.

    From 64 KiB on pickle writes bytes outside its frames, however many there are: what it writes of 64 KiB is what it
    writes of more, but for the operation that names the length.
    """
    size = math.prod(shape) * dtype.itemsize
    some = min(size, _UNFRAMED)
    pickled = pickle.dumps(_Hollow(shape, dtype, bytes(some)), protocol=4)
    found = [(at or 0, opcode.name) for opcode, _, at in pickletools.genops(pickled) if opcode.name in _BYTES]
    at, begin = found[-1][0], found[-1][0] + _BYTES[found[-1][1]]
    if size == some:
        return pickled[:begin], pickled[begin + some :]
    length = b"B" + size.to_bytes(4, "little") if size < 1 << 32 else b"\x8e" + size.to_bytes(8, "little")
    return pickled[:at] + length, pickled[begin + some :]


def load_array(path: Path, *, ndim: int, kind: str) -> NDArray[Any]:
    """Read an array that `save_array` (or NumPy's own pickling) wrote; nothing in the file is executed.

    Of a file of more than `ecgan.scratch.LARGE` bytes the numbers stay where they are: what is returned is a map of
    them, which reads what is looked at and cannot be written to.

    Args:
        path: The file.
        ndim: The number of dimensions that the array must have.
        kind: The NumPy kinds that are admitted: "f" for floats, "iu" for integers.

    Raises:
        EcganError: The file is missing, is no pickled array, or has another type or shape.
    """
    again = "Run `ecgan preprocess` again."
    try:
        check_plain(path, sys.maxsize, again)
        array = _mapped(path) if is_large(path.stat().st_size) else None
        if array is None:
            check_plain(path, _memory(), again)
            array = _read(path)
    except OSError as error:
        raise EcganError(f"cannot read {path}: {error.strerror or error}.", again) from error
    except EcganError:
        raise
    except RefusedError as error:
        raise EcganError(f"{path} was refused: {error}.", "Only files with one plain numeric array are read.") from None
    except Exception:
        size = path.stat().st_size
        raise EcganError(f"{path} is no pickled array, or is cut off ({size:,} bytes).", again) from None
    if array.ndim != ndim or array.dtype.kind not in kind:
        expected = "floating-point numbers" if kind == "f" else "whole numbers"
        raise EcganError(
            f"{path} holds an array of shape {array.shape} and type {array.dtype};"
            f" expected {ndim} dimension{'s' if ndim > 1 else ''} of {expected}.",
            RESTORE,
        )
    return array


def _read(path: Path) -> NDArray[Any]:
    with path.open("rb") as file:
        _check_opcodes(file)
        file.seek(0)
        return _plan(file).array()


def _plan(file: BinaryIO) -> _Plan:
    found = _Loader(file).load()
    if not isinstance(found, _Array) or found.plan is None:
        raise RefusedError("it holds no array")
    return found.plan


def _mapped(path: Path) -> NDArray[Any] | None:
    """Map the numbers of a pickled array; None where they do not lie in it as NumPy writes them.

    What the guarded loader is given is the file with a mark in the place of the numbers.
    """
    with path.open("rb") as file:
        try:
            found = _check_opcodes(_Skipping(file, path.stat().st_size))
        except TypeError:  # what was passed over are no bytes
            return None
        if len(found) != 1:
            return None
        at, numbers = found[0]
        file.seek(0)
        before = file.read(at)
        file.seek(numbers.end)
        hollow = before + b"C" + bytes([len(_MARK)]) + _MARK + file.read(_UNFRAMED)
    plan = None
    with suppress(pickle.UnpicklingError, EOFError):  # as where the numbers are in a frame
        plan = _plan(io.BytesIO(hollow))
    if plan is None or plan.raw != _MARK:
        return None
    return plan.mapped(path, numbers.start, numbers.end - numbers.start)


@dataclass(frozen=True)
class _Skipped:
    """Stands for many bytes of a file, from `start` to before `end`."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


class _Skipping:
    """A file as `pickletools` reads it, which passes over what is long."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size, self.tell = file, size, file.tell

    def read(self, count: int) -> Any:
        start = self.file.tell()
        if count < _UNFRAMED or start + count > self.size:
            return self.file.read(min(count, _UNFRAMED))
        self.file.seek(count, os.SEEK_CUR)
        return _Skipped(start, start + count)

    def readline(self) -> bytes:
        return self.file.readline(_UNFRAMED)


def _check_opcodes(file: Any) -> list[tuple[int, _Skipped]]:
    """Refuse what no pickled array has: other objects, by name, operations that it does not need, a large memo.

    Returns:
        Where operations with bytes that were skipped begin, and where those bytes are.
    """
    names, skipped = _Names(), []
    for count, (opcode, argument, at) in enumerate(pickletools.genops(file)):
        if opcode.name in ("PERSID", "BINPERSID"):
            raise RefusedError(_OUTSIDE)
        if (found := names.after(opcode.name, argument)) is not None:
            _stand_in(*found)
        large = opcode.name in _MEMO and isinstance(argument, int) and argument > _MOST_OPERATIONS
        if count > _MOST_OPERATIONS or large or opcode.name not in _OPERATIONS:
            raise RefusedError("it does more than building one array takes")
        if isinstance(argument, _Skipped):
            skipped.append((int(at or 0), argument))
    return skipped


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
    """Return the memory of this machine in bytes, where the system says it: a larger array could not be read."""
    if not hasattr(os, "sysconf"):  # Windows
        return sys.maxsize
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
