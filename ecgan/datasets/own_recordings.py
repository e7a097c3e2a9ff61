"""From a user's recordings to labelled samples."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ecgan.datasets.annotated import labelled
from ecgan.datasets.inventory import LABELS, PATIENTS, Inventory
from ecgan.datasets.labelling import Classes, classes_of_labels
from ecgan.datasets.sample_tables import LabelColumn
from ecgan.datasets.sheets import Labels, patients_by_folder, read_labels, read_patients
from ecgan.ecg.aami import class_ids
from ecgan.ecg.beats import beat_table
from ecgan.ecg.files.recordings import annotation_file, locate, read_recording
from ecgan.ecg.files.units import check_size_of_ecg, strange_heart, strange_rate
from ecgan.ecg.files.wfdb import COPY_AGAIN, ecg_leads
from ecgan.ecg.leads import canonical_lead, derive_leads, match_leads
from ecgan.ecg.peaks import find_r_peaks
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.preprocessing.options import LEAVE_OUT, AlignOptions, FilterOptions, RecordingOptions, SampleOptions
from ecgan.preprocessing.rates import at_rate
from ecgan.progress import track
from ecgan.samples import SHIFT, Samples

I64 = NDArray[np.int64]


class PreprocessOptions(RecordingOptions, SampleOptions, AlignOptions, FilterOptions):
    """How recordings become samples, and what their labels mean."""

    cut: Literal["beats", "windows", "none"] = Field(
        "beats",
        description="beats: around R peaks; windows: one after another; none: fetch.path is a table of samples",
    )
    leads: list[str] | None = Field(
        None, min_length=1, description="leads by name; null: all that the recordings share"
    )
    rate_hz: float = Field(360.0, ge=1, le=100_000, description="rate that recordings are brought to first, Hz")
    before: int = Field(140, ge=1, le=100_000, description="samples of a beat before the R peak, at rate_hz")
    after: int = Field(180, ge=1, le=100_000, description="samples of a beat from the R peak on, at rate_hz")
    window: int = Field(1000, ge=4, le=100_000, description="samples of a window, at rate_hz")
    step: int = Field(1000, ge=1, le=1_000_000, description="samples from the start of a window to the next one")
    annotator: str | None = Field(
        "atr", description="ending of WFDB annotation files beside the recordings, if there are any; null: never read"
    )
    class_mapping: Literal["aami", "bxb"] = Field("aami", description="escape beats are N (aami) or S (bxb)")
    normal: list[str] = Field(
        ["N", "normal", "0"], min_length=1, description="labels that mean normal; every other one is an abnormal class"
    )
    label_column: LabelColumn = Field(
        None,
        description="column of a table of samples that holds labels, where none is headed label; null: none, and what"
        " looks like one is refused",
    )
    sampling_rate: float | None = Field(
        None, gt=0, le=1_000_000, description="Hz of files that do not say it (NPY, CSV without times); null: they do"
    )
    unit: Literal["mV", "uV", "V"] | None = Field(
        None, description="unit of files that do not say it; null: mV, in EDF none"
    )
    gain: float | None = Field(
        None, gt=0, le=1e9, description="counts per mV of text and arrays that hold the counts of a converter"
    )
    baseline: float | None = Field(
        None, ge=-1e9, le=1e9, description="count at 0 mV, beside gain; null: the median of each lead"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.leads is not None and len(set(self.leads)) < len(self.leads):
            raise ValueError("leads names a lead twice")
        if self.align != "none" and self.cut != "beats":
            raise ValueError("align is for beats; allowed: align none, or cut beats")
        if self.gain is not None and self.unit is not None:
            raise ValueError("unit and gain exclude each other; allowed: one of them")
        if self.baseline is not None and self.gain is None:
            raise ValueError("baseline needs gain; allowed: both, or none")
        return self


@dataclass(frozen=True)
class Own:
    """What a plan says of one recording: its name, file, patient and labels."""

    name: str
    file: Path
    patient: str
    labels: Labels | None


@dataclass(frozen=True)
class Plan:
    """How the recordings of a folder are cut.

    Attributes:
        files: File of each recording, by its name.
        options: The section `preprocess`.
        leads: The leads, under the names that the samples give them.
        annotator: Ending of the annotation files that are read; None: there are none.
        labels: What `labels.csv` says, or None.
        classes: The classes of the samples.
        patients: Patient of each recording, by its name.
    """

    files: dict[str, Path]
    options: PreprocessOptions
    leads: list[str]
    annotator: str | None
    labels: Labels | None
    classes: Classes
    patients: dict[str, str]

    @property
    def detects(self) -> bool:
        """Whether R peaks are detected: beats are wanted, and nobody says where they are."""
        return self.options.cut == "beats" and self.annotator is None and not (self.labels and self.labels.at)

    def of(self, name: str) -> Own:
        """Return what the plan says of one recording."""
        labels = self.labels and Labels(*(_only(known, name) for known in (self.labels.of_recording, self.labels.at)))
        return Own(name, self.files[name], self.patients[name], labels)

    def without(self) -> "Plan":
        """Return what the plan says of no recording in particular."""
        return replace(self, files={}, patients={}, labels=None)

    def having(self, own: Own) -> "Plan":
        """Return the plan of one recording."""
        return replace(self, files={own.name: own.file}, patients={own.name: own.patient}, labels=own.labels)


def _only(known: dict[str, Any], name: str) -> dict[str, Any]:
    return {name: known[name]} if name in known else {}


def plan_for(inventory: Inventory, options: PreprocessOptions) -> Plan:
    """Look at what lies in the folder and decide how it is cut.

    Raises:
        EcganError: A sheet is wrong, or only some of the recordings have annotations.
    """
    files = inventory.recordings()
    if Path(inventory.path).is_file():
        raise EcganError(
            f"{inventory.path} is one file; preprocess.cut {options.cut!r} needs a folder of recordings.",
            "Name the folder in fetch.path, or set preprocess.cut to none if the file is a table of samples.",
        )
    labels = read_labels(inventory.root / LABELS, files) if LABELS in inventory.files else None
    annotator = None if labels and labels.at else _annotator(files, options.annotator)
    if labels:
        classes = classes_of_labels(labels.all(), options.normal, f"labels of {LABELS}")
    else:
        classes = Classes.aami(options.class_mapping) if annotator else Classes.unlabelled()
    sheet = inventory.root / PATIENTS
    patients = read_patients(sheet, files) if PATIENTS in inventory.files else patients_by_folder(files)
    leads = options.leads or _common_leads(files, options)
    return Plan(files, options, list(leads), annotator, labels, classes, patients)


def read_one(plan: Plan, name: str) -> Record:
    """Read the recording `name` with the leads of the plan, at its rate, and what marks its samples as annotations."""
    options = plan.options
    record = replace(_read(plan.files[name], options, plan.annotator), name=name)
    signals, added = derive_leads(record.signals, record.leads, plan.leads)
    record = replace(record, signals=signals, leads=[*record.leads, *added])
    columns = _columns(plan, record)
    _check(plan.files[name], record, columns, options)
    record = replace(record, signals=record.signals[:, columns], leads=plan.leads, assumed=[])
    if plan.labels and name in plan.labels.at:
        positions, _ = plan.labels.at[name]
        if positions[-1] >= len(record.signals):
            raise EcganError(
                f"{LABELS} labels sample {positions[-1]} of {name}, which has {len(record.signals)} samples.",
                "Positions count the recording's own samples from 0.",
            )
        record = replace(record, samples=positions, symbols=["N"] * len(positions))
    record = at_rate(record, options.rate_hz)
    if plan.detects:
        peaks = find_r_peaks(record.signals, record.sampling_rate)
        record = replace(record, samples=peaks, symbols=["N"] * len(peaks))
    if options.cut == "beats" and (
        strange := strange_heart(len(record.samples), len(record.signals) / options.rate_hz)
    ):
        raise EcganError(
            f"{plan.files[name]}: {strange}.",
            "Is its sampling rate right? See preprocess.sampling_rate; or take the recording out of the folder.",
        )
    return record


def _check(file: Path, record: Record, columns: list[int], options: PreprocessOptions) -> None:
    """Refuse what can be no ECG by its rate or size, before it is brought to another rate."""
    if strange := strange_rate(record.sampling_rate, options.rate_hz):
        raise EcganError(
            f"{file} has {strange}.", "Mend its times, or give the rate as preprocess.sampling_rate if it says none."
        )
    leads = [record.leads[column] for column in columns]
    if warning := check_size_of_ecg(str(file), record.signals[:, columns], record.sampling_rate, leads, record.assumed):
        raise EcganError(warning, "Mend its header, name other leads, or take the recording out of the folder.")


def label_one(plan: Plan, record: Record, samples: Samples) -> Samples:
    """Give the samples of a recording their classes: of a beat that of its mark, of a window see `_of_window`."""
    ids, at = _ids(plan, record), samples.table["sample"].to_numpy(np.int64)
    if plan.options.cut == "beats":
        rows = np.flatnonzero(np.isin(record.samples, at))  # of marks at one place all
        labels = ids[rows]
        table = beat_table(record, rows, annotated=plan.annotator is not None)
        samples = replace(samples, table=table.assign(**samples.table.filter([SHIFT])))
    elif plan.labels and record.name in plan.labels.of_recording:
        labels = np.repeat(plan.classes.ids([plan.labels.of_recording[record.name]]), len(at))
    else:
        labels = _of_window(record.samples, ids, at - plan.options.window // 2, plan.options.window)
    peaks = "; R peaks detected" if plan.detects else ""
    return labelled(samples, labels, plan.classes.names, f"{plan.classes.mapping}{peaks}")


def _common_leads(files: dict[str, Path], options: PreprocessOptions) -> list[str]:
    """Return the leads that all recordings have, in the order of the first and under its names."""
    every = _all_leads(files, options)
    common = next(every, [])
    for leads in every:
        known = {canonical_lead(lead) for lead in leads}
        common = [lead for lead in common if canonical_lead(lead) in known]
    if not common:
        raise EcganError(
            "the recordings have no lead in common.",
            "Name the leads that you want in preprocess.leads, and take recordings without them out of the folder.",
        )
    return common


def _all_leads(files: dict[str, Path], options: PreprocessOptions) -> Iterator[list[str]]:
    """Yield the leads of each recording, but for what cannot be read and is to be left out."""
    for file in track(files.values(), len(files), "reading lead names"):
        try:
            yield _leads(file, options)
        except EcganError:
            if options.on_error != LEAVE_OUT:
                raise


def _leads(file: Path, options: PreprocessOptions) -> list[str]:
    place = locate(file)
    if place.format == "wfdb":
        return ecg_leads(place.folder, place.name, COPY_AGAIN)
    return _read(file, options, None).leads


def _annotator(files: dict[str, Path], wanted: str | None) -> str | None:
    """Return the annotator if all recordings have its files, None if none has."""
    if wanted is None:
        return None
    lacking = [name for name, file in files.items() if annotation_file(file, wanted) is None]
    if lacking and len(lacking) < len(files):
        raise EcganError(
            f"{len(lacking)} of {len(files)} recordings have no annotations ({wanted}), {lacking[0]} among them.",
            "Take them out of the folder, or set preprocess.annotator to null to use no annotations at all.",
        )
    return None if lacking else wanted


def _read(file: Path, options: PreprocessOptions, annotator: str | None) -> Record:
    return read_recording(
        file,
        sampling_rate=options.sampling_rate,
        annotator=annotator,
        unit=options.unit,
        leads=options.leads or (),
        gain=options.gain,
        baseline=options.baseline,
        several=True,
    )


def _columns(plan: Plan, record: Record) -> list[int]:
    try:
        return match_leads(record.leads, plan.leads, record.left_out)
    except EcganError as error:
        raise EcganError(
            f"{plan.files[record.name]}: {error.message} {error.hint}",
            "Name leads that every recording has in preprocess.leads, or take the recording out of the folder.",
        ) from None


def _ids(plan: Plan, record: Record) -> I64:
    """Return the class of each mark of a recording, shape (m,)."""
    if plan.labels and record.name in plan.labels.at:
        return plan.classes.ids(plan.labels.at[record.name][1])
    if plan.labels:
        return np.repeat(plan.classes.ids([plan.labels.of_recording[record.name]]), len(record.samples))
    if plan.annotator:
        return class_ids(record.symbols, plan.options.class_mapping)
    return np.zeros(len(record.samples), dtype=np.int64)


def _of_window(positions: I64, ids: I64, starts: I64, window: int) -> I64:
    """Return the class of each window: the commonest abnormal class of the marks in it, or normal."""
    order = np.argsort(positions, kind="stable")
    first, last = (np.searchsorted(positions[order], edges) for edges in (starts, starts + window))
    within = (ids[order[a:b]] for a, b in zip(first, last, strict=True))
    return np.array([_commonest(found[found > 0]) for found in within], dtype=np.int64)


def _commonest(abnormal: I64) -> int:
    """Return the commonest of the ids, the lowest of several, or 0 where there is none."""
    return int(np.bincount(abnormal).argmax()) if len(abnormal) else 0
