"""A processed dataset on disk: `data.pkl`, `label.pkl`, `samples.csv` and `dataset.json`."""

import hashlib
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.arrays import load_array, save_array
from ecgan.datasets.base import Described, Samples
from ecgan.errors import EcganError
from ecgan.files import check_numbers, read_record, read_table, sha256, write_frame, write_json

AGAIN = "Run `ecgan preprocess` again."
_TEXT = ("record", "patient", "class_name", "symbol", "aami")
DECIMALS = 4  # of the unit: the hash of the data is then the same on every processor


@dataclass(frozen=True)
class Processed:
    """A processed dataset in memory.

    Attributes:
        data: float32, shape (n, L, C).
        labels: int64, shape (n,), 0 = normal.
        table: One row a sample, the columns of `samples.csv`.
        about: What the arrays do not say.
        sha256: Hash of samples, labels and table together, which folds and runs refer to.
    """

    data: NDArray[np.float32]
    labels: NDArray[np.int64]
    table: pd.DataFrame
    about: Described
    sha256: str

    @property
    def patients(self) -> NDArray[Any] | None:
        """Patient of each sample as strings, (n,), or None where patients are not known."""
        if "patient" not in self.table or self.table["patient"].isna().any():
            return None
        return self.table["patient"].to_numpy(dtype=str)


def save_processed(folder: Path, name: str, samples: Samples) -> Described:
    """Round, check and write a dataset's samples; each file is written atomically.

    Args:
        folder: `data/<dataset>/processed`.
        name: Name of the dataset.
        samples: What its `preprocess` returned.
    """
    _check(name, samples)
    data = np.round(samples.data, DECIMALS).astype(np.float32, copy=False)
    counts = np.bincount(samples.labels, minlength=len(samples.classes))
    about = Described(
        name=name,
        sampling_rate=samples.sampling_rate,
        leads=samples.leads,
        classes=samples.classes,
        unit=samples.unit,
        mapping=samples.mapping,
        centre=samples.centre,
        counts={name: int(count) for name, count in zip(samples.classes, counts, strict=True)},
    )
    save_array(folder / "data.pkl", data)
    save_array(folder / "label.pkl", samples.labels.astype(np.int64))
    write_frame(folder / "samples.csv", samples.table)
    write_json(folder / "dataset.json", asdict(about))
    return about


def load_processed(folder: Path) -> Processed:
    """Read a processed dataset; nothing in it is executed.

    Raises:
        EcganError: A file is missing or broken, or the files do not belong together.
    """
    if not (folder / "data.pkl").is_file():
        raise EcganError(f"there is no processed data in {folder}.", "Run `ecgan preprocess` first.")
    data = load_array(folder / "data.pkl", ndim=3, kind="f").astype(np.float32, copy=False)
    labels = load_array(folder / "label.pkl", ndim=1, kind="iu").astype(np.int64, copy=False)
    about = load_described(folder)
    table = read_table(folder / "samples.csv", dict.fromkeys(_TEXT, str), hint=AGAIN)
    if problem := _mismatch(data, labels, table, about):
        raise EcganError(f"the files in {folder} do not belong together: {problem}.", AGAIN)
    _check_values(folder, data, labels, table, about)
    return Processed(data, labels, table, about, _identity(folder))


def _mismatch(data: NDArray[Any], labels: NDArray[np.int64], table: pd.DataFrame, about: Described) -> str:
    """Say in which sizes the four files differ, or nothing."""
    if len(data) == 0:
        return "data.pkl holds 0 samples"
    if len(labels) != len(data):
        return f"data.pkl holds {len(data):,} samples, label.pkl {len(labels):,} labels"
    if len(table) != len(data):
        return f"data.pkl holds {len(data):,} samples, samples.csv {len(table):,} rows"
    if data.shape[2] != len(about.leads):
        return f"data.pkl holds {data.shape[2]} leads, dataset.json names {len(about.leads)}"
    if about.centre is not None and about.centre >= data.shape[1]:
        return f"data.pkl holds {data.shape[1]} time steps, and in dataset.json centre is {about.centre}"
    return ""


