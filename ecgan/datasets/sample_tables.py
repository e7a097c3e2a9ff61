"""Ready samples of a user's: one table (CSV, TSV) or array (NPY, NPZ), one sample a row."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.files.cells import NOTHING
from ecgan.ecg.files.npy import LEADS, leads_of, load_npy, load_npz, rate_of
from ecgan.ecg.files.tables import read_columns
from ecgan.errors import EcganError

LabelColumn = Literal["none", "first", "last"] | None

_LABEL = ("label", "class", "target")
_PATIENT = ("patient", "subject")
_KEYS = ("samples", "data", "x", "X")
_LABELS, _PATIENTS = ("labels", "label", "y"), ("patients", "patient")
_MANY, _MANY_ROWS, _MOST_CLASSES = 8, 5000, 50
_FIGURES = re.compile(r"[-+]?\d+([.,]\d+)?(e[-+]?\d+)?")
_USUAL = 0.8
"""Share of the columns that are called alike where all are time steps."""


@dataclass(frozen=True)
class SampleTable:
    """Samples as a file holds them.

    Attributes:
        signals: float64, shape (n, C, L); NaN where a value is missing.
        labels: Label of each sample, length n; None where there are none.
        patients: Patient of each sample, length n; None where they are not known.
        sampling_rate: Hz; None where the file does not say.
        leads: Names of the channels; None where the file does not say.
    """

    signals: NDArray[np.float64]
    labels: list[str] | None = None
    patients: list[str] | None = None
    sampling_rate: float | None = None
    leads: list[str] | None = None


def read_samples(path: Path, label: LabelColumn) -> SampleTable:
    """Read samples.

    Args:
        path: `.csv`, `.tsv`, `.txt`: one sample of one lead a row, one time step a column; a column headed `label`,
            `class` or `target` holds labels, one headed `patient` or `subject` patients. `.npy`: (n, L) or (n, L, C).
            `.npz`: `samples` or `data` or `x` of that shape, perhaps `labels`, `patients`, `sampling_rate`, `leads`.
        label: Which column holds labels where none is headed so; of an array of two dimensions as well. None: none
            does, and a table whose first or last column looks like one is refused.

    A first or last column that numbers the rows, as pandas writes it, is none of the samples.

    Raises:
        EcganError: The file is damaged, in another format, or not of such a shape, or a sample has no label.
    """
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        table = _from_text(path, label)
    elif suffix == ".npy":
        table = _from_array(path, load_npy(path), label)
    elif suffix == ".npz":
        table = _from_archive(path, load_npz(path, _KEYS), label)
    else:
        raise EcganError(f"{path} is no table of samples.", "Tables: .csv, .tsv, .txt, .npy, .npz.")
    if 0 in table.signals.shape:
        raise EcganError(
            f"{path} holds no samples: its shape is {table.signals.shape}.",
            "Save it again; see docs/datasets.md for what is read.",
        )
    if np.isinf(table.signals).any():
        raise EcganError(f"{path} holds infinite values.", "Mark missing values as NaN.")
    if table.labels and len(set(table.labels)) == len(table.labels) >= _MANY:
        raise EcganError(
            f"every sample of {path} has a label of its own, such as {table.labels[0]!r}.",
            "Name the column of classes: head it `label`, or mend preprocess.label_column.",
        )
    for what, known in (("label", table.labels), ("patient", table.patients)):
        if (row := next((row for row, one in enumerate(known or [], 1) if one.strip() in NOTHING), None)) is not None:
            raise EcganError(f"sample {row:,} of {path} has no {what}.", "Give it one, or leave the sample out.")
    return table


def _from_text(path: Path, label: LabelColumn) -> SampleTable:
    def texts(names: list[str]) -> dict[int, str]:
        lower = [name.casefold() for name in names]
        found = {column: "label" for column, name in enumerate(lower) if name in _LABEL}
        if not found and label in ("first", "last"):
            found = {0 if label == "first" else len(names) - 1: "label"}
        found |= {column: "patient" for column, name in enumerate(lower) if name in _PATIENT}
        if len(set(found.values())) < len(found):
            raise EcganError(f"{path} has two columns of labels or of patients.", "Keep one of them.")
        return found

    columns = read_columns(path, texts)
    if label != "none":
        _check_names(path, columns.names)
    values = _unnumbered(columns.values)
    if label is None and "label" not in columns.texts:
        _check_classes(path, values)
    signals = values[:, None]  # (n, L) to (n, 1, L)
    return SampleTable(signals, columns.texts.get("label"), columns.texts.get("patient"))


def _from_array(path: Path, array: NDArray[Any], label: LabelColumn, *, named: bool = False) -> SampleTable:
    if array.dtype.kind not in "fiu" or array.ndim not in (2, 3):
        raise EcganError(
            f"{path} holds an array of {array.dtype} and shape {array.shape}; expected numbers of shape (n, L) or"
            " (n, L, C): samples, time steps, leads.",
            "Save it again; see docs/datasets.md for what is read.",
        )
    values = array.astype(np.float64)
    if array.ndim == 3:
        if array.shape[2] > array.shape[1] and not named:
            raise EcganError(
                f"{path} holds samples of {array.shape[1]} time steps and {array.shape[2]} leads: they seem to be"
                " swapped.",
                "Save them as (n, L, C): x.transpose(0, 2, 1). If they are right, name the leads in a .npz.",
            )
        return SampleTable(values.transpose(0, 2, 1))  # (n, L, C) to (n, C, L)
    values = _unnumbered(values)
    if label is None:
        _check_classes(path, values)
    if label not in ("first", "last") or values.shape[1] < 2:
        return SampleTable(values[:, None])  # (n, L) to (n, 1, L)
    column, rest = (0, slice(1, None)) if label == "first" else (-1, slice(None, -1))
    return SampleTable(values[:, None, rest], texts_of(values[:, column]))


def _unnumbered(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out a first or last column of samples (n, L) that counts the rows one by one."""
    for index, rest in ((0, slice(1, None)), (-1, slice(None, -1))):
        if len(values) >= _MANY and values.shape[1] > 1 and (np.diff(values[:, index]) == 1).all():
            values = values[:, rest]
    return values


