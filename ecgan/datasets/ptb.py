"""Beats of healthy people and of patients, from the PTB Diagnostic ECG Database.

R. Bousseljot, D. Kreiseler, A. Schnabel, "Nutzung der EKG-Signaldatenbank CARDIODAT der PTB über das Internet",
Biomedizinische Technik 40 (Ergänzungsband 1), 1995: 549 records of about two minutes of 290 people, 1000 Hz.

The beats are cut as those of `mitbih_beats`, after Kachuee, Fazeli and Sarrafzadeh 2018, who published 4,046 normal and
10,506 abnormal ones of this database (ptbdb_normal.csv and ptbdb_abnormal.csv, which are read where the user has them):
lead II at 125 Hz, 52 healthy people and 148 with a myocardial infarction. They chose windows, of which they do not say
how; here every beat of the chosen records is cut, so that there are several times as many.

The database has no annotations of beats. R peaks are found by `ecgan.ecg.peaks`, which also finds them in the
recordings that `ecgan score` is given: a model meets there what it was trained on. The lead is brought to 125 Hz by a
polyphase filter, so that the hum and noise above 62.5 Hz are not folded into the beats.
"""

import re
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from ecgan.datasets.annotated import choose_records, cut_records, record_names
from ecgan.datasets.base import Card, Cut, Dataset, Samples
from ecgan.datasets.fetching import download_published
from ecgan.datasets.kachuee import (
    UNIT,
    FetchOptions,
    ScaledOptions,
    cut_scaled,
    read_csv,
    refuse_record_options,
    round_scaled,
    take_csv,
)
from ecgan.ecg.beats import rr_intervals
from ecgan.ecg.cutting import Beats
from ecgan.ecg.peaks import find_r_peaks
from ecgan.ecg.records import Record
from ecgan.ecg.segments import cut_segments
from ecgan.ecg.wfdb_files import FETCH_AGAIN, read_header, read_lead
from ecgan.errors import EcganError
from ecgan.preprocessing.filtering import filter_recording
from ecgan.preprocessing.resampling import polyphase
from ecgan.registry import register_dataset

URL = "https://physionet.org/files/ptbdb/1.0.0/"
FILES = ("ptbdb_normal.csv", "ptbdb_abnormal.csv")
CLASSES = ["N", "A"]
SAMPLING_RATE = 125

HEALTHY = "Healthy control"
INFARCTION = "Myocardial infarction"
_REASON = re.compile(r"reason for admission:(.*)", re.IGNORECASE)


class PreprocessOptions(ScaledOptions):
    """Which people, and which of their leads."""

    diagnoses: Literal["mi", "all"] = Field(
        "mi", description="abnormal are: mi, myocardial infarctions, others being left out; or all that is not healthy"
    )
    lead: Literal["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"] = Field(
        "II", description="the lead whose beats are cut"
    )


@register_dataset("ptb", "ptb_beats")
class Ptb(Dataset):
    """Beats of lead II, labelled by the diagnosis of whose they are; see the module's description."""

    card = Card(
        title="PTB Diagnostic ECG Database, beats as cut by Kachuee et al. 2018",
        source="PhysioNet ptbdb 1.0.0, doi:10.13026/C28C71",
        licence="Open Data Commons Attribution License 1.0",
        size="1.4 GB raw; beats of 52 healthy people and 148 with an infarction, 1000 Hz to 125 Hz",
    )
    Fetch = FetchOptions
    Preprocess = PreprocessOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {"train": {"transformation": "minmax"}}

    def fetch(self, raw: Path, options: FetchOptions, *, seed: int) -> None:
        """Download the records without the Frank leads, or copy the published files that the user has."""
        if options.source is None:
            download_published(raw, URL, lambda name: name == "RECORDS" or name.endswith((".hea", ".dat")))
        else:
            take_csv(raw, options.source, FILES)

    def preprocess(self, raw: Path, options: PreprocessOptions) -> Samples:
        """Cut the beats from the records, or read the published files."""
        if any((raw / name).exists() for name in FILES):
            return _read(raw, options)
        known = record_names(raw)
        reasons = {name: _reason(raw, name) for name in choose_records(options.records, known, known)}
        labels = {name: _label(reason, options) for name, reason in reasons.items()}
        names = [name for name, label in labels.items() if label is not None]
        if not names:
            raise EcganError(
                f"none of the {len(reasons)} records is of a person with a wanted diagnosis.",
                "Set preprocess.diagnoses to all, or preprocess.records to null.",
            )
        beats, _ = cut_records(partial(_cut, options, reasons, labels), raw, names)
        return _samples(beats.windows, beats.labels, beats.table, options)

    def recording_rate(self, options: PreprocessOptions) -> float:
        """The rate of the beats."""
        return float(SAMPLING_RATE)

    def cut(self, record: Record, options: PreprocessOptions) -> Cut:
        """Filter a recording and cut a beat at every R peak but the last."""
        return cut_scaled(record, filter_recording(record.signals, record.sampling_rate, options), 1)


