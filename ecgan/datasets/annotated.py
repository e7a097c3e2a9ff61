"""What datasets of records share: their options, and the way from a folder of records to samples."""

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ecgan.datasets.base import Dataset
from ecgan.datasets.cuts import Cut, Cuts, Recording
from ecgan.datasets.databases import NOTHING, Facts
from ecgan.ecg.aami import CLASSES, DESCRIPTIONS, class_ids
from ecgan.ecg.alignment import Method, mark_shifts
from ecgan.ecg.beats import beat_columns, cut_windows, window_starts
from ecgan.ecg.leads import ANY, match_leads
from ecgan.ecg.records import Record, read_leads, read_record
from ecgan.errors import EcganError, nearest
from ecgan.files import read_text
from ecgan.preprocessing.filtering import filter_recording
from ecgan.preprocessing.options import LEAVE_OUT, AlignOptions, FilterOptions, RecordingOptions, SampleOptions
from ecgan.preprocessing.preparing import rounded
from ecgan.samples import SHIFT, About, Samples


class BeatOptions(RecordingOptions, SampleOptions, AlignOptions, FilterOptions):
    """How annotated records become beats."""

    leads: list[str] = Field(
        ["MLII"], min_length=1, description='leads by name, "*": any other; a record that lacks one is left out'
    )
    records: list[str] | None = Field(None, description="names of the records to use; null: all that the dataset uses")
    before: int = Field(140, ge=1, le=5000, description="samples of the window before the R peak")
    after: int = Field(180, ge=1, le=5000, description="samples from the R peak on; at 360 Hz, 180 are half a second")
    class_mapping: Literal["aami", "bxb"] = Field("aami", description="escape beats are N (aami) or S (bxb)")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        named = [lead for lead in self.leads if lead != ANY]
        if len(set(named)) < len(named):
            raise ValueError(f"leads names {max(named, key=named.count)} twice")
        return self


_RECORD = re.compile(r"\w[\w.+-]*(?:/\w[\w.+-]*)*")


def record_names(raw: Path) -> list[str]:
    """Return the names in the file RECORDS of a raw folder."""
    file, again = raw / "RECORDS", "Fetch the dataset: `ecgan fetch`."
    names = read_text(file, again).split()
    if not names:
        raise EcganError(f"{file} names no record.", again)
    for name in names:
        if not _RECORD.fullmatch(name) or ".." in name:
            raise EcganError(f"{file} names {name[:60]!r}, which is no record.", again)
    if len(set(names)) < len(names):
        raise EcganError(f"{file} names {max(names, key=names.count)!r} twice.", again)
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


class OfRecords(Dataset):
    """Beats of WFDB records with annotations; a subclass fetches them, and says how they are cut."""

    def cuts(self, raw: Path, options: Any) -> Cuts | None:
        """Cut the beats of the records that are wanted."""
        return self.cuts_of(raw, self.wanted(raw, options), options)

    def facts(self, raw: Path) -> Facts:
        """Return what is known of the records in a raw folder beside what their files say."""
        return NOTHING

    def wanted(self, raw: Path, options: Any) -> list[str]:
        """Return the names of the records to use: the usual ones, or those of `options.records`."""
        known, left_out = record_names(raw), self.facts(raw).left_out
        return choose_records(options.records, known, [name for name in known if name not in left_out])

    def cuts_of(self, raw: Path, names: Sequence[str], options: Any, notes: Sequence[str] = ()) -> Cuts:
        """Say how the named records are cut."""
        cut = partial(_cut_record, self, raw, self.facts(raw), options)
        return Cuts([Recording(name, name, name) for name in names], cut, notes)

    @abstractmethod
    def beats(self, record: Record, options: Any) -> Samples:
        """Choose the leads of one of the dataset's records, and cut its beats."""


class Annotated(OfRecords):
    """Beats around the annotations of the leads that are named; options are `BeatOptions`."""

    Preprocess = BeatOptions

    def cuts(self, raw: Path, options: Any) -> Cuts | None:
        """Cut the annotated beats; records that lack a lead are named in `about.mapping`."""
        names = self.wanted(raw, options)
        with_leads = [name for name in names if _has(raw, name, options)]
        if not with_leads:
            raise EcganError(
                f"no record has the leads {', '.join(options.leads)}.",
                f"Record {names[0]} has: {', '.join(read_leads(raw, names[0]))}.",
            )
        lacking = ", ".join(name for name in names if name not in with_leads)
        return self.cuts_of(raw, with_leads, options, [f"left out for want of a lead: {lacking}"] if lacking else [])

    def beats(self, record: Record, options: Any) -> Samples:
        """Cut the beats of the leads that are named."""
        chosen = match_leads(record.leads, options.leads)
        return self.cut(replace(record, signals=record.signals[:, chosen], leads=list(options.leads)), options)

    def cut(self, record: Record, options: BeatOptions) -> Samples:
        """Filter a recording and cut the window around its beats."""
        signals = filter_recording(record.signals, record.sampling_rate, options)
        return cut_beats(record, signals, options.before, options.after, options.class_mapping, options.align)


