"""NumPy files as recordings: `.npy` with the signal, `.npz` with sampling rate and lead names as well."""

import math
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.files.channels import MOST_VALUES, Columns
from ecgan.errors import EcganError

SIGNALS = ("signal", "signals")
RATES = ("sampling_rate", "fs")
LEADS = "leads"
UNIT = "unit"

Found = TypeVar("Found")


def read_npy(path: Path) -> Columns:
    """Read an array of shape (T,), (T, C) or (C, T): time is the longer axis. Nothing in the file is executed."""
    signals = _time_first(str(path), load_npy(path))
    unknown = [""] * signals.shape[1]
    return Columns(signals, unknown, unknown)


def read_npz(path: Path) -> Columns:
    """Read `signal` (or `signals`) as in `read_npy`, and if they are there `sampling_rate` (`fs`), `leads`, `unit`."""
    arrays = load_npz(path)
    found = [arrays[key] for key in SIGNALS if key in arrays]
    if len(found) != 1:
        names = ", ".join(arrays) or "nothing"
        raise EcganError(f"{path} holds {names}; expected one array `signal`.", "Save it by np.savez(file, signal=…).")
    leads = leads_of(arrays)
    signals = _time_first(str(path), found[0], None if leads is None else len(leads))
    count = signals.shape[1]
    if leads is not None and len(leads) != count:
        raise EcganError(f"{path} has {count} channel{'s' * (count != 1)} and names {len(leads)} leads.")
    return Columns(signals, leads or [""] * count, [str(arrays.get(UNIT, ""))] * count, rate_of(path, arrays))


def rate_of(path: Path, arrays: Mapping[str, NDArray[Any]]) -> float | None:
    """Return the sampling rate that a `.npz` file says, Hz; None where it says none."""
    found = [arrays[key] for key in RATES if key in arrays]
    if any(rate.size != 1 or rate.dtype.kind not in "fiu" for rate in found) or len(found) > 1:
        raise EcganError(f"{path}: the sampling rate is one number under one of the names {', '.join(RATES)}.")
    return float(found[0].reshape(())) if found else None


def leads_of(arrays: Mapping[str, NDArray[Any]]) -> list[str] | None:
    """Return the names of the leads that a `.npz` file says; None where it says none."""
    return [str(lead) for lead in np.atleast_1d(arrays[LEADS])] if LEADS in arrays else None


def load_npy(path: Path) -> NDArray[Any]:
    """Read the array of a `.npy` file; a header that promises more than the file holds is refused unread."""

    def read() -> NDArray[Any]:
        with path.open("rb") as file:
            _check_claim(str(path), file, path.stat().st_size)
        return np.asarray(np.load(path, allow_pickle=False))

    return _guard(path, read)


def load_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of a `.npz` file."""

    def read() -> dict[str, NDArray[Any]]:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                with archive.open(member) as file:
                    _check_claim(f"{member.filename} in {path}", file, member.file_size)
        with np.load(path, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}

    return _guard(path, read)


def _guard(path: Path, read: Callable[[], Found]) -> Found:
    try:
        return read()
    except EcganError:
        raise
    except FileNotFoundError as error:
        raise EcganError(f"the file {path} is not there.") from error
    except Exception as error:  # zipfile, zlib, tokenize and NumPy raise what they like
        raise EcganError(
            f"{path} is no whole NumPy file of plain numbers.", "Save it by np.save or np.savez, without objects."
        ) from error


def _check_claim(where: str, file: IO[bytes], size: int) -> None:
    """Compare the shape in the header with the bytes that there are, before room is made for it."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    values = math.prod(map(int, shape))
    if dtype.hasobject or dtype.kind not in "fiuUb":
        raise EcganError(f"{where} holds {dtype}, expected numbers.", "Save it as floats.")
    if values * dtype.itemsize > size or values > MOST_VALUES:
        raise EcganError(f"{where} claims {values:,} values, and the file has {size:,} bytes.", "Save it again.")


def _time_first(where: str, array: NDArray[Any], leads: int | None = None) -> NDArray[np.float64]:
    if array.dtype.kind not in "fiu" or array.ndim not in (1, 2):
        raise EcganError(
            f"{where} holds an array of {array.dtype} and shape {array.shape}; expected numbers of shape (T,), (T, C)"
            " or (C, T)."
        )
    signals = array.astype(np.float64)
    if signals.ndim == 1:
        return signals[:, None]  # (T,) to (T, 1)
    rows, columns = signals.shape
    if rows == columns and rows != 1:
        raise EcganError(f"{where} has the shape ({rows}, {columns}): which axis is time cannot be told.")
    if leads is not None and leads in (rows, columns):
        return signals if columns == leads else signals.T
    return signals if rows >= columns else signals.T  # (C, T) to (T, C)
