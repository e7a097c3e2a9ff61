"""`stratified`: every set holds every class in the same proportion."""

from typing import ClassVar

import numpy as np

from ecgan.config.schema import Split
from ecgan.protocols.base import EvaluationSets, Partition, Protocol
from ecgan.protocols.dividing import allot, by_class, ceil_share, together, train_part
from ecgan.registry import register_protocol
from ecgan.samples import Samples


@register_protocol("stratified")
class Stratified(Protocol):
    """One test set, and a true partition of the rest into k validation sets, all stratified by class.

    ⌈test_share · n⌉ samples are tested, shared out over the classes by largest remainder. The others are dealt to
    k parts class by class, so that the parts differ by at most one sample in all and in every class; fold f
    validates on part f and trains on the others. With `train_on: normal` the abnormal samples of these others are
    left out. Patients are mixed.
    """

    title: ClassVar[str] = "all sets stratified by class, k folds, one test set; patients are mixed"
    train_on: ClassVar[tuple[str, ...]] = ("normal", "all")

    def cut(
        self, samples: Samples, options: Split, rng: np.random.Generator, evaluation_sets: EvaluationSets | None
    ) -> list[Partition]:
        """Divide the samples; see the class."""
        labels = samples.class_ids
        classes = by_class(labels, np.arange(len(labels)), rng)
        counts = np.array([len(rows) for rows in classes], dtype=np.int64)
        shares = allot(counts, ceil_share(options.test_share, len(labels)))
        test = together([rows[:share] for rows, share in zip(classes, shares, strict=True)])
        rest = np.concatenate([rows[share:] for rows, share in zip(classes, shares, strict=True)])
        partitions = []
        for fold in range(options.k):
            vali = rest[fold :: options.k]
            others = np.concatenate([rest[other :: options.k] for other in range(options.k) if other != fold])
            partitions.append(Partition(train_part(labels, others, options.train_on), np.sort(vali), test))
        return partitions
