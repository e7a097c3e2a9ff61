"""The annotated beats of the MIT-BIH Arrhythmia Database.

G. B. Moody and R. G. Mark, "The impact of the MIT-BIH Arrhythmia Database", IEEE Eng. Med. Biol. 20(3), 2001.
"""

from pathlib import Path
from typing import Any, ClassVar

from ecgan.datasets.annotated import Annotated, OfRecords
from ecgan.datasets.base import Card
from ecgan.datasets.databases import MITDB, Facts, fetch_mitdb
from ecgan.registry import register_dataset

CARD_SOURCE = "PhysioNet mitdb 1.0.0, doi:10.13026/C2F305"
LICENCE = "Open Data Commons Attribution License 1.0"
SAMPLING_RATE = 360.0

DS1 = (
    *("101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122"),
    *("124", "201", "203", "205", "207", "208", "209", "215", "220", "223", "230"),
)
"""Training records of de Chazal et al., IEEE Trans. Biomed. Eng. 51(7), 2004."""

DS2 = (
    *("100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210"),
    *("212", "213", "214", "219", "221", "222", "228", "231", "232", "233", "234"),
)
"""Test records of the same paper; 202 is of the same man as 201 in DS1."""


class OfMitbih(OfRecords):
    """What the datasets of these records share: where the records are, their rate, patients and standard sets."""

    def facts(self, raw: Path) -> Facts:
        """Patients, and the paced records, which AAMI EC57 leaves out."""
        return MITDB

    def fetch(self, raw: Path, options: Any, *, seed: int) -> None:
        """Download the 48 records and their list RECORDS, or copy them from a mirror."""
        fetch_mitdb(raw)

    def recording_rate(self, options: Any) -> float:
        """The records' own rate."""
        return SAMPLING_RATE

    def evaluation_sets(self) -> tuple[list[str], list[str]]:
        """The records of de Chazal's DS1 and DS2."""
        return list(DS1), list(DS2)


@register_dataset("mitbih")
class Mitbih(OfMitbih, Annotated):
    """Every annotated beat of the chosen records and leads, class by AAMI."""

    card = Card(
        title="MIT-BIH Arrhythmia Database, annotated beats",
        source=CARD_SOURCE,
        licence=LICENCE,
        size="94 MB raw; about 100,000 beats of 44 half-hour records, 360 Hz",
    )
    defaults: ClassVar[dict[str, dict[str, Any]]] = {
        "train": {"transformation": "individual"},
        "detect": {"classical": ["knn", "pca", "patient_specific"]},
    }