def _check_values(
    folder: Path, data: NDArray[Any], labels: NDArray[np.int64], table: pd.DataFrame, about: Described
) -> None:
    """Refuse values that no dataset gives."""
    if broken := int((~np.isfinite(data).all(axis=(1, 2))).sum()):
        raise EcganError(f"{folder / 'data.pkl'}: {broken} of {len(data):,} samples hold NaN or infinity.", AGAIN)
    if labels.min() < 0 or labels.max() >= len(about.classes):
        wrong = int(labels[(labels < 0) | (labels >= len(about.classes))][0])
        raise EcganError(
            f"{folder / 'label.pkl'} holds the label {wrong}; there are {len(about.classes)} classes.", AGAIN
        )
    path = folder / "samples.csv"
    if "class_name" not in table:
        raise EcganError(f"{path} lacks the column class_name; it has {', '.join(map(str, table))}.", AGAIN)
    if (row := _misnamed(labels, table, about.classes)) is not None:
        raise EcganError(
            f"{path}, line {row + 2}: class_name is {table['class_name'].iloc[row]!r}, and the label in label.pkl is"
            f" {labels[row]}, which is {about.classes[labels[row]]!r}.",
            AGAIN,
        )
    for name in table.columns.intersection(["sample", "time_s", "rr_prev_s", "rr_next_s"]):
        check_numbers(path, table, name, hint=AGAIN)


def _misnamed(labels: NDArray[np.int64], table: pd.DataFrame, classes: list[str]) -> int | None:
    """The first row whose class_name is not the class of its label; None where all are."""
    differ = table["class_name"].to_numpy() != np.asarray(classes, dtype=object)[labels]
    return int(differ.argmax()) if differ.any() else None


def _identity(folder: Path) -> str:
    hashes = [sha256(folder / name) for name in ("data.pkl", "label.pkl", "samples.csv")]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def load_described(folder: Path) -> Described:
    """Read `dataset.json` alone."""
    if not (folder / "dataset.json").is_file():
        raise EcganError(
            f"there is no processed data in {folder}: dataset.json is missing.", "Run `ecgan preprocess` first."
        )
    path = folder / "dataset.json"
    about = read_record(path, Described, "a dataset")
    problem = ""
    if not 0 <= about.sampling_rate < math.inf:
        problem = f"sampling_rate is {about.sampling_rate:g}, expected 0 or more"
    elif not about.leads or not about.classes:
        problem = f"{'classes' if about.leads else 'leads'} is an empty list"
    elif about.centre is not None and about.centre < 0:
        problem = f"centre is {about.centre}, expected 0 or more"
    if problem:
        raise EcganError(f"{path} does not describe a dataset: {problem}.", AGAIN)
    return about


def class_counts(labels: NDArray[np.int64], classes: list[str]) -> dict[str, int]:
    """Count the samples of each class that occurs."""
    counts = np.bincount(labels, minlength=len(classes))
    return {name: int(count) for name, count in zip(classes, counts, strict=True) if count}


def _check(name: str, samples: Samples) -> None:
    """Refuse what would break later stages, in the words of the dataset's author."""
    data, labels = samples.data, samples.labels
    problem = ""
    if len(data) == 0:
        raise EcganError(
            f"the dataset {name!r} gave no samples: there are no annotated beats, or `preprocess` leaves all out.",
            "Look at records, leads and cleansing in the section `preprocess`.",
        )
    if data.ndim != 3:
        problem = f"data has shape {data.shape}, expected (n, L, C)"
    elif labels.shape != (len(data),) or len(samples.table) != len(data):
        problem = f"{len(data)} samples, {labels.shape} labels, {len(samples.table)} table rows"
    elif len(samples.leads) != data.shape[2]:
        problem = f"{len(samples.leads)} lead names for {data.shape[2]} channels"
    elif not np.isfinite(data).all():
        problem = f"{int((~np.isfinite(data)).any(axis=(1, 2)).sum())} samples hold NaN or infinity"
    elif labels.min() < 0 or labels.max() >= len(samples.classes):
        problem = f"labels from {labels.min()} to {labels.max()} for {len(samples.classes)} classes"
    elif "class_name" not in samples.table:
        problem = "the table lacks the column class_name"
    elif (row := _misnamed(labels, samples.table, samples.classes)) is not None:
        problem = f"row {row} of the table has the class {samples.table['class_name'].iloc[row]!r}, its label another"
    if problem:
        raise EcganError(f"the dataset {name!r} gave samples that do not fit: {problem}.")
