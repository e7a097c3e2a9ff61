"""NumPy files as recordings: `.npy` with the signal, `.npz` with sampling rate and lead names as well."""

import math
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.files.channels import MOST_VALUES, Columns
from ecgan.errors import EcganError

SIGNALS = ("signal", "signals")
RATES = ("sampling_rate", "fs")
_OTHER_RATES = ("sample_rate", "sampling_frequency", "sfreq", "Fs")
"""Other names of a rate, where none of the usual ones is there."""
LEADS = "leads"
UNITS = ("unit", "units")

Check = Callable[[str, tuple[int, ...], np.dtype[Any]], None]
"""Given where an array is, its shape and type, raises an error if it is not wanted."""

MOST_LEADS = 256
"""Most leads of a recording."""

_BESIDE = (LEADS, *UNITS, *_OTHER_RATES, "labels", "label", "y", "patients", "patient")
_MOST_DIRECTORY = 1 << 20  # bytes of the list of members
_MOST_RATIO = 200  # bytes unpacked for each byte packed, of an array of more than 1 MiB
_SMALL = 1 << 20
_SURROGATES = (0xD800, 0xE000)

Found = TypeVar("Found")


def read_npy(path: Path) -> Columns:
    """Read an array of shape (T,), (T, C) or (C, T): time is the longer axis. Nothing in the file is executed."""
    signals = _time_first(str(path), load_npy(path, _signals_only))
    unknown = [""] * signals.shape[1]
    return Columns(signals, unknown, unknown)


def read_npz(path: Path) -> Columns:
    """Read `signal` (or `signals`) as in `read_npy`, and if they are there `sampling_rate` (`fs`), `leads`, `unit`."""
    arrays = load_npz(path, SIGNALS, {**dict.fromkeys(SIGNALS, _signals_only)})
    found = [arrays[key] for key in SIGNALS if key in arrays]
    leads = leads_of(arrays)
    signals = _time_first(str(path), found[0], None if leads is None else len(leads))
    count = signals.shape[1]
    if leads is not None and len(leads) != count:
        raise EcganError(f"{path} has {count} channel{'s' * (count != 1)} and names {len(leads)} leads.")
    return Columns(signals, leads or [""] * count, _units_of(path, arrays, count), rate_of(path, arrays))


def _units_of(path: Path, arrays: Mapping[str, NDArray[Any]], count: int) -> list[str]:
    """Return the unit of each of so many leads: one for all, or one each; "" where none is said."""
    found = [np.atleast_1d(arrays[key]) for key in UNITS if key in arrays]
    if not found:
        return [""] * count
    if len(found) > 1 or found[0].shape not in ((1,), (count,)):
        raise EcganError(
            f"{path} has {count} channel{'s' * (count != 1)} and {sum(map(len, found))} units.",
            "Say one, or one a lead.",
        )
    return [str(unit) for unit in np.broadcast_to(found[0], count)]


def rate_of(path: Path, arrays: Mapping[str, NDArray[Any]]) -> float | None:
    """Return the sampling rate that a `.npz` file says, Hz; None where it says none."""
    names = RATES if any(key in arrays for key in RATES) else _OTHER_RATES
    found = [arrays[key] for key in names if key in arrays]
    if any(rate.size != 1 or rate.dtype.kind not in "fiu" for rate in found) or len(found) > 1:
        raise EcganError(f"{path}: the sampling rate is one number under one of the names {', '.join(RATES)}.")
    return float(found[0].reshape(())) if found else None


def leads_of(arrays: Mapping[str, NDArray[Any]]) -> list[str] | None:
    """Return the names of the leads that a `.npz` file says; None where it says none."""
    return [str(lead) for lead in np.atleast_1d(arrays[LEADS])] if LEADS in arrays else None


def load_npy(path: Path, check: Check | None = None) -> NDArray[Any]:
    """Read the array of a `.npy` file; a header that promises more than the file holds is refused unread.

    `check` refuses shapes that are not wanted before anything of that size is made.
    """

    def read() -> NDArray[Any]:
        with path.open("rb") as file:
            _check_claim(str(path), file, path.stat().st_size, check)
        return np.asarray(np.load(path, allow_pickle=False))

    return _guard(path, read)


