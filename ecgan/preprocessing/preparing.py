"""What happens to samples once a dataset has cut them, the same in the pipeline and in scoring one's own recordings."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.config.options import Options
from ecgan.datasets.base import Samples
from ecgan.errors import EcganError
from ecgan.preprocessing.cleansing import find_faults
from ecgan.preprocessing.imputation import impute
from ecgan.preprocessing.options import SampleOptions
from ecgan.preprocessing.resampling import resample


@dataclass(frozen=True)
class Prepared:
    """Samples after cleansing, imputation and resampling.

    Attributes:
        data: Shape (m, L, C), the samples that were kept.
        kept: Which of the n samples those are, shape (n,).
        sampling_rate: Hz, after resampling; 0.0 where time has no unit.
        centre: Index of the R peak after resampling, or None.
        left_out: Why the others were left out, in words ("flat") → how many.
    """

    data: NDArray[Any]
    kept: NDArray[np.bool_]
    sampling_rate: float
    centre: int | None
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """What was left out, in words: "3 of 100 samples left out: 1 flat, 2 out of range"; or nothing."""
        return describe_left_out(self.left_out, len(self.kept))


def prepare_windows(
    data: NDArray[Any], sampling_rate: float, centre: int | None, options: Options, *, may_be_empty: bool = False
) -> Prepared:
    """Cleanse, impute and resample samples.

    Args:
        data: Shape (n, L, C); NaN where a value is missing.
        sampling_rate: Hz.
        centre: Index of the R peak, or None.
        options: A dataset's section `preprocess`; what is no `SampleOptions` asks for nothing.
        may_be_empty: Whether it is no error that all samples are left out, as where they are those of one recording
            among many.

    Raises:
        EcganError: All samples are left out, a gap cannot be filled, or the samples cannot be resampled.
    """
    kept = np.ones(len(data), dtype=bool)
    if not isinstance(options, SampleOptions):
        return Prepared(data, kept, sampling_rate, centre)
    faults = find_faults(data, options.cleansing)
    for rows in faults.values():
        kept &= ~rows
    left_out = {fault: int(rows.sum()) for fault, rows in faults.items()}
    if len(data) and not kept.any() and not may_be_empty:
        raise no_sample_left(left_out, len(data))
    data = impute(data if kept.all() else data[kept], options.cleansing.impute)
    resampled = resample(data, sampling_rate, centre, options.resampling)
    return Prepared(resampled.data, kept, resampled.sampling_rate, resampled.centre, left_out)


def prepare(samples: Samples, options: Options, say: Callable[[str], None] = lambda _: None) -> Samples:
    """Cleanse, impute and resample the samples of a dataset; labels and table follow.

    Args:
        samples: What the dataset's `preprocess` returned.
        options: Its section `preprocess`.
        say: Called with a sentence if samples were left out; the same words stand in `mapping`, for the reports.

    Raises:
        EcganError: See `prepare_windows`.
    """
    if samples.prepared:
        return samples
    prepared = prepare_windows(samples.data, samples.sampling_rate, samples.centre, options)
    samples = replace(samples, data=prepared.data, sampling_rate=prepared.sampling_rate, centre=prepared.centre)
    if prepared.kept.all():
        return samples
    say(f"{prepared.note}.")
    return replace(
        samples,
        labels=samples.labels[prepared.kept],
        table=samples.table[prepared.kept].reset_index(drop=True),
        mapping="; ".join(filter(None, [samples.mapping, prepared.note])),
    )


def no_sample_left(left_out: dict[str, int], count: int) -> EcganError:
    """Return the error of samples that are all left out."""
    return EcganError(
        f"no sample is left: {describe_left_out(left_out, count)}.",
        "Look at the recordings, or change preprocess.cleansing.",
    )


def describe_left_out(left_out: dict[str, int], count: int) -> str:
    """Say in words how many of how many samples were left out and why; nothing if none was."""
    reasons = ", ".join(f"{number:,} {fault}" for fault, number in left_out.items())
    return f"{sum(left_out.values()):,} of {count:,} samples left out: {reasons}" if left_out else ""
