"""What happens to samples once a dataset has cut them, the same in the pipeline and in scoring one's own recordings."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.config.options import Options
from ecgan.datasets.base import Samples
from ecgan.errors import EcganError
from ecgan.preprocessing.options import SampleOptions

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Prepared:
    """Samples after cleansing, imputation and resampling.

    Attributes:
        data: Shape (m, L, C), the samples that were kept.
        kept: Which of the n samples those are, shape (n,).
        sampling_rate: Hz, after resampling; 0.0 where time has no unit.
        centre: Index of the R peak after resampling, or None.
    """

    data: NDArray[Any]
    kept: NDArray[np.bool_]
    sampling_rate: float
    centre: int | None


def prepare_windows(data: NDArray[Any], sampling_rate: float, centre: int | None, options: Options) -> Prepared:
    """Cleanse, impute and resample samples.

    Args:
        data: Shape (n, L, C); NaN where a value is missing.
        sampling_rate: Hz.
        centre: Index of the R peak, or None.
        options: A dataset's section `preprocess`; what is no `SampleOptions` asks for nothing.
    """
    if isinstance(options, SampleOptions):
        if options.resampling.method != "none":
            raise EcganError(f"preprocess.resampling.method {options.resampling.method!r} is not available yet.")
        if options.cleansing.limit is not None or np.isnan(data).any():
            raise EcganError("the limit of preprocess.cleansing and gaps are not available yet.")
    return Prepared(data, np.ones(len(data), dtype=bool), sampling_rate, centre)


def prepare(samples: Samples, options: Options) -> Samples:
    """Cleanse, impute and resample the samples of a dataset; labels and table follow."""
    prepare_windows(samples.data, samples.sampling_rate, samples.centre, options)
    return samples
