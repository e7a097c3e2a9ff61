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

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from ecgan.datasets.base import Card
from ecgan.datasets.cuts import Cuts
from ecgan.datasets.databases import MITDB, Facts
from ecgan.datasets.kachuee import UNIT, FetchOptions, ScaledOptions, cut_scaled, published, take_csv
from ecgan.datasets.mitbih import CARD_SOURCE, LICENCE, SAMPLING_RATE, OfMitbih
from ecgan.ecg.aami import CLASSES, DESCRIPTIONS
from ecgan.ecg.records import Record
from ecgan.registry import register_dataset
from ecgan.samples import About, Samples

FILES = ("mitbih_train.csv", "mitbih_test.csv")
STEP = 3
LEADS = ["MLII"]
MAPPING = f"{DESCRIPTIONS['aami']}; all 48 records, the first lead (V5 in 102, 104 and 114)"


@register_dataset("mitbih_beats")
class MitbihBeats(OfMitbih):
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

    def facts(self, raw: Path) -> Facts:
        """Patients; the set has the paced records too."""
        return replace(MITDB, left_out=())

    def fetch(self, raw: Path, options: FetchOptions, *, seed: int) -> None:
        """Download the records, or copy the published files that the user has."""
        if options.source is None:
            super().fetch(raw, options, seed=seed)
        else:
            take_csv(raw, options.source, FILES)

    def cuts(self, raw: Path, options: ScaledOptions) -> Cuts | None:
        """Cut the beats from the records, unless there are the published files."""
        return None if any((raw / name).exists() for name in FILES) else super().cuts(raw, options)

    def preprocess(self, raw: Path, options: ScaledOptions) -> Samples:
        """Cut the beats from the records, or read the published files."""
        if any((raw / name).exists() for name in FILES):
            about = About(SAMPLING_RATE / STEP, LEADS, CLASSES, UNIT, MAPPING, centre=0)
            return published([raw / name for name in FILES], options, about)
        return super().preprocess(raw, options)

    def beats(self, record: Record, options: ScaledOptions) -> Samples:
        """Cut the beats of the first lead."""
        return self.cut(replace(record, signals=record.signals[:, :1], leads=LEADS), options)

    def cut(self, record: Record, options: ScaledOptions) -> Samples:
        """Filter a recording and cut a beat at every R peak but the last."""
        found = cut_scaled(record, options, STEP, "aami")
        return replace(found, about=replace(found.about, mapping=MAPPING))
