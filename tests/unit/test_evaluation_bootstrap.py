"""Bootstrap intervals: what is resampled, against a plain loop that really copies samples."""

import math

import numpy as np
import pytest

from ecgan.evaluation import bootstrap as module
from ecgan.evaluation.bootstrap import bootstrap, resampling_units
from ecgan.evaluation.labels import label_metrics
from ecgan.evaluation.ranking import auroc, average_precision


def _set(n=120, seed=0, patients=7):
    rng = np.random.default_rng(seed)
    abnormal = rng.random(n) < 0.3
    scores = np.round(rng.normal(size=n) + abnormal, 1)  # with ties
    return scores, scores > 0.7, abnormal, [f"p{i}" for i in rng.integers(0, patients, n)]


@pytest.mark.parametrize("known", [True, False])
def test_intervals_are_those_of_a_loop_that_copies_samples(known):
    scores, predicted, abnormal, patients = _set()
    found = bootstrap(
        {"a": scores}, {"a": predicted}, abnormal, patients=patients if known else None, replicates=60, seed=4
    )
    _, codes, units = resampling_units(len(scores), patients if known else None)
    rng = np.random.default_rng(4)
    rows = []
    for _ in range(60):
        drawn = rng.integers(0, units, units)
        chosen = np.concatenate([np.flatnonzero(codes == unit) for unit in drawn])
        s, p, a = scores[chosen], predicted[chosen], abnormal[chosen]
        rows.append({"auroc": auroc(s, a), "ap": average_precision(s, a), **label_metrics(p, a)})
    for metric, (low, high) in found.intervals["a"].items():
        expected = np.quantile([row[metric] for row in rows], [0.025, 0.975])
        np.testing.assert_allclose([low, high], expected, rtol=1e-9)
    assert found.redrawn == 0


def test_patients_are_resampled_where_all_are_known():
    assert resampling_units(4, ["b", "a", "b", "a"])[0] == "patient"
    assert resampling_units(4, ["b", "a", "b", "a"])[1].tolist() == [1, 0, 1, 0]
    for unknown in (None, ["a", "b", "", "a"], ["a", "b", None, "a"], ["a", "b", math.nan, "a"], ["a"] * 4):
        unit, codes, units = resampling_units(4, unknown)
        assert (unit, codes.tolist(), units) == ("sample", [0, 1, 2, 3], 4)
    assert resampling_units(3, np.array([101, 102, 101]))[2] == 2


def test_intervals_over_patients_are_wider_when_patients_differ():
    rng = np.random.default_rng(1)
    patients = np.repeat(np.arange(12), 60)
    abnormal = rng.random(720) < 0.4
    scores = rng.normal(size=720) + abnormal * np.repeat(rng.normal(1, 1.5, 12), 60)
    arguments = ({"a": scores}, {"a": scores > 1}, abnormal)
    ends = [bootstrap(*arguments, patients=p, replicates=300).intervals["a"]["auroc"] for p in (patients, None)]
    assert ends[0][1] - ends[0][0] > 2 * (ends[1][1] - ends[1][0])


def test_blocks_and_other_strategies_change_nothing(monkeypatch):
    scores, predicted, abnormal, patients = _set()
    whole = bootstrap({"a": scores}, {"a": predicted}, abnormal, patients=patients, replicates=50)
    monkeypatch.setattr(module, "_BLOCK_VALUES", 7 * 120)
    both = bootstrap(
        {"b": -scores, "a": scores}, {"b": ~predicted, "a": predicted}, abnormal, patients=patients, replicates=50
    )
    for metric, ends in whole.intervals["a"].items():
        assert both.intervals["a"][metric] == pytest.approx(ends, rel=1e-12)


def test_the_seed_decides():
    scores, predicted, abnormal, _ = _set()
    runs = [bootstrap({"a": scores}, {"a": predicted}, abnormal, replicates=40, seed=s).intervals for s in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_replicates_of_one_class_are_drawn_anew_and_counted():
    scores, abnormal = np.array([3.0, 2.0, 1.0, 0.0]), np.array([True, False, False, False])
    found = bootstrap({"a": scores}, {"a": scores > 2}, abnormal, patients=list("aabb"), replicates=200)
    assert found.redrawn > 0
    assert found.summary() == {
        "replicates": 200,
        "unit": "patient",
        "units": 2,
        "level": 0.95,
        "redrawn": found.redrawn,
    }
    assert found.intervals["a"]["auroc"] == (1.0, 1.0)


@pytest.mark.parametrize(("abnormal", "replicates"), [([True] * 4, 10), ([False] * 4, 10), ([True, False] * 2, 0)])
def test_without_replicates_there_are_no_intervals(abnormal, replicates):
    scores = np.arange(4.0)
    found = bootstrap({"a": scores}, {"a": scores > 1}, np.array(abnormal), replicates=replicates)
    assert found.replicates == 0
    assert all(math.isnan(low) and math.isnan(high) for low, high in found.intervals["a"].values())


def test_ppv_of_a_threshold_that_flags_nothing_has_no_interval():
    scores, _, abnormal, _ = _set()
    found = bootstrap({"a": scores}, {"a": np.zeros(120, bool)}, abnormal, replicates=20).intervals["a"]
    assert math.isnan(found["ppv"][0])
    assert found["f1_abnormal"] == (0.0, 0.0)


def test_a_wider_level_gives_a_wider_interval():
    scores, predicted, abnormal, _ = _set()
    low, high = (
        bootstrap({"a": scores}, {"a": predicted}, abnormal, replicates=200, level=level).intervals["a"]["ap"]
        for level in (0.5, 0.95)
    )
    assert high[0] < low[0] < low[1] < high[1]
