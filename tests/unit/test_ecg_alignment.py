"""Marks moved to the largest deflection or onto the record's median beat, and marks that sit beside the peaks."""

from dataclasses import replace

import numpy as np
import pytest

from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.ecgsyn import Ecgsyn
from ecgan.ecg.aami import class_ids
from ecgan.ecg.alignment import MOST_MOVED_MS, deflections, mark_shifts, marks_off
from ecgan.ecg.records import Record
from ecgan.ecg.simulated_patients import simulate
from ecgan.preprocessing.marks import marks_warning, note_marks
from ecgan.samples import Samples, join

RATE = 360.0
METHODS = ("deflection", "template")


@pytest.fixture(scope="module")
def record() -> Record:
    """Two minutes of MLII and V1 with ectopic beats."""
    return simulate(1, seed=8, minutes=2, noise=1.0, variability=1.0)


def cut(record: Record, align: str, leads: tuple[str, ...] = ("MLII",)) -> Samples:
    mine = replace(record, signals=record.select(list(leads)), leads=list(leads))
    return Ecgsyn().cut(mine, BeatOptions.model_validate({"leads": list(leads), "align": align}))


def later(record: Record, samples: int) -> Record:
    return replace(record, samples=record.samples + samples)


@pytest.mark.parametrize("align", METHODS)
def test_a_beat_is_cut_anew_where_its_mark_was_moved(record: Record, align: str) -> None:
    moved = later(record, 3)
    early = replace(moved, samples=np.append(20, moved.samples), symbols=["N", *moved.symbols], notes=[])
    beats = cut(early, align)
    at = (beats.table["sample"] + beats.table["shift"]).to_numpy()
    signal = record.select(["MLII"])[:, 0]
    expected = np.stack([signal[place - 140 : place + 180] for place in at])
    np.testing.assert_array_equal(beats.signals[:, 0], np.round(expected, 4).astype(np.float32))
    assert set(beats.table["sample"]) <= set(record.samples + 3)
    np.testing.assert_allclose(beats.table["time_s"], beats.table["sample"] / RATE, atol=1e-6)
    assert np.abs(beats.table["shift"]).max() <= MOST_MOVED_MS * RATE / 1000


def test_without_alignment_there_is_no_column_and_no_beat_is_moved(record: Record) -> None:
    beats = cut(record, "none")
    assert "shift" not in beats.table
    assert (mark_shifts(record.signals, record.samples, RATE, "none") == 0).all()


@pytest.mark.parametrize("align", METHODS)
@pytest.mark.parametrize("leads", [("MLII",), ("MLII", "V1")])
@pytest.mark.parametrize("off", [-4, 4])
def test_marks_that_are_all_off_alike_give_the_same_beats(
    record: Record, align: str, leads: tuple[str, ...], off: int
) -> None:
    own, other = cut(record, align, leads), cut(later(record, off), align, leads)
    assert len(own) == len(other)
    same = (own.signals == other.signals).all(axis=(1, 2))
    assert same.mean() > 0.97
    np.testing.assert_array_equal(own.table["shift"][same], other.table["shift"][same] + off)
    unaligned, moved = cut(record, "none", leads), cut(later(record, off), "none", leads)
    assert (unaligned.signals == moved.signals).all(axis=(1, 2)).mean() < 0.03


@pytest.mark.parametrize("align", METHODS)
def test_marks_that_are_scattered_come_together(record: Record, align: str) -> None:
    rng = np.random.default_rng(0)
    scattered = replace(record, samples=record.samples + rng.integers(-4, 5, len(record.samples)))
    own, other = (cut(one, align) for one in (record, scattered))
    normal = own.class_ids == 0
    assert normal.sum() > 60
    places = [(beats.table["sample"] + beats.table["shift"]).to_numpy()[normal] for beats in (own, other)]
    assert (np.abs(places[0] - places[1]) <= 1).mean() > 0.95


