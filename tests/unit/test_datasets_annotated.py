"""From a record to labelled beats."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ecgan.datasets.annotated import BeatOptions, cut_beats, cut_windows_of, labelled, of_patient
from ecgan.datasets.mitbih import Mitbih
from ecgan.ecg.records import Record, write_record
from ecgan.samples import Samples


def record() -> Record:
    signals = np.arange(2000, dtype=np.float64)[:, None] * [[1e-3, -1e-3]] + 1e-5 / 3
    samples = np.array([10, 100, 460, 640, 700, 1000, 1990], dtype=np.int64)
    return Record("x", signals, 360.0, ["MLII", "V1"], samples, ["+", "N", "e", "~", "V", "A", "N"])


def cut(given: Record, mapping: str | None = "aami") -> Samples:
    return cut_beats(given, given.signals, 100, 150, mapping)


def test_the_table_says_what_each_beat_is() -> None:
    beats = of_patient(cut(record(), "bxb"), "someone")
    assert beats.table["symbol"].tolist() == ["N", "e", "V", "A"]
    assert beats.table["class_name"].tolist() == ["N", "S", "V", "S"]
    assert beats.table["aami"].tolist() == ["N", "N", "V", "S"]
    assert beats.table["sample"].tolist() == [100, 460, 700, 1000]
    assert set(beats.table["patient"]) == {"someone"}
    assert set(beats.table["record"]) == {"x"}
    np.testing.assert_array_equal(beats.class_ids, [0, 1, 2, 1])
    about = beats.about
    assert (about.leads, about.sampling_rate, about.centre) == (["MLII", "V1"], 360.0, 100)
    assert about.classes == ["N", "S", "V", "F", "Q"]
    assert "EC57" in about.mapping


def test_intervals_are_between_beats_not_between_annotations_or_kept_beats() -> None:
    table = cut(record()).table
    np.testing.assert_allclose(table["rr_prev_s"], [np.nan, 1.0, 240 / 360, 300 / 360], atol=1e-6)
    np.testing.assert_allclose(table["rr_next_s"], [1.0, 240 / 360, 300 / 360, 990 / 360], atol=1e-6)
    np.testing.assert_allclose(table["time_s"], table["sample"] / 360, atol=1e-6)


def test_peaks_whose_symbols_say_nothing_have_no_class() -> None:
    given = record()
    beats = cut(Record("x", given.signals, 360.0, given.leads, given.samples, ["N"] * 7), None)
    assert beats.table["sample"].tolist() == [100, 460, 640, 700, 1000]
    assert not {"class_name", "symbol", "aami"} & set(beats.table)
    assert beats.labels is None
    named = labelled(beats, np.array([1, 0, 1, 0, 0]), ["good", "bad"], "by hand")
    assert named.table["class_name"].tolist() == ["bad", "good", "bad", "good", "good"]
    assert (named.about.classes, named.about.mapping) == (["good", "bad"], "by hand")
    again = labelled(named, np.zeros(5, dtype=np.int64), ["good", "bad"], "by hand")
    assert set(again.table["class_name"]) == {"good"}


def test_a_record_that_is_not_annotated_has_no_classes_whatever_the_mapping() -> None:
    beats = cut(replace(record(), symbols=["N"] * 7, annotated=False), "aami")
    assert beats.labels is None
    assert not {"class_name", "symbol", "aami"} & set(beats.table)
    assert beats.table["sample"].tolist() == [100, 460, 640, 700, 1000]


def test_values_are_rounded_to_a_tenth_of_a_microvolt() -> None:
    signals = cut(record()).signals
    assert signals.dtype == np.float32
    np.testing.assert_array_equal(signals[0, :, 100], np.float32([0.1, -0.1]))


def test_missing_samples_stay_missing_where_they_are() -> None:
    given = record()
    given.signals[455, 0] = np.nan
    signals = cut(given).signals
    assert np.argwhere(np.isnan(signals)).tolist() == [[1, 0, 95]]
    np.testing.assert_array_equal(signals[[0, 2, 3]], cut(record()).signals[[0, 2, 3]])


def test_windows_are_described_by_their_middles() -> None:
    given = record()
    found = cut_windows_of(given, given.signals, 600, 500)
    assert found.signals.shape == (4, 2, 600)
    assert found.table["sample"].tolist() == [300, 800, 1300, 1700]  # the last one ends with the recording
    np.testing.assert_allclose(found.table["time_s"], found.table["sample"] / 360, atol=1e-6)
    assert (found.about.centre, found.about.sampling_rate) == (None, 360.0)
    assert set(found.table["record"]) == set(found.table["patient"]) == {"x"}
    none = cut_windows_of(given, given.signals, 2001, 500)
    assert none.signals.shape == (0, 2, 2001)
    assert len(none.table) == 0


def test_a_lead_of_any_name_keeps_records_whose_other_leads_differ(tmp_path: Path) -> None:
    times = np.arange(3600)[:, None] / 360
    for name, leads in (("100", ["MLII", "V5"]), ("101", ["V1", "MLII"]), ("102", ["V5", "V2"])):
        signals = np.round(np.sin(times * [1.0, 2.0] + [0.0, ord(leads[1][-1])]), 3)
        marks = np.arange(360, 3600, 360)
        write_record(tmp_path, Record(name, signals, 360.0, leads, marks, ["N"] * len(marks)), gain=1000)
    (tmp_path / "RECORDS").write_text("100\n101\n102\n")
    both = Mitbih().preprocess(tmp_path, BeatOptions(leads=["MLII", "*"]))
    assert both.about.leads == ["MLII", "*"]
    assert set(both.table["record"]) == {"100", "101"}
    alone = Mitbih().preprocess(tmp_path, BeatOptions(leads=["MLII"]))
    np.testing.assert_array_equal(both.signals[:, :1], alone.signals)
    other = Mitbih().preprocess(tmp_path, BeatOptions(leads=["V1"]))
    rows = (both.table["record"] == "101").to_numpy()
    np.testing.assert_array_equal(both.signals[rows, 1:], other.signals)