def load_npz(path: Path, wanted: Sequence[str], checks: Mapping[str, Check] | None = None) -> dict[str, NDArray[Any]]:
    """Read the arrays of a `.npz` file that are needed: one that is wanted, and what stands beside it.

    Raises:
        EcganError: It is damaged, holds none or several of the wanted arrays, or unpacks to far more than it is.
    """

    def read() -> dict[str, NDArray[Any]]:
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            if sum(key in members for key in wanted) != 1:
                names = ", ".join(members)
                raise EcganError(
                    f"{path} holds {names[:200] or 'nothing'}; expected one array `{wanted[0]}`.",
                    f"Save it by np.savez(file, {wanted[0]}=…, {RATES[0]}=…, {LEADS}=…).",
                )
            for key in needed.intersection(members):
                _check_ratio(f"{key} in {path}", members[key])
                with archive.open(members[key]) as file:
                    _check_claim(f"{key} in {path}", file, members[key].file_size, (checks or {}).get(key))
        with np.load(path, allow_pickle=False) as content:
            return {name: _letters(content[name]) for name in content.files if name in needed}

    needed = {*wanted, *RATES, *_BESIDE}
    return _guard(path, read)


def _guard(path: Path, read: Callable[[], Found]) -> Found:
    try:
        return read()
    except (EcganError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise EcganError(f"the file {path} is not there.") from error
    except Exception as error:  # zipfile, zlib, tokenize and NumPy raise what they like
        raise EcganError(
            f"{path} is no whole NumPy file of plain numbers.", "Save it by np.save or np.savez, without objects."
        ) from error


def _letters(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array; one of text whose numbers stand for no letters is damaged, and NumPy would not say so."""
    if array.dtype.kind == "U" and array.dtype.itemsize:
        order = array.dtype.byteorder
        codes = np.ascontiguousarray(array).reshape(-1).view(np.dtype(np.uint32).newbyteorder(order))
        if ((codes > sys.maxunicode) | ((codes >= _SURROGATES[0]) & (codes < _SURROGATES[1]))).any():
            raise ValueError("no letters")
    return array


def _check_directory(path: Path) -> None:
    """Refuse an archive of very many members, the list of which `zipfile` reads whole."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(0, end - (1 << 16) - 256))
        tail = file.read()
    at = tail.rfind(b"PK\5\6")
    size = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    if size > _MOST_DIRECTORY:
        raise EcganError(f"{path} has too many members for a recording.", "Save the arrays of one recording a file.")


def _check_ratio(where: str, member: zipfile.ZipInfo) -> None:
    if member.file_size > max(_SMALL, _MOST_RATIO * member.compress_size):
        raise EcganError(
            f"{where} unpacks {member.compress_size:,} bytes to {member.file_size:,}, more than {_MOST_RATIO} times as"
            " much.",
            "Save it again, by np.savez.",
        )


def _check_claim(where: str, file: IO[bytes], size: int, check: Check | None) -> None:
    """Compare the shape in the header with the bytes that there are, before room is made for it."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    values = math.prod(map(int, shape))
    if dtype.hasobject or dtype.kind not in "fiuUb":
        raise EcganError(f"{where} holds {dtype}, expected numbers.", "Save it as floats.")
    if values * max(dtype.itemsize, 1) > size or values > MOST_VALUES:
        raise EcganError(f"{where} claims {values:,} values, and the file has {size:,} bytes.", "Save it again.")
    if check is not None:
        check(where, tuple(map(int, shape)), dtype)


def _signals_only(where: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Refuse what is no signal of a recording."""
    if dtype.kind not in "fiu" or len(shape) not in (1, 2):
        raise EcganError(
            f"{where} holds an array of {dtype} and shape {shape}; expected numbers of shape (T,), (T, C) or (C, T)."
        )
    if len(shape) == 2 and min(shape) > MOST_LEADS:
        raise EcganError(f"{where} has the shape {shape}: more than {MOST_LEADS} leads.", "Save the ECG leads only.")


def _time_first(where: str, array: NDArray[Any], leads: int | None = None) -> NDArray[np.float64]:
    signals = array.astype(np.float64)
    if signals.ndim == 1:
        return signals[:, None]  # (T,) to (T, 1)
    rows, columns = signals.shape
    if rows == columns and rows != 1:
        raise EcganError(f"{where} has the shape ({rows}, {columns}): which axis is time cannot be told.")
    if leads is not None and leads in (rows, columns):
        return signals if columns == leads else signals.T
    return signals if rows >= columns else signals.T  # (C, T) to (T, C)
