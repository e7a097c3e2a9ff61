"""`normal_only`: the protocol of the β-VAEGAN paper."""

from fractions import Fraction
from typing import ClassVar

import numpy as np

from ecgan.config.schema import Split
from ecgan.protocols.base import EvaluationSets, Partition, Protocol
from ecgan.protocols.dividing import Indices, Labels, allot, by_class, ceil_share, together
from ecgan.registry import register_protocol
from ecgan.samples import Samples


@register_protocol("normal_only")
class NormalOnly(Protocol):
    """Training sees normal samples only; samples are drawn without regard to patients.

    Normal samples are shuffled; the first ⌈(1 − test_share) · N⌉ are for training and validation and are cut into
    k consecutive parts of ⌈·/k⌉ (the last one takes what is left), of which one validates; the rest is test. The
    abnormal samples are divided once, class by class, in the ratio of normal test to normal validation samples.
    Test is the same in every fold (sizes as in Lüer et al., arXiv 2310.18091).
    """

    title: ClassVar[str] = "normal training samples only, k folds of them, one test set; patients are mixed"
    source: ClassVar[str] = "Lüer et al., arXiv 2310.18091"

    def cut(
        self, samples: Samples, options: Split, rng: np.random.Generator, evaluation_sets: EvaluationSets | None
    ) -> list[Partition]:
        """Divide the samples; see the class."""
        labels = samples.class_ids
        normal = rng.permutation(np.flatnonzero(labels == 0))
        kept = ceil_share(1 - Fraction(str(options.test_share)), len(normal))
        size = -(-kept // options.k)
        if size == 0 or size * (options.k - 1) >= kept or kept == len(normal):
            raise self.too_few(labels, options.k, f"{kept} normal samples for {options.k} parts of validation")
        vali_abnormal, test_abnormal = self._abnormal(labels, len(normal) - kept, size, rng)
        test = together([normal[kept:], test_abnormal])
        partitions = []
        for fold in range(options.k):
            start, stop = fold * size, min((fold + 1) * size, kept)
            train = np.sort(np.concatenate([normal[:start], normal[stop:kept]]))
            partitions.append(Partition(train, together([normal[start:stop], vali_abnormal]), test))
        return partitions

    def _abnormal(self, labels: Labels, test: int, vali: int, rng: np.random.Generator) -> tuple[Indices, Indices]:
        """Divide the abnormal samples between validation and test: ⌈A · test / (test + vali)⌉ are for testing."""
        classes = by_class(labels, np.flatnonzero(labels != 0), rng)
        counts = np.array([len(rows) for rows in classes], dtype=np.int64)
        total = -(-int(counts.sum()) * test // (test + vali))
        shares = allot(counts, total)
        chosen = [rows[:share] for rows, share in zip(classes, shares, strict=True)]
        others = [rows[share:] for rows, share in zip(classes, shares, strict=True)]
        return together(others), together(chosen)
