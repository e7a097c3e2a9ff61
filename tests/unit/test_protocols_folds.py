"""Stored folds are checked, protocols refuse what they cannot divide, and say why."""

import json

import numpy as np
import pandas as pd
import pytest

from ecgan.config import Split
from ecgan.errors import EcganError
from ecgan.protocols.dividing import allot
from ecgan.protocols.folds import Fold, load_fold, save_fold, vali_halves
from ecgan.protocols.making import make_folds
from ecgan.protocols.patients import Roster, deal_evenly
from ecgan.registry import PROTOCOLS
from tests.making import samples

SHA = "a" * 64


def fold(**changes) -> Fold:
    parts = {"train": [0, 1, 4], "vali": [2, 5], "test": [3, 6]} | changes
    arrays = {name: np.array(part, dtype=np.int64) for name, part in parts.items()}
    return Fold(0, "normal_only", 7, SHA, **arrays)


def cohort(patients: int, normal: int = 6, abnormal: int = 4):
    labels = np.tile([0] * normal + [1] * abnormal, patients)
    names = np.repeat([f"p{i}" for i in range(patients)], normal + abnormal)
    return labels, pd.DataFrame({"record": names, "patient": names})


def make(labels, table, sets=None, sha=SHA, **options):
    return make_folds(samples(labels=labels, table=table, sha256=sha), Split(**options), 0, evaluation_sets=sets)


def test_the_same_fold_is_written_as_the_same_bytes(tmp_path):
    save_fold(tmp_path / "a.json", fold())
    save_fold(tmp_path / "b.json", load_fold(tmp_path / "a.json"))
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"train": None}, "train is null, expected a list"),
        ({"train": []}, "train is empty"),
        ({"train": [1, 0]}, "train is not sorted"),
        ({"train": [1, 1]}, "train is not sorted, or holds a sample twice"),
        ({"train": [0, -1]}, "whole numbers from 0"),
        ({"train": [-1, 0]}, "whole numbers from 0"),
        ({"train": [0, 1.0]}, "whole numbers from 0"),
        ({"train": [0, True]}, "whole numbers from 0"),
        ({"train": [0, "1"]}, "whole numbers from 0"),
        ({"train": [0, 2**70]}, "whole numbers from 0"),
        ({"train": [0, 2]}, "in two of train, vali and test"),
        ({"vali": [3]}, "in two of train, vali and test"),
        ({"index": "0"}, "index is '0', expected a whole number"),
        ({"index": True}, "index is True, expected a whole number"),
        ({"index": -1}, "at least 0"),
        ({"seed": 1.5}, "seed is 1.5, expected"),
        ({"protocol": ""}, "the protocol has a name"),
        ({"data_sha256": "abc"}, "data_sha256 is 'abc', expected 64"),
        ({"data_sha256": "G" * 64}, "expected 64 hexadecimal digits"),
        ({"extra": 1}, "the key 'extra' is unknown"),
    ],
)
def test_a_broken_fold_is_refused(change, expected, tmp_path):
    save_fold(tmp_path / "fold_0.json", fold())
    values = json.loads((tmp_path / "fold_0.json").read_text()) | change
    (tmp_path / "fold_0.json").write_text(json.dumps(values))
    with pytest.raises(EcganError, match=r"fold_0\.json is no fold") as caught:
        load_fold(tmp_path / "fold_0.json")
    assert expected in caught.value.message


def test_a_fold_without_a_key_and_one_that_is_no_mapping_are_refused(tmp_path):
    for content in ("[]", "{}", '{"train": [1]}', "3"):
        (tmp_path / "f.json").write_text(content)
        with pytest.raises(EcganError, match="the key 'by_patient' is missing"):
            load_fold(tmp_path / "f.json")


def test_a_pickle_in_place_of_a_fold_is_not_run(tmp_path):
    import pickle

    class Gadget:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    (tmp_path / "f.json").write_bytes(pickle.dumps(Gadget(), protocol=0))
    with pytest.raises(EcganError, match="not JSON"):
        load_fold(tmp_path / "f.json")
    assert not (tmp_path / "ran").exists()


def test_other_data_are_refused_and_the_right_ones_are_not():
    fold().check_data(SHA)
    with pytest.raises(EcganError, match=r"aaaaaaaa.*bbbbbbbb") as caught:
        fold().check_data("b" * 64)
    assert "ecgan split" in caught.value.hint
    fold().check_size(7)
    with pytest.raises(EcganError, match="sample 6, and there are 6 samples"):
        fold().check_size(6)


