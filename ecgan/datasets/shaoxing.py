"""Rhythms in windows of twelve leads: the Chapman-Shaoxing database.

J. Zheng et al., "A 12-lead electrocardiogram database for arrhythmia research covering more than 10,000 patients",
Scientific Data 7, 48, 2020.
"""

from collections.abc import Collection
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from ecgan.datasets.annotated import cut_windows_of, labelled
from ecgan.datasets.archives import Limits, unpack
from ecgan.datasets.base import Card, Dataset
from ecgan.datasets.cuts import Cut, Cuts, Recording
from ecgan.datasets.fetching import download_published
from ecgan.datasets.shaoxing_files import (
    CLASSES,
    DIAGNOSTICS,
    LEADS,
    RECORDS,
    SAMPLING_RATE,
    SIGNALS,
    list_recordings,
    pick_figshare,
    pick_physionet,
    read_diagnostics,
    read_recording,
)
from ecgan.datasets.shaoxing_files import Recording as Listed
from ecgan.datasets.sources import Archive, SourceOptions, fetch_archive, take_source
from ecgan.datasets.transfer import Remote
from ecgan.ecg.records import Record
from ecgan.errors import EcganError, nearest
from ecgan.preprocessing.filtering import filter_recording
from ecgan.preprocessing.options import Cleansing, FilterOptions, RecordingOptions, Resampling, SampleOptions
from ecgan.registry import register_dataset
from ecgan.samples import Samples

PHYSIONET = "https://physionet.org/files/ecg-arrhythmia/1.0.0/"
ARCHIVE = Remote("https://ndownloader.figshare.com/files/15652862", "md5:049caea0")
"""The first 32 bits of the MD5 that figshare publishes are all that is known of it here; see also `_check_complete`."""
TABLE = Remote(
    "https://ndownloader.figshare.com/files/15653771",
    "5c508faccf394bdeef092963ce3e6a8ce0bd7388f07a9ee6c25043375533a899",
)

_LIMITS = Limits(members=40_000, size=8 << 30, ratio=50)


class FetchOptions(SourceOptions):
    """From which of its two places the database comes."""

    layout: Literal["figshare", "physionet"] = Field(
        "figshare", description="figshare: 10,646 recordings, denoised; physionet: ecg-arrhythmia 1.0.0, as recorded"
    )
    ningbo: bool = Field(False, description="with physionet: the 34,905 recordings of Ningbo as well")


class PreprocessOptions(RecordingOptions, SampleOptions, FilterOptions):
    """How recordings become windows."""

    leads: list[str] = Field(list(LEADS), min_length=1, description="leads by name")
    window: int = Field(1250, ge=4, le=5000, description="samples of a window, at 500 Hz")
    step: int = Field(250, ge=1, le=5000, description="samples from the begin of a window to that of the next")
    cleansing: Cleansing = Field(Cleansing(limit=10.0), description="Samples that are left out, gaps that are filled.")
    resampling: Resampling = Field(
        Resampling(method="lttb", length=128), description="Another length or rate of the samples."
    )

    @field_validator("leads")
    @classmethod
    def _known(cls, leads: list[str]) -> list[str]:
        for lead in leads:
            if lead not in LEADS:
                raise ValueError(f"there is no lead {lead!r}{nearest(lead, list(LEADS))}; allowed: {', '.join(LEADS)}")
        if len(set(leads)) < len(leads):
            raise ValueError("leads names a lead twice")
        return leads


@register_dataset("shaoxing")
class Shaoxing(Dataset):
    """Windows of ten-second recordings of twelve leads, each with the rhythm of its recording; one a patient."""

    card = Card(
        title="Chapman-Shaoxing 12-lead ECG database, windows with rhythm labels",
        source="figshare, doi:10.6084/m9.figshare.c.4560497; PhysioNet ecg-arrhythmia 1.0.0, doi:10.13026/wgex-er52",
        licence="CC BY 4.0",
        size="2 GB download, 4.8 GB raw; 10,646 recordings of 10 s, 12 leads, 500 Hz: about 170,000 windows",
    )
    Fetch = FetchOptions
    Preprocess = PreprocessOptions

    def fetch(self, raw: Path, options: FetchOptions, *, seed: int) -> None:
        """Download the recordings in the layout that is asked for, or copy the files that the user has."""
        pick = pick_figshare if options.layout == "figshare" else partial(pick_physionet, ningbo=options.ningbo)
        if options.source is not None:
            take_source(raw, options.source, pick, partial(_check_layout, options), _LIMITS)
            packed = Path(options.source).expanduser() / f"{SIGNALS}.zip"
            if options.layout == "figshare" and packed.is_file() and not (raw / SIGNALS).is_dir():
                unpack(packed, raw, pick, _LIMITS)
            list_recordings(raw)
        elif options.layout == "physionet":
            download_published(raw, PHYSIONET, lambda name: pick(name) == name)
        else:
            archive = Archive(ARCHIVE, f"{SIGNALS}.zip", pick, _LIMITS)
            fetch_archive(raw, archive, partial(_check_complete, raw), {DIAGNOSTICS: TABLE})

    def cuts(self, raw: Path, options: PreprocessOptions) -> Cuts:
        """Cut each recording into windows."""
        recordings, note = list_recordings(raw)
        items = [Recording(one.name, one, PurePosixPath(one.file).with_suffix("").as_posix()) for one in recordings]
        return Cuts(items, partial(_windows, self, raw, options), [note])

    def recording_rate(self, options: PreprocessOptions) -> float:
        """The rate of the database."""
        return SAMPLING_RATE

    def cut(self, record: Record, options: PreprocessOptions) -> Samples:
        """Filter a recording and cut it into windows, whatever its beats are."""
        signals = filter_recording(record.signals, record.sampling_rate, options)
        return cut_windows_of(record, signals, options.window, options.step)


def _check_layout(options: FetchOptions, found: Collection[str]) -> None:
    """Refuse a source of the user's that holds nothing of the layout."""
    if DIAGNOSTICS not in found if options.layout == "figshare" else not found:
        needed = DIAGNOSTICS if options.layout == "figshare" else f"record below a folder {RECORDS}"
        raise EcganError(
            f"fetch.source: {options.source} has no {needed}.",
            "Mend fetch.source or fetch.layout, or use null to download.",
        )


def _windows(dataset: Shaoxing, raw: Path, options: PreprocessOptions, recording: Listed) -> Cut:
    signals = read_recording(raw, recording)[:, [LEADS.index(lead) for lead in options.leads]]
    if len(signals) < options.window:
        raise EcganError(
            f"the recording {recording.name} has {len(signals)} samples and preprocess.window is {options.window}.",
            "Set a shorter window, or take the recording away.",
        )
    nothing = np.zeros(0, dtype=np.int64)
    record = Record(recording.name, signals, SAMPLING_RATE, list(options.leads), nothing, [])
    samples = dataset.cut(record, options)
    ids = np.full(len(samples), CLASSES.index(recording.rhythm), dtype=np.int64)
    return labelled(samples, ids, CLASSES, "each window has the rhythm of its recording"), []


def _check_complete(raw: Path) -> None:
    """Refuse an archive that does not hold exactly the recordings that the table of diagnoses names."""
    named = set(read_diagnostics(raw / DIAGNOSTICS))
    there = {file.stem for file in (raw / SIGNALS).glob("*.csv")}
    if named != there:
        raise EcganError(
            f"{SIGNALS}.zip lacks {len(named - there):,} of the {len(named):,} recordings that {DIAGNOSTICS} names, and"
            f" has {len(there - named):,} others.",
            "Fetch it again, or name files of your own in fetch.source.",
        )
