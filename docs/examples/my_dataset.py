"""A dataset of your own: pulses of one lead, written to a CSV file; a tenth of them is too wide.

Models trained on it score recordings as well: `cut` says how pulses are cut out of one.
"""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from ecgan.config.options import Options
from ecgan.datasets.base import Card, Dataset
from ecgan.ecg.beats import beat_table, cut_windows
from ecgan.ecg.records import Record
from ecgan.preprocessing.options import SampleOptions
from ecgan.registry import register_dataset
from ecgan.samples import About, Samples

RATE = 100.0  # Hz
LENGTH = 64
CLASSES = ["N", "wide"]  # the first is the normal one


class PulsesFetch(Options):
    """What is made; these are the keys of the section `fetch`."""

    pulses: int = Field(600, ge=20, description="number of pulses")
    noise: float = Field(0.02, ge=0, description="standard deviation of the noise, mV")


class PulsesPreprocess(SampleOptions):
    """Keys of your own in the section `preprocess`; cleansing and resampling are there already."""

    scale: float = Field(1.0, gt=0, description="factor on every value")


@register_dataset("pulses")
class Pulses(Dataset):
    """Pulses at 100 Hz; wide ones are abnormal."""

    card = Card(
        title="Pulses (example plug-in)", source="made on the spot", licence="free of rights", size="600 pulses"
    )
    Fetch = PulsesFetch
    Preprocess = PulsesPreprocess
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

    def preprocess(self, raw: Path, options: PulsesPreprocess) -> Samples:
        """Read pulses.csv into (n, 1, L)."""
        table = pd.read_csv(raw / "pulses.csv")
        labels = table.pop("label").to_numpy(dtype=np.int64)
        return Samples(
            signals=options.scale * table.to_numpy(dtype=np.float64)[:, None],  # (n, L) → (n, 1, L)
            table=pd.DataFrame({"class_name": np.array(CLASSES)[labels]}),
            about=About(sampling_rate=RATE, leads=["pulse"], classes=CLASSES, centre=LENGTH // 2),
            labels=labels,
        )

    def recording_rate(self, options: PulsesPreprocess) -> float:
        """Return the rate in Hz that recordings are brought to before `cut`; leave both out if there are none."""
        return RATE

    def cut(self, record: Record, options: PulsesPreprocess) -> Samples:
        """Cut around the R peaks; those too near the border are left out."""
        before = LENGTH // 2
        windows, inside = cut_windows(record.signals, record.samples, before, LENGTH - before)
        table = beat_table(record, np.flatnonzero(inside), annotated=False)
        return Samples(options.scale * windows, table, About(RATE, record.leads, CLASSES, centre=before))