@pytest.mark.parametrize("align", METHODS)
def test_the_median_beat_has_its_largest_deflection_at_the_mark(record: Record, align: str) -> None:
    beats = cut(later(record, 4), align)
    median = np.median(beats.signals[:, 0], axis=0)
    assert abs(int(np.abs(median - np.median(median)).argmax()) - 140) <= 1


@pytest.mark.parametrize("align", METHODS)
def test_gain_polarity_and_offset_do_not_matter(record: Record, align: str) -> None:
    marks = record.samples[class_ids(record.symbols, "aami") >= 0]
    own = mark_shifts(record.signals, marks, RATE, align)
    for gain, offset in ((2.0, 0.0), (0.3, 5.0), (-1.0, -2.0)):
        other = mark_shifts(gain * record.signals + offset, marks, RATE, align)
        assert (own == other).mean() > 0.99


@pytest.mark.parametrize("align", METHODS)
def test_gaps_and_borders_are_no_obstacle(record: Record, align: str) -> None:
    signals = record.signals.copy()
    signals[5000:5200] = np.nan
    marks = np.concatenate([[0], record.samples[10:30], [len(signals) - 1]])
    shifts = mark_shifts(signals, marks, RATE, align)
    assert shifts.shape == marks.shape
    assert shifts.dtype == np.int64
    assert (mark_shifts(np.zeros((4000, 2)), np.array([1000, 2000]), RATE, align) == 0).all()
    assert mark_shifts(signals, marks[:0], RATE, align).shape == (0,)


def test_of_equally_large_deflections_the_nearest_counts() -> None:
    beats = np.zeros((3, 101))
    beats[0, [40, 55]] = 1.0, -1.0
    beats[1, [49, 60]] = 0.5, 0.6
    assert deflections(beats, 50, RATE).tolist() == [5, 10, 0]


@pytest.mark.parametrize("off", [-12, -5, 0, 5, 12])
def test_how_far_marks_sit_off_the_peaks(record: Record, off: int) -> None:
    beats = cut(later(record, off), "none")
    assert marks_off(beats.signals, 140, RATE) == pytest.approx(-1e3 * off / RATE, abs=3)
    assert marks_off(beats.signals, 0, RATE) == 0


def test_of_several_leads_the_one_counts_that_was_marked(record: Record) -> None:
    beats = cut(record, "none", ("V1", "MLII"))
    alone = cut(record, "none", ("V1",))
    assert abs(marks_off(beats.signals, 140, RATE)) < 4 < 20 < abs(marks_off(alone.signals, 140, RATE))


def test_a_dataset_with_marks_beside_the_peaks_says_so_and_keeps_it(record: Record) -> None:
    said: list[str] = []
    good, bad = (cut(replace(later(record, off), name=name), "none") for off, name in ((0, "good"), (-6, "bad")))
    found = note_marks(join([good, bad]), BeatOptions(), said.append)
    assert len(said) == 1
    assert "1 of 2 records" in said[0]
    assert "bad 17 ms before" in said[0]
    assert "good" not in said[0]
    assert "preprocess.align" in said[0]
    assert found.about.mapping.startswith(good.about.mapping)
    assert "bad 17 ms before" in found.about.mapping
    assert note_marks(good, BeatOptions(), said.append) is good
    assert note_marks(bad, BeatOptions(align="template"), said.append) is bad
    assert len(said) == 1


def test_a_recording_with_marks_beside_the_peaks_is_warned_of(record: Record) -> None:
    mine = replace(record, signals=record.select(["MLII"]), leads=["MLII"])
    assert marks_warning(mine, BeatOptions()) == ""
    assert "17 ms before" in marks_warning(later(mine, -6), BeatOptions())
    assert "17 ms behind" in marks_warning(later(mine, 6), BeatOptions())
    assert marks_warning(later(mine, 6), BeatOptions(align="deflection")) == ""
    assert marks_warning(replace(mine, samples=mine.samples[:1]), BeatOptions()) == ""
