"""What a user's labels mean: which of them is normal, and the class of each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.aami import CLASSES, DESCRIPTIONS
from ecgan.errors import EcganError

_NUMBER = re.compile(r"^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$")


@dataclass(frozen=True)
class Classes:
    """The classes of a user's data.

    Attributes:
        names: Class name by id; 0 is the normal one.
        mapping: How labels become classes, for reports.
        by_label: Class id by label; empty where there are no labels.
    """

    names: list[str]
    mapping: str
    by_label: dict[str, int]

    def ids(self, labels: Sequence[str]) -> NDArray[np.int64]:
        """Return the class of each label, int64, shape (n,)."""
        return np.array([self.by_label[_tidy(label)] for label in labels], dtype=np.int64)

    @classmethod
    def unlabelled(cls) -> "Classes":
        """Return the one class of data without labels."""
        return cls(["normal"], "unlabelled: every sample counts as normal", {})

    @classmethod
    def aami(cls, mapping: str) -> "Classes":
        """Return the classes of annotated beats."""
        return cls(list(CLASSES), DESCRIPTIONS[mapping], {})


def classes_of_labels(labels: Sequence[str], normal: Sequence[str], where: str) -> Classes:
    """Find the classes of labels, numbers being compared as numbers ("0" and "0.0" are one label).

    `normal` are labels that mean normal, whatever their case; `where` says for messages where the labels are from.

    Raises:
        EcganError: No label is a normal one.
    """
    meant = {_tidy(label).casefold() for label in normal}
    found = sorted({_tidy(label) for label in labels}, key=_order)
    healthy = [label for label in found if label.casefold() in meant]
    if not healthy:
        shown = ", ".join(found[:10]) + (", …" if len(found) > 10 else "")
        raise EcganError(
            f"none of the {where} means normal: {shown}.",
            f"Name those that do in preprocess.normal: {list(normal)} now.",
        )
    abnormal = [label for label in found if label not in healthy]
    by_label = dict.fromkeys(healthy, 0) | {label: number for number, label in enumerate(abnormal, 1)}
    return Classes([healthy[0], *abnormal], f"{where}, normal: {', '.join(healthy)}", by_label)


def _tidy(label: str) -> str:
    label = label.strip()
    return f"{float(label):g}" if _NUMBER.match(label) else label


def _order(label: str) -> tuple[bool, float, str]:
    """Numbers by their value, before words by the alphabet."""
    number = bool(_NUMBER.match(label))
    return (not number, float(label) if number else 0.0, label)
