"""Folds, and what protocols make of the samples."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .case import FOLDS, FOLDS_DIR, PROCESSED, RAW, add, case, cut_off, removed, replaced, written

DO = "ecgan train"
FILE = f"{FOLDS_DIR}/fold_0.json"
NAME = "fold_0.json"


def fold(name: str, change: Callable[[dict[str, Any]], Any], *words: str) -> None:
    """A fold of which something is changed."""

    def spoil(project: Path) -> None:
        found = json.loads((project / FILE).read_text())
        replacement = change(found)
        (project / FILE).write_text(json.dumps(found if replacement is None else replacement))

    add(name, FOLDS, DO, *words, spoil=spoil)


fold(
    "overlapping_folds",
    lambda it: it.update(train=sorted([*it["train"], it["test"][0]])),
    NAME,
    "two of train, vali and test",
)
fold("index_out_of_range", lambda it: it["test"].append(10**6), "sample 1000000", "416 samples")
fold("negative_index", lambda it: it["test"].insert(0, -1), NAME, "test", "-1")
fold("fractions_for_indices", lambda it: it.update(test=[float(i) for i in it["test"]]), NAME, "test", "8.0")
fold("index_twice", lambda it: it["test"].append(it["test"][-1]), NAME, "test", "twice")
fold("not_sorted", lambda it: it["train"].reverse(), NAME, "train", "sorted")
fold("empty_training", lambda it: it.update(train=[]), NAME, "train", "empty")
fold("text_for_indices", lambda it: it.update(vali="1,2,3"), NAME, "vali", "list")
fold("fold_of_other_data", lambda it: it.update(data_sha256="0" * 64), "fold 0", "000000000000", "ecgan split")
fold("hash_is_none", lambda it: it.update(data_sha256="abc"), NAME, "data_sha256", "'abc'")
fold("key_missing", lambda it: it.pop("vali") and None, NAME, "vali")
fold("key_too_many", lambda it: it.update(note="mine"), NAME, "'note'")
fold("fold_is_a_list", lambda it: [1, 2, 3], NAME)
fold("true_for_an_index", lambda it: it["test"].__setitem__(0, True), NAME, "test")
fold("a_word_for_true", lambda it: it.update(by_patient="yes"), NAME, "by_patient", "true or false")
fold("index_of_hundreds_of_digits", lambda it: it["test"].append(10**300), NAME, "test")
fold("validation_of_one_class", lambda it: it.update(vali=it["vali"][:1]), "fold 0", "halved")
add("fold_is_not_json", FOLDS, DO, NAME, "not JSON", spoil=written(FILE, "train: [1, 2]"))
add("truncated_fold", FOLDS, DO, NAME, "not JSON", spoil=cut_off(FILE, 700))
add("no_fold", FOLDS, DO, NAME, "ecgan split", spoil=removed(FILE))
add("no_folds_yet", PROCESSED, DO, NAME, "ecgan split")
add("lead_that_the_data_have_not", FOLDS, DO, "V5", "MLII", spoil=replaced("params.yaml", "leads: null", "leads: [V5]"))


@case(PROCESSED, "ecgan split", "'interpatient'", "k = 5", "patients", "split.k")
def more_groups_than_patients(project: Path) -> None:
    replaced("params.yaml", "  protocol: normal_only", "  protocol: interpatient")(project)
    replaced("params.yaml", "  k: 2", "  k: 5")(project)


@case(PROCESSED, "ecgan split", "absent/fold_0.json", "split.source")
def fixed_folds_that_are_not_there(project: Path) -> None:
    replaced("params.yaml", "  protocol: normal_only", "  protocol: fixed")(project)
    replaced("params.yaml", "  source: null", "  source: absent")(project)


@case(FOLDS, "ecgan split", "fold_2.json", "split.k")
def fewer_fixed_folds_than_asked_for(project: Path) -> None:
    (project / FOLDS_DIR).rename(project / "kept")
    replaced("params.yaml", "  protocol: normal_only", "  protocol: fixed")(project)
    replaced("params.yaml", "  source: null", "  source: kept")(project)
    replaced("params.yaml", "  k: 2", "  k: 3")(project)


@case(FOLDS, "ecgan split", "fold 0", "other data")
def fixed_folds_of_other_data(project: Path) -> None:
    (project / FOLDS_DIR).rename(project / "kept")
    text = (project / "kept/fold_0.json").read_text()
    start = text.index('"data_sha256": "') + 16
    (project / "kept/fold_0.json").write_text(text[:start] + "0" * 64 + text[start + 64 :])
    replaced("params.yaml", "  protocol: normal_only", "  protocol: fixed")(project)
    replaced("params.yaml", "  source: null", "  source: kept")(project)


@case(PROCESSED, "ecgan split", "0 abnormal samples")
def no_abnormal_samples(project: Path) -> None:
    import numpy as np

    from ecgan.arrays import load_array, save_array

    folder = project / "data/ecgsyn/processed"
    labels = load_array(folder / "label.pkl", ndim=1, kind="iu")
    save_array(folder / "label.pkl", np.zeros_like(labels))
    rows = (folder / "samples.csv").read_text().splitlines()
    (folder / "samples.csv").write_text("\n".join([rows[0], *("N," + row.split(",", 1)[1] for row in rows[1:])]) + "\n")


add("split_before_preprocess", RAW, "ecgan split", "ecgan preprocess")
