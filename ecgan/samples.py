"""Samples with what is known of them: the one type that goes through the library, from the cut to the table."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.errors import EcganError
from ecgan.scratch import of_channels, taken

RECORD, RHYTHM = "record", "rhythm"
CONTEXTS = (RECORD, RHYTHM)
"""What a part may look at besides a sample: the other samples of its record, or when its record's beats occurred."""

SHIFT = "shift"
"""Column of the table, where `preprocess.align` moved marks: how many samples behind `sample` a beat was cut."""

FOLD = "fold"
"""Column of the table, where a dataset comes with folds: their numbers, from 1."""

FINDING = "finding_"
"""Begin of the names of columns of the table that say of each sample, with 1 or 0, whether it has a certain label."""

_TELLING = ("class_name", "symbol", "aami", "statements")

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class About:
    """What signals do not say of themselves.

    Attributes:
        sampling_rate: Hz; 0.0 where time has no unit.
        leads: Name of each channel, length C.
        classes: Class name by id: `classes[labels[i]]` is the class of sample i; the first is the normal one.
        unit: Unit of the signals, "mV" for ECG.
        mapping: How annotation symbols become classes, in words, for reports.
        centre: Index in 0..L-1 of the R peak, or None where samples are no beats.
        name: Name of the dataset; "" where there is none.
        counts: Samples of each class, by name; empty where nobody counted.
        left_out: Recordings that could not be used, and why; written where there are any.
        preprocess: The section `preprocess` that they were cut by, where it is known; files of datasets do not say it.
    """

    sampling_rate: float
    leads: list[str]
    classes: list[str]
    unit: str = "mV"
    mapping: str = ""
    centre: int | None = None
    name: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    preprocess: dict[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of one record or of many; indexed with rows, everything follows.

    Attributes:
        signals: Shape (n, C, L): samples, channels, time steps; in `about.unit`. float32 once they were rounded.
        table: One row a sample: `class_name`, and for beats `record`, `patient`, `sample` (position of the R peak in
            the record), `time_s` (the same in seconds; of a sample that is no beat, its middle), `symbol`, `aami`,
            `rr_prev_s`, `rr_next_s` (seconds; NaN at a record's border); `shift` (samples, counted as `sample` is)
            where marks were moved before beats were cut. Datasets with several labels a sample have `statements`
            (all of them in words) and a column of 0 and 1 for each, `finding_<label>`; those with folds `fold`.
        about: Rate, leads, unit, classes and centre.
        labels: Class ids, int64, shape (n,); 0 is normal, every other class abnormal. None where they are not known,
            and wherever they must not be seen.
        sha256: Hash of the processed dataset that they were read from, or of which they are rows; else "".
        around: For parts that declare a context: all samples of the records of these, without labels.
        places: Which rows of `around` these samples are, shape (n,).
    """

    signals: NDArray[Any]
    table: pd.DataFrame
    about: About
    labels: NDArray[np.int64] | None = None
    sha256: str = ""
    around: "Samples | None" = None
    places: Rows | None = None

    def __len__(self) -> int:
        return len(self.signals)

    def __getitem__(self, rows: Any) -> "Samples":
        """Return some of the samples: a slice, indices or a mask (n,)."""
        return replace(
            self,
            signals=taken(self.signals, rows),
            table=_rows(self.table, rows),
            labels=None if self.labels is None else self.labels[rows],
            places=None if self.places is None else self.places[rows],
        )

    def facts(self, rows: Any) -> "Samples":
        """Return what is known of some of the samples besides their signals, which are NaN and take no memory."""
        table = _rows(self.table, rows)
        signals = np.broadcast_to(np.float32(np.nan), (len(table), *self.signals.shape[1:]))
        labels = None if self.labels is None else self.labels[rows]
        return Samples(signals, table, self.about, labels, self.sha256)

    @property
    def length(self) -> int:
        """L, time steps of a sample."""
        return int(self.signals.shape[2])

    @property
    def class_ids(self) -> NDArray[np.int64]:
        """The labels, where they must be known.

        Raises:
            EcganError: They are not.
        """
        if self.labels is None:
            raise EcganError(
                "the samples have no labels, and labels are needed.", "Give labels, or choose what needs none."
            )
        return self.labels

    @property
    def patients(self) -> NDArray[Any] | None:
        """Patient of each sample as strings, (n,), or None where patients are not known."""
        return self._names("patient")

    @property
    def records(self) -> NDArray[Any] | None:
        """Record of each sample as strings, (n,), or None where records are not known."""
        return self._names("record")

    @property
    def hours(self) -> float | None:
        """How long the samples last, hours: the intervals behind beats, else their windows; None without a clock.

        A beat whose interval is not known lasts as long as the median one.
        """
        if not self.about.sampling_rate > 0:
            return None
        if "rr_next_s" not in self.table:
            return len(self) * self.length / self.about.sampling_rate / 3600
        gaps = self.table["rr_next_s"].to_numpy(np.float64)
        known = gaps[np.isfinite(gaps)]
        return float(known.sum() + (len(gaps) - len(known)) * np.median(known)) / 3600 if len(known) else None

    def _names(self, column: str) -> NDArray[Any] | None:
        if column not in self.table or (names := self.table[column].array).isna().any():
            return None
        return np.asarray(names, dtype=np.str_)

    def with_leads(self, want: Sequence[str] | None) -> "Samples":
        """Keep the leads that are named, in that order, also of what stands around; None keeps all.

        Raises:
            EcganError: A lead is not there.
        """
        have = self.about.leads
        if want is None or list(want) == have:
            return self
        if missing := [lead for lead in want if lead not in have]:
            raise EcganError(
                f"the data have no lead {', '.join(missing)}; they have {', '.join(have)}.", "Mend train.leads."
            )
        signals = of_channels(self.signals, [have.index(lead) for lead in want])
        around = None if self.around is None else self.around.with_leads(want)
        return replace(self, signals=signals, about=replace(self.about, leads=list(want)), around=around)

    def seen(self, rows: Any, context: Collection[str] = ()) -> "Samples":
        """Return the samples at `rows` as a part sees them that declares this context: without labels.

        Without context there is nothing but signals. With `record` or `rhythm` all samples of their records stand
        beside them (`around`, `places`), and the table says when each beat occurred.

        Args:
            rows: Indices or a mask.
            context: Names in `CONTEXTS`.

        Raises:
            EcganError: A context is unknown, or is declared and the samples do not know their records.
        """
        if unknown := sorted(set(context) - set(CONTEXTS)):
            raise EcganError(f"there is no context {unknown[0]!r}.", f"Known: {', '.join(CONTEXTS)}.")
        if not context:
            signals = taken(self.signals, rows)
            return Samples(signals, pd.DataFrame(index=pd.RangeIndex(len(signals))), self.about)
        records = self.records
        if records is None:
            raise EcganError(
                f"context is needed ({', '.join(sorted(context))}), and the samples do not know their records.",
                "Take a dataset of recordings, or a detector without context.",
            )
        beside = np.flatnonzero(np.isin(records, np.unique(records[rows])))
        places = np.searchsorted(beside, np.arange(len(self))[rows])
        if len(places) == len(self) and (np.diff(places, prepend=-1) == 1).all():  # no copy of a day
            whole = self.unlabelled()
            return replace(whole, around=whole, places=places)
        return replace(self[rows].unlabelled(), around=self[beside].unlabelled(), places=places)

    def unlabelled(self) -> "Samples":
        """The same without what their classes are."""
        known = [name for name in self.table if name in _TELLING or str(name).startswith(FINDING)]
        return replace(self, table=self.table.drop(columns=known) if known else self.table, labels=None)


def _rows(table: pd.DataFrame, rows: Any) -> pd.DataFrame:
    """Some rows of a table, counted from 0."""
    found: pd.DataFrame = table.iloc[rows]
    found.index = pd.RangeIndex(len(found))
    return found


def join(parts: Sequence[Samples]) -> Samples:
    """Join samples, in their order; what they have in common is read from the first."""
    labels = [part.labels for part in parts]
    return replace(
        parts[0],
        signals=np.concatenate([part.signals for part in parts]),
        table=pd.concat([part.table for part in parts], ignore_index=True),
        labels=None if any(one is None for one in labels) else np.concatenate([part.class_ids for part in parts]),
    )
