"""Generated signals on disk: `.npy` or `.csv`, written batch by batch."""

import math
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from ecgan.arrays import F32
from ecgan.errors import EcganError
from ecgan.files import check_target_file, csv_text, written

SUFFIXES: Final = (".npy", ".csv")
MOST: Final = 10_000_000
"""Signals of one file."""
_LONGEST_NUMBER = 16  # characters of a value in a CSV file, with its comma


def check_targets(
    out: Path, figure: Path | None, metrics: Path | None = None, *, force: bool, read: Iterable[Path] = ()
) -> None:
    """Refuse, before anything is computed, what must not be written: `out`, `described_in(out)`, figure and metrics.

    Files that are `read` are never written over.

    Raises:
        EcganError: An unknown suffix, a folder that is not there, a file that is, unless `force` allows it, or one
            file for two things.
    """
    if out.suffix not in SUFFIXES:
        raise EcganError(f"--out {out} names no known kind of file.", "Let the name end in .npy or .csv.")
    if figure is not None and figure.suffix != ".svg":
        raise EcganError(f"--figure {figure} names no known kind of file.", "Let the name end in .svg.")
    files, known = [out, described_in(out), *(file for file in (figure, metrics) if file is not None)], list(read)
    if len({file.absolute() for file in files}) < len(files):
        raise EcganError(f"{files[-1]} would be written twice.", "Name another file.")
    for file in files:
        check_target_file(file, force=force)
        if file.exists() and any(file.samefile(other) for other in known):
            raise EcganError(f"{file} belongs to the model.", "Name another file.")


def check_room(out: Path, shape: tuple[int, int, int]) -> None:
    """Refuse more signals n, L, C than the disk has room for, before anything is computed.

    Raises:
        EcganError: There is less room than they may take.
    """
    count, length, channels = shape
    needed = 4 * math.prod(shape) if out.suffix == ".npy" else count * length * (channels + 2) * _LONGEST_NUMBER
    if needed > (free := shutil.disk_usage(out.parent).free):
        raise EcganError(
            f"{count:,} signals of {length:,} time steps take up to {needed / 1e6:,.1f} MB, and the disk of {out} has"
            f" {free / 1e6:,.1f} MB left.",
            "Ask for fewer (-n), or name a file on another disk.",
        )


def described_in(out: Path) -> Path:
    """The file beside `out` that says what it holds: `beats.npy.json` for `beats.npy`."""
    return out.with_name(f"{out.name}.json")


def write_signals(
    out: Path, batches: Iterable[F32], shape: tuple[int, int, int], leads: Sequence[str], rate: float
) -> None:
    """Write signals batch by batch to `out`, which appears only when it is complete.

    `.npy`: one float32 array (n, L, C), read with `numpy.load(out)`. `.csv`: one row a time step of a sample, columns
    `sample` (0, 1, …), `time` (seconds from the sample's start, or time steps where the data have no sampling rate)
    and one for each lead, with nine significant digits: reading them as float32 gives the same values.

    Args:
        out: The file.
        batches: Signals, float32 (b, C, L) each; the file has time first.
        shape: n, L, C.
        leads: Names of the leads.
        rate: Sampling rate, Hz; 0 where time has no unit.
    """
    with written(out) as file:
        if out.suffix == ".npy":
            header = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for batch in batches:
                file.write(np.ascontiguousarray(batch.transpose(0, 2, 1), dtype="<f4").tobytes())
            return
        start = 0
        for batch in batches:
            frame = _frame(batch, start, leads, rate)
            file.write(csv_text(frame, "%.9g", header=start == 0).encode())
            start += len(batch)


def _frame(batch: F32, start: int, leads: Sequence[str], rate: float) -> pd.DataFrame:
    """Signals (b, C, L) as rows, samples counted from `start`."""
    count, channels, length = batch.shape
    steps = np.tile(np.arange(length), count)
    frame = pd.DataFrame({"sample": np.repeat(np.arange(start, start + count), length)})
    frame["time"] = steps / rate if rate else steps
    return pd.concat([frame, pd.DataFrame(batch.transpose(0, 2, 1).reshape(-1, channels), columns=list(leads))], axis=1)
