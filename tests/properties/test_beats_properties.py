"""Windows, intervals and records, for anything that can be given to them."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ecgan.ecg.aami import BEAT_SYMBOLS
from ecgan.ecg.beats import cut_windows, rr_intervals
from ecgan.ecg.records import Record, read_record, write_record

signals = hnp.arrays(np.float64, st.tuples(st.integers(1, 120), st.integers(1, 3)), elements=st.floats(-9, 9))
positions = st.lists(st.integers(-20, 160), max_size=12)


@given(signals, positions, st.integers(0, 40), st.integers(1, 40))
def test_each_window_is_the_slice_around_its_position(
    values: np.ndarray, places: list[int], before: int, after: int
) -> None:
    windows, keep = cut_windows(values, np.array(places, dtype=np.int64), before, after)
    kept = [place for place, inside in zip(places, keep, strict=True) if inside]
    assert windows.shape == (len(kept), values.shape[1], before + after)
    for window, place in zip(windows, kept, strict=True):
        np.testing.assert_array_equal(window, values[place - before : place + after].T)
        np.testing.assert_array_equal(window[:, before], values[place])


@given(signals, positions, st.integers(0, 40), st.integers(1, 40))
def test_a_window_is_cut_exactly_where_it_fits(values: np.ndarray, places: list[int], before: int, after: int) -> None:
    _, keep = cut_windows(values, np.array(places, dtype=np.int64), before, after)
    expected = [place - before >= 0 and place + after <= len(values) for place in places]
    assert keep.tolist() == expected


@given(st.lists(st.integers(0, 10**6), max_size=20, unique=True).map(sorted), st.sampled_from([125.0, 360.0, 1000.0]))
def test_intervals_are_those_of_the_neighbours(places: list[int], rate: float) -> None:
    previous, following = rr_intervals(np.array(places, dtype=np.int64), rate)
    assert len(previous) == len(following) == len(places)
    if places:
        assert np.isnan(previous[0])
        assert np.isnan(following[-1])
        np.testing.assert_array_equal(previous[1:], following[:-1])
        np.testing.assert_allclose(previous[1:] * rate, np.diff(places))


@settings(max_examples=25, deadline=None)
@given(
    hnp.arrays(np.int64, st.tuples(st.integers(1, 400), st.integers(1, 3)), elements=st.integers(-2047, 2047)),
    st.lists(st.tuples(st.integers(0, 399), st.sampled_from(BEAT_SYMBOLS + "+~")), max_size=8),
    st.sampled_from([128.0, 250.0, 360.0]),
)
def test_a_record_survives_being_written_and_read(steps: np.ndarray, marks: list, rate: float) -> None:
    marks = sorted({place: symbol for place, symbol in marks if place < len(steps)}.items())
    record = Record(
        name="any",
        signals=steps / 200.0,
        sampling_rate=rate,
        leads=[f"lead{i}" for i in range(steps.shape[1])],
        samples=np.array([place for place, _ in marks], dtype=np.int64),
        symbols=[symbol for _, symbol in marks],
    )
    with tempfile.TemporaryDirectory() as folder:
        write_record(Path(folder), record)
        found = read_record(Path(folder), "any")
    np.testing.assert_allclose(found.signals, record.signals, atol=1e-12)
    np.testing.assert_array_equal(found.samples, record.samples)
    assert found.symbols == record.symbols
    assert (found.leads, found.sampling_rate) == (record.leads, rate)
