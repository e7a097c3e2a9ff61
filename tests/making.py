"""Samples of whatever a test has: signals, labels, a table."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecgan.samples import About, Samples


def samples(
    signals: Any = None, labels: Any = None, table: pd.DataFrame | None = None, *, sha256: str = "", **about: Any
) -> Samples:
    """Return samples; what is not given is made up.

    Args:
        signals: Shape (n, C, L); without any, as many zeros as there are labels.
        labels: Class ids, shape (n,).
        table: One row a sample; without one there are no columns.
        sha256: Hash that folds refer to.
        about: What `About` is to say.
    """
    given = np.zeros((len(labels), 1, 4), dtype=np.float32) if signals is None else np.asarray(signals)
    leads = [f"lead {number}" for number in range(given.shape[1])]
    return Samples(
        signals=given,
        table=pd.DataFrame(index=range(len(given))) if table is None else table,
        about=About(**({"sampling_rate": 0.0, "leads": leads, "classes": []} | about)),
        labels=None if labels is None else np.asarray(labels, dtype=np.int64),
        sha256=sha256,
    )


def flip(path: Path, at: int | None = None) -> int:
    """Flip one bit of one byte of a file, without any, of the one in its middle; return which byte."""
    content = bytearray(path.read_bytes())
    at = len(content) // 2 if at is None else at
    content[at] ^= 1
    path.write_bytes(content)
    return at
