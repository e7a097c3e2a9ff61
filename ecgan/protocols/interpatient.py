"""`interpatient`: no patient's samples are both learned from and tested."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ecgan.config.schema import Split
from ecgan.errors import EcganError
from ecgan.protocols.base import EvaluationSets, Partition, Protocol
from ecgan.protocols.dividing import Labels, train_part
from ecgan.protocols.patients import column, deal_evenly, deal_greedily, roster
from ecgan.registry import register_protocol
from ecgan.samples import Samples


@register_protocol("interpatient")
class InterPatient(Protocol):
    """DS1 trains and validates, DS2 tests (de Chazal, O'Dwyer, Reilly, IEEE TBME 51(7), 2004).

    DS1 and DS2 are lists of records where the dataset has them (records in neither are left out); otherwise the
    patients are shuffled and halved. The patients of DS1 are dealt to k groups, greedily by their number of
    abnormal beats; fold f validates on group f and trains on the others. Every group has at least two patients
    with normal and two with abnormal samples, since validation is halved by whole patients later. With
    `train_on: normal` the abnormal training samples are left out.

    The lists are by record: in MIT-BIH, record 201 of DS1 and record 202 of DS2 are one man. The protocol
    `interpatient_strict` leaves such patients out of DS1.
    """

    title: ClassVar[str] = "records of DS1 train and validate, those of DS2 test; k groups of patients"
    source: ClassVar[str] = "de Chazal, O'Dwyer and Reilly, IEEE TBME 51(7), 2004"
    by_patient: ClassVar[bool] = True
    train_on: ClassVar[tuple[str, ...]] = ("normal", "all")
    strict: ClassVar[bool] = False

    def cut(
        self, samples: Samples, options: Split, rng: np.random.Generator, evaluation_sets: EvaluationSets | None
    ) -> list[Partition]:
        """Divide the samples; see the class."""
        labels, patients = samples.class_ids, column(samples, "patient", self.name)
        if evaluation_sets is None:
            first, _ = deal_evenly(roster(patients, labels), rng)
            development = np.isin(patients, first)
            test = ~development
        else:
            records = column(samples, "record", self.name)
            development, test = (np.isin(records, list(names)) for names in evaluation_sets)
        if self.strict:
            development &= ~np.isin(patients, patients[test])
        learning = np.flatnonzero(development)
        if len(learning) == 0:
            raise self.too_few(labels, options.k, "there are no samples to train on")
        groups = self._groups(patients[learning], labels[learning], options.k, rng)
        partitions = []
        for group in groups:
            held_out = np.isin(patients[learning], group)
            train = train_part(labels, learning[~held_out], options.train_on)
            partitions.append(Partition(train, learning[held_out], np.flatnonzero(test)))
        return partitions

    def _groups(self, patients: NDArray[Any], labels: Labels, k: int, rng: np.random.Generator) -> list[NDArray[Any]]:
        """Deal the patients to 2k cells and join cells in pairs, so that each group can be halved again."""
        people = roster(patients, labels)
        if min(people.with_normal, people.with_abnormal) < 2 * k:
            most = min(people.with_normal, people.with_abnormal) // 2
            raise EcganError(
                f"the protocol {self.name!r} with k = {k} needs {2 * k} patients with normal and {2 * k} with abnormal"
                f" samples to train and validate on; there are {people.with_normal} and {people.with_abnormal}"
                f" ({len(people.names)} patients in all).",
                f"Set split.k to {most}."
                if most >= self.least_folds
                else "Take the protocol normal_only or stratified.",
            )
        cells = deal_greedily(people, 2 * k, rng)
        return [np.concatenate([cells[index], cells[2 * k - 1 - index]]) for index in range(k)]
