"""The two MIT-BIH datasets, on small records of the same kind."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.databases import MITDB
from ecgan.datasets.mitbih import DS1, DS2, Mitbih
from ecgan.datasets.mitbih_beatgan import MitbihBeatgan, PreprocessOptions
from ecgan.ecg.filters import fir_bandpass
from ecgan.ecg.hamilton import correct_r_peaks, detect_r_peaks
from ecgan.ecg.records import Record, read_record, write_record
from ecgan.ecg.simulated_patients import simulate
from ecgan.errors import EcganError
from ecgan.registry import DATASETS

COUNTS = {"N": 5, "S": 3, "V": 2, "F": 2, "Q": 1}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four short records: 102 is paced, 114 has its leads the other way round, 201 and 202 are of one man."""
    folder = tmp_path_factory.mktemp("mitbih")
    names = ["102", "114", "201", "202"]
    for index, name in enumerate(names):
        made = simulate(index, seed=9, minutes=0.5, noise=0.5, variability=1.0)
        leads, signals = made.leads, made.signals
        if name == "102":
            leads = ["V5", "V2"]
        if name == "114":
            leads, signals = ["V5", "MLII"], signals[:, ::-1]
        write_record(
            folder, Record(name, signals, made.sampling_rate, list(leads), made.samples, made.symbols, made.notes)
        )
    (folder / "RECORDS").write_text("\n".join(names) + "\n")
    return folder


def test_both_are_registered_with_their_defaults() -> None:
    assert DATASETS.get("mitbih") is Mitbih
    assert DATASETS.get("mitbih_beatgan").defaults["split"] == {"protocol": "beatgan"}
    assert MitbihBeatgan.defaults["train"] == {"transformation": "individual", "leads": ["MLII"], "epochs": 20}


def test_the_evaluation_sets_are_those_of_de_chazal() -> None:
    assert len(DS1) == len(DS2) == 22
    assert not set(DS1) & set(DS2)
    assert not set(MITDB.left_out) & {*DS1, *DS2}
    assert ("201" in DS1, "202" in DS2) == (True, True)
    assert Mitbih().evaluation_sets() == (list(DS1), list(DS2))
    assert MitbihBeatgan().evaluation_sets() == (list(DS1), list(DS2))


def test_paced_records_are_left_out_and_201_and_202_are_one_patient(raw: Path) -> None:
    table = Mitbih().preprocess(raw, BeatOptions()).table
    assert table["record"].unique().tolist() == ["114", "201", "202"]
    assert table.groupby("record")["patient"].first().to_dict() == {"114": "114", "201": "201", "202": "201"}


def test_leads_go_by_name_not_by_position(raw: Path) -> None:
    found = Mitbih().preprocess(raw, BeatOptions(records=["114"]))
    record = read_record(raw, "114")
    assert record.leads == ["V5", "MLII"]
    first = int(found.table["sample"][0])
    np.testing.assert_allclose(found.signals[0, 0], record.signals[first - 140 : first + 180, 1], atol=6e-5)


def test_records_without_the_leads_are_named(raw: Path) -> None:
    found = Mitbih().preprocess(raw, BeatOptions(leads=["V5"], records=["102", "114", "201"]))
    assert found.table["record"].unique().tolist() == ["102", "114"]
    assert found.about.mapping.endswith("left out for want of a lead: 201")
    with pytest.raises(EcganError, match="no record has the leads I, II") as caught:
        Mitbih().preprocess(raw, BeatOptions(leads=["I", "II"]))
    assert "MLII" in caught.value.hint


def test_the_published_cut_is_filtered_and_one_sample_late(raw: Path) -> None:
    found = MitbihBeatgan().preprocess(raw, PreprocessOptions(records=["114"]))
    assert (found.signals.shape[1:], found.about.leads, found.about.centre) == ((2, 320), ["MLII", "other"], 139)
    record = read_record(raw, "114")
    filtered = fir_bandpass(record.select(["MLII", "V5"]), 360.0, 3.0, 45.0, order=108)
    annotated = int(found.table["sample"][3])
    late = annotated + 1
    np.testing.assert_allclose(found.signals[3], filtered[late - 140 : late + 180].T, atol=6e-5)
    assert annotated in record.samples


