"""The complete history of a training run, `history.csv`."""

from pathlib import Path

import pandas as pd

from ecgan.files import write_frame


def save_history(path: Path, rows: list[dict[str, float]]) -> None:
    """Write one row an evaluated epoch; the same run gives the same bytes."""
    frame = pd.DataFrame(rows)
    frame["epoch"] = frame["epoch"].astype(int)
    write_frame(path, frame)


def load_history(path: Path) -> pd.DataFrame:
    """Read `history.csv`: `epoch`, a column for each loss, and what was measured on validation, such as `vali_loss`."""
    return pd.read_csv(path)