@pytest.mark.parametrize("protocol", ["normal_only", "beatgan", "stratified"])
@pytest.mark.parametrize(("normal", "abnormal"), [(0, 10), (10, 0), (1, 1), (2, 1)])
def test_too_few_samples_are_refused_with_their_counts(protocol, normal, abnormal):
    labels, table = cohort(1, normal, abnormal)
    with pytest.raises(EcganError) as caught:
        make(labels, table, protocol=protocol, k=5)
    assert all(fact in caught.value.message for fact in (protocol, "k = 5", f"{normal} normal", f"{abnormal} abnormal"))


@pytest.mark.parametrize("protocol", ["interpatient", "interpatient_strict"])
def test_unknown_patients_are_refused(protocol):
    labels, table = cohort(8)
    with pytest.raises(EcganError, match=f"'{protocol}'.* patient .*80 of 80"):
        make(labels, table.drop(columns="patient"), protocol=protocol, k=2)
    table.loc[3, "patient"] = None
    with pytest.raises(EcganError, match=f"'{protocol}'.* patient .*1 of 80"):
        make(labels, table, protocol=protocol, k=2)


def test_unknown_records_are_refused_where_lists_go_by_record():
    labels, table = cohort(8)
    with pytest.raises(EcganError, match="needs the record of every sample"):
        make(labels, table.drop(columns="record"), (["p1"], ["p2"]), protocol="interpatient", k=2)


def test_too_few_patients_are_refused_with_what_would_do():
    labels, table = cohort(12)  # six remain for training and validation
    assert len(make(labels, table, protocol="interpatient", k=3)) == 3
    with pytest.raises(EcganError, match=r"k = 4 .*8 patients.* 6 and 6") as caught:
        make(labels, table, protocol="interpatient", k=4)
    assert "split.k to 3" in caught.value.hint
    labels, table = cohort(3)
    with pytest.raises(EcganError) as caught:
        make(labels, table, protocol="interpatient", k=2)
    assert "normal_only" in caught.value.hint


def test_the_standard_lists_decide_and_a_patient_of_both_leaves_the_first_in_the_strict_protocol():
    labels, table = cohort(12)
    table.loc[table["record"] == "p1", "patient"] = "p8"  # record p1 of the first list is patient p8 of the second
    sets = ([f"p{i}" for i in range(6)], [f"p{i}" for i in range(6, 11)])
    record = table["record"].to_numpy(dtype=str)
    loose = make(labels, table, sets, protocol="interpatient", k=2, train_on="all")
    strict = make(labels, table, sets, protocol="interpatient_strict", k=2, train_on="all")
    for one in (*loose, *strict):
        assert set(record[one.test]) == set(sets[1])
    assert set(record[np.concatenate([loose[0].train, loose[0].vali])]) == set(sets[0])
    assert set(record[np.concatenate([strict[0].train, strict[0].vali])]) == set(sets[0]) - {"p1"}


def test_lists_whose_records_are_not_there_are_refused():
    labels, table = cohort(8)
    with pytest.raises(EcganError, match="no samples to train on"):
        make(labels, table, (["x"], ["p1"]), protocol="interpatient", k=2)
    with pytest.raises(EcganError, match="has no normal test samples"):
        make(labels, table, ([f"p{i}" for i in range(8)], ["x"]), protocol="interpatient", k=2)


def test_groups_of_patients_have_similar_numbers_of_abnormal_beats():
    rng = np.random.default_rng(0)
    rows = [(f"p{i}", 100, int(count)) for i, count in enumerate(rng.integers(1, 200, 40))]
    labels = np.concatenate([np.repeat([0, 1], [normal, abnormal]) for _, normal, abnormal in rows])
    names = np.concatenate([np.repeat(name, normal + abnormal) for name, normal, abnormal in rows])
    table = pd.DataFrame({"record": names, "patient": names})
    sizes = [(labels[one.vali] != 0).sum() for one in make(labels, table, protocol="interpatient", k=5)]
    assert max(sizes) < 1.25 * min(sizes)


def test_the_largest_remainders_get_what_is_left():
    assert allot(np.array([6, 3, 2]), 5).tolist() == [3, 1, 1]  # 2.73, 1.36, 0.91
    assert allot(np.array([0, 0]), 0).tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(8))
def test_three_patients_can_be_halved_so_that_both_halves_have_both(seed):
    people = Roster(np.array(["a", "b", "c"]), normal=np.array([3, 0, 2]), abnormal=np.array([1, 4, 0]))
    halves = deal_evenly(people, np.random.default_rng(seed))
    assert sorted(half.tolist() for half in halves) == [["a"], ["b", "c"]]