def _reason(raw: Path, name: str) -> str:
    """Return the reason for admission that a record's header gives, "" where it gives none."""
    place = raw / name
    for comment in read_header(place.parent, place.name, FETCH_AGAIN).comments or []:
        if found := _REASON.match(comment.strip()):
            reason = found[1].strip()
            return "" if reason.casefold() in ("n/a", "unknown") else reason
    return ""


def _label(reason: str, options: PreprocessOptions) -> int | None:
    """Return the class of a person: 0 healthy, 1 ill; None: is not wanted, or it is not known."""
    if reason.casefold() == HEALTHY.casefold():
        return 0
    if not reason or (options.diagnoses == "mi" and reason.casefold() != INFARCTION.casefold()):
        return None
    return 1


def _cut(
    options: PreprocessOptions, reasons: dict[str, str], labels: dict[str, int | None], raw: Path, name: str
) -> tuple[Beats, float]:
    place = raw / name
    content = read_lead(place.parent, place.name, options.lead, FETCH_AGAIN)
    rate = content.sampling_rate
    if np.isnan(content.signals).any():
        raise EcganError(
            f"record {name} has missing samples in lead {options.lead}.", "Leave it out: preprocess.records."
        )
    peaks = find_r_peaks(content.signals[:, 0], rate)
    slow = polyphase(content.signals[None], Fraction(SAMPLING_RATE, round(rate)))[0]  # (T, C) to (1, T, C) and back
    positions = np.rint(peaks * (SAMPLING_RATE / rate)).astype(np.int64)
    windows, kept = cut_segments(filter_recording(slow, SAMPLING_RATE, options), positions, 1)
    previous, following = rr_intervals(peaks, rate)
    table = pd.DataFrame(
        {
            "class_name": CLASSES[labels[name] or 0],
            "record": name,
            "patient": name.split("/")[0],
            "sample": peaks[kept],
            "time_s": (peaks[kept] / rate).round(6),
            "diagnosis": reasons[name],
            "rr_prev_s": previous[kept].round(6),
            "rr_next_s": following[kept].round(6),
        }
    )
    return Beats(round_scaled(windows), np.full(len(windows), labels[name], dtype=np.int64), table), float(
        SAMPLING_RATE
    )


def _read(raw: Path, options: PreprocessOptions) -> Samples:
    """Read the published files; they carry no record, so that protocols that go by patient do not apply."""
    refuse_record_options(options, FILES)
    beats, labels = read_csv([raw / name for name in FILES], CLASSES)
    return _samples(round_scaled(beats), labels, pd.DataFrame({"class_name": np.asarray(CLASSES)[labels]}), options)


def _samples(
    beats: NDArray[np.float32], labels: NDArray[np.int64], table: pd.DataFrame, options: PreprocessOptions
) -> Samples:
    ill = "any other known diagnosis" if options.diagnoses == "all" else INFARCTION.lower()
    return Samples(
        data=beats,
        labels=labels,
        table=table,
        sampling_rate=float(SAMPLING_RATE),
        leads=[options.lead],
        classes=list(CLASSES),
        unit=UNIT,
        mapping=f"N: {HEALTHY.lower()}, A: {ill}",
        centre=0,
    )
