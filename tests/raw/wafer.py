"""Two files as the UCR/UEA archive has them, in two of its formats."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LENGTH = 152


def series(count: int, abnormal: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Steps and slow waves; the abnormal ones drop to zero for a while."""
    rng = np.random.default_rng(seed)
    labels = np.ones(count, dtype=np.int64)
    labels[rng.choice(count, abnormal, replace=False)] = -1
    time = np.linspace(0, 1, LENGTH)
    values = np.sin(2 * np.pi * (time + rng.random((count, 1)))) + (time > 0.3) * rng.normal(1, 0.2, (count, 1))
    values[labels == -1, 40:90] = 0.0
    return np.round(values, 7), labels


def arff(values: NDArray[np.float64], labels: NDArray[np.int64]) -> str:
    """With a comment, a header and the label last."""
    head = ["%made up", "@Relation Wafer", *(f"@attribute att{i} numeric" for i in range(1, LENGTH + 1))]
    rows = [",".join([*(f"{v:.8g}" for v in row), str(label)]) for row, label in zip(values, labels, strict=True)]
    return "\n".join([*head, "@attribute  target {-1,1}", "", "@data", *rows, "%", ""])


def ts(values: NDArray[np.float64], labels: NDArray[np.int64]) -> str:
    """With a colon before the label."""
    head = ["# made up", "@problemName Wafer", "@univariate true", "@classLabel true -1 1", "@data"]
    rows = [",".join(f"{v:.8g}" for v in row) + f":{label}" for row, label in zip(values, labels, strict=True)]
    return "\n".join([*head, *rows, ""])


def tsv(values: NDArray[np.float64], labels: NDArray[np.int64]) -> str:
    """With the label first."""
    rows = ["\t".join([str(label), *(f"{v:.8g}" for v in row)]) for row, label in zip(values, labels, strict=True)]
    return "\n".join([*rows, ""])


def write(raw: Path) -> None:
    """90 training and 60 test series, 30 and 20 of them abnormal."""
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "Wafer_TRAIN.arff").write_text(arff(*series(90, 30, seed=1)))
    (raw / "Wafer_TEST.tsv").write_text(tsv(*series(60, 20, seed=2)))
