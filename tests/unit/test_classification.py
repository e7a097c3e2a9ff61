"""Accuracy, precision, recall and F1 of named classes, against scikit-learn and by hand."""

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

from ecgan.evaluation.classification import classification, confusion, confusion_frame
from tests.making import samples

CLASSES = ["N", "S", "V", "F"]


def test_every_figure_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels = rng.choice(4, size=500, p=[0.7, 0.1, 0.15, 0.05])
    predicted = np.where(rng.random(500) < 0.7, labels, rng.integers(0, 4, 500))
    found = classification(predicted, samples(labels=labels, classes=CLASSES))
    assert found["accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert found["f1_macro"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert found["f1_micro"] == pytest.approx(f1_score(labels, predicted, average="micro"))
    expected = precision_recall_fscore_support(labels, predicted, labels=range(4))
    for k, name in enumerate(CLASSES):
        row = found["per_class"][name]
        assert [row[key] for key in ("precision", "recall", "f1", "count")] == pytest.approx([e[k] for e in expected])
    assert (confusion(predicted, labels, 4) == confusion_matrix(labels, predicted, labels=range(4))).all()


def test_by_hand():
    found = classification(np.array([0, 0, 1, 1, 2]), samples(labels=[0, 1, 1, 1, 0], classes=["N", "S", "V"]))
    assert found["accuracy"] == found["f1_micro"] == pytest.approx(3 / 5)
    assert found["per_class"]["S"] == {"precision": 1.0, "recall": pytest.approx(2 / 3), "f1": 0.8, "count": 3}
    assert found["per_class"]["V"]["precision"] == 0
    assert math.isnan(found["per_class"]["V"]["recall"])
    assert found["f1_macro"] == pytest.approx((0.5 + 0.8 + 0) / 3)


def test_a_class_that_neither_occurs_nor_is_named_counts_for_nothing():
    labels = np.array([0, 1, 1, 0])
    found = classification(labels, samples(labels=labels, classes=CLASSES))
    assert found["f1_macro"] == found["f1_micro"] == found["accuracy"] == 1
    assert found["per_class"]["F"]["count"] == 0
    assert all(math.isnan(found["per_class"]["F"][key]) for key in ("precision", "recall", "f1"))


def test_no_samples_answer_nothing():
    nothing = np.zeros(0, np.int64)
    found = classification(nothing, samples(labels=nothing, classes=CLASSES))
    assert all(math.isnan(found[key]) for key in ("accuracy", "f1_macro", "f1_micro"))


def test_the_frame_has_one_row_a_sample_with_names():
    frame = confusion_frame(samples(labels=[0, 2, 1], classes=CLASSES), np.array([0, 1, 2]), CLASSES)
    assert frame.to_dict("list") == {"actual": ["N", "V", "S"], "predicted": ["N", "S", "V"]}
    flagged = confusion_frame(
        samples(labels=[0, 2, 1], classes=CLASSES), np.array([False, True, True]), ["normal", "abnormal"]
    )
    assert flagged["predicted"].tolist() == ["normal", "abnormal", "abnormal"]
