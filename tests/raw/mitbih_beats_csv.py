"""mitbih_train.csv and mitbih_test.csv as they are published: 187 values and the class, without a header."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

COUNTS = {"mitbih_train.csv": (60, 8, 12, 6, 10), "mitbih_test.csv": (20, 3, 4, 2, 3)}
"""Beats of the classes N, S, V, F and Q."""


def write(raw: Path) -> None:
    """Write both files."""
    raw.mkdir(parents=True, exist_ok=True)
    for seed, (name, counts) in enumerate(COUNTS.items()):
        (raw / name).write_text(text(beats(counts, seed)))


def beats(counts: tuple[int, ...], seed: int) -> NDArray[np.float64]:
    """Rows (n, 188), sorted by class: humps whose place depends on the class, then zeros, then the class."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    time = np.arange(187)
    lengths = rng.integers(80, 150, len(labels))
    values = np.exp(-((time / 4.0) ** 2)) + np.exp(-(((time - 30 - 8 * labels[:, None]) / 9.0) ** 2))
    values = values + rng.random((len(labels), 187)) * 0.1
    values = (values - values.min(axis=1, keepdims=True)) / np.ptp(values, axis=1, keepdims=True)
    values[time >= lengths[:, None]] = 0.0
    return np.column_stack([values, labels])


def text(rows: NDArray[np.float64]) -> str:
    """In the notation of the published files."""
    return "".join(",".join(f"{value:.18e}" for value in row) + "\n" for row in rows)
