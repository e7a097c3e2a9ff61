"""The published beats of Kachuee et al., rebuilt from the raw records: 109,446 beats, class by class.

`LENGTHS` are those of rows of the published files (mitbih_train.csv, mitbih_test.csv), each of which is one beat of the
records, value by value; which one was found by comparing it with all of them.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from ecgan.config import Split
from ecgan.datasets.kachuee import ScaledOptions
from ecgan.datasets.mitbih import Mitbih
from ecgan.datasets.mitbih_beats import MitbihBeats
from ecgan.registry import PROTOCOLS
from ecgan.samples import Samples

pytestmark = [
    pytest.mark.mirror,
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("ECGAN_MIRROR"),
        reason="set ECGAN_MIRROR to a mirror that holds physionet.org/files/mitdb/1.0.0",
    ),
]

LENGTHS = {
    ("100", 29014): 113, ("103", 322111): 124, ("109", 497241): 105, ("111", 596428): 115, ("112", 288081): 99,
    ("117", 608761): 166, ("122", 82213): 100, ("122", 396070): 106, ("200", 124787): 80, ("203", 608260): 100,
    ("209", 248457): 95, ("212", 626096): 94, ("213", 216506): 80, ("215", 70112): 56, ("215", 575792): 79,
    ("222", 58685): 109, ("233", 466173): 80, ("234", 196508): 91,
}  # fmt: skip
"""Time steps before the padding, by record and sample; in record 215 a mark of noise ends the beat at 70112 early."""


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    folder: Path = tmp_path_factory.mktemp("mitdb")
    Mitbih().fetch(folder, Mitbih.Fetch(), seed=0)
    return MitbihBeats().preprocess(folder, ScaledOptions())


def test_the_published_counts(samples: Samples) -> None:
    assert samples.signals.shape == (109_446, 1, 187)
    counts = samples.table["class_name"].value_counts().to_dict()
    assert counts == {"N": 90_589, "S": 2_779, "V": 7_236, "F": 803, "Q": 8_039}
    assert samples.table["record"].nunique() == 48
    assert samples.table["patient"].nunique() == 47


def test_every_beat_reaches_from_zero_to_one(samples: Samples) -> None:
    assert (samples.signals.min(axis=2) == 0).all()
    assert (samples.signals.max(axis=2) == 1).all()


def test_the_lengths_of_published_rows(samples: Samples) -> None:
    last = np.where(samples.signals[:, 0] > 0, np.arange(1, 188), 0).max(axis=1)
    keys = zip(samples.table["record"], samples.table["sample"], strict=True)
    found = {key: int(length) for key, length in zip(keys, last, strict=True) if key in LENGTHS}
    assert found == LENGTHS


def test_the_set_sizes_of_the_vaegan_paper(samples: Samples) -> None:
    protocol = PROTOCOLS.get("normal_only")()
    parts = protocol.make(samples, Split(protocol="normal_only", k=5, test_share=0.15), 43324)
    abnormal = samples.class_ids != 0
    assert [len(part.train) for part in parts] == [61_600] * 4 + [61_604]
    assert [int((~abnormal[part.vali]).sum()) for part in parts] == [15_401] * 4 + [15_397]
    assert {int(abnormal[part.vali].sum()) for part in parts} == {10_018}
    assert {(int((~abnormal[part.test]).sum()), int(abnormal[part.test].sum())) for part in parts} == {(13_588, 8_839)}
