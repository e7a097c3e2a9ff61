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
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ecgan.datasets.annotated import choose_records, labelled, of_patient, record_names
from ecgan.datasets.base import Card, Dataset, cut_recording
from ecgan.datasets.cuts import Cut, Cuts, Recording
from ecgan.datasets.fetching import download_published
from ecgan.datasets.kachuee import UNIT, FetchOptions, ScaledOptions, cut_scaled, published, take_csv
from ecgan.ecg.files.wfdb import FETCH_AGAIN, read_header, read_lead
from ecgan.ecg.peaks import find_r_peaks
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.registry import register_dataset
from ecgan.samples import About, Samples

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
            about = About(float(SAMPLING_RATE), [options.lead], CLASSES, UNIT, _mapping(options), centre=0)
            return published([raw / name for name in FILES], options, about)
        return super().preprocess(raw, options)

    def cuts(self, raw: Path, options: PreprocessOptions) -> Cuts | None:
        """Cut the beats from the records, unless there are the published files."""
        if any((raw / name).exists() for name in FILES):
            return None
        known = record_names(raw)
        reasons = {name: _reason(raw, name) for name in choose_records(options.records, known, known)}
        labels = {name: _label(reason, options) for name, reason in reasons.items()}
        wanted = [(name, reasons[name], label) for name, label in labels.items() if label is not None]
        if not wanted:
            raise EcganError(
                f"none of the {len(reasons)} records is of a person with a wanted diagnosis.",
                "Set preprocess.diagnoses to all, or preprocess.records to null.",
            )
        return Cuts([Recording(one[0], one, one[0]) for one in wanted], partial(_cut_record, self, raw, options))

    def recording_rate(self, options: PreprocessOptions) -> float:
        """The rate of the beats."""
        return float(SAMPLING_RATE)

    def cut(self, record: Record, options: PreprocessOptions) -> Samples:
        """Filter a recording and cut a beat at every R peak but the last."""
        return cut_scaled(record, options, 1, None)


def _cut_record(dataset: Ptb, raw: Path, options: PreprocessOptions, wanted: tuple[str, str, int]) -> Cut:
    name, reason, label = wanted
    place = raw / name
    content = read_lead(place.parent, place.name, options.lead, FETCH_AGAIN)
    peaks = find_r_peaks(content.signals[:, 0], content.sampling_rate)
    symbols = ["N"] * len(peaks)
    record = Record(name, content.signals, content.sampling_rate, [options.lead], peaks, symbols)
    beats = of_patient(cut_recording(dataset, record, options), name.split("/")[0])
    beats = replace(beats, table=beats.table.assign(diagnosis=reason))
    return labelled(beats, np.full(len(beats), label, dtype=np.int64), CLASSES, _mapping(options)), []


def _mapping(options: PreprocessOptions) -> str:
    ill = "any other known diagnosis" if options.diagnoses == "all" else INFARCTION.lower()
    return f"N: {HEALTHY.lower()}, A: {ill}"


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
