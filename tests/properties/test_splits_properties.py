"""Folds are partitions: disjoint, complete, by patient where they say so, and the same for the same seed."""

import contextlib
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ecgan.config import Split
from ecgan.errors import EcganError
from ecgan.protocols.dividing import allot, ceil_share
from ecgan.protocols.folds import load_fold, save_fold, vali_halves
from ecgan.protocols.making import make_folds
from ecgan.protocols.patients import deal_evenly, deal_greedily, roster
from tests.making import samples

quick = settings(deadline=None, max_examples=60)
SHA = "0123456789abcdef" * 4
SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def cohorts(draw):
    """Labels and table of several patients; a few have only normal or only abnormal samples."""
    rng = np.random.default_rng(draw(SEEDS))
    rows = []
    for number in range(draw(st.integers(8, 24))):
        kind = draw(st.sampled_from(["both", "both", "both", "normal", "abnormal"]))
        normal = 0 if kind == "abnormal" else int(rng.integers(1, 12))
        abnormal = 0 if kind == "normal" else int(rng.integers(1, 12))
        labels = np.concatenate([np.zeros(normal, dtype=int), rng.integers(1, 4, abnormal)])
        patient = number // draw(st.sampled_from([1, 1, 1, 2]))  # some share a patient's name with another record
        rows += [(int(label), f"r{number}", f"p{patient}") for label in labels]
    order = rng.permutation(len(rows))
    labels = np.array([rows[i][0] for i in order], dtype=np.int64)
    table = pd.DataFrame({"record": [rows[i][1] for i in order], "patient": [rows[i][2] for i in order]})
    return labels, table


def folds_of(protocol, cohort, seed, k=2, sets=None, **options):
    labels, table = cohort
    split = Split(protocol=protocol, k=k, **options)
    try:
        given = samples(labels=labels, table=table, sha256=SHA)
        return make_folds(given, split, seed, evaluation_sets=sets)
    except EcganError as error:
        if not re.search("needs .* patients|cannot be (made|halved)", error.message):
            raise
        return assume(False)


def check_partition(fold, labels):
    for part in (fold.train, fold.vali, fold.test):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()
    everything = np.concatenate([fold.train, fold.vali, fold.test])
    assert len(np.unique(everything)) == len(everything)
    assert everything.min() >= 0
    assert everything.max() < len(labels)
    for part in (fold.vali, fold.test):
        assert (labels[part] == 0).any()
        assert (labels[part] != 0).any()
    return everything


@quick
@given(cohorts(), SEEDS, st.integers(2, 5), st.sampled_from([0.15, 0.3, 0.5]))
def test_normal_only_is_a_partition_in_each_fold(cohort, seed, k, share):
    folds = folds_of("normal_only", cohort, seed, k, test_share=share)
    labels = cohort[0]
    assert len(folds) == k
    validated = []
    for fold in folds:
        assert len(check_partition(fold, labels)) == len(labels)
        assert (labels[fold.train] == 0).all()
        assert np.array_equal(fold.test, folds[0].test)
        assert np.array_equal(fold.vali[labels[fold.vali] != 0], folds[0].vali[labels[folds[0].vali] != 0])
        validated.append(fold.vali[labels[fold.vali] == 0])
    normal_outside_test = np.setdiff1d(np.flatnonzero(labels == 0), folds[0].test)
    assert np.array_equal(np.sort(np.concatenate(validated)), normal_outside_test)


@quick
@given(cohorts(), SEEDS, st.integers(2, 5))
def test_beatgan_tests_every_normal_sample_once(cohort, seed, k):
    folds = folds_of("beatgan", cohort, seed, k)
    labels = cohort[0]
    tested = []
    for fold in folds:
        assert len(check_partition(fold, labels)) == len(labels)
        assert (labels[fold.train] == 0).all()
        tested.append(fold.test[labels[fold.test] == 0])
    assert np.array_equal(np.sort(np.concatenate(tested)), np.flatnonzero(labels == 0))
    assert max(map(len, tested)) - min(map(len, tested)) <= 1


