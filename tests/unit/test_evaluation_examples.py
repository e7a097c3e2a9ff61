"""Samples worth looking at: the choice, and the file between `detect` and `report`."""

import copy
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgan.errors import EcganError
from ecgan.evaluation.examples import (
    KINDS,
    Example,
    choose_examples,
    examples_from_json,
    examples_text,
    examples_to_json,
)


def example(**changes):
    signal = np.linspace(-1, 1, 10).reshape(5, 2) + 0.00004
    values = {
        "index": 7, "class_name": "V", "record": "208", "patient": "p1", "sample": 1234, "time_s": 3.42777,
        "score": 0.1234567, "strategy": "reconstruction", "flagged": False, "kind": "missed", "signal": signal,
        "reconstruction": signal * 0.5, "sampling_rate": 360.0, "leads": ("MLII", "V1"), "centre": 2,
    }  # fmt: skip
    return Example(**(values | changes))


def test_the_clearest_and_the_gravest_of_each_kind():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    scores = np.array([0.1, 0.2, 0.8, 0.7, 0.3, 0.4, 0.9, 0.6])
    chosen = choose_examples(scores, labels, scores >= 0.5, 1)
    assert chosen == [(6, "caught"), (4, "missed"), (2, "false alarm"), (0, "explained")]


def test_a_frequent_class_does_not_hide_the_others():
    labels = np.array([2, 2, 2, 1, 3])
    scores = np.array([0.99, 0.98, 0.97, 0.6, 0.7])
    assert [index for index, _ in choose_examples(scores, labels, scores > 0.5, 4)] == [0, 4, 3, 1]


def test_equal_scores_keep_the_order_of_the_samples():
    labels, scores = np.array([1, 1, 1]), np.array([0.5, 0.5, 0.5])
    assert choose_examples(scores, labels, np.ones(3), 2) == [(0, "caught"), (1, "caught")]


@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 3), st.booleans()), max_size=40), st.integers(0, 5))
def test_every_choice_is_of_its_kind_and_no_kind_exceeds_the_count(rows, count):
    scores = np.array([row[0] for row in rows])
    labels = np.array([row[1] for row in rows], dtype=np.int64)
    flagged = np.array([row[2] for row in rows], dtype=bool)
    chosen = choose_examples(scores, labels, flagged, count)
    right = {"caught": (True, True), "missed": (True, False), "false alarm": (False, True), "explained": (False, False)}
    for index, kind in chosen:
        assert (bool(labels[index]), bool(flagged[index])) == right[kind]
    for kind in KINDS:
        of_kind = [index for index, name in chosen if name == kind]
        there = np.sum((labels != 0) == right[kind][0]) and np.sum(
            ((labels != 0) == right[kind][0]) & (flagged == right[kind][1])
        )
        assert len(of_kind) == len(set(of_kind)) == min(count, there)
        if of_kind:
            pool = scores[((labels != 0) == right[kind][0]) & (flagged == right[kind][1])]
            assert scores[of_kind[0]] == (pool.max() if right[kind][1] else pool.min())


def test_scores_that_are_no_numbers_and_lengths_that_differ_are_refused():
    with pytest.raises(EcganError, match="not finite"):
        choose_examples(np.array([np.nan]), np.array([0]), np.array([0]), 1)
    with pytest.raises(EcganError, match="differ"):
        choose_examples(np.array([0.1, 0.2]), np.array([0]), np.array([0]), 1)


def test_examples_survive_the_file_rounded_to_a_ten_thousandth():
    written = [
        example(),
        example(reconstruction=None, record=None, patient=None, sample=None, time_s=None, centre=None),
    ]
    read = examples_from_json(json.loads(examples_text(written)))
    for before, after in zip(written, read, strict=True):
        assert np.abs(after.signal - before.signal).max() <= 0.5001e-4
        assert np.array_equal(after.signal, np.round(after.signal, 4))
        assert (after.index, after.record, after.patient, after.sample, after.centre, after.leads, after.score) == (
            before.index, before.record, before.patient, before.sample, before.centre, before.leads, before.score,
        )  # fmt: skip
    assert read[0].time_s == 3.4278
    assert read[0].reconstruction.shape == (5, 2)
    assert read[1].reconstruction is None
    assert examples_text(read) == examples_text(written)
    assert examples_from_json(json.loads(examples_text([]))) == []


def test_records_given_as_numbers_become_names():
    assert example(record=208, patient=float("nan")).record == "208"
    assert example(record=208, patient=float("nan")).patient is None
    assert examples_from_json(examples_to_json([example(record=np.int64(208))]))[0].record == "208"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda e: e.pop("score"), "lacks score"),
        (lambda e: e.update(extra=1), "unknown key 'extra'"),
        (lambda e: e.update(index="7"), "index is str"),
        (lambda e: e.update(index=True), "index is bool"),
        (lambda e: e.update(flagged=1), "flagged is int"),
        (lambda e: e.update(kind="odd"), "unknown kind 'odd'"),
        (lambda e: e.update(leads=["MLII"]), "2 leads, but 1 names"),
        (lambda e: e.update(leads=["MLII", 3]), "leads are not all names"),
        (lambda e: e.update(signal=[[1.0, 2.0], [1.0]]), "signal is not one list of numbers of equal length"),
        (lambda e: e.update(signal=[["1", "2"], ["3", "4"]]), "signal is not one list of numbers"),
        (lambda e: e.update(signal=[]), "signal is not one list of numbers"),
        (lambda e: e.update(signal=[[1.0, float("nan")], [1.0, 2.0]], reconstruction=None), "not finite"),
        (lambda e: e.update(reconstruction=[[1.0], [2.0]]), "its reconstruction"),
        (lambda e: e.update(centre=5), "outside its 5 time steps"),
        (lambda e: e.update(sampling_rate=-1.0), "sampling rate"),
    ],
)
def test_a_file_that_is_not_what_detect_writes_is_refused(change, words):
    value = copy.deepcopy(examples_to_json([example()]))
    change(value[0])
    with pytest.raises(EcganError, match=words):
        examples_from_json(value, "reports/examples.json")


@pytest.mark.parametrize("value", [None, {}, "text", [1], [[]]])
def test_anything_but_a_list_of_mappings_is_refused(value):
    with pytest.raises(EcganError, match=r"reports/examples\.json"):
        examples_from_json(value, "reports/examples.json")
