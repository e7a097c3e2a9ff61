"""What a dataset is: where it comes from, its classes, and how raw files become samples."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ecgan.config.options import Options
from ecgan.datasets.cuts import Cuts
from ecgan.datasets.joining import as_cut, samples_in_memory
from ecgan.ecg.beats import beat_times
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.preprocessing.marks import note_marks
from ecgan.preprocessing.options import SampleOptions
from ecgan.preprocessing.preparing import prepare
from ecgan.preprocessing.rates import at_rate, ratio_of
from ecgan.samples import SHIFT, Samples


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
    other sections, such as `{"split": {"protocol": "beatgan"}}`. `simulated` says that no person's ECG is in it:
    whoever scores one with a model of it is warned. A dataset of recordings says by `cuts` how each of them is cut, so
    that all of them need no more memory than a few; another one returns all samples at once from `preprocess`.
    """

    name: ClassVar[str]
    card: ClassVar[Card]
    Fetch: ClassVar[type[Options]] = Options
    Preprocess: ClassVar[type[Options]] = SampleOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {}
    simulated: ClassVar[bool] = False

    @abstractmethod
    def fetch(self, raw: Path, options: Any, *, seed: int) -> None:
        """Put the raw files into the folder `raw`, which afterwards holds them and nothing else.

        Finished, verified files that are there already are kept. `options` is a `Fetch`; what is random is drawn from
        `seed`.
        """

    def cuts(self, raw: Path, options: Any) -> Cuts | None:
        """Say how the samples are cut recording by recording; None: they come all at once from `preprocess`."""
        return None

    def preprocess(self, raw: Path, options: Any) -> Samples:
        """Turn the raw files into labelled samples, in float64 (preparing, rounding and saving happen elsewhere)."""
        cuts = self.cuts(raw, options)
        if cuts is None:
            raise NotImplementedError(f"{type(self).__name__} has neither cuts nor preprocess")
        return as_cut(cuts, raw)

    def by_recording(self, raw: Path, options: Any) -> Cuts | None:
        """Return `cuts`, but None where a subclass has a `preprocess` of its own."""
        own = next(vars(cls) for cls in type(self).__mro__ if vars(cls).keys() & {"cuts", "preprocess"})
        return self.cuts(raw, options) if "cuts" in own else None

    def samples(self, raw: Path, options: Any, say: Callable[[str], None] = lambda _: None) -> Samples:
        """Preprocess the raw files, then cleanse, fill and resample the samples: what the stage `preprocess` writes.

        `say` is called with a sentence if samples were left out, or annotations sit beside the peaks.
        """
        cuts = self.by_recording(raw, options)
        if cuts is not None:
            return samples_in_memory(cuts, raw, options, say)
        return prepare(note_marks(self.preprocess(raw, options), options, say), options, say)

    def recording_rate(self, options: Any) -> float | None:
        """Return the sampling rate in Hz that recordings are brought to before `cut`; None: there are no recordings."""
        return None

    def cut(self, record: Record, options: Any) -> Samples:
        """Cut a recording, one of the dataset's own or one that `ecgan score` is given.

        Args:
            record: The recording at `recording_rate`, with exactly the leads that a model sees, in the model's order
                and under its names; `samples` and `symbols` are its annotations, or its R peaks with the symbol N.
                NaN where samples are missing.
            options: An instance of `Preprocess`, the one that the model was trained with.

        Returns:
            The samples in the order of the recording, none where there is nothing to cut; what would cross its border
            is left out. `sample` in the table is the position in the recording, NaN stays NaN. Labels may be missing.

        Raises:
            EcganError: This dataset does not consist of recordings.
        """
        raise EcganError(
            f"models of the dataset {self.name!r} cannot score recordings: its samples are not cut from recordings.",
            "Take a model that was trained on recordings, such as one of the dataset mitbih.",
        )

    def evaluation_sets(self) -> tuple[list[str], list[str]] | None:
        """Records of DS1 and DS2 for the inter-patient protocols, or None where there is no standard."""
        return None


def cut_recording(dataset: Dataset, record: Record, options: Any) -> Samples:
    """Cut a recording, which has the leads that a model sees, at its own rate as its dataset cuts.

    Returns:
        The samples; `sample`, `shift`, `time_s` and the intervals count the recording's own time.

    Raises:
        EcganError: The recording cannot be brought to the dataset's rate, or the dataset consists of none.
    """
    rate = dataset.recording_rate(options)
    if rate is None or rate == record.sampling_rate:
        return dataset.cut(record, options)
    moved = at_rate(record, rate)
    moved_to, own = np.unique(moved.samples, return_index=True)  # of beats that fall together the first one is there
    moved = replace(moved, samples=moved_to, symbols=[record.symbols[index] for index in own])
    samples = dataset.cut(moved, options)
    table, at = samples.table.copy(), samples.table["sample"].to_numpy(np.int64)
    ratio = ratio_of(record.sampling_rate, rate)
    assert ratio is not None  # or at_rate had refused
    if SHIFT in table:
        table[SHIFT] = np.rint(table[SHIFT].to_numpy() / float(ratio)).astype(np.int64)
    if samples.about.centre is None:
        positions = np.rint(at / float(ratio)).astype(np.int64)
        placed = pd.DataFrame({"sample": positions, "time_s": (positions / record.sampling_rate).round(6)})
    else:
        placed = beat_times(record, own[np.searchsorted(moved_to, at)])
    table[placed.columns.intersection(table.columns)] = placed
    return replace(samples, table=table)
