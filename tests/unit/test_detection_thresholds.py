"""Thresholds: values worked out by hand, and what the validation half must hold."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ecgan.config.schema import Detection
from ecgan.detection.thresholds import Threshold, alarms_in, fit_threshold
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


def test_false_alarms_are_allowed_in_the_time_that_samples_last():
    beats = samples(np.zeros((4, 1, 8)))
    timed = replace(beats, about=replace(beats.about, sampling_rate=4.0))
    assert alarms_in(replace(beats, about=replace(beats.about, sampling_rate=0.0)), 60.0) is None
    assert alarms_in(timed, 900.0) == pytest.approx(2.0)  # four windows of two seconds
    table = pd.DataFrame({"rr_next_s": [1.0, 3.0, 1.0, np.nan]})
    assert alarms_in(replace(timed, table=table), 600.0) == pytest.approx(1.0)
