"""What a dataset is: where it comes from, its classes, and how raw files become samples."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.config.options import Options
from ecgan.errors import EcganError
from ecgan.preprocessing.options import SampleOptions

if TYPE_CHECKING:
    from ecgan.ecg.records import Record


@dataclass(frozen=True)
class Samples:
    """What preprocessing makes of a dataset.

    Attributes:
        data: Signals, float, shape (n, L, C): samples, time steps, channels; in `unit`.
        labels: Class ids, int64, shape (n,); 0 is normal, every other class abnormal.
        table: One row a sample: `class_name`, and for beats `record`, `patient`, `sample` (position of the R peak
            in the record), `time_s` (the same in seconds; of a sample that is no beat, its middle), `symbol`, `aami`,
            `rr_prev_s`, `rr_next_s` (seconds; NaN at a record's border).
        sampling_rate: Hz; 0.0 where time has no unit.
        leads: Name of each channel, length C.
        classes: Class name by id: `classes[labels[i]]` is the class of sample i.
        unit: Unit of `data`, "mV" for ECG.
        mapping: How annotation symbols become classes, by name, for the reports.
        centre: Index in 0..L-1 of the R peak, or None where samples are no beats.
        prepared: Whether the dataset has cleansed, filled and resampled the samples itself, by `prepare_windows`, as
            those do that would not fit into memory before.
    """

    data: NDArray[Any]
    labels: NDArray[np.int64]
    table: pd.DataFrame
    sampling_rate: float
    leads: list[str]
    classes: list[str]
    unit: str = "mV"
    mapping: str = ""
    centre: int | None = None
    prepared: bool = False


@dataclass(frozen=True)
class Cut:
    """Samples cut from a recording that belongs to no dataset, for `ecgan score`.

    Attributes:
        data: Signals, float, shape (n, L, C), as the dataset's own samples are before cleansing and resampling.
        positions: Position of each sample's R peak (of its middle, where samples are no beats) in the recording,
            int64, shape (n,), ascending.
        starts: Position of each sample's first time step in the recording, int64, shape (n,).
        centre: Index in 0..L-1 of the R peak, or None where samples are no beats.
        step: Every how many samples of the recording make a time step: the samples have the rate of the recording
            divided by it.
        ends: Position in the recording behind which a sample is padding, int64, shape (n,); None: no sample is padded.
    """

    data: NDArray[Any]
    positions: NDArray[np.int64]
    starts: NDArray[np.int64]
    centre: int | None = None
    step: int = 1
    ends: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Card:
    """What a person wants to know of a dataset before using it."""

    title: str
    source: str
    licence: str
    size: str


class Dataset(ABC):
    """A dataset; one file in `ecgan/datasets/`, registered with `@register_dataset("name")`.

    `Fetch` and `Preprocess` are its own parameters: they type the sections `fetch` and `preprocess` of `params.yaml`.
    `Preprocess` derives from `SampleOptions`, which brings cleansing and resampling. `defaults` overrides defaults of
    other sections, such as `{"split": {"protocol": "beatgan"}}`.
    """

    name: ClassVar[str]
    card: ClassVar[Card]
    Fetch: ClassVar[type[Options]] = Options
    Preprocess: ClassVar[type[Options]] = SampleOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {}

    @abstractmethod
    def fetch(self, raw: Path, options: Any, *, seed: int) -> None:
        """Put the raw files into `raw`; finished, verified files that are there already are kept.

        Args:
            raw: The folder; afterwards it holds the dataset's files and nothing else.
            options: An instance of `Fetch`.
            seed: Seed of whatever is drawn at random.
        """

    @abstractmethod
    def preprocess(self, raw: Path, options: Any) -> Samples:
        """Turn the raw files into samples, in float64 (rounding and saving happen in the stage).

        Args:
            raw: The folder that `fetch` filled.
            options: An instance of `Preprocess`.
        """

    def recording_rate(self, options: Any) -> float | None:
        """Return the sampling rate in Hz that recordings are brought to before `cut`; None: there are no recordings.

        Args:
            options: An instance of `Preprocess`.
        """
        return None

    def cut(self, record: "Record", options: Any) -> Cut:
        """Cut a recording that is not of this dataset as the dataset's own samples are cut, for `ecgan score`.

        Args:
            record: The recording at `recording_rate`, with exactly the leads that a model sees, in the model's order
                and under its names; `samples` are the R peaks to cut at, all of them with the symbol N.
            options: An instance of `Preprocess`, the one that the model was trained with.

        Returns:
            The samples, in the order of the recording; what would cross its border is left out.

        Raises:
            EcganError: This dataset does not consist of recordings, or nothing can be cut.
        """
        raise EcganError(
            f"models of the dataset {self.name!r} cannot score recordings: its samples are not cut from recordings.",
            "Take a model that was trained on recordings, such as one of the dataset mitbih.",
        )

    def evaluation_sets(self) -> tuple[list[str], list[str]] | None:
        """Records of DS1 and DS2 for the inter-patient protocols, or None where there is no standard."""
        return None


@dataclass(frozen=True)
class Described:
    """The fourth file of a processed dataset, `dataset.json`: what the arrays do not say."""

    name: str
    sampling_rate: float
    leads: list[str]
    classes: list[str]
    unit: str
    mapping: str
    centre: int | None
    counts: dict[str, int] = field(default_factory=dict)
