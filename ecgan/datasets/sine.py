"""Sine waves, made on the spot: normal ones, noise, and waves laid over each other.

Each normal series is a·sin(f·t + p) + o, with a, f, p and o drawn anew, at equal steps of t from 0 to 25.
"""

import io
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ecgan.config.options import Options
from ecgan.datasets.base import Card, Dataset
from ecgan.datasets.fetching import remove_others
from ecgan.ecg.files.npy import load_npy
from ecgan.errors import EcganError
from ecgan.files import write_bytes
from ecgan.preprocessing.options import Cleansing, SampleOptions
from ecgan.registry import register_dataset
from ecgan.samples import About, Samples

CLASSES = ("normal", "noise", "superimposed")

_FILES = ("series.npy", "classes.npy")
_LAID_OVER = 3
_MOST_VALUES = 100_000_000


class FetchOptions(Options):
    """What is generated."""

    samples: int = Field(30_000, ge=10, le=1_000_000, description="series, normal and abnormal")
    length: int = Field(128, ge=4, le=10_000, description="time steps of a series")
    duration: float = Field(25.0, gt=0, le=1000, description="time from the first to the last step")
    amplitude: float = Field(3.0, ge=0, le=1000, description="amplitudes are drawn from minus this to this")
    frequency: float = Field(3.0, ge=0, le=1000, description="angular frequencies are drawn from minus this to this")
    phase: float = Field(5.0, ge=0, le=1000, description="phases are drawn from minus this to this")
    offset: float = Field(1.0, ge=0, le=1000, description="vertical shifts are drawn from minus this to this")
    anomaly_share: float = Field(0.2, ge=0, le=0.9, description="share of abnormal series")
    noise_share: float = Field(0.5, ge=0, le=1, description="share of the abnormal series that are noise")
    noise: Literal["gaussian", "uniform"] = Field(
        "gaussian", description="noise of mean 0 and standard deviation 1, or uniform from 0 to 1"
    )

    @model_validator(mode="after")
    def _size(self) -> Self:
        if self.samples * self.length > _MOST_VALUES:
            raise ValueError(f"samples x length must be at most {_MOST_VALUES:,}")
        return self


class PreprocessOptions(SampleOptions):
    """What is done with the series: nothing is wrong with a slow wave of small amplitude, which looks flat."""

    cleansing: Cleansing = Field(Cleansing(drop=False), description="Samples that are left out, gaps that are filled.")


@register_dataset("sine")
class Sine(Dataset):
    """Sine waves of random amplitude, frequency, phase and offset; abnormal are noise and means of three waves."""

    card = Card(
        title="Sine waves, noise and superimposed waves",
        source="made on the spot by this program",
        licence="free of rights",
        size="15 MB; 30,000 series of 128 values: normal 24,000, noise 3,000, superimposed 3,000",
    )
    Fetch = FetchOptions
    Preprocess = PreprocessOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {"train": {"transformation": "minmax"}}

    def fetch(self, raw: Path, options: FetchOptions, *, seed: int) -> None:
        """Generate the series; the same options and seed give the same files."""
        series, classes = generate(options, seed)
        remove_others(raw, set(_FILES))
        for name, array in zip(_FILES, (np.round(series, 4).astype("<f4"), classes.astype("<i8")), strict=True):
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            write_bytes(raw / name, content.getvalue())

    def preprocess(self, raw: Path, options: PreprocessOptions) -> Samples:
        """Read the series."""
        series, classes = (load_npy(raw / name) for name in _FILES)
        kinds = (series.dtype.kind, classes.dtype.kind)
        if kinds != ("f", "i") or series.ndim != 2 or classes.shape != series.shape[:1] or not _known(classes):
            raise EcganError(f"the files in {raw} do not belong together.", "Run `ecgan fetch` again.")
        return Samples(
            signals=series.astype(np.float64)[:, None],  # (n, L) to (n, 1, L)
            table=pd.DataFrame({"class_name": np.asarray(CLASSES)[classes]}),
            about=About(0.0, ["sine"], list(CLASSES), unit="1", mapping="by construction"),
            labels=classes.astype(np.int64),
        )


def _known(classes: NDArray[Any]) -> bool:
    return bool(np.isin(classes, range(len(CLASSES))).all())


def generate(options: FetchOptions, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw the series, shape (n, L), in the order of their classes, and the classes, shape (n,)."""
    rng = np.random.default_rng(seed)
    abnormal = round(options.samples * options.anomaly_share)
    noisy = round(abnormal * options.noise_share)
    counts = (options.samples - abnormal, noisy, abnormal - noisy)
    shape = (noisy, options.length)
    noise = rng.standard_normal(shape) if options.noise == "gaussian" else rng.random(shape)
    laid_over = sum(_waves(counts[2], options, rng) for _ in range(_LAID_OVER)) / _LAID_OVER
    series = np.concatenate([_waves(counts[0], options, rng), noise, np.reshape(laid_over, (-1, options.length))])
    return series, np.repeat(np.arange(len(CLASSES), dtype=np.int64), counts)


def _waves(count: int, options: FetchOptions, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw normal series, shape (count, L)."""
    widths = (options.amplitude, options.frequency, options.phase, options.offset)
    amplitude, frequency, phase, offset = (rng.uniform(-width, width, (count, 1)) for width in widths)
    time = np.linspace(0, options.duration, options.length)
    return np.asarray(amplitude * np.sin(frequency * time + phase) + offset, dtype=np.float64)
