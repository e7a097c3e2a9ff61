"""A dataset of your own: pulses of one lead, written to a CSV file; a tenth of them is too wide."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from ecgan.config.options import Options
from ecgan.datasets.base import Card, Dataset, Samples
from ecgan.registry import register_dataset

LENGTH = 64
CLASSES = ["N", "wide"]  # the first is the normal one


class PulsesFetch(Options):
    """What is made; these are the keys of the section `fetch`."""

    pulses: int = Field(600, ge=20, description="number of pulses")
    noise: float = Field(0.02, ge=0, description="standard deviation of the noise, mV")


@register_dataset("pulses")
class Pulses(Dataset):
    """Pulses at 100 Hz; wide ones are abnormal."""

    card = Card(
        title="Pulses (example plug-in)", source="made on the spot", licence="free of rights", size="600 pulses"
    )
    Fetch = PulsesFetch
    defaults: ClassVar[dict[str, dict[str, Any]]] = {  # what suits this dataset in other sections
        "split": {"folds": [0]},
        "train": {"epochs": 5, "transformation": "minmax"},
        "detect": {"bootstrap": 50, "classical": ["pca"]},
    }

    def fetch(self, raw: Path, options: PulsesFetch, *, seed: int) -> None:
        """Write pulses.csv: a column `label`, then one column a time step."""
        rng = np.random.default_rng(seed)
        labels = (np.arange(options.pulses) % 10 == 0).astype(int)
        width = np.where(labels == 1, 8.0, 4.0) + rng.normal(0, 0.2, options.pulses)
        time = np.arange(LENGTH) - LENGTH // 2
        x = np.exp(-0.5 * (time / width[:, None]) ** 2) + rng.normal(0, options.noise, (options.pulses, LENGTH))
        table = pd.DataFrame(x.round(4))  # (n, L)
        table.insert(0, "label", labels)
        table.to_csv(raw / "pulses.csv", index=False, lineterminator="\n")

    def preprocess(self, raw: Path, options: Any) -> Samples:
        """Read pulses.csv into (n, L, 1)."""
        table = pd.read_csv(raw / "pulses.csv")
        labels = table.pop("label").to_numpy(dtype=np.int64)
        return Samples(
            data=table.to_numpy(dtype=np.float64)[:, :, None],  # (n, L) → (n, L, 1)
            labels=labels,
            table=pd.DataFrame({"class_name": np.array(CLASSES)[labels]}),
            sampling_rate=100.0,
            leads=["pulse"],
            classes=CLASSES,
            centre=LENGTH // 2,
        )
