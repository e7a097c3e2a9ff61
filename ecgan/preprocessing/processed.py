"""A processed dataset on disk: `data.pkl`, `label.pkl`, `samples.csv` and `dataset.json`."""

import hashlib
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgan.arrays import load_array, save_array
from ecgan.errors import EcganError
from ecgan.files import check_numbers, read_json, read_record, read_table, sha256, write_frame, write_json
from ecgan.preprocessing.preparing import rounded
from ecgan.samples import About, Samples

AGAIN = "Run `ecgan preprocess` again."
_KEYS = ("centre", "mapping", "name", "unit")  # files say what samples in memory may leave out
_TEXT = ("record", "patient", "class_name", "symbol", "aami")


def save_processed(folder: Path, name: str, samples: Samples) -> About:
    """Round, check and write a dataset's samples; each file is written atomically.

    Args:
        folder: `data/<dataset>/processed`.
        name: Name of the dataset.
        samples: Prepared, with labels.
    """
    _check(name, samples)
    counts = np.bincount(samples.class_ids, minlength=len(samples.about.classes))
    named = {key: int(count) for key, count in zip(samples.about.classes, counts, strict=True)}
    about = replace(samples.about, name=name, counts=named)
    save_array(folder / "data.pkl", rounded(samples.signals).transpose(0, 2, 1))  # (n, C, L) to (n, L, C)
    save_array(folder / "label.pkl", samples.class_ids.astype(np.int64))
    write_frame(folder / "samples.csv", samples.table)
    described = {key: value for key, value in asdict(about).items() if key != "preprocess"}
    write_json(folder / "dataset.json", described)
    return about


def load_processed(folder: Path) -> Samples:
    """Read a processed dataset; nothing in it is executed.

    Raises:
        EcganError: A file is missing or broken, or the files do not belong together.
    """
    if not (folder / "data.pkl").is_file():
        raise EcganError(f"there is no processed data in {folder}.", "Run `ecgan preprocess` first.")
    data = load_array(folder / "data.pkl", ndim=3, kind="f").astype(np.float32, copy=False)
    labels = load_array(folder / "label.pkl", ndim=1, kind="iu").astype(np.int64, copy=False)
    table = read_table(folder / "samples.csv", dict.fromkeys(_TEXT, str), hint=AGAIN)
    signals = data.transpose(0, 2, 1)  # (n, L, C) to (n, C, L)
    samples = Samples(signals, table, load_about(folder), labels, _identity(folder))
    if problem := _mismatch(samples):
        raise EcganError(f"the files in {folder} do not belong together: {problem}.", AGAIN)
    _check_values(folder, samples)
    return samples


def _mismatch(samples: Samples) -> str:
    """Say in which sizes the four files differ, or nothing."""
    (n, leads, length), about, labels = samples.signals.shape, samples.about, samples.class_ids
    if n == 0:
        return "data.pkl holds 0 samples"
    if len(labels) != n:
        return f"data.pkl holds {n:,} samples, label.pkl {len(labels):,} labels"
    if len(samples.table) != n:
        return f"data.pkl holds {n:,} samples, samples.csv {len(samples.table):,} rows"
    if leads != len(about.leads):
        return f"data.pkl holds {leads} leads, dataset.json names {len(about.leads)}"
    if about.centre is not None and about.centre >= length:
        return f"data.pkl holds {length} time steps, and in dataset.json centre is {about.centre}"
    return ""


def _check_values(folder: Path, samples: Samples) -> None:
    """Refuse values that no dataset gives."""
    labels, table, classes = samples.class_ids, samples.table, samples.about.classes
    if broken := int((~np.isfinite(samples.signals).all(axis=(1, 2))).sum()):
        raise EcganError(f"{folder / 'data.pkl'}: {broken} of {len(samples):,} samples hold NaN or infinity.", AGAIN)
    if labels.min() < 0 or labels.max() >= len(classes):
        wrong = int(labels[(labels < 0) | (labels >= len(classes))][0])
        raise EcganError(f"{folder / 'label.pkl'} holds the label {wrong}; there are {len(classes)} classes.", AGAIN)
    path = folder / "samples.csv"
    if "class_name" not in table:
        raise EcganError(f"{path} lacks the column class_name; it has {', '.join(map(str, table))}.", AGAIN)
    if (row := _misnamed(samples)) is not None:
        raise EcganError(
            f"{path}, line {row + 2}: class_name is {table['class_name'].iloc[row]!r}, and the label in label.pkl is"
            f" {labels[row]}, which is {classes[labels[row]]!r}.",
            AGAIN,
        )
    for name in table.columns.intersection(["sample", "time_s", "rr_prev_s", "rr_next_s"]):
        check_numbers(path, table, name, hint=AGAIN)


def _misnamed(samples: Samples) -> int | None:
    """The first row whose class_name is not the class of its label; None where all are."""
    names = np.asarray(samples.about.classes, dtype=object)[samples.class_ids]
    differ = samples.table["class_name"].to_numpy() != names
    return int(differ.argmax()) if differ.any() else None


def _identity(folder: Path) -> str:
    hashes = [sha256(folder / name) for name in ("data.pkl", "label.pkl", "samples.csv")]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def load_about(folder: Path) -> About:
    """Read `dataset.json` alone."""
    if not (folder / "dataset.json").is_file():
        raise EcganError(
            f"there is no processed data in {folder}: dataset.json is missing.", "Run `ecgan preprocess` first."
        )
    path = folder / "dataset.json"
    about = read_record(path, About, "a dataset")
    lacking = [key for key in _KEYS if key not in read_json(path)]
    problem = ""
    if lacking:
        problem = f"the key {lacking[0]!r} is missing"
    elif not 0 <= about.sampling_rate < math.inf:
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
    signals, labels, about = samples.signals, samples.labels, samples.about
    problem = ""
    if len(signals) == 0:
        raise EcganError(
            f"the dataset {name!r} gave no samples: there are no annotated beats, or `preprocess` leaves all out.",
            "Look at records, leads and cleansing in the section `preprocess`.",
        )
    if signals.ndim != 3:
        problem = f"signals have shape {signals.shape}, expected (n, C, L)"
    elif labels is None or labels.shape != (len(signals),) or len(samples.table) != len(signals):
        found = None if labels is None else labels.shape
        problem = f"{len(signals)} samples, {found} labels, {len(samples.table)} table rows"
    elif len(about.leads) != signals.shape[1]:
        problem = f"{len(about.leads)} lead names for {signals.shape[1]} channels"
    elif not np.isfinite(signals).all():
        problem = f"{int((~np.isfinite(signals)).any(axis=(1, 2)).sum())} samples hold NaN or infinity"
    elif labels.min() < 0 or labels.max() >= len(about.classes):
        problem = f"labels from {labels.min()} to {labels.max()} for {len(about.classes)} classes"
    elif "class_name" not in samples.table:
        problem = "the table lacks the column class_name"
    elif (row := _misnamed(samples)) is not None:
        problem = f"row {row} of the table has the class {samples.table['class_name'].iloc[row]!r}, its label another"
    if problem:
        raise EcganError(f"the dataset {name!r} gave samples that do not fit: {problem}.")
