"""A processed dataset on disk: `data.pkl`, `label.pkl`, `samples.csv` and `dataset.json`."""

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgan.arrays import F32, load_array, save_array, save_blocks
from ecgan.errors import EcganError
from ecgan.files import check_numbers, read_json, read_record, read_table, write_frame, write_json
from ecgan.preprocessing.preparing import rounded
from ecgan.samples import SHIFT, About, Samples
from ecgan.scratch import finite_rows, of_type, parts
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
        raise EcganError(
            f"the dataset {name!r} gave samples that do not fit: {fault}.",
            "Mend the dataset; docs/plugins.md says what it gives.",
        )
    signals = samples.signals
    blocks = (rounded(signals[part]).transpose(0, 2, 1) for part in parts(signals))  # (n, C, L) to (n, L, C)
    return save_blocks_of(folder, name, samples.facts(slice(None)), blocks)


def save_blocks_of(folder: Path, name: str, facts: Samples, blocks: Iterable[F32]) -> About:
    """Write samples whose signals come in blocks (b, L, C), rounded, as `save_processed` writes them.

    `facts` is what is known of all of them besides.
    """
    if fault := _fault_of(facts):
        raise EcganError(
            f"the dataset {name!r} gave samples that do not fit: {fault}.",
            "Mend the dataset; docs/plugins.md says what it gives.",
        )
    counts = dict.fromkeys(facts.about.classes, 0) | class_counts(facts.class_ids, facts.about.classes)
    about = replace(facts.about, name=name, counts=counts)
    count, leads, steps = facts.signals.shape
    save_blocks(folder / "data.pkl", (count, steps, leads), np.dtype(np.float32), _finite(name, blocks))
    save_array(folder / "label.pkl", facts.class_ids.astype(np.int64))
    write_frame(folder / "samples.csv", facts.table)
    left_out = {"preprocess"} if about.left_out else {"preprocess", "left_out"}
    write_json(folder / "dataset.json", {key: value for key, value in asdict(about).items() if key not in left_out})
    seal(folder)
    return about


def _finite(name: str, blocks: Iterable[F32]) -> Iterator[F32]:
    for block in blocks:
        if broken := int((~finite_rows(block)).sum()):
            raise EcganError(
                f"the dataset {name!r} gave samples that do not fit: {broken} hold NaN or infinity.",
                "Mend the dataset; docs/plugins.md says what it gives.",
            )
        yield block


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
    fault = _fault_of(samples)
    if not fault and (broken := int((~finite_rows(samples.signals)).sum())):
        return f"data.pkl: {broken} of {len(samples):,} samples hold NaN or infinity"
    return fault


def _fault_of(samples: Samples) -> str:
    """Say so, but do not look at the signals."""
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
