"""`fixed`: folds that were made before."""

from pathlib import Path
from typing import ClassVar

import numpy as np

from ecgan.config.schema import Split
from ecgan.errors import EcganError
from ecgan.protocols.base import EvaluationSets, Partition, Protocol
from ecgan.protocols.folds import load_fold, load_own_fold
from ecgan.registry import register_protocol
from ecgan.samples import Samples
from ecgan.seals import NAME


@register_protocol("fixed")
class Fixed(Protocol):
    """Takes `fold_0.json` to `fold_<k-1>.json` from the folder `split.source`; nothing is drawn.

    The stored folds keep their protocol and seed, and only go with the data that they were made for.
    """

    title: ClassVar[str] = "stored folds, from the folder split.source"
    least_folds: ClassVar[int] = 1
    train_on: ClassVar[tuple[str, ...]] = ("normal", "all")

    def cut(
        self, samples: Samples, options: Split, rng: np.random.Generator, evaluation_sets: EvaluationSets | None
    ) -> list[Partition]:
        """Read the folds; see the class."""
        labels = samples.class_ids
        if options.source is None:
            raise EcganError("the protocol 'fixed' takes stored folds.", "Set split.source to their folder.")
        folder = Path(options.source)
        partitions = []
        for index in range(options.k):
            file = folder / f"fold_{index}.json"
            if not file.is_file():
                there = sorted(path.name for path in folder.glob("fold_*.json"))
                hint = f"There are {', '.join(there)}: mend split.k." if there else "Mend split.source."
                raise EcganError(f"split.k is {options.k}, but there is no {file}.", hint)
            sealed = (folder / NAME).exists()  # folds that a user made need no seal
            fold = load_own_fold(folder, index) if sealed else load_fold(file)
            fold.check_size(len(labels))
            if options.train_on == "normal" and (labels[fold.train] != 0).any():
                count = int((labels[fold.train] != 0).sum())
                raise EcganError(
                    f"{file} trains on {count} abnormal samples, and split.train_on is normal.",
                    "Set split.train_on to all.",
                )
            partitions.append(Partition(fold.train, fold.vali, fold.test, source=fold))
        return partitions
