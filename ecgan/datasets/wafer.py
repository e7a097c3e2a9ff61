"""Wafer, of the UCR/UEA archive: one sensor while semiconductor wafers are made, normal and abnormal runs.

R. T. Olszewski, "Generalized feature extraction for structural pattern recognition in time-series data", Carnegie
Mellon University, 2001.
"""

import hashlib
from collections.abc import Collection
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from ecgan.datasets.archives import Limits
from ecgan.datasets.base import Card, Dataset
from ecgan.datasets.sources import Archive, SourceOptions, fetch_archive, take_source
from ecgan.datasets.transfer import Remote
from ecgan.datasets.ucr import SUFFIXES, Series, read_series
from ecgan.errors import EcganError
from ecgan.preprocessing.options import Resampling, SampleOptions
from ecgan.registry import register_dataset
from ecgan.samples import About, Samples

URL = "https://www.timeseriesclassification.com/aeon-toolkit/Wafer.zip"

LENGTH = 152
CLASSES = ("normal", "abnormal")

_PARTS = ("TRAIN", "TEST")
_LABELS = {1: 0, -1: 1}
_COUNTS = {"TRAIN": (903, 97), "TEST": (5499, 665)}
"""Normal and abnormal series of the published files."""

_TRAIN = "5d4d64d2d6c533f54f4b2466b744b6ed873dc7c510aad30fd8e0b89ff7361b49"
"""SHA-256 of the published training series, see `content_sha256`."""

_TEST_LABELS = "397405653bcd7666f9b8bcd2c1e9efe43843aaeda97675bec563efb1fbc91a89"
"""SHA-256 of the labels of the published test series from the second on, int64, little-endian."""

_AGAIN = f"Fetch it again from {URL}, or name files of your own in fetch.source."

_LIMITS = Limits(members=100, size=256 << 20, ratio=50)


class PreprocessOptions(SampleOptions):
    """How the series become samples."""

    resampling: Resampling = Field(
        Resampling(method="interpolate", length=160), description="Another length or rate of the samples."
    )


@register_dataset("wafer")
class Wafer(Dataset):
    """7,164 series of 152 values, training and test files merged; 6,402 are normal, 762 abnormal."""

    card = Card(
        title="Wafer (UCR/UEA time-series archive)",
        source="timeseriesclassification.com, Wafer.zip",
        licence="none stated; the archive asks to be cited",
        size="13 MB a format; 7,164 series of 152 values: normal 6,402, abnormal 762",
    )
    Fetch = SourceOptions
    Preprocess = PreprocessOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {"train": {"transformation": "minmax"}}

    def fetch(self, raw: Path, options: SourceOptions, *, seed: int) -> None:
        """Download and unpack the archive, or copy the files that the user has."""
        if options.source is not None:
            take_source(raw, options.source, _pick, partial(_check_both, options.source), _LIMITS)
            return
        fetch_archive(raw, Archive(Remote(URL), "Wafer.zip", _pick, _LIMITS), partial(_verify_all, raw))

    def preprocess(self, raw: Path, options: PreprocessOptions) -> Samples:
        """Merge training and test series; +1 is normal, -1 abnormal."""
        read = {part: read_series(file, LENGTH) for part, file in _files(raw).items()}
        for part, series in read.items():
            if unknown := sorted(set(series.labels.tolist()) - set(_LABELS)):
                raise EcganError(
                    f"Wafer_{part} has the label {unknown[0]}; expected 1 (normal) and -1 (abnormal).",
                    "Fetch it again: `ecgan fetch`.",
                )
        labels = np.concatenate([series.labels for series in read.values()])
        ids = np.where(labels == 1, 0, 1).astype(np.int64)
        return Samples(
            signals=np.concatenate([series.values for series in read.values()])[:, None],  # (n, L) to (n, 1, L)
            table=pd.DataFrame(
                {
                    "class_name": np.asarray(CLASSES)[ids],
                    "part": np.repeat(list(read), [len(series.labels) for series in read.values()]),
                    "row": np.concatenate([np.arange(1, len(series.labels) + 1) for series in read.values()]),
                }
            ),
            about=About(0.0, ["sensor"], list(CLASSES), unit="1", mapping="label 1: normal; label -1: abnormal"),
            labels=ids,
        )


def _pick(name: str) -> str | None:
    """Take the training and test files, in whatever formats and folders they are."""
    path = PurePosixPath(name)
    wanted = path.suffix in SUFFIXES and path.stem in {f"Wafer_{part}" for part in _PARTS}
    return path.name if wanted else None


def _check_both(source: str, found: Collection[str]) -> None:
    """Refuse a source of the user's that lacks a part."""
    for part in _PARTS:
        if not any(f"Wafer_{part}{suffix}" in found for suffix in SUFFIXES):
            raise EcganError(
                f"fetch.source: {source} has no file Wafer_{part} with a suffix {', '.join(SUFFIXES)}.",
                "It must have both parts, TRAIN and TEST; or use null to download the archive.",
            )


def _files(raw: Path) -> dict[str, Path]:
    """Return the file of each part, in the first of the formats that is there."""
    found = {}
    for part in _PARTS:
        files = [raw / f"Wafer_{part}{suffix}" for suffix in SUFFIXES]
        found[part] = next((file for file in files if file.is_file()), Path())
        if found[part] == Path():
            raise EcganError(
                f"there is no file Wafer_{part} with a suffix {', '.join(SUFFIXES)} in {raw}.",
                "Fetch the dataset first, from the archive or from a folder (fetch.source) that holds both parts.",
            )
    return found


def _verify_all(raw: Path) -> None:
    for part, file in _files(raw).items():
        _verify(part, read_series(file, LENGTH))


def _verify(part: str, series: Series) -> None:
    """Refuse downloaded series that are not the published ones, as far as that is known."""
    found = (int(np.count_nonzero(series.labels == 1)), int(np.count_nonzero(series.labels == -1)))
    if found != _COUNTS[part] or sum(found) != len(series.labels):
        raise EcganError(
            f"Wafer_{part} has {len(series.labels)} series, {found[0]} of them normal and {found[1]} abnormal;"
            f" published were {sum(_COUNTS[part])}, {_COUNTS[part][0]} and {_COUNTS[part][1]}.",
            _AGAIN,
        )
    labels = hashlib.sha256(series.labels[1:].astype("<i8").tobytes()).hexdigest()
    digest, known = (content_sha256(series), _TRAIN) if part == "TRAIN" else (labels, _TEST_LABELS)
    if digest != known:
        raise EcganError(
            f"the series of Wafer_{part} are not the published ones: SHA-256 {digest}, expected {known}.", _AGAIN
        )


def content_sha256(series: Series) -> str:
    """SHA-256 of series, rounded to 1e-4, as float32, and of their labels, whatever format they were read from."""
    values = np.round(series.values, 4).astype("<f4") + 0.0  # + 0.0: there is one zero
    return hashlib.sha256(values.tobytes() + series.labels.astype("<i8").tobytes()).hexdigest()
