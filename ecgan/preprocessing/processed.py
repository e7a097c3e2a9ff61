"""A processed dataset on disk: `data.pkl`, `label.pkl`, `samples.csv` and `dataset.json`."""

import hashlib
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgan.arrays import load_array, save_array
from ecgan.errors import EcganError
from ecgan.files import check_numbers, read_json, read_record, read_table, write_frame, write_json
from ecgan.preprocessing.preparing import rounded
from ecgan.samples import SHIFT, About, Samples
from ecgan.scratch import finite_rows, of_type
from ecgan.seals import check_seal, seal

AGAIN = "Run `ecgan preprocess` again."
_KEYS = ("centre", "mapping", "name", "unit")  # files say what samples in memory may leave out
_TEXT = ("record", "patient", "class_name", "symbol", "aami")


def save_processed(folder: Path, name: str, samples: Samples) -> About:
    """Round, check and write a dataset's prepared, labelled samples; each file is written atomically, the seal last."""
    if not len(samples):
        raise EcganError(
            f"the dataset {name!r} gave no samples: there are no annotated beats, or `preprocess` leaves all out.",
            "Look at records, leads and cleansing in the section `preprocess`.",
        )
    if fault := _fault(samples):
        raise EcganError(f"the dataset {name!r} gave samples that do not fit: {fault}.")
    counts = dict.fromkeys(samples.about.classes, 0) | class_counts(samples.class_ids, samples.about.classes)
    about = replace(samples.about, name=name, counts=counts)
    save_array(folder / "data.pkl", rounded(samples.signals).transpose(0, 2, 1))  # (n, C, L) to (n, L, C)
    save_array(folder / "label.pkl", samples.class_ids.astype(np.int64))
    write_frame(folder / "samples.csv", samples.table)
    described = {key: value for key, value in asdict(about).items() if key != "preprocess"}
    write_json(folder / "dataset.json", described)
    seal(folder)
    return about


def load_processed(folder: Path) -> Samples:
    """Read a processed dataset; nothing in it is executed.

    Raises:
        EcganError: A file is missing or broken, or the files do not belong together.
    """
    if not (folder / "data.pkl").exists():
        raise EcganError(f"there is no processed data in {folder}.", "Run `ecgan preprocess` first.")
    digests = check_seal(folder, AGAIN)
    data = of_type(load_array(folder / "data.pkl", ndim=3, kind="f"), np.float32)
    labels = load_array(folder / "label.pkl", ndim=1, kind="iu").astype(np.int64, copy=False)
    table = read_table(folder / "samples.csv", dict.fromkeys(_TEXT, str), hint=AGAIN)
    signals = data.transpose(0, 2, 1)  # (n, L, C) to (n, C, L)
    samples = Samples(signals, table, _about(folder / "dataset.json"), labels, _identity(digests))
    if fault := _fault(samples):
        raise EcganError(f"the files in {folder} do not belong together: {fault}.", AGAIN)
    for name in table.columns.intersection(["sample", SHIFT, "time_s", "rr_prev_s", "rr_next_s"]):
        check_numbers(folder / "samples.csv", table, name, hint=AGAIN)
    return samples


def _fault(samples: Samples) -> str:
    """Say what would break later stages, after the file that says it; nothing where all fits."""
    signals, labels, table, about = samples.signals, samples.labels, samples.table, samples.about
    if signals.ndim != 3 or not len(signals):
        return f"data.pkl: {len(signals)} samples, signals have shape {signals.shape}, expected (n, C, L)"
    if labels is None or labels.shape != (len(signals),):
        found = "no" if labels is None else f"{len(labels):,}"
        return f"label.pkl: {found} labels for {len(signals):,} samples"
    if len(table) != len(signals):
        return f"samples.csv: {len(table):,} rows for {len(signals):,} samples"
    if len(about.leads) != signals.shape[1]:
        return f"dataset.json: {len(about.leads)} lead names for {signals.shape[1]} channels"
    if about.centre is not None and about.centre >= samples.length:
        return f"dataset.json: centre is {about.centre}, for {samples.length} time steps"
    if broken := int((~finite_rows(signals)).sum()):
        return f"data.pkl: {broken} of {len(samples):,} samples hold NaN or infinity"
    if labels.min() < 0 or labels.max() >= len(about.classes):
        return f"label.pkl: labels from {labels.min()} to {labels.max()} for {len(about.classes)} classes"
    if "class_name" not in table:
        return f"samples.csv: the table lacks the column class_name; it has {', '.join(map(str, table))}"
    names = np.asarray(about.classes, dtype=object)[labels]
    differ = table["class_name"].to_numpy() != names
    if differ.any():
        row = int(differ.argmax())
        return (
            f"samples.csv, line {row + 2}: row {row} of the table has the class {table['class_name'].iloc[row]!r} in"
            f" class_name, and the label {labels[row]}, which is {names[row]!r}"
        )
    return ""


def _identity(digests: dict[str, str]) -> str:
    hashes = [digests[name] for name in ("data.pkl", "label.pkl", "samples.csv")]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def load_about(folder: Path) -> About:
    """Read `dataset.json` alone."""
    check_seal(folder, AGAIN, only=["dataset.json"])
    return _about(folder / "dataset.json")


def _about(path: Path) -> About:
    if not path.exists():
        raise EcganError(f"there is no processed data: {path} is missing.", "Run `ecgan preprocess` first.")
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
