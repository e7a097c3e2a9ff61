"""The MIT-BIH beats of Kachuee, Fazeli and Sarrafzadeh, rebuilt from the raw records or read from their files.

The set was published with "ECG Heartbeat Classification: A Deep Transferable Representation" (ICHI 2018, arXiv
1805.00794) as mitbih_train.csv and mitbih_test.csv: 109,446 beats, N 90,589, S 2,779, V 7,236, F 803, Q 8,039. The
paper cuts windows of ten seconds at 125 Hz and from each R peak 1.2 times the median interval. The published rows,
compared with the raw records, come about in another way, which is followed here:

1. all 48 records, the paced ones too; the first lead: MLII, but V5 in 102, 104 (which have no MLII) and 114;
2. every third sample, without a filter: 120 Hz, not 125;
3. a beat begins at its annotation and ends a fifth of the following interval behind the next annotation, of whatever
   kind: a mark of noise or rhythm ends a beat as another beat does; the last annotation of a record begins none;
4. each beat is scaled to 0…1 and padded with zeros to 187 time steps, longer ones are cut off;
5. classes are those of AAMI EC57 with escape beats (e, j, n) in N.

The published rows that could be had were each found in the rebuilt set, value by value. What they do not tell is the
end of a record's last beat but one; here it is a fifth of its own length later.
"""

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.datasets.annotated import choose_records, cut_records, record_names
from ecgan.datasets.base import Card, Cut, Dataset, Samples
from ecgan.datasets.kachuee import (
    UNIT,
    FetchOptions,
    ScaledOptions,
    cut_scaled,
    read_csv,
    refuse_record_options,
    round_scaled,
    take_csv,
)
from ecgan.datasets.mitbih import CARD_SOURCE, DS1, DS2, LICENCE, PATIENTS, SAMPLING_RATE, fetch_records
from ecgan.ecg.aami import CLASSES, DESCRIPTIONS, class_ids
from ecgan.ecg.cutting import Beats, describe
from ecgan.ecg.records import Record, read_record
from ecgan.ecg.segments import cut_segments
from ecgan.preprocessing.filtering import filter_recording
from ecgan.registry import register_dataset

FILES = ("mitbih_train.csv", "mitbih_test.csv")
STEP = 3


@register_dataset("mitbih_beats")
class MitbihBeats(Dataset):
    """109,446 beats, each from its R peak on, padded with zeros; see the module's description for the rule."""

    card = Card(
        title="MIT-BIH Arrhythmia Database, beats as cut by Kachuee et al. 2018",
        source=CARD_SOURCE,
        licence=LICENCE,
        size="94 MB raw; 109,446 beats of 187 x 1: N 90,589, S 2,779, V 7,236, F 803, Q 8,039",
    )
    Fetch = FetchOptions
    Preprocess = ScaledOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {"train": {"transformation": "minmax"}}

    def fetch(self, raw: Path, options: FetchOptions, *, seed: int) -> None:
        """Download the records, or copy the published files that the user has."""
        if options.source is None:
            fetch_records(raw)
        else:
            take_csv(raw, options.source, FILES)

    def preprocess(self, raw: Path, options: ScaledOptions) -> Samples:
        """Cut the beats from the records, or read the published files."""
        if any((raw / name).exists() for name in FILES):
            return _read(raw, options)
        known = record_names(raw)
        beats, _ = cut_records(partial(_cut, options), raw, choose_records(options.records, known, known))
        return _samples(beats.windows, beats.labels, beats.table)

    def recording_rate(self, options: ScaledOptions) -> float:
        """The records' own rate, of which the beats have every third sample."""
        return SAMPLING_RATE

    def cut(self, record: Record, options: ScaledOptions) -> Cut:
        """Filter a recording and cut a beat at every R peak but the last."""
        return cut_scaled(record, filter_recording(record.signals, record.sampling_rate, options), STEP)

    def evaluation_sets(self) -> tuple[list[str], list[str]]:
        """The records of de Chazal's DS1 and DS2; the paced ones are in neither."""
        return list(DS1), list(DS2)


def _cut(options: ScaledOptions, raw: Path, name: str) -> tuple[Beats, float]:
    record = read_record(raw, name)
    labels = class_ids(record.symbols, "aami")
    signals = filter_recording(record.signals[:, :1], record.sampling_rate, options)
    windows, kept = cut_segments(signals, record.samples, STEP, labels >= 0)
    rows = np.flatnonzero(kept)
    table = describe(record, rows, labels, PATIENTS.get(name, name))
    return Beats(round_scaled(windows), labels[rows], table), record.sampling_rate


def _read(raw: Path, options: ScaledOptions) -> Samples:
    """Read the published files; they carry no record, so that protocols that go by patient do not apply."""
    refuse_record_options(options, FILES)
    beats, labels = read_csv([raw / name for name in FILES], CLASSES)
    return _samples(round_scaled(beats), labels, pd.DataFrame({"class_name": np.asarray(CLASSES)[labels]}))


def _samples(beats: NDArray[np.float32], labels: NDArray[np.int64], table: pd.DataFrame) -> Samples:
    return Samples(
        data=beats,
        labels=labels,
        table=table,
        sampling_rate=SAMPLING_RATE / STEP,
        leads=["MLII"],
        classes=list(CLASSES),
        unit=UNIT,
        mapping=f"{DESCRIPTIONS['aami']}; all 48 records, the first lead (V5 in 102, 104 and 114)",
        centre=0,
    )
