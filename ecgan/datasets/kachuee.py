"""What the datasets of beats after Kachuee et al. 2018 share: options, cutting of recordings, and the published files.

The files are on Kaggle (shayanfazeli/heartbeat): a row a beat, 187 values within 0…1 and the class, without a header.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from ecgan.datasets.annotated import labelled
from ecgan.datasets.sources import SourceOptions, take_source
from ecgan.ecg.aami import CLASSES, DESCRIPTIONS, class_ids
from ecgan.ecg.alignment import mark_shifts
from ecgan.ecg.beats import beat_table
from ecgan.ecg.records import Record
from ecgan.ecg.segments import LENGTH, cut_segments
from ecgan.errors import EcganError
from ecgan.files import table_words
from ecgan.preprocessing.filtering import filter_recording
from ecgan.preprocessing.options import AlignOptions, FilterOptions, RecordingOptions, Resampling, SampleOptions
from ecgan.preprocessing.preparing import rounded
from ecgan.samples import SHIFT, About, Samples

UNIT = "0-1"
"""Of beats that are scaled to their own range."""

_ROWS = 8192
_MOST_ROWS = 1_000_000
_LONGEST_LINE = 27 * (LENGTH + 1)  # bytes; the published ones have 25 a value
_HINT = "Take the files as they are published on Kaggle (shayanfazeli/heartbeat)."


class FetchOptions(SourceOptions):
    """Where the beats come from: the records of PhysioNet, or published files that the user has."""


class ScaledOptions(RecordingOptions, SampleOptions, AlignOptions, FilterOptions):
    """What is done with the beats; 160 time steps suit the models, and are those of the β-VAEGAN paper."""

    resampling: Resampling = Field(
        Resampling(method="lttb", variant="pylttb", length=160), description="Another length or rate of the samples."
    )
    records: list[str] | None = Field(None, description="names of the records to cut; null: all that the dataset uses")


def cut_scaled(record: Record, options: ScaledOptions, step: int, mapping: str | None) -> Samples:
    """Filter a recording and cut a beat, scaled to 0…1, at every R peak but the last.

    Every `step` samples make a time step of the beat. The annotations, or R peaks, become classes by `mapping`, a name
    in `ecgan.ecg.aami.MAPPINGS`; None: their symbols say nothing. What marks no beat still ends the beat before.
    """
    signals = filter_recording(record.signals, record.sampling_rate, options)
    ids = np.zeros(len(record.samples), dtype=np.int64) if mapping is None else class_ids(record.symbols, mapping)
    shifts = np.zeros(len(ids), dtype=np.int64)
    shifts[ids >= 0] = mark_shifts(signals, record.samples[ids >= 0], record.sampling_rate, options.align)
    beats, kept = cut_segments(signals, np.maximum.accumulate(record.samples + shifts), step, ids >= 0)
    rows = np.flatnonzero(kept)
    table = beat_table(record, rows, annotated=mapping is not None)
    if options.align != "none":
        table[SHIFT] = shifts[rows]
    about = About(record.sampling_rate / step, list(record.leads), [], unit=UNIT, centre=0)
    samples = Samples(rounded(beats), table, about)
    return samples if mapping is None else labelled(samples, ids[rows], CLASSES, DESCRIPTIONS[mapping])


def published(files: Sequence[Path], options: ScaledOptions, about: About) -> Samples:
    """Read the published files, one after the other, each with 187 values and the number of a class a row.

    They carry no record, so that protocols that go by patient do not apply.

    Raises:
        EcganError: A file is missing or holds something else, or the options need the records.
    """
    if options.records is not None or options.filters or options.align != "none":
        names = " and ".join(file.name for file in files)
        raise EcganError(
            f"preprocess.records, preprocess.filters and preprocess.align cannot be used with {names}, which hold beats"
            " and not records.",
            "Use null, [] and none, or fetch the records: fetch.source null.",
        )
    parts = [part for file in files for part in _read(file, about.classes)]
    beats = np.concatenate([values for values, _ in parts])[:, None]  # (n, L) to (n, 1, L)
    samples = Samples(rounded(beats), pd.DataFrame(index=range(len(beats))), about)
    return labelled(samples, np.concatenate([numbers for _, numbers in parts]), about.classes, about.mapping)


def take_csv(raw: Path, source: str, names: Sequence[str]) -> None:
    """Put the user's files of these names, of which all are needed, into `raw`; see `take_source`."""

    def check(found: Collection[str]) -> None:
        if missing := [name for name in names if name not in found]:
            raise EcganError(
                f"fetch.source: {source} has no file {missing[0]}.",
                f"It must have {' and '.join(names)}; or use null to fetch the records of PhysioNet instead.",
            )

    take_source(raw, source, lambda path: name if (name := path.rsplit("/", 1)[-1]) in names else None, check)


def _read(file: Path, classes: Sequence[str]) -> list[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Read a file block by block, so that what is no such file is refused before it fills the memory."""
    if not file.is_file():
        raise EcganError(f"the file {file} is not there.", _HINT)
    if file.stat().st_size > _MOST_ROWS * _LONGEST_LINE:
        raise EcganError(f"{file} is larger than a file of {_MOST_ROWS:,} beats.", _HINT)
    _check_first_line(file)
    parts: list[tuple[NDArray[np.float32], NDArray[np.int64]]] = []
    rows = 0
    try:
        with pd.read_csv(file, header=None, dtype=np.float64, chunksize=_ROWS, encoding="ascii") as blocks:
            for block in blocks:
                parts.append(_checked(file, rows, block.to_numpy(), classes))
                rows += len(block)
    except (ValueError, UnicodeError, OSError) as error:  # what pandas raises on text, ragged rows and damage
        raise EcganError(f"{file} is no table of numbers behind row {rows}: {table_words(error)}.", _HINT) from None
    return parts


def _check_first_line(file: Path) -> None:
    with file.open("rb") as handle:
        line = handle.readline(_LONGEST_LINE)
    columns = line.count(b",") + 1 if line.strip() else 0
    if columns != LENGTH + 1:
        raise EcganError(f"{file} has {columns} columns, expected {LENGTH} values and the class.", _HINT)


def _checked(
    file: Path, before: int, block: NDArray[np.float64], classes: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Check a block of rows; `before` rows came before it."""
    values, numbers = block[:, :-1], block[:, -1]
    wrong = ~((values >= 0) & (values <= 1)).all(axis=1)  # NaN is neither
    if wrong.any():
        row = int(wrong.argmax())
        found = values[row][~((values[row] >= 0) & (values[row] <= 1))][0]
        raise EcganError(f"{file}, row {before + row + 1}: the value {found:g} is not within 0 and 1.", _HINT)
    wrong = ~np.isin(numbers, np.arange(len(classes)))
    if wrong.any():
        row = int(wrong.argmax())
        known = ", ".join(f"{number} {name}" for number, name in enumerate(classes))
        raise EcganError(f"{file}, row {before + row + 1}: there is no class {numbers[row]:g}, only {known}.", _HINT)
    return values.astype(np.float32), numbers.astype(np.int64)
