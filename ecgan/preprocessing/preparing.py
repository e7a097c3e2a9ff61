"""What happens to samples once a dataset has cut them, the same in the pipeline and in scoring one's own recordings."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.config.options import Options
from ecgan.errors import EcganError
from ecgan.preprocessing.cleansing import find_faults
from ecgan.preprocessing.imputation import impute
from ecgan.preprocessing.options import SampleOptions
from ecgan.preprocessing.resampling import resample
from ecgan.samples import Samples

DECIMALS = 4
"""Of the unit: the hash of the data is then the same on every processor."""


@dataclass(frozen=True)
class Prepared:
    """Samples after cleansing, imputation and resampling.

    Attributes:
        samples: The m samples that were kept.
        kept: Which of the n samples those are, shape (n,).
        faults: Why the others were left out, in words ("flat") → which of the n samples, shape (n,).
    """

    samples: Samples
    kept: NDArray[np.bool_]
    faults: dict[str, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def left_out(self) -> dict[str, int]:
        """Why samples were left out → how many."""
        return {fault: int(rows.sum()) for fault, rows in self.faults.items()}


def prepare_samples(samples: Samples, options: Options) -> Prepared:
    """Cleanse, impute and resample samples, NaN where a value is missing; labels and table follow.

    A section `preprocess` that is no `SampleOptions` asks for nothing.

    Raises:
        EcganError: A gap cannot be filled, or the samples cannot be resampled.
    """
    kept = np.ones(len(samples), dtype=bool)
    if not isinstance(options, SampleOptions):
        return Prepared(samples, kept)
    faults = find_faults(samples.signals, options.cleansing)
    for rows in faults.values():
        kept &= ~rows
    if not kept.all():
        samples = samples[kept]
    whole = replace(samples, signals=impute(samples.signals, options.cleansing.impute))
    return Prepared(resample(whole, options.resampling), kept, faults)


def prepare(samples: Samples, options: Options, say: Callable[[str], None] = lambda _: None) -> Samples:
    """Prepare the samples of a dataset: those that were left out are counted in `about.mapping`, for the reports.

    `say` is called with a sentence if there are any.

    Raises:
        EcganError: All samples are left out, or see `prepare_samples`.
    """
    prepared = prepare_samples(samples, options)
    if len(samples) and not prepared.kept.any():
        raise no_sample_left(prepared.left_out, len(samples))
    note = describe_left_out(prepared.left_out, len(samples))
    if not note:
        return prepared.samples
    say(f"{note}.")
    about = prepared.samples.about
    mapping = "; ".join(filter(None, [about.mapping, note]))
    return replace(prepared.samples, about=replace(about, mapping=mapping))


def rounded(signals: NDArray[Any]) -> NDArray[np.float32]:
    """Round signals, of any shape, to 1e-4 of their unit."""
    return np.round(signals, DECIMALS).astype(np.float32, copy=False)


def no_sample_left(left_out: dict[str, int], count: int) -> EcganError:
    """Return the error of samples that are all left out."""
    return EcganError(
        f"no sample is left: {describe_left_out(left_out, count)}.",
        "Look at the recordings, or change preprocess.cleansing.",
    )


def describe_left_out(left_out: dict[str, int], count: int) -> str:
    """Say in words how many of how many samples were left out and why: "3 of 100 samples left out: 1 flat, …"."""
    reasons = ", ".join(f"{number:,} {fault}" for fault, number in left_out.items())
    return f"{sum(left_out.values()):,} of {count:,} samples left out: {reasons}" if left_out else ""
