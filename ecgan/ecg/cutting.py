"""From a record to its labelled beats: the windows, and the table that says what each one is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.ecg.aami import BEAT_SYMBOLS, CLASSES, class_ids
from ecgan.ecg.beats import cut_windows, rr_intervals
from ecgan.ecg.records import Record
from ecgan.errors import EcganError

ROUNDING = 4
"""Decimals of a mV that are kept, so that the arrays do not depend on the processor's last bits."""


@dataclass(frozen=True)
class Beats:
    """The beats of one record or of several.

    Attributes:
        windows: mV, shape (n, L, C); rounded to 1e-4 mV in float64, then stored as float32 to save memory.
        labels: Index into `CLASSES`, int64, shape (n,).
        table: One row a beat: `class_name`, `record`, `patient`, `sample`, `time_s`, `symbol`, `aami`,
            `rr_prev_s`, `rr_next_s`.
    """

    windows: NDArray[np.float32]
    labels: NDArray[np.int64]
    table: pd.DataFrame


@dataclass(frozen=True)
class Window:
    """Samples before and from the annotated R peak on; the peak has index `before` in the window."""

    before: int
    after: int


def cut_beats(
    record: Record,
    signals: NDArray[Any],
    window: Window,
    mapping: str,
    patient: str,
    normal_near: NDArray[np.bool_] | None = None,
) -> Beats:
    """Cut a window around every annotated beat of a record.

    Args:
        record: The record with its annotations.
        signals: What to cut from: the record's signals, selected and filtered, mV, shape (T, C).
        window: The window's extent.
        mapping: How symbols become classes, a name in `ecgan.ecg.aami.MAPPINGS`.
        patient: Whose record it is.
        normal_near: Whether a normal annotation may become a beat, shape of the record's annotations; abnormal
            ones always may.

    Returns:
        The beats in the order of the record. A beat whose window would cross the record's border, or whose symbol
        the mapping does not know, is left out; the intervals to its neighbours count all the same.

    Raises:
        EcganError: Samples are missing in the signals.
    """
    if not np.isfinite(signals).all():
        raise EcganError(
            f"record {record.name} has missing samples in a lead that is to be cut.",
            "Leave the record out (`preprocess.records`) or choose other leads (`preprocess.leads`).",
        )
    labels = class_ids(record.symbols, mapping)
    chosen = labels >= 0
    if normal_near is not None:
        chosen &= (labels != 0) | normal_near
    windows, inside = cut_windows(signals, record.samples[chosen], window.before, window.after)
    kept = np.flatnonzero(chosen)[inside]
    return Beats(
        windows=np.round(windows, ROUNDING).astype(np.float32),
        labels=labels[kept],
        table=describe(record, kept, labels, patient),
    )


def join(parts: list[Beats]) -> Beats:
    """Join the beats of several records, in their order."""
    return Beats(
        windows=np.concatenate([part.windows for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        table=pd.concat([part.table for part in parts], ignore_index=True),
    )


def describe(record: Record, kept: NDArray[np.int64], labels: NDArray[np.int64], patient: str) -> pd.DataFrame:
    """Describe beats, one row each: the table of `Beats`.

    Args:
        record: The record with its annotations.
        kept: Which annotations became beats, shape (n,).
        labels: Class of each annotation, -1 for none.
        patient: Whose record it is.
    """
    symbols = np.asarray(record.symbols, dtype=np.str_)
    beats = np.isin(symbols, list(BEAT_SYMBOLS))
    previous = np.full(len(symbols), np.nan)
    following = np.full(len(symbols), np.nan)
    previous[beats], following[beats] = rr_intervals(record.samples[beats], record.sampling_rate)
    names = np.asarray(CLASSES)
    return pd.DataFrame(
        {
            "class_name": names[labels[kept]],
            "record": record.name,
            "patient": patient,
            "sample": record.samples[kept],
            "time_s": (record.samples[kept] / record.sampling_rate).round(6),
            "symbol": symbols[kept],
            "aami": names[class_ids(record.symbols, "aami")[kept]],
            "rr_prev_s": previous[kept].round(6),
            "rr_next_s": following[kept].round(6),
        }
    )
