"""`published`: the folds that come with a dataset."""

from typing import ClassVar

import numpy as np

from ecgan.config.schema import Split
from ecgan.errors import EcganError
from ecgan.protocols.base import EvaluationSets, Partition, Protocol
from ecgan.protocols.dividing import train_part
from ecgan.registry import register_protocol
from ecgan.samples import FOLD, Samples


@register_protocol("published")
class Published(Protocol):
    """The column `fold` of `samples.csv` numbers the folds of the dataset's authors from 1 to n.

    Fold n, the last, tests. Of the others the one before it validates in fold 0, the one before that in fold 1, and
    so on; the rest trains. With k = 1 this is the authors' own division: of the ten folds of PTB-XL 1 to 8 train,
    9 validates and 10 tests (Wagner et al., Scientific Data 7, 154, 2020). With `train_on: normal` the abnormal
    training samples are left out.
    """

    title: ClassVar[str] = "the folds of the dataset's authors: the last tests, one validates, the others train"
    source: ClassVar[str] = "Wagner et al., Scientific Data 7, 154, 2020"
    by_patient: ClassVar[bool] = True
    least_folds: ClassVar[int] = 1
    train_on: ClassVar[tuple[str, ...]] = ("normal", "all")

    def cut(
        self, samples: Samples, options: Split, rng: np.random.Generator, evaluation_sets: EvaluationSets | None
    ) -> list[Partition]:
        """Divide the samples; see the class."""
        folds = samples.table.get(FOLD)
        if folds is None or folds.isna().any():
            missing = len(samples) if folds is None else int(folds.isna().sum())
            raise EcganError(
                f"the protocol {self.name!r} needs the fold of every sample; {missing} of {len(samples)} samples have"
                " none.",
                "Take another protocol, or a dataset that comes with folds, such as ptbxl.",
            )
        numbers = folds.to_numpy(np.int64)
        last = int(numbers.max())
        if options.k > last - 2:
            raise EcganError(
                f"the protocol {self.name!r} with k = {options.k} needs {options.k + 2} folds; the dataset has {last}.",
                f"Set split.k to at most {last - 2}.",
            )
        partitions = []
        for index in range(options.k):
            validates = last - 1 - index
            learning = np.flatnonzero((numbers != validates) & (numbers != last))
            train = train_part(samples.class_ids, learning, options.train_on)
            partitions.append(Partition(train, np.flatnonzero(numbers == validates), np.flatnonzero(numbers == last)))
        return partitions
