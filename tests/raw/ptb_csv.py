"""ptbdb_normal.csv and ptbdb_abnormal.csv as they are published: 187 values and the class, without a header."""

from pathlib import Path

from tests.raw.mitbih_beats_csv import beats, text

COUNTS = {"ptbdb_normal.csv": (60, 0), "ptbdb_abnormal.csv": (0, 40)}
"""Beats of the classes N and A."""


def write(raw: Path) -> None:
    """Write both files."""
    raw.mkdir(parents=True, exist_ok=True)
    for seed, (name, counts) in enumerate(COUNTS.items()):
        (raw / name).write_text(text(beats(counts, seed)))
