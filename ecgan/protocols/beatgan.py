"""`beatgan`: the protocol of the BeatGAN paper."""

import itertools
from typing import ClassVar

import numpy as np

from ecgan.config.schema import Split
from ecgan.protocols.base import EvaluationSets, Partition, Protocol
from ecgan.protocols.dividing import by_class, ceil_share, together
from ecgan.registry import register_protocol
from ecgan.samples import Samples


@register_protocol("beatgan")
class BeatGan(Protocol):
    """k folds of the normal samples, of which each is tested once; samples are drawn without regard to patients.

    Normal samples are shuffled and cut into k consecutive parts, of which fold f tests part f (the last parts
    are one larger where k does not divide the number, so that every sample is tested once). Of the other normal
    samples ⌈vali_share · n⌉ validate and the rest trains. Of each abnormal class ⌈vali_share · n⌉ validate and the
    rest is tested, the same in every fold (Zhou et al., IJCAI 2019).
    """

    title: ClassVar[str] = (
        "normal training samples only, every normal sample tested in one of k folds; patients are mixed"
    )
    source: ClassVar[str] = "Zhou et al., BeatGAN, IJCAI 2019"

    def cut(
        self, samples: Samples, options: Split, rng: np.random.Generator, evaluation_sets: EvaluationSets | None
    ) -> list[Partition]:
        """Divide the samples; see the class."""
        labels = samples.class_ids
        normal = rng.permutation(np.flatnonzero(labels == 0))
        classes = by_class(labels, np.flatnonzero(labels != 0), rng)
        marks = [ceil_share(options.vali_share, len(rows)) for rows in classes]
        vali_abnormal = [rows[:mark] for rows, mark in zip(classes, marks, strict=True)]
        test_abnormal = [rows[mark:] for rows, mark in zip(classes, marks, strict=True)]
        size, left = divmod(len(normal), options.k)
        borders = [fold * size + max(0, fold - options.k + left) for fold in range(options.k + 1)]
        partitions = []
        for start, stop in itertools.pairwise(borders):
            rest = rng.permutation(np.concatenate([normal[:start], normal[stop:]]))
            mark = ceil_share(options.vali_share, len(rest))
            vali = together([rest[:mark], *vali_abnormal])
            partitions.append(Partition(np.sort(rest[mark:]), vali, together([normal[start:stop], *test_abnormal])))
        return partitions
