"""Samples that are left out, gaps that are filled, and what follows them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecgan.config.options import Options
from ecgan.errors import EcganError
from ecgan.preprocessing.cleansing import find_faults
from ecgan.preprocessing.imputation import impute
from ecgan.preprocessing.options import Cleansing, SampleOptions
from ecgan.preprocessing.preparing import describe_left_out, prepare, prepare_samples
from ecgan.samples import Samples
from tests import making

TIME = np.arange(100) / 100
BEATS = np.stack([np.sin(2 * np.pi * (TIME + phase)) for phase in np.linspace(0, 1, 12)])[:, None].repeat(2, 1)


def faulty() -> np.ndarray[Any, Any]:
    """Twelve beats (12, 2, 100): 1 and 2 have gaps, 3 is flat in a lead, 4 out of range, 5 flat with a gap."""
    x = BEATS.copy()
    x[1, 0, :20] = np.nan  # 20 %: still admitted
    x[2, 1, 10:31] = np.nan  # 21 %
    x[3, 1] = 0.25
    x[4, 0, 50] = -11.0
    x[5, 0] = 7.0
    x[5, 0, 40:90] = np.nan
    return x


def samples(signals: np.ndarray[Any, Any], centre: int | None = 50) -> Samples:
    labels = np.arange(len(signals)) % 3
    table = pd.DataFrame({"class_name": np.array(["N", "S", "V"])[labels], "record": np.arange(len(signals))})
    classes = ["N", "S", "V"]
    return making.samples(signals, labels, table, sampling_rate=100.0, classes=classes, mapping="AAMI", centre=centre)


def options(**values: Any) -> SampleOptions:
    return SampleOptions.model_validate(values)


def test_each_fault_is_found_and_counted_once() -> None:
    found = find_faults(faulty(), Cleansing(limit=10.0))
    assert {fault: np.flatnonzero(rows).tolist() for fault, rows in found.items()} == {
        "with too large gaps": [2, 5],
        "flat": [3],
        "out of range": [4],
    }
    assert find_faults(faulty(), Cleansing(limit=10.0, drop=False)) == {}
    assert list(find_faults(faulty(), Cleansing())) == ["with too large gaps", "flat"]
    assert find_faults(BEATS, Cleansing()) == {}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_lead_that_flips_between_two_neighbouring_values_is_flat_and_a_small_wave_is_not(dtype: type) -> None:
    x = np.full((3, 1, 50), 5.0)
    x[0, 0, ::2] += 1e-4
    x[1, 0, 25] += 2e-4
    x[2, 0, 20:30] += 0.01 * np.hanning(10)
    faults = find_faults(x.astype(dtype), Cleansing())
    assert np.flatnonzero(faults["flat"]).tolist() == [0]


def test_an_infinite_value_is_out_of_any_range() -> None:
    x = BEATS.copy()
    x[0, 0, 3], x[1, 0, 3] = np.inf, -np.inf
    assert np.flatnonzero(find_faults(x, Cleansing())["out of range"]).tolist() == [0, 1]


def test_labels_and_table_follow_and_the_user_is_told() -> None:
    said: list[str] = []
    found = prepare(samples(faulty()), options(cleansing={"limit": 10.0}), say=said.append)
    kept = [0, 1, 6, 7, 8, 9, 10, 11]
    assert found.table["record"].tolist() == kept
    assert found.table.index.tolist() == list(range(8))
    assert found.class_ids.tolist() == [row % 3 for row in kept]
    assert found.table["class_name"].tolist() == ["NSV"[row % 3] for row in kept]
    np.testing.assert_array_equal(found.signals[2:], BEATS[6:])
    words = "4 of 12 samples left out: 2 with too large gaps, 1 flat, 1 out of range"
    assert said == [f"{words}."]
    assert found.about.mapping == f"AAMI; {words}"
    assert np.isfinite(found.signals).all()


def test_nothing_to_do_changes_nothing() -> None:
    given = samples(BEATS)
    said: list[str] = []
    found = prepare(given, SampleOptions(), say=said.append)
    assert found.signals is given.signals
    assert found.about == given.about
    assert found.table is given.table
    assert said == []
    assert prepare(given, Options()).signals is given.signals
    with_gaps = samples(faulty())
    assert prepare(with_gaps, Options()).signals is with_gaps.signals


def test_no_sample_left_is_an_error_with_the_reasons() -> None:
    with pytest.raises(EcganError, match=r"no sample is left.*3 of 3.*3 flat") as caught:
        prepare(samples(np.zeros((3, 2, 100))), SampleOptions())
    assert "preprocess.cleansing" in caught.value.hint


def test_resampling_comes_last_and_rate_and_centre_follow() -> None:
    x = faulty()
    found = prepare_samples(samples(x), options(resampling={"method": "lttb", "length": 40}))
    assert found.samples.signals.shape == (9, 2, 40)
    assert (found.samples.about.sampling_rate, found.samples.about.centre) == (40.0, 20)
    assert np.flatnonzero(~found.kept).tolist() == [2, 3, 5]
    assert found.samples.table["record"].tolist() == np.flatnonzero(found.kept).tolist()
    np.testing.assert_array_equal(found.samples.signals[3][:, [0, -1]], x[6][:, [0, -1]])
    assert {fault: np.flatnonzero(rows).tolist() for fault, rows in found.faults.items()} == {
        "with too large gaps": [2, 5],
        "flat": [3],
    }
    words = describe_left_out(found.left_out, len(found.kept))
    assert all(fact in words for fact in ("3 of 12", "2 with too large gaps", "1 flat"))
    assert describe_left_out({}, 12) == ""


def test_a_batch_is_prepared_one_by_one() -> None:
    wanted = options(cleansing={"max_missing": 0.3}, resampling={"method": "polyphase", "rate_hz": 60.0})
    together = prepare_samples(samples(faulty()), wanted).samples
    alone = [prepare_samples(samples(sample[None]), wanted).samples.signals for sample in faulty()]
    assert sorted({len(one) for one in alone}) == [0, 1]
    np.testing.assert_allclose(together.signals, np.concatenate(alone), atol=1e-12)


@pytest.mark.parametrize("method", ["linear", "knn"])
def test_gaps_of_one_lead_are_bridged_and_edges_hold(method: Any) -> None:
    x = np.array([np.nan, 1.0, 2.0, np.nan, np.nan, 5.0, 4.0, 3.0, np.nan])[None, None].repeat(2, 0)
    x[1] *= 2
    expected = np.array([1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 4.0, 3.0, 3.0])
    before = x.copy()
    np.testing.assert_allclose(impute(x, method)[:, 0], np.stack([expected, 2 * expected]), atol=1e-12)
    np.testing.assert_array_equal(x, before)


def test_knn_goes_by_the_other_leads_where_a_line_would_miss_the_peak() -> None:
    lead = np.tile(np.exp(-0.5 * ((np.arange(40) - 20) / 2.0) ** 2), 5)  # five peaks
    x = np.stack([lead, 2 * lead + 0.1])[None]  # (1, 2, 200)
    gap = x.copy()
    gap[0, 1, 95:106] = np.nan
    gap[0, :, 60] = np.nan  # no lead at all: between its neighbours
    assert np.abs(impute(gap, "knn") - x).max() < 0.4
    assert np.abs(impute(gap, "linear") - x).max() > 1.5
    between = (x[0, :, 59] + x[0, :, 61]) / 2
    np.testing.assert_allclose(impute(gap, "knn")[0, :, 60], between, atol=1e-12)


def test_leads_that_are_never_there_together_are_bridged() -> None:
    x = np.linspace(0, 1, 40)[None, None].repeat(2, 1).copy()
    x[0, 0, :19] = x[0, 1, 21:] = np.nan
    found = impute(x, "knn")
    np.testing.assert_array_equal(found, impute(x, "linear"))
    np.testing.assert_array_equal(found[0, 0, :19], np.full(19, x[0, 0, 19]))


@pytest.mark.parametrize("method", ["linear", "knn"])
def test_values_that_are_there_stay_and_whole_samples_are_not_touched(method: Any) -> None:
    x = faulty().astype(np.float32)
    x[5] = BEATS[5]
    found = impute(x, method)
    there = ~np.isnan(x)
    np.testing.assert_array_equal(found[there], x[there])
    assert not np.isnan(found).any()
    assert found.dtype == np.float32
    whole = BEATS.astype(np.float32)
    assert impute(whole, method) is whole


def test_a_lead_without_any_value_cannot_be_filled() -> None:
    x = BEATS.copy()
    x[[2, 7], 1] = np.nan
    with pytest.raises(EcganError, match="2 of 12 samples have a lead without any value"):
        prepare_samples(samples(x, centre=None), options(cleansing={"drop": False}))
