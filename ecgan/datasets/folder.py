"""A user's own data: a folder of recordings, or one table of ready samples; labels optional."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from ecgan.config.options import Options
from ecgan.config.schema import FilePath
from ecgan.datasets.annotated import cut_recording, cut_records
from ecgan.datasets.base import Card, Cut, Dataset, Samples
from ecgan.datasets.inventory import NAME, load_inventory, take_inventory, write_inventory
from ecgan.datasets.labelling import Classes, classes_of_labels
from ecgan.datasets.own_recordings import Plan, PreprocessOptions, cut_one, plan_for
from ecgan.datasets.sample_tables import SampleTable, read_samples
from ecgan.ecg.cutting import Window
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.preprocessing.filtering import filter_recording
from ecgan.preprocessing.windowing import cut_at, window_starts
from ecgan.registry import register_dataset


class FetchOptions(Options):
    """Where the data are."""

    path: FilePath = Field(
        "recordings",
        description="folder of recordings (WFDB, EDF, CSV, NPY, NPZ), or one table of ready samples (CSV, NPY, NPZ)",
    )


@register_dataset("folder")
class Folder(Dataset):
    """Recordings in a folder, cut into beats or windows, or ready samples in a table."""

    card = Card(
        title="Your own recordings or samples",
        source="a folder or file of yours, fetch.path",
        licence="yours",
        size="as large as they are; the recordings stay where they are, raw holds their list with SHA-256",
    )
    Fetch = FetchOptions
    Preprocess = PreprocessOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {"train": {"transformation": "individual"}}

    def fetch(self, raw: Path, options: FetchOptions, *, seed: int) -> None:
        """List the files with their SHA-256; nothing is copied."""
        write_inventory(raw, take_inventory(options.path, raw))
        for entry in raw.iterdir():
            if entry.name != NAME and entry.is_file():
                entry.unlink()

    def preprocess(self, raw: Path, options: PreprocessOptions) -> Samples:
        """Cut the recordings, or read the table."""
        inventory = load_inventory(raw)
        path = Path(inventory.path)
        if options.cut == "none":
            if not path.is_file():
                raise EcganError(
                    f"preprocess.cut is none, and {path} is a folder.",
                    "Name one table of samples in fetch.path, or set preprocess.cut to beats or windows.",
                )
            return _ready_samples(read_samples(path, options.label_column), options)
        plan = plan_for(inventory, options)
        beats, rate = cut_records(lambda _, name: cut_one(plan, name), inventory.root, list(plan.files))
        if not len(beats.windows):
            raise EcganError(
                f"no sample can be cut from {path}.", "Take longer recordings or a shorter preprocess.window."
            )
        return Samples(
            data=beats.windows,
            labels=beats.labels,
            table=beats.table,
            sampling_rate=rate,
            leads=plan.leads,
            classes=plan.classes.names,
            mapping=_mapping(plan),
            centre=options.before if options.cut == "beats" else None,
        )

    def recording_rate(self, options: PreprocessOptions) -> float | None:
        """The rate that recordings are brought to; None where samples come ready."""
        return None if options.cut == "none" else options.rate_hz

    def cut(self, record: Record, options: PreprocessOptions) -> Cut:
        """Cut a recording as those of the folder are cut."""
        if options.cut == "none":
            return super().cut(record, options)
        signals = filter_recording(record.signals, record.sampling_rate, options)
        if options.cut == "beats":
            return cut_recording(record, signals, Window(options.before, options.after))
        starts = window_starts(len(signals), options.window, options.step)
        if not len(starts):
            raise EcganError(
                f"the recording {record.name} of {len(signals)} samples at {record.sampling_rate:g} Hz is shorter than"
                f" a window of {options.window}.",
                "Take a longer recording.",
            )
        return Cut(cut_at(signals, starts, options.window), starts + options.window // 2, starts)


def _mapping(plan: Plan) -> str:
    peaks = "; R peaks detected" if plan.detects else ""
    return f"{plan.classes.mapping}{peaks}"


def _ready_samples(table: SampleTable, options: PreprocessOptions) -> Samples:
    count, _, channels = table.data.shape
    leads = options.leads or table.leads or [str(number + 1) for number in range(channels)]
    if len(leads) != channels:
        raise EcganError(
            f"the samples have {channels} channels, and {len(leads)} leads are named.", "Mend preprocess.leads."
        )
    if table.labels is None:
        classes, labels = Classes.unlabelled(), np.zeros(count, dtype=np.int64)
    else:
        classes = classes_of_labels(table.labels, options.normal, "labels of the table")
        labels = classes.ids(table.labels)
    described = pd.DataFrame({"class_name": np.asarray(classes.names)[labels]})
    if table.patients is not None:
        described["patient"] = table.patients
    return Samples(
        data=table.data,
        labels=labels,
        table=described,
        sampling_rate=table.sampling_rate or options.sampling_rate or 0.0,
        leads=leads,
        classes=classes.names,
        mapping=classes.mapping,
    )