def _cut_record(dataset: OfRecords, raw: Path, facts: Facts, options: Any, name: str) -> Cut:
    record = read_record(raw, name, facts.annotator)
    return of_patient(dataset.beats(record, options), facts.patient(raw, name)), record.warnings


def _has(raw: Path, name: str, options: Any) -> bool:
    """Whether a record has the leads, each spelt the same, and as many others as `ANY` asks for.

    One that cannot be read and is to be left out has them: it is found out when it is cut.
    """
    try:
        have = read_leads(raw, name)
    except EcganError:
        if options.on_error == LEAVE_OUT:
            return True
        raise
    return {lead for lead in options.leads if lead != ANY} <= set(have) and len(options.leads) <= len(have)


def cut_beats(
    record: Record, signals: NDArray[Any], before: int, after: int, mapping: str | None, align: Method = "none"
) -> Samples:
    """Cut a window around every beat of a record, an annotation or an R peak.

    Args:
        record: The record with its annotations, or with its R peaks.
        signals: What to cut from: the record's signals, filtered, mV, shape (T, C).
        before: Samples of the window before the R peak.
        after: Samples from the R peak on.
        mapping: How symbols become classes, a name in `ecgan.ecg.aami.MAPPINGS`; None: they say nothing, as those of a
            record that is not annotated do.
        align: How the marks are moved before windows are cut around them, see `ecgan.ecg.alignment`.

    Returns:
        The beats in the order of the record, rounded. A beat whose window would cross the record's border, or whose
        symbol the mapping does not know, is left out; the intervals to its neighbours count all the same. Where marks
        are moved, `shift` in the table says by how much; everything else there is of the marks as they were.
    """
    mapping = mapping if record.annotated else None
    ids = np.zeros(len(record.samples), dtype=np.int64) if mapping is None else class_ids(record.symbols, mapping)
    known = np.flatnonzero(ids >= 0)
    shifts = mark_shifts(signals, record.samples[known], record.sampling_rate, align)
    windows, inside = cut_windows(signals, record.samples[known] + shifts, before, after)
    rows = known[inside]
    named = {} if mapping is None else {"class_name": np.asarray(CLASSES)[ids[rows]]}
    columns = named | beat_columns(record, rows, annotated=mapping is not None)
    if align != "none":
        columns[SHIFT] = shifts[inside]
    about = About(record.sampling_rate, list(record.leads), [], centre=before)
    samples = Samples(rounded(windows), pd.DataFrame(columns, index=range(len(rows))), about)
    if mapping is None:
        return samples
    about = replace(about, classes=list(CLASSES), mapping=DESCRIPTIONS[mapping])
    return replace(samples, labels=ids[rows], about=about)


def labelled(samples: Samples, ids: NDArray[np.int64], classes: Sequence[str], mapping: str) -> Samples:
    """Give samples their classes: ids (n,) into `classes`, and in words how they were found."""
    table = samples.table.drop(columns="class_name", errors="ignore")
    table.insert(0, "class_name", np.asarray(classes, dtype=np.str_)[ids])
    about = replace(samples.about, classes=list(classes), mapping=mapping)
    return replace(samples, table=table, labels=ids, about=about)


def of_patient(samples: Samples, patient: str | Sequence[str]) -> Samples:
    """Say whose samples they are: one patient's, or whose each of them is."""
    return replace(samples, table=samples.table.assign(patient=patient))


def cut_windows_of(record: Record, signals: NDArray[Any], window: int, step: int) -> Samples:
    """Cut windows, whatever its beats are, out of a recording; none where it is shorter than one.

    `signals` are the recording's, filtered, mV, shape (T, C); a window begins every `step` samples.
    """
    starts = window_starts(len(signals), window, step)
    middles = starts + window // 2
    table = pd.DataFrame({"sample": middles, "time_s": (middles / record.sampling_rate).round(6)})
    table.insert(0, "record", record.name)
    table.insert(1, "patient", record.name)
    about = About(record.sampling_rate, list(record.leads), [])
    return Samples(rounded(cut_windows(signals, starts, 0, window)[0]), table, about)