def _check_names(path: Path, names: Sequence[str]) -> None:
    """Refuse columns that are not called as the others are, but for their numbers, such as `age` beside t0, t1, …."""
    stems = [_FIGURES.sub("", name.casefold()).strip() for name in names]
    usual, count = Counter(stems).most_common(1)[0] if stems else ("", 0)
    odd = [name for name, stem in zip(names, stems, strict=True) if stem not in (usual, "", "unnamed:", "index", "id")]
    if odd and len(names) >= _MANY and count >= _USUAL * len(names):
        example = next(name for name, stem in zip(names, stems, strict=True) if stem == usual)
        raise EcganError(
            f"{path}: the column {odd[0]!r} is not called as the time steps are, such as {example!r}.",
            "If it holds labels, head it `label`; patients, `patient`; else take it out, or set"
            " preprocess.label_column to none if it is a time step.",
        )


def _check_classes(path: Path, values: NDArray[np.float64]) -> None:
    """Refuse samples (n, L) whose first or last column looks like classes: a few whole numbers beside measured ones."""
    if len(values) < _MANY or values.shape[1] < _MANY:
        return
    usual = float(np.median([_different(column) for column in values[:_MANY_ROWS, :: max(1, values.shape[1] // 99)].T]))
    for index, name in ((0, "first"), (-1, "last")):
        column = values[:, index]
        if np.isfinite(column).all() and (column == np.rint(column)).all():
            classes = np.unique(column)
            if 1 < len(classes) <= min(_MOST_CLASSES, len(values) // 3) and len(classes) < usual / 2:
                shown = ", ".join(f"{one:g}" for one in classes[:5])
                raise EcganError(
                    f"the {name} column of {path} looks like classes ({shown}{', …' * (len(classes) > 5)}), not like a"
                    " time step.",
                    f"Set preprocess.label_column to {name}, or to none if it is a time step.",
                )


def _different(column: NDArray[np.float64]) -> int:
    return len(np.unique(column))


def _from_archive(path: Path, arrays: dict[str, NDArray[Any]], label: LabelColumn) -> SampleTable:
    samples = next(arrays[key] for key in _KEYS if key in arrays)
    labelled = any(key in arrays for key in _LABELS)
    table = _from_array(path, samples, "none" if labelled else label, named=LEADS in arrays)
    table = replace(
        table,
        labels=_column(path, arrays, _LABELS, len(table.signals)) or table.labels,
        patients=_column(path, arrays, _PATIENTS, len(table.signals)),
        sampling_rate=rate_of(path, arrays),
        leads=leads_of(arrays),
    )
    if table.leads is not None and len(table.leads) != table.signals.shape[1]:
        raise EcganError(
            f"{path} has samples of {table.signals.shape[1]} leads and names {len(table.leads)}.",
            "Save it again; see docs/datasets.md for what is read.",
        )
    return table


def _column(path: Path, arrays: dict[str, NDArray[Any]], keys: Sequence[str], count: int) -> list[str] | None:
    found = [key for key in keys if key in arrays]
    if len(found) > 1:
        raise EcganError(f"{path} holds {' and '.join(found)}.", "Keep one of them.")
    if not found:
        return None
    key = found[0]
    if arrays[key].shape != (count,):
        raise EcganError(
            f"{path} holds {count} samples, and {key} of shape {arrays[key].shape}.",
            "Save it again; see docs/datasets.md for what is read.",
        )
    return texts_of(arrays[key])


def texts_of(values: NDArray[Any]) -> list[str]:
    """Return labels as text: whole numbers without a decimal point."""
    return [f"{value:g}" if isinstance(value, (float, int)) else str(value) for value in values.tolist()]