@quick
@given(cohorts(), SEEDS, st.integers(2, 5), st.sampled_from(["normal", "all"]))
def test_stratified_is_a_true_partition(cohort, seed, k, train_on):
    folds = folds_of("stratified", cohort, seed, k, train_on=train_on)
    labels = cohort[0]
    rest = np.setdiff1d(np.arange(len(labels)), folds[0].test)
    assert np.array_equal(np.sort(np.concatenate([fold.vali for fold in folds])), rest)
    for fold in folds:
        everything = check_partition(fold, labels)
        left_out = np.setdiff1d(np.arange(len(labels)), everything)
        assert (labels[left_out] != 0).all()
        if train_on == "all":
            assert len(left_out) == 0
        else:
            assert (labels[fold.train] == 0).all()
    for label in np.unique(labels):
        sizes = [(labels[fold.vali] == label).sum() for fold in folds]
        assert max(sizes) - min(sizes) <= 1


@quick
@given(cohorts(), SEEDS, st.integers(2, 3), st.sampled_from(["normal", "all"]))
def test_interpatient_keeps_patients_apart(cohort, seed, k, train_on):
    folds = folds_of("interpatient", cohort, seed, k, train_on=train_on)
    labels, table = cohort
    patients = table["patient"].to_numpy(dtype=str)
    groups = []
    for fold in folds:
        everything = check_partition(fold, labels)
        parts = [set(patients[part]) for part in (fold.train, fold.vali, fold.test)]
        assert not parts[0] & parts[1]
        assert not (parts[0] | parts[1]) & parts[2]
        assert np.array_equal(fold.test, folds[0].test)
        left_out = np.setdiff1d(np.arange(len(labels)), everything)
        assert (labels[left_out] != 0).all() if train_on == "normal" else len(left_out) == 0
        groups.append(parts[1])
    assert len(set.union(*groups)) == sum(map(len, groups))
    assert set.union(*groups) | set(patients[folds[0].test]) == set(patients)


