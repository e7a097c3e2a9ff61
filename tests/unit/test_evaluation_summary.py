"""What is written: metrics of test and validation, curves, the table of scores."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ecgan.errors import EcganError
from ecgan.evaluation.curves import POINTS, pr_frame, roc_frame
from ecgan.evaluation.labels import METRICS
from ecgan.evaluation.ranking import auroc, average_precision
from ecgan.evaluation.summary import evaluate, evaluate_validation
from ecgan.evaluation.tables import scores_frame
from ecgan.files import write_json
from tests.making import samples

CLASSES = ["N", "S", "V", "F", "Q"]


def known(labels, table=None):
    return samples(labels=labels, table=table, classes=CLASSES)


def _set(n=400, seed=0):
    rng = np.random.default_rng(seed)
    labels = ((rng.random(n) < 0.3) * rng.integers(1, 4, n)).astype(np.int64)
    scores = {"a": rng.normal(size=n) + 1.5 * (labels > 0), "b": rng.normal(size=n)}
    return scores, {name: values > 1 for name, values in scores.items()}, labels


def test_false_alarms_are_counted_in_an_hour_of_samples():
    scores, predictions, labels = _set()
    timed = known(labels)
    timed = replace(timed, about=replace(timed.about, sampling_rate=timed.length / 9.0))  # 400 samples: one hour
    tests, _ = evaluate(scores, predictions, timed, replicates=0)
    assert tests["a"]["false_alarms_per_hour"] == (predictions["a"] & (labels == 0)).sum()


def test_the_test_entry_has_what_the_contract_names():
    scores, predictions, labels = _set()
    tests, resampled = evaluate(scores, predictions, known(labels), replicates=50)
    assert resampled == {"replicates": 50, "unit": "sample", "units": 400, "level": 0.95, "redrawn": 0}
    entry = tests["a"]
    metrics = {"auroc", "ap", *METRICS}
    assert set(entry) == {f"{m}{end}" for m in metrics for end in ("", "_low", "_high")} | {
        "per_class",
        "false_alarms_per_hour",
        "best_f1_on_test",
    }
    assert entry["auroc"] == auroc(scores["a"], labels != 0)
    assert all(entry[f"{m}_low"] <= entry[m] <= entry[f"{m}_high"] for m in metrics)
    assert entry["per_class"]["Q"]["count"] == 0


def test_the_honest_f1_is_never_better_than_the_best_on_test():
    scores, predictions, labels = _set()
    for entry in evaluate(scores, predictions, known(labels), replicates=0)[0].values():
        assert entry["f1_abnormal"] <= entry["best_f1_on_test"]


def test_the_best_f1_on_test_is_that_of_the_best_threshold_and_not_of_ours():
    scores, labels = {"a": np.array([1.0, 2.0, 3.0, 4.0])}, np.array([0, 0, 1, 2])
    entry = evaluate(scores, {"a": np.ones(4, bool)}, known(labels), replicates=0)[0]["a"]
    assert (entry["f1_abnormal"], entry["best_f1_on_test"]) == (4 / 6, 1.0)


def test_the_entries_can_be_written_as_json(tmp_path):
    scores, predictions, labels = _set()
    write_json(tmp_path / "metrics.json", evaluate(scores, predictions, known(labels * 0), replicates=5)[0])
    entry = json.loads((tmp_path / "metrics.json").read_text())["a"]
    assert entry["auroc"] is None
    assert entry["best_f1_on_test"] is None
    assert 0 < entry["specificity"] < 1


def test_patients_reach_the_bootstrap():
    scores, predictions, labels = _set()
    patients = np.arange(400) % 9
    _, resampled = evaluate(
        scores, predictions, known(labels, pd.DataFrame({"patient": patients.astype(str)})), replicates=5
    )
    assert (resampled["unit"], resampled["units"]) == ("patient", 9)


def test_validation_has_the_few_metrics_of_the_contract():
    scores, predictions, labels = _set()
    entry = evaluate_validation(scores, predictions, known(labels))["b"]
    assert list(entry) == ["auroc", "ap", "f1_abnormal", "f1_weighted", "mcc"]


@pytest.mark.parametrize("function", [evaluate, evaluate_validation])
def test_scores_that_are_not_finite_are_refused(function):
    scores, predictions, labels = _set()
    scores["b"][[3, 5]] = np.nan
    with pytest.raises(EcganError, match=r"'b'.* 2 of 400"):
        function(scores, predictions, known(labels))


def test_roc_points_by_hand():
    # one abnormal above everything, then a normal, then one of each tied
    frame = roc_frame({"a": np.array([4.0, 3.0, 2.0, 2.0])}, np.array([True, False, True, False]))
    assert list(frame) == ["fpr", "a"]
    assert len(frame) == POINTS
    found = dict(zip(frame["fpr"].round(3), frame["a"], strict=True))
    assert (found[0.0], found[0.25], found[0.5], found[0.75], found[1.0]) == (0.5, 0.5, 0.5, 0.75, 1.0)


def test_pr_points_by_hand():
    frame = pr_frame({"a": np.array([4.0, 3.0, 2.0, 1.0])}, np.array([True, False, True, False]))
    found = dict(zip(frame["recall"].round(3), frame["a"], strict=True))
    assert (found[0.0], found[0.5], found[0.505], found[1.0]) == (1.0, 1.0, 2 / 3, 2 / 3)


def test_precision_at_recall_zero_is_that_of_the_highest_score():
    frame = pr_frame({"a": np.array([4.0, 3.0, 2.0])}, np.array([False, True, True]))
    assert frame["a"].iloc[[0, 1, -1]].tolist() == [0.0, 0.5, 2 / 3]


def test_areas_under_the_curves_are_the_metrics():
    rng = np.random.default_rng(0)
    abnormal = rng.random(20_000) < 0.4
    scores = {"a": rng.normal(size=20_000) + abnormal, "b": np.round(rng.normal(size=20_000) + abnormal)}
    roc, pr = roc_frame(scores, abnormal), pr_frame(scores, abnormal)
    for name, values in scores.items():
        assert np.trapezoid(roc[name], roc["fpr"]) == pytest.approx(auroc(values, abnormal), abs=2e-3)
        assert np.trapezoid(pr[name], pr["recall"]) == pytest.approx(average_precision(values, abnormal), abs=5e-3)


def test_the_strategy_that_decides_has_a_column_that_plots_find_whatever_its_name():
    rng = np.random.default_rng(0)
    abnormal = rng.random(50) < 0.4
    scores = {"zeta": rng.random(50), "alpha": rng.random(50)}
    for frame, along in (
        (roc_frame(scores, abnormal, "alpha"), "fpr"),
        (pr_frame(scores, abnormal, "alpha"), "recall"),
    ):
        assert list(frame) == [along, "decides", "zeta", "alpha"]
        assert frame["decides"].equals(frame["alpha"].rename("decides"))


def test_curves_of_one_class_are_empty():
    assert roc_frame({"a": np.arange(3.0)}, np.zeros(3, bool))["a"].isna().all()
    assert pr_frame({"a": np.arange(3.0)}, np.zeros(3, bool))["a"].isna().all()


def test_the_table_of_scores_has_one_column_a_thing():
    error = np.array([0.5, 0.1])
    frame = scores_frame(
        np.array([7, 9]),
        known(np.array([2, 0])),
        {"reconstruction": error, "latent": error * 2},
        {"reconstruction": error, "svm_lambda": error - 1},
        {"reconstruction": error > 0.3, "svm_lambda": error > 9},
    )
    assert list(frame) == [
        "index",
        "label",
        "class",
        "reconstruction",
        "latent",
        "reconstruction_predicted",
        "svm_lambda",
        "svm_lambda_predicted",
    ]
    assert frame.iloc[0].tolist() == [7, 2, "V", 0.5, 1.0, 1, -0.5, 0]


def test_two_things_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two different things"):
        scores_frame(
            np.array([0]),
            known(np.array([0])),
            {"reconstruction": np.array([1.0])},
            {"reconstruction": np.array([2.0])},
            {"reconstruction": np.array([True])},
        )


def test_nan_stays_out_of_the_figures_that_can_be_computed():
    scores, predictions, labels = _set()
    entry = evaluate(scores, {k: np.zeros(400, bool) for k in predictions}, known(labels), replicates=10)[0]["a"]
    assert math.isnan(entry["ppv"])
    assert entry["sensitivity"] == 0.0
