"""Conformance checks of split protocols."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ecgan.config.schema import Split
from ecgan.errors import EcganError
from ecgan.protocols.base import EvaluationSets, Partition, Protocol
from ecgan.samples import FOLD, About, Samples
from ecgan.testing.check import Subject, checks_of, expect, expect_equal, expect_refusal, expect_same

PATIENTS, EACH = 16, 30


class ProtocolSubject(Subject[Protocol]):
    """A protocol under test, with values of the section `split`."""

    def options(self, **values: Any) -> Split | None:
        """The section `split`; None where the protocol needs a value that only the user knows, such as `source`."""
        k = max(3, self.cls.least_folds)
        try:
            return Split.model_validate({"protocol": self.cls.name, "k": k, **self.given, **values})
        except ValueError:
            return None

    def make(self, options: Split, seed: int = 0) -> list[Partition]:
        """Divide toy samples of 16 patients."""
        samples, sets = toy_samples()
        return self.cls().make(samples, options, seed, sets)


def toy_samples() -> tuple[Samples, EvaluationSets]:
    """Return samples of patients who each have some abnormal ones, in eight folds, and evaluation sets."""
    patient = np.repeat([f"p{index:02d}" for index in range(PATIENTS)], EACH)
    labels = np.tile(np.r_[np.zeros(EACH - 6), 1, 1, 2, 2, 3, 3].astype(np.int64), PATIENTS)
    fold = np.repeat(1 + np.arange(PATIENTS) % 8, EACH)
    table = pd.DataFrame({"record": patient, "patient": patient, "class_name": labels.astype(str), FOLD: fold})
    names = sorted(set(patient))
    about = About(0.0, ["I"], ["0", "1", "2", "3"])
    return Samples(np.zeros((len(labels), 1, 4)), table, about, labels, "0" * 64), (names[::2], names[1::2])


def it_says_what_it_does(subject: ProtocolSubject) -> None:
    """Title, least number of folds and what it can train on are there."""
    expect(bool(getattr(subject.cls, "title", "")), "expected a title, found none")
    expect(subject.cls.least_folds >= 1, f"expected least_folds of at least 1, found {subject.cls.least_folds}")
    known = set(subject.cls.train_on) <= {"normal", "all"} and bool(subject.cls.train_on)
    expect(known, f"expected train_on to hold 'normal' or 'all', found {subject.cls.train_on}")


def folds_are_partitions(subject: ProtocolSubject) -> None:
    """Training, validation and test of a fold are sorted, within the samples, and share none; none is empty."""
    labels = toy_samples()[0].class_ids
    for train_on in subject.cls.train_on:
        options = subject.options(train_on=train_on)
        if options is None:
            continue
        folds = subject.make(options)
        expect_equal(len(folds), options.k, "the number of folds")
        for fold in folds:
            parts = _parts(fold)
            for name, part in parts.items():
                expect_equal(str(part.dtype), "int64", f"the type of {name}")
                expect(
                    bool((np.diff(part) > 0).all()), f"expected {name} to be sorted without repetition, found {part}"
                )
                inside = len(part) > 0 and part[0] >= 0 and part[-1] < len(labels)
                expect(inside, f"expected {name} to hold indices of the {len(labels)} samples, found {part}")
            together = np.concatenate(list(parts.values()))
            shared = len(together) - len(np.unique(together))
            expect_equal(shared, 0, "the number of samples in more than one of train, vali and test")
            abnormal = int(np.count_nonzero(labels[fold.train]))
            text = f"expected no abnormal sample in training with train_on 'normal', found {abnormal}"
            expect(train_on == "all" or abnormal == 0, text)


def _parts(fold: Partition) -> dict[str, Any]:
    return {"train": fold.train, "vali": fold.vali, "test": fold.test}


def patients_stay_together_where_promised(subject: ProtocolSubject) -> None:
    """With `by_patient` no patient is in two of train, vali and test."""
    options = subject.options(train_on=subject.cls.train_on[0])
    if options is None or not subject.cls.by_patient:
        return
    patients = toy_samples()[0].table["patient"].to_numpy()
    for fold in subject.make(options):
        sets = [set(patients[part]) for part in _parts(fold).values()]
        shared = (sets[0] & sets[1]) | (sets[0] & sets[2]) | (sets[1] & sets[2])
        expect(not shared, f"expected every patient in one part of a fold, found {sorted(shared)} in two")


def the_seed_decides(subject: ProtocolSubject) -> None:
    """The same seed gives the same folds."""
    options = subject.options(train_on=subject.cls.train_on[0])
    if options is None:
        return
    for first, second in zip(subject.make(options, seed=5), subject.make(options, seed=5), strict=True):
        expect_same(_parts(second), _parts(first), "expected the same {} from the same seed, found another")


def samples_without_abnormal_ones_are_refused(subject: ProtocolSubject) -> None:
    """Folds in which nothing can be tested are refused in words."""
    options = subject.options(train_on=subject.cls.train_on[0])
    if options is None:
        return
    samples, sets = toy_samples()
    normal = replace(samples, labels=np.zeros_like(samples.class_ids))
    expect_refusal(lambda: subject.cls().make(normal, options, 0, sets), (EcganError,), "samples that are all normal")


CHECKS = checks_of(__name__)
