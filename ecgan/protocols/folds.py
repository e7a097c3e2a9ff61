"""Folds: which samples train, validate and test; stored, read, and validation cut in two halves."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecgan.errors import EcganError
from ecgan.files import read_json, shown, write_text
from ecgan.protocols.dividing import Indices, by_class, together
from ecgan.protocols.patients import deal_greedily, roster
from ecgan.samples import Samples
from ecgan.seals import check_seal

_PARTS = ("train", "vali", "test")
_KINDS: dict[type, str] = {int: "a whole number", str: "text", list: "a list", bool: "true or false"}
NO_PIPELINE = "notebook"
"""Protocol of samples that `ecgan.Detector` was given: the test set is elsewhere, and validation may be empty."""
_HALVES = 1  # beside the seed and the fold's number: the halves draw from a stream of their own


@dataclass(frozen=True, eq=False)
class Fold:
    """Which samples train, validate and test: sorted indices, int64.

    Attributes:
        index: Number of the fold, from 0.
        protocol: Name of the protocol that made it.
        seed: Its seed.
        data_sha256: Hash of the data that the indices point into.
        by_patient: Whether patients stay together, so that validation too is halved by whole patients.
    """

    index: int
    protocol: str
    seed: int
    data_sha256: str
    train: Indices
    vali: Indices
    test: Indices
    by_patient: bool = False

    def check_data(self, sha256: str) -> None:
        """Refuse data other than those that the indices point into.

        Raises:
            EcganError: The hashes differ.
        """
        if sha256 != self.data_sha256:
            raise EcganError(
                f"fold {self.index} belongs to other data: it was made for {self.data_sha256[:12]}…,"
                f" the processed data are {sha256[:12]}….",
                "Run `ecgan split` (or `dvc repro split`) again, or preprocess with the parameters of that run.",
            )

    def check_size(self, count: int) -> None:
        """Refuse indices beyond the number of samples.

        Raises:
            EcganError: An index is `count` or more.
        """
        largest = max(int(part[-1]) for part in (self.train, self.vali, self.test) if len(part))
        if largest >= count:
            raise EcganError(
                f"fold {self.index} refers to sample {largest}, and there are {count} samples.",
                "Run `ecgan split` again.",
            )


def save_fold(path: Path, fold: Fold) -> None:
    """Write a fold as JSON, each list of indices on a line of its own."""
    values = {name: getattr(fold, name) for name in ("by_patient", "data_sha256", "index", "protocol", "seed")}
    values |= {name: getattr(fold, name).tolist() for name in _PARTS}
    lines = [
        f"{json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in sorted(values.items())
    ]
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def load_fold(path: Path) -> Fold:
    """Read a fold; everything in it is checked.

    Raises:
        EcganError: The file is missing, is no JSON, or does not hold three disjoint, sorted lists of indices.
    """
    if not path.exists():
        raise EcganError(f"there is no fold {path}.", "Run `ecgan split` first.")
    found = read_json(path)
    try:
        return _checked(found)
    except ValueError as error:
        raise EcganError(f"{path} is no fold: {error}.", "Run `ecgan split` again.") from None


def load_own_fold(folder: Path, index: int) -> Fold:
    """Read one of the folds that `ecgan split` wrote into a folder.

    Raises:
        EcganError: It is missing, damaged, or is none.
    """
    path = folder / f"fold_{index}.json"
    if not path.exists():
        raise EcganError(f"there is no fold {path}.", "Run `ecgan split` first.")
    check_seal(folder, "Run `ecgan split` again.", only=[path.name])
    return load_fold(path)


def _checked(found: Any) -> Fold:
    facts = {"index": int, "protocol": str, "seed": int, "data_sha256": str, "by_patient": bool}
    expected = facts | dict.fromkeys(_PARTS, list)
    if wrong := sorted(set(found if isinstance(found, dict) else ()) ^ set(expected)):
        raise ValueError(f"the key {wrong[0]!r} is {'missing' if wrong[0] in expected else 'unknown'}")
    for name, kind in expected.items():
        if type(found[name]) is not kind:
            raise ValueError(f"{name} is {shown(found[name])}, expected {_KINDS[kind]}")
    if found["index"] < 0 or found["seed"] < 0 or not found["protocol"]:
        raise ValueError("index and seed are at least 0, and the protocol has a name")
    digits = found["data_sha256"]
    if len(digits) != 64 or set(digits) - set("0123456789abcdef"):
        raise ValueError(f"data_sha256 is {shown(digits)}, expected 64 hexadecimal digits")
    may_be_empty = ("vali", "test") if found["protocol"] == NO_PIPELINE else ()
    parts = {name: _index_list(name, found[name], may_be_empty=name in may_be_empty) for name in _PARTS}
    every = np.concatenate(list(parts.values()))
    if len(np.unique(every)) != len(every):
        raise ValueError("a sample is in two of train, vali and test")
    return Fold(found["index"], found["protocol"], found["seed"], digits, by_patient=found["by_patient"], **parts)


def _index_list(name: str, items: list[Any], *, may_be_empty: bool) -> Indices:
    if not items and not may_be_empty:
        raise ValueError(f"{name} is empty")
    for item in items:
        if type(item) is not int or not 0 <= item < 2**62:
            raise ValueError(f"{name} holds {shown(item)}, expected whole numbers from 0")
    indices = np.array(items, dtype=np.int64)
    if (np.diff(indices) <= 0).any():
        raise ValueError(f"{name} is not sorted, or holds a sample twice")
    return indices


def vali_halves(fold: Fold, samples: Samples, seed: int | None = None) -> tuple[Indices, Indices]:
    """Cut the validation samples into a half to fit on and a half to report, drawn by `seed` or else the fold's.

    Stratified by class; of an odd number the additional sample, and so a class of one, is in the first half. With
    protocols by patient, whole patients are dealt to the halves.

    Returns:
        Sorted indices of the half for thresholds, weights and versions, and of the half for reported figures.

    Raises:
        EcganError: A half would lack normal or abnormal samples, or patients are needed and not known.
    """
    rng = np.random.default_rng([fold.seed if seed is None else seed, _HALVES, fold.index])
    labels = samples.class_ids
    if fold.by_patient:
        return _patient_halves(fold, samples, rng)
    classes = by_class(labels, fold.vali, rng)
    halves = [together([rows[start::2] for rows in classes]) for start in (0, 1)]
    if not all((labels[half] == 0).any() and (labels[half] != 0).any() for half in halves):
        abnormal = int(np.count_nonzero(labels[fold.vali]))
        raise EcganError(
            f"the validation samples of fold {fold.index} cannot be halved: {len(fold.vali) - abnormal} are normal and"
            f" {abnormal} abnormal; both halves need both.",
            "Take more samples, or a smaller split.k.",
        )
    return halves[0], halves[1]


def _patient_halves(fold: Fold, samples: Samples, rng: np.random.Generator) -> tuple[Indices, Indices]:
    labels, patients = samples.class_ids, samples.patients
    if patients is None:
        raise EcganError(
            f"the protocol {fold.protocol!r} halves validation by patient, and the samples have no patients.",
            "Take the protocol normal_only or stratified, or a dataset that knows its patients.",
        )
    people = roster(patients[fold.vali], labels[fold.vali])
    try:
        first, _ = deal_greedily(people, 2, rng)
    except ValueError:
        raise EcganError(
            f"the validation patients of fold {fold.index} cannot be halved: {people.with_normal} have normal and"
            f" {people.with_abnormal} abnormal samples; two of each are needed.",
            "Set a smaller split.k, so that more patients validate, or take the protocol normal_only.",
        ) from None
    chosen = np.isin(patients[fold.vali], first)
    return fold.vali[chosen], fold.vali[~chosen]
