"""Simulated recordings: small, free, and made on the spot, for trying everything out without a network."""

from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from ecgan.config.options import Options
from ecgan.datasets.annotated import Annotated, BeatOptions
from ecgan.datasets.base import Card
from ecgan.datasets.fetching import remove_others
from ecgan.ecg.records import write_record
from ecgan.ecg.simulated_patients import SAMPLING_RATE, patient_name, simulate
from ecgan.files import unfinished, write_text
from ecgan.progress import track
from ecgan.registry import register_dataset

MOST_PATIENTS = 98
_SMALL = {"width": 0.1875, "latent_size": 16, "batch_size": 32}  # networks a twentieth of the published size
_ALONE = {**_SMALL, "optimizer": {"lr": 2e-3}}  # steps that suit so few beats
_ADVERSARIAL = {**_SMALL, "generator": {"lr": 2e-3}, "discriminator": {"lr": 1e-3}}


class FetchOptions(Options):
    """What is simulated."""

    patients: int = Field(16, ge=1, le=MOST_PATIENTS, description="simulated patients, one record each")
    minutes: float = Field(2.0, ge=0.2, le=60, description="minutes per patient")
    noise: float = Field(1.0, ge=0, le=5, description="factor of baseline wander, muscle noise and mains hum")
    variability: float = Field(1.0, ge=0, le=3, description="factor of the differences from beat to beat")


@register_dataset("ecgsyn")
class Ecgsyn(Annotated):
    """Simulated patients with normal rhythm, premature and fusion beats, and blocked bundle branches."""

    card = Card(
        title="Simulated ECG after McSharry et al. 2003",
        source="made on the spot by this program",
        licence="free of rights",
        size="2 MB raw by default; about 2,000 beats of 16 two-minute records, leads MLII and V1, 360 Hz",
    )
    Fetch = FetchOptions
    simulated = True
    defaults: ClassVar[dict[str, dict[str, Any]]] = {  # a demonstration: small networks, two folds, a few minutes
        "runtime": {"threads": 1},
        "split": {"folds": [0, 1]},
        "train": {"epochs": 20},
        "detect": {"classical": ["knn", "pca", "patient_specific"]},
        "modules": {
            "aegan": _ADVERSARIAL,
            "vaegan": {**_ADVERSARIAL, "latent_size": 8, "kl_beta": 0.0005},
            "autoencoder": _ALONE,
            "vae": {**_ALONE, "kl_beta": 0.0005},
        },
    }

    def fetch(self, raw: Path, options: FetchOptions, *, seed: int) -> None:
        """Simulate the records; the same options and seed give the same files."""
        raw.mkdir(parents=True, exist_ok=True)
        names = [patient_name(index) for index in range(options.patients)]
        with unfinished(raw, "part") as part:
            for index in track(range(options.patients), options.patients, "simulating"):
                write_record(part, simulate(index, seed, options.minutes, options.noise, options.variability))
            write_text(part / "RECORDS", "".join(f"{name}\n" for name in names))
            finished = sorted(file.name for file in part.iterdir())
            remove_others(raw, {*finished, *(f"{part.name}/{name}" for name in finished)})
            for name in finished:
                (part / name).replace(raw / name)

    def recording_rate(self, options: BeatOptions) -> float:
        """The records' own rate."""
        return SAMPLING_RATE

    def evaluation_sets(self) -> tuple[list[str], list[str]]:
        """Every other patient, so that both sets have all kinds; names up to the most patients that there can be."""
        names = [patient_name(index) for index in range(MOST_PATIENTS)]
        return names[::2], names[1::2]
