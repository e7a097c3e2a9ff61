"""Ranking metrics, label metrics and the table by class, against values worked out by hand."""

import math

import numpy as np
import pytest

from ecgan.errors import EcganError
from ecgan.evaluation.labels import METRICS, label_metrics, metrics_of, per_class
from ecgan.evaluation.ranking import Cut, auroc, average_precision, best_cut, check_scores

SCORES = np.array([0.9, 0.8, 0.8, 0.4, 0.1])
ABNORMAL = np.array([True, True, False, False, True])


def test_auroc_counts_equal_scores_one_half():
    # pairs (abnormal, normal): .9 wins 2, .8 wins 1 and ties 1, .1 loses 2
    assert auroc(SCORES, ABNORMAL) == pytest.approx(3.5 / 6)


def test_average_precision_steps_over_groups_of_equal_scores():
    # recall 1/3 at precision 1, recall 2/3 at precision 2/3, recall 1 at precision 3/5
    assert average_precision(SCORES, ABNORMAL) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)


def test_a_weight_is_a_number_of_copies():
    weights = np.array([2, 1, 3, 0, 1])
    copies = np.repeat(np.arange(5), weights)
    for metric in (auroc, average_precision):
        assert metric(SCORES, ABNORMAL, weights.astype(float)) == pytest.approx(
            metric(SCORES[copies], ABNORMAL[copies])
        )


def test_perfect_and_reversed_rankings():
    scores, abnormal = np.arange(6.0), np.arange(6) >= 4
    assert (auroc(scores, abnormal), average_precision(scores, abnormal)) == (1.0, 1.0)
    assert auroc(-scores, abnormal) == 0.0
    assert auroc(np.zeros(6), abnormal) == 0.5
    assert average_precision(np.zeros(6), abnormal) == pytest.approx(2 / 6)


def test_one_class_has_no_ranking():
    assert math.isnan(auroc(SCORES, np.zeros(5, bool)))
    assert math.isnan(auroc(SCORES, np.ones(5, bool)))
    assert math.isnan(average_precision(SCORES, np.zeros(5, bool)))
    assert math.isnan(auroc(np.zeros(0), np.zeros(0, bool)))


def test_best_cut_knows_the_scores_on_both_sides():
    # F1 of flagging 1, 3, 4, 5: 2/4, 4/6, 4/7, 6/8
    assert best_cut(SCORES, ABNORMAL) == Cut(6 / 8, 0.1, None)
    assert best_cut(SCORES[:4], ABNORMAL[:4]) == Cut(4 / 5, 0.8, 0.4)


def test_scores_that_are_not_finite_are_refused_with_their_number():
    with pytest.raises(EcganError, match=r"'svm_lambda'.* 2 of 4"):
        check_scores("svm_lambda", np.array([1, np.nan, -np.inf, 0]))


def test_label_metrics_by_hand():
    found = {name: float(value) for name, value in metrics_of(6, 2, 4, 8).items()}
    assert tuple(found) == METRICS
    assert found["f1_abnormal"] == pytest.approx(12 / 18)
    assert found["f1_weighted"] == pytest.approx((10 * 12 / 18 + 10 * 16 / 22) / 20)
    assert found["mcc"] == pytest.approx((48 - 8) / math.sqrt(8 * 10 * 10 * 12))
    assert (found["sensitivity"], found["specificity"], found["ppv"]) == (0.6, 0.8, 0.75)
    assert found["accuracy"] == 0.7


def test_which_cell_is_which():
    predicted = np.array([1, 1, 1, 0, 0, 0, 0], bool)
    abnormal = np.array([1, 1, 0, 1, 0, 0, 0], bool)  # TP 2, FP 1, FN 1, TN 3
    found = label_metrics(predicted, abnormal)
    assert found["sensitivity"] == pytest.approx(2 / 3)
    assert found["specificity"] == pytest.approx(3 / 4)
    assert found["ppv"] == pytest.approx(2 / 3)


def test_questions_without_samples_have_no_answer():
    nothing_flagged = label_metrics(np.zeros(4, bool), np.array([1, 0, 0, 0], bool))
    assert math.isnan(nothing_flagged["ppv"])
    assert (nothing_flagged["f1_abnormal"], nothing_flagged["mcc"], nothing_flagged["sensitivity"]) == (0.0, 0.0, 0.0)
    assert nothing_flagged["f1_weighted"] == pytest.approx(0.75 * 6 / 7)
    all_normal = label_metrics(np.zeros(4, bool), np.zeros(4, bool))
    assert math.isnan(all_normal["sensitivity"])
    assert math.isnan(all_normal["f1_abnormal"])
    assert (all_normal["specificity"], all_normal["f1_weighted"], all_normal["mcc"]) == (1.0, 1.0, 0.0)


def test_per_class_leaves_other_abnormal_classes_out_of_the_ppv():
    labels = np.array([0] * 10 + [1] * 4 + [2] * 5)
    predicted = np.array([1, 1] + [0] * 8 + [1, 1, 1, 0] + [1] * 5, bool)
    assert per_class(predicted, labels, ["N", "S", "V"]) == {
        "N": {"count": 10, "flagged": 2},
        "S": {"count": 4, "flagged": 3, "sensitivity": 0.75, "ppv": 3 / 5},
        "V": {"count": 5, "flagged": 5, "sensitivity": 1.0, "ppv": 5 / 7},
    }


def test_a_class_without_samples_has_no_sensitivity():
    row = per_class(np.zeros(3, bool), np.zeros(3, np.int64), ["N", "Q"])["Q"]
    assert (row["count"], row["flagged"]) == (0, 0)
    assert math.isnan(row["sensitivity"])
    assert math.isnan(row["ppv"])
