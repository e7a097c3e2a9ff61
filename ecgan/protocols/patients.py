"""Dealing whole patients out, so that every part holds normal and abnormal samples."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError
from ecgan.samples import Samples

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Roster:
    """Patients by their sorted names (p,), and the numbers of normal and of abnormal samples of each."""

    names: NDArray[Any]
    normal: NDArray[np.int64]
    abnormal: NDArray[np.int64]

    @property
    def with_normal(self) -> int:
        """Number of patients with normal samples."""
        return int(np.count_nonzero(self.normal))

    @property
    def with_abnormal(self) -> int:
        """Number of patients with abnormal samples."""
        return int(np.count_nonzero(self.abnormal))

    @property
    def kinds(self) -> tuple[Mask, Mask, Mask]:
        """Who has normal and abnormal samples, who abnormal ones only, who normal ones only; masks (p,)."""
        normal, abnormal = self.normal > 0, self.abnormal > 0
        return normal & abnormal, abnormal & ~normal, normal & ~abnormal


def roster(patients: NDArray[Any], labels: NDArray[np.int64]) -> Roster:
    """Count the samples of each patient, from patients (n,) and class ids (n,) of which 0 is normal."""
    names, inverse = np.unique(patients, return_inverse=True)
    abnormal = np.bincount(inverse, weights=labels != 0, minlength=len(names)).astype(np.int64)
    return Roster(names, np.bincount(inverse, minlength=len(names)).astype(np.int64) - abnormal, abnormal)


def column(samples: Samples, name: str, protocol: str) -> NDArray[Any]:
    """Return `record` or `patient` of each sample as strings, (n,).

    Raises:
        EcganError: The dataset does not say.
    """
    table = samples.table
    values = table.get(name)
    unknown = len(table) if values is None else int(values.isna().sum())
    if values is None or unknown:
        raise EcganError(
            f"the protocol {protocol!r} needs the {name} of every sample; {unknown} of {len(table)} samples have none.",
            "Take the protocol normal_only, beatgan or stratified, or a dataset that knows its patients.",
        )
    result: NDArray[Any] = values.astype(str).to_numpy(dtype=str)
    return result


def deal_evenly(people: Roster, rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    """Halve shuffled patients: the halves differ by few patients, and by at most one of those with abnormal samples.

    Both halves get normal and abnormal samples if at least two patients have normal and two have abnormal ones.
    """
    halves: tuple[list[int], list[int]] = ([], [])
    order = rng.permutation(len(people.names))
    for kind, weights in zip(people.kinds, (None, people.abnormal, people.normal), strict=True):
        for patient in order[kind[order]]:
            needed = [0, 0] if weights is None else [int(np.count_nonzero(weights[half])) for half in halves]
            half = min((0, 1), key=lambda index: (needed[index], len(halves[index])))
            halves[half].append(int(patient))
    first, second = (people.names[np.sort(np.array(half, dtype=np.int64))] for half in halves)
    return first, second


def deal_greedily(people: Roster, parts: int, rng: np.random.Generator) -> list[NDArray[Any]]:
    """Deal patients to parts of similar size: each in turn to the part that has the fewest samples of its kind.

    Every part gets normal and abnormal samples. First, parts are opened with one patient who has both, or with
    one who has abnormal and one who has normal samples; then the others follow, those with many abnormal samples
    first. The order among equals is drawn.

    Raises:
        ValueError: Fewer than `parts` patients have normal samples, or fewer have abnormal ones.
    """
    if min(people.with_normal, people.with_abnormal) < parts:
        raise ValueError(f"{people.with_normal} and {people.with_abnormal} patients for {parts} parts")
    shuffled = rng.permutation(len(people.names))
    order = shuffled[np.argsort(-people.abnormal[shuffled], kind="stable")]
    both, sick, well = (list(order[kind[order]]) for kind in people.kinds)
    well.sort(key=lambda patient: -people.normal[patient])
    opened = [[both.pop(0)] if both else [sick.pop(0), well.pop(0)] for _ in range(parts)]
    for patient in [patient for patient in order if patient in {*both, *sick}] + well:
        weights = people.abnormal if people.abnormal[patient] else people.normal
        sizes = [(int(weights[part].sum()), len(part)) for part in opened]
        opened[sizes.index(min(sizes))].append(patient)
    return [people.names[np.sort(part)] for part in opened]
