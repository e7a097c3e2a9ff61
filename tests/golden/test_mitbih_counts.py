"""The published beat set, rebuilt from the raw records: 97,568 beats, class by class.

The R-peak counts are those of BioSPPy 2.2.4's functions `hamilton_segmenter` and `correct_rpeaks` (tol=0.05) on the
lead MLII filtered to 3-45 Hz with order 108; all positions of all 48 records were equal to ours when this was written.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.mitbih import Mitbih
from ecgan.datasets.mitbih_beatgan import MitbihBeatgan, PreprocessOptions
from ecgan.datasets.physionet import Physionet
from ecgan.ecg.filters import fir_bandpass
from ecgan.ecg.hamilton import correct_r_peaks, detect_r_peaks
from ecgan.ecg.records import read_record

pytestmark = [
    pytest.mark.mirror,
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("ECGAN_MIRROR"),
        reason="set ECGAN_MIRROR to a mirror that holds physionet.org/files/mitdb/1.0.0",
    ),
]

PEAKS = {
    "100": (2272, 737692463, 737692450),
    "108": (1789, 602034375, 602030107),
    "114": (1878, 642009011, 642008530),
    "203": (2900, 932730156, 932727523),
    "207": (2069, 686174644, 686148055),
    "228": (1993, 653495522, 653494472),
}
"""Peaks of a record, the sum of their positions, and that sum after correction; clean records and hard ones."""


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mitdb")
    Mitbih().fetch(folder, Mitbih.Fetch(), seed=0)
    return folder


def test_the_published_beats_are_rebuilt_exactly(raw: Path) -> None:
    samples = MitbihBeatgan().preprocess(raw, PreprocessOptions())
    assert samples.signals.shape == (97_568, 2, 320)
    assert samples.signals.dtype == np.float32
    counts = samples.table["class_name"].value_counts().to_dict()
    assert counts == {"N": 86_717, "S": 3_026, "V": 7_008, "F": 802, "Q": 15}
    assert samples.table["record"].nunique() == 44
    assert samples.table["patient"].nunique() == 43
    assert np.isfinite(samples.signals).all()


def test_any_database_gives_the_same_beats(raw: Path, tmp_path: Path) -> None:
    Physionet().fetch(tmp_path, Physionet.Fetch(database="mitdb"), seed=0)
    found = Physionet().preprocess(tmp_path, Physionet.Preprocess())
    expected = Mitbih().preprocess(raw, BeatOptions())
    np.testing.assert_array_equal(found.signals, expected.signals)
    np.testing.assert_array_equal(found.class_ids, expected.class_ids)
    assert found.table.equals(expected.table)
    assert "left out as paced: 102, 104, 107, 217" in found.about.mapping


def test_all_annotated_beats_of_lead_mlii(raw: Path) -> None:
    samples = Mitbih().preprocess(raw, BeatOptions())
    by_symbol = samples.table["symbol"].value_counts()
    assert samples.table["class_name"].value_counts().to_dict() == {
        "N": 90_081,
        "S": 2_781,
        "V": 7_008,
        "F": 802,
        "Q": 15,
    }
    assert by_symbol["F"] == 802  # 803 in the records, one too close to the border
    assert samples.table["record"].nunique() == 44
    other = Mitbih().preprocess(raw, BeatOptions(class_mapping="bxb"))
    moved = (samples.table["class_name"] != other.table["class_name"]).to_numpy()
    assert set(samples.table["symbol"][moved]) == {"e", "j"}
    assert by_symbol[["e", "j"]].sum() == moved.sum() == 16 + 229


@pytest.mark.parametrize("name", sorted(PEAKS))
def test_r_peaks_are_where_the_oracle_found_them(raw: Path, name: str) -> None:
    record = read_record(raw, name)
    lead = fir_bandpass(record.select(["MLII"])[:, 0], 360.0, 3.0, 45.0, order=108)
    peaks = detect_r_peaks(lead, 360.0)
    corrected = correct_r_peaks(lead, peaks, 360.0)
    assert (len(peaks), int(peaks.sum()), int(corrected.sum())) == PEAKS[name]
