"""Thresholds: values worked out by hand, and what the validation half must hold."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ecgan.config.schema import Detection
from ecgan.detection.thresholds import Budgets, Threshold, alarms_in, budgets_in, fit_threshold
from ecgan.errors import EcganError
from tests.making import samples


def test_a_score_at_the_threshold_is_abnormal():
    assert Threshold("best_f1", 2.0).predict(np.array([1.9, 2.0, 2.1])).tolist() == [False, True, True]


def test_best_f1_lies_midway_between_the_scores_it_separates():
    found = fit_threshold(np.array([1.0, 2.0, 3.0, 5.0]), np.array([0, 0, 2, 1]), "best_f1")
    assert found == Threshold("best_f1", 2.5)


def test_best_f1_of_inseparable_scores_calls_everything_abnormal():
    found = fit_threshold(np.full(4, 7.0), np.array([0, 1, 1, 0]), "best_f1")
    assert found.value == 7.0


def test_of_equally_good_thresholds_the_highest_is_taken():
    scores, labels = np.array([4.0, 3.0, 2.0, 1.0]), np.array([1, 0, 0, 1])
    # F1 of flagging the first 1, 2, 3, 4: 2/3, 2/4, 2/5, 4/6
    assert fit_threshold(scores, labels, "best_f1").value == 3.5


def test_best_f1_between_neighbouring_floats_is_the_upper_one():
    upper = np.nextafter(1.0, 2.0)
    assert fit_threshold(np.array([1.0, upper]), np.array([0, 1]), "best_f1").value == upper


def test_best_f1_without_abnormal_samples_names_the_alternative():
    with pytest.raises(EcganError, match="no abnormal sample") as caught:
        fit_threshold(np.array([1.0, 2.0]), np.array([0, 0]), "best_f1")
    assert "detect.threshold: quantile" in caught.value.hint


@pytest.mark.parametrize(("quantile", "flagged"), [(0.95, 5), (0.9, 10), (0.55, 45), (0.7, 30), (1.0, 0), (0.999, 0)])
def test_quantile_leaves_its_share_of_the_normal_below(quantile, flagged):
    scores = np.random.default_rng(0).permutation(np.arange(100.0))
    found = fit_threshold(scores, np.zeros(100, np.int64), "quantile", quantile=quantile)
    assert found.predict(scores).sum() == flagged


def test_quantile_does_not_look_at_abnormal_scores():
    normal = np.arange(20.0)
    alone = fit_threshold(normal, np.zeros(20, np.int64), "quantile")
    scores, labels = np.append(normal, [1e6, -5, 18.7]), np.append(np.zeros(20, np.int64), [1, 2, 3])
    assert fit_threshold(scores, labels, "quantile") == alone == Threshold("quantile", 18.5)


def test_quantile_of_equal_scores_flags_none_of_them():
    scores = np.full(10, 3.0)
    assert not fit_threshold(scores, np.zeros(10, np.int64), "quantile", quantile=0.9).predict(scores).any()


def test_quantile_without_normal_samples_is_refused():
    with pytest.raises(EcganError, match="no normal sample"):
        fit_threshold(np.array([1.0]), np.array([1]), "quantile")


def test_scores_that_are_not_finite_are_refused_with_their_number():
    with pytest.raises(EcganError, match="2 of 3"):
        fit_threshold(np.array([1.0, np.nan, np.inf]), np.array([0, 1, 1]), "best_f1")


def test_an_unknown_method_names_those_there_are():
    with pytest.raises(EcganError, match="did you mean 'quantile'") as caught:
        fit_threshold(np.array([1.0]), np.array([0]), "quantil")
    assert "best_f1, quantile" in caught.value.hint


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], [0, 1, 2]])
def test_a_fixed_threshold_is_the_given_number_whatever_validation_holds(labels):
    found = fit_threshold(np.array([1.0, 2.0, 9.0]), np.array(labels), "fixed", quantile=0.5, value=4)
    assert found == Threshold("fixed", 4.0)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_fixed_threshold_needs_its_number(value):
    with pytest.raises(EcganError, match="expected a finite number") as caught:
        fit_threshold(np.array([1.0]), np.array([0]), "fixed", value=value)
    assert "detect.threshold_value" in caught.value.hint


def test_the_number_of_a_fixed_threshold_is_asked_for_and_refused_elsewhere():
    assert Detection(threshold="fixed", threshold_value=0.25).threshold_value == 0.25
    with pytest.raises(ValidationError, match="the threshold 'fixed' needs it"):
        Detection(threshold="fixed")
    with pytest.raises(ValidationError, match="'quantile' does not read it"):
        Detection(threshold="quantile", threshold_value=0.25)


@pytest.mark.parametrize(("alarms", "flagged"), [(0.0, 0), (0.9, 0), (1.0, 1), (7.5, 7), (100.0, 100), (1e9, 100)])
def test_a_budget_of_false_alarms_is_kept_and_used(alarms, flagged):
    rng = np.random.default_rng(3)
    normal = rng.permutation(100).astype(float)
    scores = np.append(normal, [500.0, -500.0])
    labels = np.append(np.zeros(100, dtype=np.int64), [1, 2])
    found = fit_threshold(scores, labels, "alarms_per_hour", alarms=alarms)
    assert found.predict(normal).sum() == flagged
    assert found == fit_threshold(normal, labels[:100], "alarms_per_hour", alarms=alarms)


def test_a_budget_of_false_alarms_needs_a_clock_and_normal_samples():
    with pytest.raises(EcganError) as caught:
        fit_threshold(np.ones(3), np.array([0, 0, 1]), "alarms_per_hour")
    assert "detect.threshold" in caught.value.hint
    with pytest.raises(EcganError):
        fit_threshold(np.ones(2), np.array([1, 1]), "alarms_per_hour", alarms=3.0)


def test_a_budget_of_each_patient_is_kept_in_the_share_of_patients():
    """Patient p has 20 normal scores p + 0.00 to p + 0.19 and two hours: two alarms lie above its own threshold."""
    patients = np.repeat(np.arange(10), 20)
    scores = patients + np.tile(np.arange(20), 10) / 100
    labels = np.zeros(200, dtype=np.int64)
    budgets = Budgets(patients, np.full(10, 2.0))
    for share, rank in ((0.5, 6), (0.9, 10), (0.99, 10), (0.05, 1)):
        found = fit_threshold(scores, labels, "alarms_by_patient", quantile=share, budgets=budgets)
        kept = [(found.predict(scores[patients == one])).sum() <= 2 for one in range(10)]
        assert sum(kept) == rank
        assert found.predict(scores[patients == rank - 1]).sum() == 2
    worse = np.where(patients == 9, 1000 * scores, scores)  # however bad one patient is, it is one
    same = fit_threshold(worse, labels, "alarms_by_patient", quantile=0.5, budgets=budgets)
    assert same == fit_threshold(scores, labels, "alarms_by_patient", quantile=0.5, budgets=budgets)
    abnormal = np.append(scores, [1e6] * 5), np.append(labels, [1] * 5)
    more = Budgets(np.append(patients, [0] * 5), budgets.alarms)
    assert fit_threshold(*abnormal, "alarms_by_patient", quantile=0.5, budgets=more) == same


def test_budgets_of_patients_need_patients_and_a_clock():
    beats = samples(np.zeros((6, 1, 8)))
    table = pd.DataFrame({"patient": ["b", "a", "b", "b", "a", "b"], "rr_next_s": [1.0, 2, 3, np.nan, 2, 2]})
    timed = replace(beats, table=table, about=replace(beats.about, sampling_rate=4.0))
    found = budgets_in(timed, 3600.0)
    assert found.patients.tolist() == [1, 0, 1, 1, 0, 1]
    assert found.alarms.tolist() == [4.0, 8.0]
    assert budgets_in(beats, 60.0) is None
    assert (
        budgets_in(
            replace(
                timed, about=beats.about if beats.about.sampling_rate == 0 else replace(beats.about, sampling_rate=0.0)
            ),
            60.0,
        )
        is None
    )
    with pytest.raises(EcganError) as caught:
        fit_threshold(np.ones(3), np.array([0, 0, 1]), "alarms_by_patient")
    assert "alarms_per_hour" in caught.value.hint
    with pytest.raises(EcganError):
        fit_threshold(
            np.ones(2),
            np.ones(2, dtype=np.int64),
            "alarms_by_patient",
            budgets=Budgets(np.zeros(2, dtype=np.int64), np.ones(1)),
        )


def test_false_alarms_are_allowed_in_the_time_that_samples_last():
    beats = samples(np.zeros((4, 1, 8)))
    timed = replace(beats, about=replace(beats.about, sampling_rate=4.0))
    assert alarms_in(replace(beats, about=replace(beats.about, sampling_rate=0.0)), 60.0) is None
    assert alarms_in(timed, 900.0) == pytest.approx(2.0)  # four windows of two seconds
    table = pd.DataFrame({"rr_next_s": [1.0, 3.0, 1.0, np.nan]})
    assert alarms_in(replace(timed, table=table), 600.0) == pytest.approx(1.0)