def test_train_on_all_is_refused_where_training_is_on_normal_samples():
    labels, table = cohort(5)
    for protocol in ("normal_only", "beatgan"):
        with pytest.raises(EcganError, match="cannot train on 'all'"):
            make(labels, table, protocol=protocol, k=2, train_on="all")


def test_a_single_fold_is_refused():
    labels, table = cohort(5)
    with pytest.raises(EcganError, match="at least 2"):
        make(labels, table, protocol="normal_only", k=1)


def test_fixed_folds_are_taken_as_they_are_and_keep_their_protocol(tmp_path):
    labels, table = cohort(12)
    stored = make(labels, table, protocol="interpatient", k=2, train_on="all")
    for one in stored:
        save_fold(tmp_path / f"fold_{one.index}.json", one)
    options = {"protocol": "fixed", "k": 2, "source": str(tmp_path), "train_on": "all"}
    taken = make_folds(samples(labels=labels, table=table, sha256=SHA), Split(**options), 99)
    assert [one.protocol for one in taken] == ["interpatient"] * 2
    assert [one.seed for one in taken] == [0, 0]
    for one, other in zip(taken, stored, strict=True):
        assert np.array_equal(one.train, other.train)
        assert np.array_equal(one.test, other.test)
    with pytest.raises(EcganError, match="belongs to other data"):
        make(labels, table, sha="b" * 64, **options)
    with pytest.raises(EcganError, match=r"split\.k is 3, but there is no .*fold_2") as caught:
        make(labels, table, **(options | {"k": 3}))
    assert "fold_0.json, fold_1.json" in caught.value.hint
    with pytest.raises(EcganError, match=r"trains on .* abnormal samples"):
        make(labels, table, **(options | {"train_on": "normal"}))
    with pytest.raises(EcganError, match="and there are 50 samples"):
        make(labels[:50], table[:50], **options)


def test_halves_put_a_class_of_one_into_the_first_half():
    labels = np.array([0, 0, 0, 1, 1, 2])
    one = Fold(0, "normal_only", 3, SHA, np.array([6]), np.arange(6), np.array([7]))
    fit, report = vali_halves(one, samples(labels=labels))
    assert np.bincount(labels[fit], minlength=3).tolist() == [2, 1, 1]
    assert np.bincount(labels[report], minlength=3).tolist() == [1, 1, 0]


def test_halves_that_would_lack_a_kind_are_refused():
    labels = np.array([0, 0, 0, 1, 2])
    one = Fold(4, "normal_only", 3, SHA, np.array([6]), np.arange(5), np.array([7]))
    with pytest.raises(EcganError, match="fold 4 cannot be halved: 3 are normal and 2 abnormal"):
        vali_halves(one, samples(labels=labels))


def test_halves_by_patient_need_patients_and_enough_of_them():
    labels, table = cohort(3)
    one = Fold(0, "interpatient", 3, SHA, np.arange(10), np.arange(10, 20), np.arange(20, 30), by_patient=True)
    with pytest.raises(EcganError, match="halves validation by patient"):
        vali_halves(one, samples(labels=labels, table=table.drop(columns="patient")))
    with pytest.raises(EcganError, match="1 have normal and 1 abnormal") as caught:
        vali_halves(one, samples(labels=labels, table=table))
    assert "smaller split.k" in caught.value.hint


def test_halves_depend_on_the_seed_and_on_the_fold():
    labels, table = cohort(40)
    first, second = make(labels, table, protocol="normal_only", k=2)
    given = samples(labels=labels, table=table)
    assert not np.array_equal(vali_halves(first, given)[0], vali_halves(first, given, seed=5)[0])
    assert np.array_equal(vali_halves(first, given)[0], vali_halves(first, given, seed=0)[0])
    moved = Fold(1, first.protocol, first.seed, SHA, first.train, first.vali, first.test)
    assert not np.array_equal(vali_halves(first, given)[0], vali_halves(moved, given)[0])
    assert second.index == 1


def test_every_protocol_says_what_it_does():
    known = ["beatgan", "fixed", "interpatient", "interpatient_strict", "normal_only", "published", "stratified"]
    assert PROTOCOLS.names() == known
    for name in PROTOCOLS.names():
        cls = PROTOCOLS.get(name)
        assert cls.name == name
        assert cls.title
        assert "\n" not in cls.title
