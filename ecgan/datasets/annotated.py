"""What datasets of annotated records share: their options, and the way from a folder of records to samples."""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from threadpoolctl import threadpool_limits

from ecgan.datasets.base import Cut, Samples
from ecgan.ecg.aami import CLASSES, DESCRIPTIONS
from ecgan.ecg.beats import cut_windows
from ecgan.ecg.cutting import ROUNDING, Beats, Window, cut_beats, join
from ecgan.ecg.records import Record, read_leads, read_record
from ecgan.errors import EcganError, nearest
from ecgan.preprocessing.filtering import filter_recording
from ecgan.preprocessing.options import FilterOptions, SampleOptions
from ecgan.progress import track
from ecgan.runtime import workers

_MOST_WORKERS = 8
"""Each worker holds a whole record and its filtered copies, about 100 MB for half an hour of two leads."""


class BeatOptions(SampleOptions, FilterOptions):
    """How annotated records become beats."""

    leads: list[str] = Field(["MLII"], min_length=1, description="leads by name; a record that lacks one is left out")
    records: list[str] | None = Field(None, description="names of the records to use; null: all that the dataset uses")
    before: int = Field(140, ge=1, le=5000, description="samples of the window before the R peak")
    after: int = Field(180, ge=1, le=5000, description="samples from the R peak on; at 360 Hz, 180 are half a second")
    class_mapping: Literal["aami", "bxb"] = Field("aami", description="escape beats are N (aami) or S (bxb)")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.leads)) < len(self.leads):
            raise ValueError(f"leads names {max(self.leads, key=self.leads.count)} twice")
        return self


_RECORD = re.compile(r"\w[\w.+-]*(?:/\w[\w.+-]*)*")


def record_names(raw: Path) -> list[str]:
    """Return the names in the file RECORDS of a raw folder."""
    file, again = raw / "RECORDS", "Fetch the dataset: `ecgan fetch`."
    try:
        names = file.read_text(encoding="utf-8").split()
    except OSError as error:
        raise EcganError(f"cannot read {file}: {error.strerror or error}.", again) from error
    except UnicodeDecodeError:
        raise EcganError(f"{file} is no list of records: it is no UTF-8 text.", again) from None
    if not names:
        raise EcganError(f"{file} names no record.", again)
    for name in names:
        if not _RECORD.fullmatch(name) or ".." in name:
            raise EcganError(f"{file} names {name[:60]!r}, which is no record.", again)
    return names


def choose_records(wanted: Sequence[str] | None, known: Sequence[str], usual: Sequence[str]) -> list[str]:
    """Return the records to use: the usual ones, or those that the user names.

    Raises:
        EcganError: A named record does not exist, is named twice, or none is named.
    """
    if wanted is None:
        return list(usual)
    for name in wanted:
        if name not in known:
            raise EcganError(
                f"preprocess.records: there is no record {name!r}{nearest(name, list(known))}",
                f"There are: {', '.join(known)}.",
            )
    if not wanted or len(set(wanted)) < len(wanted):
        raise EcganError("preprocess.records names no record or one of them twice.", "Mend the list, or use null.")
    return list(wanted)


def annotated_samples(raw: Path, names: list[str], options: BeatOptions, patients: dict[str, str]) -> Samples:
    """Cut the annotated beats of records.

    Args:
        raw: Folder with the WFDB files.
        names: The records, in the order in which their beats are to come.
        options: Leads, filter, window and classes.
        patients: Patient of a record, where that is not the record's own name.

    Returns:
        The samples; records that lack a lead are named in `Samples.mapping`.
    """
    with_leads = [name for name in names if set(options.leads) <= set(read_leads(raw, name))]
    if not with_leads:
        raise EcganError(
            f"no record has the leads {', '.join(options.leads)}.",
            f"Record {names[0]} has: {', '.join(read_leads(raw, names[0]))}.",
        )
    beats, sampling_rate = cut_records(partial(_cut, options, patients), raw, with_leads)
    left_out = [name for name in names if name not in with_leads]
    note = f"; left out for want of a lead: {', '.join(left_out)}" if left_out else ""
    return Samples(
        data=beats.windows,
        labels=beats.labels,
        table=beats.table,
        sampling_rate=sampling_rate,
        leads=list(options.leads),
        classes=list(CLASSES),
        mapping=DESCRIPTIONS[options.class_mapping] + note,
        centre=options.before,
    )


def cut_records(cut: Callable[[Path, str], tuple[Beats, float]], raw: Path, names: list[str]) -> tuple[Beats, float]:
    """Cut records, several at a time; the order of the result is that of `names`, whatever the number of workers.

    Threads are enough: nearly all time goes into NumPy and SciPy calls that let other threads run meanwhile. BLAS is
    held to one thread, so that it neither competes with them nor sums in an order that depends on its thread count.

    Args:
        cut: Makes the beats of one record of a folder and says its sampling rate.
        raw: Folder with the files.
        names: The records.

    Returns:
        All beats, and the sampling rate in Hz.

    Raises:
        EcganError: The records differ in their sampling rate, or a record cannot be used.
    """
    pool = ThreadPoolExecutor(min(workers(), _MOST_WORKERS))
    try:
        with threadpool_limits(1, user_api="blas"):
            results = list(track(pool.map(partial(cut, raw), names), len(names), "cutting beats"))
    finally:
        pool.shutdown(cancel_futures=True)
    rates = sorted({rate for _, rate in results})
    if len(rates) > 1:
        raise EcganError(f"the records differ in their sampling rate: {', '.join(f'{rate:g}' for rate in rates)} Hz.")
    return join([beats for beats, _ in results]), rates[0]


def cut_annotated(record: Record, options: BeatOptions) -> Cut:
    """Cut a recording of no dataset as `annotated_samples` cuts its records.

    Args:
        record: The recording with the leads that a model sees; `samples` are its R peaks.
        options: Filter and window; its leads and records do not matter.
    """
    window = Window(options.before, options.after)
    return cut_recording(record, filter_recording(record.signals, record.sampling_rate, options), window)


def cut_recording(record: Record, signals: NDArray[Any], window: Window) -> Cut:
    """Cut the window around every R peak of a recording of no dataset.

    Args:
        record: The recording; `samples` are its R peaks.
        signals: What to cut from: the recording's signals, filtered, mV, shape (T, C).
        window: The window's extent.

    Returns:
        The beats whose window does not cross the recording's border, rounded as `cut_beats` rounds.

    Raises:
        EcganError: There is none.
    """
    windows, inside = cut_windows(signals, record.samples, window.before, window.after)
    if not inside.any():
        raise no_beat(record, window.before + window.after)
    positions = record.samples[inside]
    return Cut(
        data=np.round(windows, ROUNDING).astype(np.float32),
        positions=positions,
        starts=positions - window.before,
        centre=window.before,
    )


def no_beat(record: Record, length: int) -> EcganError:
    """Say that a recording holds no whole beat of `length` samples."""
    rate = record.sampling_rate
    return EcganError(
        f"the recording {record.name} of {len(record.signals) / rate:.3g} s has {len(record.samples)} R peaks, none of"
        f" them with a whole beat around it ({length / rate:.3g} s).",
        "Take a longer recording, or one in which R peaks can be found.",
    )


def _cut(options: BeatOptions, patients: dict[str, str], raw: Path, name: str) -> tuple[Beats, float]:
    record = read_record(raw, name)
    signals = filter_recording(record.select(options.leads), record.sampling_rate, options)
    window = Window(options.before, options.after)
    beats = cut_beats(record, signals, window, options.class_mapping, patients.get(name, name))
    return beats, record.sampling_rate
