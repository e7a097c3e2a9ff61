"""The PTB Diagnostic ECG Database, on small records of the same kind."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from ecgan.datasets.base import cut_recording
from ecgan.datasets.kachuee import FetchOptions
from ecgan.datasets.ptb import FILES, URL, PreprocessOptions, Ptb
from ecgan.ecg.files.wfdb import read_lead
from ecgan.ecg.peaks import find_r_peaks
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.preprocessing.rates import at_rate
from ecgan.registry import DATASETS
from tests.raw import made_up
from tests.raw.ptb import NAMES, SECOND, SECONDS, write


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ptb")
    write(folder)
    return folder


def test_it_goes_by_both_names() -> None:
    assert DATASETS.get("ptb") is DATASETS.get("ptb_beats") is Ptb


def test_people_are_labelled_by_their_diagnosis(raw: Path) -> None:
    found = Ptb().preprocess(raw, PreprocessOptions())
    assert found.signals.shape == (len(found), 1, 187)
    about = found.about
    assert (about.classes, about.leads, about.unit, about.sampling_rate) == (["N", "A"], ["II"], "0-1", 125.0)
    by_patient = found.table.groupby("patient")["class_name"].first()
    assert by_patient.index.tolist() == [f"patient{i:03d}" for i in range(1, 17)]
    assert by_patient.tolist() == ["N"] * 8 + ["A"] * 8
    assert {SECOND, NAMES[8]} <= set(found.table.loc[found.table["patient"] == "patient009", "record"])
    assert found.table["class_name"].tolist() == [found.about.classes[label] for label in found.class_ids]
    assert found.about.mapping == "N: healthy control, A: myocardial infarction"


def test_other_diagnoses_are_abnormal_where_they_are_wanted(raw: Path) -> None:
    found = Ptb().preprocess(raw, PreprocessOptions(diagnoses="all"))
    diagnoses = found.table.groupby("patient")[["class_name", "diagnosis"]].first()
    assert diagnoses.loc["patient017"].tolist() == ["A", "Cardiomyopathy"]
    assert "patient018" not in diagnoses.index  # its header does not say
    with pytest.raises(EcganError, match="none of the 1 records is of a person with a wanted diagnosis"):
        Ptb().preprocess(raw, PreprocessOptions(records=[NAMES[16]]))


def test_a_beat_begins_at_its_r_peak_and_ends_behind_the_next(raw: Path) -> None:
    found = Ptb().preprocess(raw, PreprocessOptions(records=[NAMES[0]]))
    rows = found.table
    assert 0.8 * SECONDS < len(rows) < 2 * SECONDS
    lengths = np.where(found.signals[:, 0] > 0, np.arange(1, 188), 0).max(axis=1)
    expected = 125 * (rows["rr_next_s"].to_numpy()[:-1] + 0.2 * rows["rr_next_s"].to_numpy()[1:])
    np.testing.assert_allclose(lengths[:-1], np.minimum(expected, 187), atol=3)
    assert (found.signals[:, 0, 0] > 0.8).mean() > 0.9  # R waves; an ectopic beat may be inverted
    np.testing.assert_allclose(np.diff(rows["sample"]) / 1000, rows["rr_next_s"][:-1], atol=1e-6)
    np.testing.assert_allclose(rows["time_s"], rows["sample"] / 1000, atol=1e-6)


def test_the_lead_is_an_option(raw: Path) -> None:
    second = Ptb().preprocess(raw, PreprocessOptions(records=[NAMES[0]]))
    first = Ptb().preprocess(raw, PreprocessOptions(records=[NAMES[0]], lead="I"))
    assert first.about.leads == ["I"]
    np.testing.assert_allclose(first.signals, second.signals, atol=0.01)  # made as half of it
    with pytest.raises(EcganError, match=r"record s0010_re: there is no lead 'V6'"):
        Ptb().preprocess(raw, PreprocessOptions(records=[NAMES[0]], lead="V6"))


@pytest.mark.parametrize("filters", [[], ["bandpass"]])
def test_the_samples_of_a_recording_are_those_of_the_dataset(raw: Path, filters: list[str]) -> None:

    options = PreprocessOptions.model_validate({"records": [NAMES[2]], "filters": filters})
    samples = Ptb().preprocess(raw, options)
    place = raw / NAMES[2]
    fast = read_lead(place.parent, place.name, "II", "")
    peaks = find_r_peaks(fast.signals[:, 0], 1000.0)
    assert Ptb().recording_rate(options) == 125.0
    mine = Record("mine", fast.signals, 1000.0, ["II"], peaks, ["N"] * len(peaks))
    cut = cut_recording(Ptb(), mine, options)
    np.testing.assert_array_equal(cut.signals, samples.signals)
    shared = ["sample", "time_s", "rr_prev_s", "rr_next_s"]
    assert cut.table[shared].equals(samples.table[shared])
    slow = Ptb().cut(at_rate(mine, 125.0), options)
    np.testing.assert_array_equal(slow.signals, samples.signals)
    assert (cut.about.centre, cut.about.sampling_rate) == (0, 125.0)


def test_a_record_that_is_cut_off_is_named(raw: Path, tmp_path: Path) -> None:
    write(tmp_path)
    file = tmp_path / f"{NAMES[1]}.dat"
    file.write_bytes(file.read_bytes()[:-500])
    with pytest.raises(EcganError, match=r"s0011_re\.dat is cut off"):
        Ptb().preprocess(tmp_path, PreprocessOptions())
    file.write_bytes(b"\1" * 100_000)
    with pytest.raises(EcganError, match=r"s0011_re\.dat is damaged: lead ii has the checksum"):
        Ptb().preprocess(tmp_path, PreprocessOptions())


def test_the_published_files_are_read_instead(tmp_path: Path) -> None:
    Ptb().fetch(tmp_path, FetchOptions(source=made_up("ptb_csv")), seed=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    found = Ptb().preprocess(tmp_path, PreprocessOptions())
    assert found.table["class_name"].value_counts().to_dict() == {"N": 60, "A": 40}
    assert "patient" not in found.table
    with pytest.raises(EcganError, match=r"cannot be used with ptbdb_normal\.csv"):
        Ptb().preprocess(tmp_path, PreprocessOptions.model_validate({"filters": ["notch"]}))


def test_it_is_fetched_without_the_frank_leads(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "mirror" / URL.removeprefix("https://")
    wanted = ["RECORDS", *(f"{NAMES[0]}.{suffix}" for suffix in ("dat", "hea"))]
    lines = []
    for name in [*wanted, f"{NAMES[0]}.xyz", "doc.txt"]:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        content = (raw / name).read_bytes() if name in wanted else b"not wanted"
        (place / name).write_bytes(content)
        lines.append(f"{hashlib.sha256(content).hexdigest()} {name}\n")
    (place / "SHA256SUMS.txt").write_text("".join(lines))
    monkeypatch.setenv("ECGAN_MIRROR", str(tmp_path / "mirror"))
    Ptb().fetch(tmp_path / "raw", FetchOptions(), seed=0)
    files = {str(p.relative_to(tmp_path / "raw")) for p in (tmp_path / "raw").rglob("*") if p.is_file()}
    assert files == {*wanted, "SHA256SUMS.txt"}
    found = Ptb().preprocess(tmp_path / "raw", PreprocessOptions(records=[NAMES[0]]))
    assert set(found.table["class_name"]) == {"N"}