def test_normal_beats_need_an_r_peak_and_abnormal_ones_do_not(raw: Path, tmp_path: Path) -> None:
    record = read_record(raw, "114")
    ordinary = [i for i, symbol in enumerate(record.symbols) if symbol == "N"]
    moved_normal, moved_abnormal = ordinary[5], ordinary[10]
    record.samples[[moved_normal, moved_abnormal]] += 60
    record.symbols[moved_abnormal] = "V"
    write_record(tmp_path, record)
    (tmp_path / "RECORDS").write_text("114\n")
    kept = set(MitbihBeatgan().preprocess(tmp_path, PreprocessOptions()).table["sample"])
    assert int(record.samples[moved_normal]) not in kept
    assert int(record.samples[moved_abnormal]) in kept
    assert int(record.samples[ordinary[6]]) in kept


def test_near_is_less_than_ten_samples_from_the_late_position(raw: Path, tmp_path: Path) -> None:
    record = read_record(raw, "114")
    lead = fir_bandpass(record.select(["MLII"])[:, 0], 360.0, 3.0, 45.0, order=108)
    peaks = correct_r_peaks(lead, detect_r_peaks(lead, 360.0), 360.0)
    offsets = {8: True, 9: False, -10: True, -11: False}
    positions = peaks.copy()
    positions[5:9] += list(offsets)
    record = replace(record, samples=positions, symbols=["N"] * len(peaks), notes=[])
    write_record(tmp_path, record)
    (tmp_path / "RECORDS").write_text("114\n")
    kept = set(MitbihBeatgan().preprocess(tmp_path, PreprocessOptions()).table["sample"])
    found = {offset: int(positions[place]) in kept for place, offset in enumerate(offsets, start=5)}
    assert found == offsets


def test_a_record_without_mlii_is_refused_by_name(raw: Path) -> None:
    with pytest.raises(EcganError, match="record 102 has the leads V5, V2"):
        MitbihBeatgan().preprocess(raw, PreprocessOptions(records=["102"]))


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, count in COUNTS.items():
        np.save(tmp_path / f"{name}_samples.npy", rng.normal(size=(count, 2, 320)))
    return tmp_path


def test_the_authors_arrays_are_read_instead(arrays: Path) -> None:
    found = MitbihBeatgan().preprocess(Path("nowhere"), PreprocessOptions(npy=str(arrays)))
    assert found.table["class_name"].value_counts().to_dict() == COUNTS
    assert found.table["class_name"].tolist() == [found.about.classes[i] for i in found.class_ids]
    stored = np.load(arrays / "S_samples.npy")
    np.testing.assert_allclose(found.signals[5], stored[0])


def test_arrays_of_beats_cannot_be_aligned() -> None:
    with pytest.raises(ValueError, match="align moves marks before beats are cut"):
        PreprocessOptions(npy="somewhere", align="template")


def test_a_missing_array_is_named(arrays: Path) -> None:
    (arrays / "F_samples.npy").unlink()
    with pytest.raises(EcganError, match=r"F_samples\.npy is not there"):
        MitbihBeatgan().preprocess(Path("nowhere"), PreprocessOptions(npy=str(arrays)))


@pytest.mark.parametrize("wrong", [np.zeros((3, 320, 2)), np.zeros((3, 2, 320), dtype=complex), np.zeros(0)])
def test_an_array_of_another_kind_is_refused(arrays: Path, wrong: np.ndarray) -> None:
    np.save(arrays / "V_samples.npy", wrong)
    with pytest.raises(EcganError, match=r"V_samples\.npy holds .*expected numbers"):
        MitbihBeatgan().preprocess(Path("nowhere"), PreprocessOptions(npy=str(arrays)))


@pytest.mark.parametrize("what", ["objects", "truncated", "text", "boastful"])
def test_a_file_that_is_no_plain_array_is_refused_and_not_executed(
    arrays: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = arrays / "N_samples.npy"
    if what == "objects":
        np.save(file, np.array([Trap()], dtype=object), allow_pickle=True)
    elif what == "boastful":  # a header that promises more than any memory holds
        with file.open("wb") as opened:
            header = {"descr": "<f8", "fortran_order": False, "shape": (10**10, 2, 320)}
            np.lib.format.write_array_header_1_0(opened, header)
    else:
        file.write_bytes(file.read_bytes()[:500] if what == "truncated" else b"N, S, V")
    words = "holds object|claims|is no whole NumPy file"
    with pytest.raises(EcganError, match=rf"N_samples\.npy ({words})"):
        MitbihBeatgan().preprocess(Path("nowhere"), PreprocessOptions(npy=str(arrays)))
    assert "sprung" not in capsys.readouterr().out


class Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("sprung",))
