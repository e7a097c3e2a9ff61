"""A processed dataset on disk: `data.pkl`, `label.pkl`, `samples.csv` and `dataset.json`."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.arrays import load_array, save_array
from ecgan.datasets.base import Described, Samples
from ecgan.errors import EcganError
from ecgan.files import read_record, sha256, write_frame, write_json

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
    data = np.round(samples.data, DECIMALS).astype(np.float32)
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
    try:
        table = pd.read_csv(
            folder / "samples.csv", dtype={"record": str, "patient": str, "class_name": str, "symbol": str, "aami": str}
        )
    except (OSError, ValueError) as error:
        raise EcganError(f"cannot read {folder / 'samples.csv'}: {error}", "Run `ecgan preprocess` again.") from None
    if not len(data) == len(labels) == len(table) or data.shape[2] != len(about.leads):
        raise EcganError(f"the files in {folder} do not belong together.", "Run `ecgan preprocess` again.")
    return Processed(data, labels, table, about, _identity(folder))


def _identity(folder: Path) -> str:
    hashes = [sha256(folder / name) for name in ("data.pkl", "label.pkl", "samples.csv")]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def load_described(folder: Path) -> Described:
    """Read `dataset.json` alone."""
    if not (folder / "dataset.json").is_file():
        raise EcganError(f"there is no processed data in {folder}.", "Run `ecgan preprocess` first.")
    return read_record(folder / "dataset.json", Described, "a dataset")


def class_counts(labels: NDArray[np.int64], classes: list[str]) -> dict[str, int]:
    """Count the samples of each class that occurs."""
    counts = np.bincount(labels, minlength=len(classes))
    return {name: int(count) for name, count in zip(classes, counts, strict=True) if count}


def _check(name: str, samples: Samples) -> None:
    """Refuse what would break later stages, in the words of the dataset's author."""
    data, labels = samples.data, samples.labels
    problem = ""
    if data.ndim != 3 or len(data) == 0:
        problem = f"data has shape {data.shape}, expected (n, L, C) with n > 0"
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
    if problem:
        raise EcganError(f"the dataset {name!r} gave samples that do not fit: {problem}.")
