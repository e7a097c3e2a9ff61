"""From a record to labelled beats."""

import numpy as np
import pytest

from ecgan.ecg.cutting import Window, cut_beats, join
from ecgan.ecg.records import Record
from ecgan.errors import EcganError


def record() -> Record:
    signals = np.arange(2000, dtype=np.float64)[:, None] * [[1e-3, -1e-3]] + 1e-5 / 3
    samples = np.array([10, 100, 460, 640, 700, 1000, 1990], dtype=np.int64)
    return Record("x", signals, 360.0, ["MLII", "V1"], samples, ["+", "N", "e", "~", "V", "A", "N"])


def test_the_table_says_what_each_beat_is() -> None:
    given = record()
    beats = cut_beats(given, given.signals, Window(100, 150), "bxb", "someone")
    assert beats.table["symbol"].tolist() == ["N", "e", "V", "A"]
    assert beats.table["class_name"].tolist() == ["N", "S", "V", "S"]
    assert beats.table["aami"].tolist() == ["N", "N", "V", "S"]
    assert beats.table["sample"].tolist() == [100, 460, 700, 1000]
    assert set(beats.table["patient"]) == {"someone"}
    assert set(beats.table["record"]) == {"x"}
    np.testing.assert_array_equal(beats.labels, [0, 1, 2, 1])


def test_intervals_are_between_beats_not_between_annotations_or_kept_beats() -> None:
    given = record()
    table = cut_beats(given, given.signals, Window(100, 150), "aami", "x").table
    np.testing.assert_allclose(table["rr_prev_s"], [np.nan, 1.0, 240 / 360, 300 / 360], atol=1e-6)
    np.testing.assert_allclose(table["rr_next_s"], [1.0, 240 / 360, 300 / 360, 990 / 360], atol=1e-6)
    np.testing.assert_allclose(table["time_s"], table["sample"] / 360, atol=1e-6)


def test_values_are_rounded_to_a_tenth_of_a_microvolt() -> None:
    given = record()
    windows = cut_beats(given, given.signals, Window(100, 150), "aami", "x").windows
    assert windows.dtype == np.float32
    np.testing.assert_array_equal(windows[0, 100], np.float32([0.1, -0.1]))


def test_only_normal_beats_can_be_turned_down() -> None:
    given = record()
    nowhere = np.zeros(len(given.samples), dtype=bool)
    beats = cut_beats(given, given.signals, Window(100, 150), "aami", "x", normal_near=nowhere)
    assert beats.table["symbol"].tolist() == ["V", "A"]


def test_missing_samples_are_refused() -> None:
    given = record()
    given.signals[5, 0] = np.nan
    with pytest.raises(EcganError, match="record x has missing samples"):
        cut_beats(given, given.signals, Window(100, 150), "aami", "x")


def test_joining_keeps_the_order() -> None:
    given = record()
    first = cut_beats(given, given.signals, Window(100, 150), "aami", "a")
    second = cut_beats(given, -given.signals, Window(100, 150), "aami", "b")
    both = join([first, second])
    assert both.table["patient"].tolist() == ["a"] * 4 + ["b"] * 4
    np.testing.assert_array_equal(both.windows[4:], -first.windows)
    assert both.table.index.tolist() == list(range(8))