@quick
@given(cohorts(), SEEDS, st.data())
def test_interpatient_by_lists_tests_ds2_and_strict_takes_its_patients_from_ds1(cohort, seed, data):
    labels, table = cohort
    records = sorted(set(table["record"]))
    third = data.draw(st.integers(1, max(1, len(records) // 4)))
    sets = (records[third:], records[: third - 1])  # one record is in neither list
    patients, by_record = table["patient"].to_numpy(dtype=str), table["record"].to_numpy(dtype=str)
    loose = folds_of("interpatient", cohort, seed, 2, sets, train_on="all")
    strict = folds_of("interpatient_strict", cohort, seed, 2, sets, train_on="all")
    assert np.array_equal(loose[0].test, np.flatnonzero(np.isin(by_record, sets[1])))
    assert np.array_equal(strict[0].test, loose[0].test)
    learned = np.concatenate([loose[0].train, loose[0].vali])
    assert set(by_record[learned]) == set(by_record) & set(sets[0])
    for fold in strict:
        check_partition(fold, labels)
        learned = np.concatenate([fold.train, fold.vali])
        assert not set(patients[learned]) & set(patients[fold.test])
        assert set(by_record[learned]) <= set(sets[0])
    wanted = {patient for patient, record in zip(patients, by_record, strict=True) if record in sets[0]}
    assert set(patients[learned]) == wanted - set(patients[strict[0].test])


@quick
@given(cohorts(), SEEDS, st.sampled_from(["normal_only", "beatgan", "stratified", "interpatient"]))
def test_the_same_seed_gives_the_same_folds_and_another_seed_others(cohort, seed, protocol):
    first, second = folds_of(protocol, cohort, seed), folds_of(protocol, cohort, seed)
    for one, other in zip(first, second, strict=True):
        for part in ("train", "vali", "test"):
            assert np.array_equal(getattr(one, part), getattr(other, part))
    if protocol != "interpatient" and len(cohort[0]) > 100:
        third = folds_of(protocol, cohort, (seed + 1) % 2**32)
        assert not np.array_equal(first[0].train, third[0].train)


@quick
@given(cohorts(), SEEDS, st.sampled_from(["normal_only", "stratified", "interpatient"]))
def test_a_fold_comes_back_from_disk(cohort, seed, protocol):
    fold = folds_of(protocol, cohort, seed)[1]
    with TemporaryDirectory() as folder:
        save_fold(Path(folder) / "fold_1.json", fold)
        found = load_fold(Path(folder) / "fold_1.json")
    for part in ("train", "vali", "test"):
        assert np.array_equal(getattr(found, part), getattr(fold, part))
    assert (found.index, found.protocol, found.seed, found.data_sha256) == (1, protocol, seed, SHA)


@quick
@given(cohorts(), SEEDS, st.sampled_from(["normal_only", "stratified", "beatgan"]))
def test_halves_are_disjoint_complete_and_stratified(cohort, seed, protocol):
    labels = cohort[0]
    for fold in folds_of(protocol, cohort, seed):
        with contextlib.suppress(EcganError):
            fit, report = vali_halves(fold, samples(labels=labels))
            assert np.array_equal(np.sort(np.concatenate([fit, report])), fold.vali)
            for label in np.unique(labels[fold.vali]):
                surplus = (labels[fit] == label).sum() - (labels[report] == label).sum()
                assert surplus in (0, 1)
            again = vali_halves(fold, samples(labels=labels))
            assert np.array_equal(again[0], fit)
            assert (labels[fit] != 0).any()
            assert (labels[report] != 0).any()


@quick
@given(cohorts(), SEEDS, st.integers(2, 3))
def test_halves_by_patient_share_no_patient_and_always_exist(cohort, seed, k):
    labels, table = cohort
    patients = table["patient"].to_numpy(dtype=str)
    for fold in folds_of("interpatient", cohort, seed, k):
        fit, report = vali_halves(fold, samples(labels=labels, table=table))
        assert np.array_equal(np.sort(np.concatenate([fit, report])), fold.vali)
        assert not set(patients[fit]) & set(patients[report])
        for half in (fit, report):
            assert set(labels[half] != 0) == {True, False}


@quick
@given(cohorts(), SEEDS, st.integers(2, 8))
def test_dealing_succeeds_exactly_where_it_can(cohort, seed, parts):
    labels, table = cohort
    people = roster(table["patient"].to_numpy(dtype=str), labels)
    rng = np.random.default_rng(seed)
    if min(people.with_normal, people.with_abnormal) < parts:
        with pytest.raises(ValueError, match="patients for"):
            deal_greedily(people, parts, rng)
        return
    groups = deal_greedily(people, parts, rng)
    assert len(groups) == parts
    assert sorted(np.concatenate(groups)) == sorted(people.names)
    for group in groups:
        inside = np.isin(people.names, group)
        assert people.normal[inside].sum() > 0
        assert people.abnormal[inside].sum() > 0


@quick
@given(cohorts(), SEEDS)
def test_halving_patients_is_even(cohort, seed):
    labels, table = cohort
    people = roster(table["patient"].to_numpy(dtype=str), labels)
    halves = deal_evenly(people, np.random.default_rng(seed))
    assert sorted(np.concatenate(halves)) == sorted(people.names)
    inside = [np.isin(people.names, half) for half in halves]
    sick = [np.count_nonzero(people.abnormal[mask]) for mask in inside]
    assert abs(sick[0] - sick[1]) <= 1
    if min(people.with_normal, people.with_abnormal) >= 2:
        for mask in inside:
            assert people.normal[mask].sum() > 0
            assert people.abnormal[mask].sum() > 0


@quick
@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8), st.data())
def test_shares_add_up_and_stay_within_one(counts, data):
    total = data.draw(st.integers(0, sum(counts)))
    shares = allot(np.array(counts), total)
    assert shares.sum() == total
    assert (shares <= counts).all()
    if sum(counts):
        exact = np.array(counts) * (total / sum(counts))
        assert (np.abs(shares - exact) < 1 + 1e-9).all()


@quick
@given(st.integers(0, 10**6), st.integers(1, 99))
@example(100, 7)
@example(100, 29)
def test_a_share_in_percent_has_no_error_of_binary_fractions(count, percent):
    assert ceil_share(percent / 100, count) == -(-percent * count // 100)
