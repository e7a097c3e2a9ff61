"""What a split protocol is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ecgan.config.schema import Split
from ecgan.errors import EcganError
from ecgan.protocols.dividing import Indices, Labels
from ecgan.protocols.folds import Fold
from ecgan.samples import Samples

EvaluationSets = tuple[list[str], list[str]]


@dataclass(frozen=True)
class Partition:
    """The samples of one fold: sorted indices, and the stored fold that they come from (protocol `fixed`)."""

    train: Indices
    vali: Indices
    test: Indices
    source: Fold | None = None


class Protocol(ABC):
    """A rule that divides samples; one file in this folder, registered with `@register_protocol("name")`.

    Attributes:
        title: What it does, one line.
        source: The paper that it follows, where there is one.
        by_patient: Whether patients stay together, so that validation too is halved by whole patients.
        least_folds: The smallest `split.k`.
        train_on: The admitted values of `split.train_on`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str] = ""
    by_patient: ClassVar[bool] = False
    least_folds: ClassVar[int] = 2
    train_on: ClassVar[tuple[str, ...]] = ("normal",)

    def make(
        self, samples: Samples, options: Split, seed: int, evaluation_sets: EvaluationSets | None = None
    ) -> list[Partition]:
        """Divide samples with labels into `options.k` folds; protocols by patient read their `record` and `patient`.

        Evaluation sets are the records of DS1 and DS2, or None where the dataset has no standard.

        Raises:
            EcganError: The samples are too few, or patients are needed and not known.
        """
        labels = samples.class_ids
        if options.k < self.least_folds:
            raise EcganError(
                f"the protocol {self.name!r} needs split.k of at least {self.least_folds}.", "Raise split.k."
            )
        if options.train_on not in self.train_on:
            raise EcganError(
                f"the protocol {self.name!r} cannot train on {options.train_on!r}.",
                f"Set split.train_on to {' or '.join(self.train_on)}, or take the protocol stratified or interpatient.",
            )
        if not labels.any() or labels.all():
            raise self.too_few(labels, options.k, "both kinds are needed")
        partitions = self.cut(samples, options, np.random.default_rng(seed), evaluation_sets)
        for index, partition in enumerate(partitions):
            self._check(labels, partition, index, options.k)
        return partitions

    @abstractmethod
    def cut(
        self, samples: Samples, options: Split, rng: np.random.Generator, evaluation_sets: EvaluationSets | None
    ) -> list[Partition]:
        """Divide the samples; arguments as for `make`, `rng` in place of the seed."""

    def too_few(self, labels: Labels, k: int, what: str) -> EcganError:
        """Return the error for samples that are too few: `what` says which set came out empty."""
        abnormal = int(np.count_nonzero(labels))
        normal = len(labels) - abnormal
        hint = "Take more samples, or a smaller split.k."
        if abnormal == 0:
            hint = (
                "Without abnormal samples nothing can be chosen or tested: give the data labels, or score recordings"
                " with a model trained on others, `ecgan score`."
            )
        elif normal == 0:
            hint = "Models learn from normal samples: look at the classes, and which of them is the normal one."
        return EcganError(
            f"the protocol {self.name!r} with k = {k} cannot be made from {normal} normal and {abnormal} abnormal"
            f" samples: {what}.",
            hint,
        )

    def _check(self, labels: Labels, partition: Partition, index: int, k: int) -> None:
        """Refuse a fold with which nothing can be trained, tuned or tested."""
        if len(partition.train) == 0:
            raise self.too_few(labels, k, f"fold {index} has no training samples")
        for name, part in (("validation", partition.vali), ("test", partition.test)):
            for kind, there in (("normal", labels[part] == 0), ("abnormal", labels[part] != 0)):
                if not there.any():
                    raise self.too_few(labels, k, f"fold {index} has no {kind} {name} samples")
