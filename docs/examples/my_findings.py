"""A dataset of your own with several labels a sample: strips that may be fast, wide, both, or neither.

The class of a strip is all that was found in it (`fast+wide`), so that every part of ECGAN that tells classes apart
works; the table says each finding in a column of its own, for figures by finding.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from ecgan.config.options import Options
from ecgan.datasets.base import Card, Dataset
from ecgan.preprocessing.options import SampleOptions
from ecgan.registry import register_dataset
from ecgan.samples import About, Samples

RATE, SECONDS = 50.0, 3
FINDINGS = ["fast", "wide"]
CLASSES = ["normal", "fast", "wide", "fast+wide"]  # the first is the normal one


class StripsFetch(Options):
    """What is made; these are the keys of the section `fetch`."""

    strips: int = Field(400, ge=20, description="number of strips, two of each patient")
    noise: float = Field(0.03, ge=0, description="standard deviation of the noise, mV")


@register_dataset("strips")
class Strips(Dataset):
    """Strips of three seconds at 50 Hz with several labels."""

    card = Card(
        title="Strips (example plug-in)", source="made on the spot", licence="free of rights", size="400 strips"
    )
    Fetch = StripsFetch
    Preprocess = SampleOptions
    defaults = {"split": {"folds": [0]}, "train": {"epochs": 5}, "detect": {"bootstrap": 50}}  # noqa: RUF012

    def fetch(self, raw: Path, options: StripsFetch, *, seed: int) -> None:
        """Write findings.csv, a column a finding with 0 or 1, and signals.csv, a strip a row."""
        rng = np.random.default_rng(seed)
        found = rng.random((options.strips, len(FINDINGS))) < 0.2  # (n, findings)
        fast, wide = found.T[:, :, None]
        time = np.arange(SECONDS * RATE) / RATE  # (L,)
        phase = time * np.where(fast, 2.2, 1.1) + rng.random((options.strips, 1))  # beats since the strip began
        x = np.exp(-(((phase % 1 - 0.5) / np.where(wide, 0.15, 0.05)) ** 2)) + rng.normal(0, options.noise, phase.shape)
        pd.DataFrame(x.round(4)).to_csv(raw / "signals.csv", index=False, header=False, lineterminator="\n")
        pd.DataFrame(found.astype(int), columns=FINDINGS).to_csv(raw / "findings.csv", index=False, lineterminator="\n")

    def preprocess(self, raw: Path, options: SampleOptions) -> Samples:
        """Read both files."""
        findings = pd.read_csv(raw / "findings.csv")
        names = ["+".join(FINDINGS[i] for i in np.flatnonzero(row)) or CLASSES[0] for row in findings.to_numpy()]
        patients = [f"p{index // 2}" for index in range(len(names))]
        return Samples(
            signals=pd.read_csv(raw / "signals.csv", header=None).to_numpy(float)[:, None],  # (n, L) → (n, 1, L)
            table=pd.DataFrame({"class_name": names, "patient": patients}).join(findings.add_prefix("finding_")),
            about=About(RATE, ["strip"], CLASSES, mapping="all findings of a strip, joined by +"),
            labels=np.array([CLASSES.index(name) for name in names], dtype=np.int64),
        )
