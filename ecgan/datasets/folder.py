"""A user's own data: a folder of recordings, or one table of ready samples; labels optional."""

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from ecgan.config.options import Options
from ecgan.config.schema import FilePath
from ecgan.datasets.annotated import cut_beats, cut_windows_of, labelled, of_patient
from ecgan.datasets.base import Card, Dataset
from ecgan.datasets.cuts import Cut, Cuts, Recording
from ecgan.datasets.inventory import NAME, load_inventory, take_inventory, write_inventory
from ecgan.datasets.labelling import Classes, classes_of_labels
from ecgan.datasets.own_recordings import Own, Plan, PreprocessOptions, label_one, plan_for, read_one
from ecgan.datasets.sample_tables import SampleTable, read_samples
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.preprocessing.filtering import filter_recording
from ecgan.registry import register_dataset
from ecgan.samples import About, Samples
from ecgan.terminal import say


class FetchOptions(Options):
    """Where the data are."""

    path: FilePath = Field(
        "recordings",
        description="folder of recordings (WFDB, EDF, CSV, DICOM …), or one table of ready samples (CSV, NPY, NPZ)",
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
        inventory = take_inventory(options.path, raw)
        write_inventory(raw, inventory)
        if omitted := inventory.left_out():
            say(omitted)
        for entry in raw.iterdir():
            if entry.name != NAME and entry.is_file():
                entry.unlink()

    def cuts(self, raw: Path, options: PreprocessOptions) -> Cuts | None:
        """Cut the recordings, unless there is a table of samples."""
        if options.cut == "none":
            return None
        inventory = load_inventory(raw)
        plan = plan_for(inventory, options)
        shorter = "a shorter preprocess.window" if options.cut == "windows" else "less preprocess.before and after"
        hint = f"Take longer recordings or {shorter}."
        return Cuts(
            [Recording(name, plan.of(name), name) for name in plan.files],
            partial(_cut_one, self, plan.without()),
            facts=repr((plan.leads, plan.annotator, plan.classes)),
            nothing=EcganError(f"no sample can be cut from {inventory.path}.", hint),
            root=inventory.root,
            digests={name: entry.sha256 for name, entry in inventory.files.items()},
        )

    def preprocess(self, raw: Path, options: PreprocessOptions) -> Samples:
        """Cut the recordings, or read the table."""
        if options.cut != "none":
            return super().preprocess(raw, options)
        path = Path(load_inventory(raw).path)
        if not path.is_file():
            raise EcganError(
                f"preprocess.cut is none, and {path} is a folder.",
                "Name one table of samples in fetch.path, or set preprocess.cut to beats or windows.",
            )
        return _ready_samples(read_samples(path, options.label_column), options)

    def recording_rate(self, options: PreprocessOptions) -> float | None:
        """The rate that recordings are brought to; None where samples come ready."""
        return None if options.cut == "none" else options.rate_hz

    def cut(self, record: Record, options: PreprocessOptions) -> Samples:
        """Filter a recording and cut it into beats or windows."""
        if options.cut == "none":
            return super().cut(record, options)
        signals = filter_recording(record.signals, record.sampling_rate, options)
        if options.cut == "windows":
            return cut_windows_of(record, signals, options.window, options.step)
        return cut_beats(record, signals, options.before, options.after, None, options.align)


def _cut_one(dataset: Folder, common: Plan, own: Own) -> Cut:
    plan = common.having(own)
    record = read_one(plan, own.name)
    return of_patient(label_one(plan, record, dataset.cut(record, plan.options)), own.patient), record.warnings


def _ready_samples(table: SampleTable, options: PreprocessOptions) -> Samples:
    count, channels, _ = table.signals.shape
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
    rate = table.sampling_rate or options.sampling_rate or 0.0
    samples = Samples(table.signals, pd.DataFrame(index=range(count)), About(rate, leads, []))
    samples = labelled(samples, labels, classes.names, classes.mapping)
    return samples if table.patients is None else of_patient(samples, table.patients)
