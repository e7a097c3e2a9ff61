"""Every dataset with every protocol: folds that are partitions, or a refusal that says what is missing."""

import importlib
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecgan.config import render_params
from ecgan.config.schema import Split
from ecgan.errors import EcganError
from ecgan.preprocessing.processed import load_processed, save_processed
from ecgan.protocols.folds import Fold, load_fold, save_fold, vali_halves
from ecgan.protocols.making import make_folds
from ecgan.registry import DATASETS, PROTOCOLS
from ecgan.samples import Samples
from tests import making
from tests.corpus.project import run

WORKS = ""
NO_PATIENTS = "needs the patient of every sample; {n} of {n} samples have none"
NO_ABNORMAL = "cannot be made from {n} normal and 0 abnormal samples"

NO_FOLDS = "needs the fold of every sample; {n} of {n} samples have none"

KNOWN = {"normal_only": WORKS, "beatgan": WORKS, "stratified": WORKS, "fixed": WORKS, "published": NO_FOLDS}
PATIENTS = {"interpatient": WORKS, "interpatient_strict": WORKS}
NONE = {"interpatient": NO_PATIENTS, "interpatient_strict": NO_PATIENTS}

EXPECTED: dict[str, dict[str, str]] = {
    "ecgsyn": KNOWN | PATIENTS,
    "mitbih": KNOWN | PATIENTS,
    "mitbih_beatgan": KNOWN | PATIENTS,
    "mitbih_beats": KNOWN | PATIENTS,
    "mitbih_beats, Kaggle's tables": KNOWN | NONE,
    "ptb": KNOWN | PATIENTS,
    "ptb, Kaggle's tables": KNOWN | NONE,
    "shaoxing": KNOWN | PATIENTS,
    "physionet": KNOWN | PATIENTS,
    "ptbxl": KNOWN | PATIENTS | {"published": WORKS},
    "cmu_mocap": KNOWN | NONE,
    "sine": KNOWN | NONE,
    "wafer": KNOWN | NONE,
    "folder, many patients": KNOWN | PATIENTS,
    "folder": KNOWN | dict.fromkeys(PATIENTS, r"needs 4 patients .* there are 3 and 3 \(3 patients in all\)"),
    "folder, one patient": KNOWN | dict.fromkeys(PATIENTS, r"needs 4 patients .* \(1 patients in all\)"),
    "folder, no labels": dict.fromkeys(KNOWN | PATIENTS, NO_ABNORMAL),
}
MADE_UP = {"mitbih_beats, Kaggle's tables": "mitbih_beats_csv", "ptb, Kaggle's tables": "ptb_csv"}
SMALL: dict[str, dict[str, Any]] = {"ecgsyn": {"patients": 12, "minutes": 0.5}, "sine": {"samples": 12_000}}

PAIRS = [(kind, protocol) for kind, outcomes in EXPECTED.items() for protocol in outcomes]


def name_of(kind: str) -> str:
    return kind.split(",")[0]


@cache
def samples_of(kind: str) -> Samples:
    """The samples of a dataset, from raw files that are made up."""
    name = name_of(kind)
    cls, raw = DATASETS.get(name), Path(mkdtemp()) / "raw"
    if name in SMALL:
        cls().fetch(raw, cls.Fetch(**SMALL[name]), seed=0)
    else:
        importlib.import_module(f"tests.raw.{MADE_UP.get(kind, name)}").write(raw)
    samples = cls().samples(raw, cls.Preprocess())
    table = samples.table.copy()
    if kind == "folder, one patient":
        table["patient"] = "p0"
    if kind == "folder, many patients":
        table["patient"] = [f"p{number // 9}" for number in range(len(table))]
    labels = samples.labels
    if kind == "folder, no labels":
        labels, table["class_name"] = np.zeros_like(labels), samples.about.classes[0]
    return replace(samples, labels=labels, table=table)


@cache
def processed(kind: str) -> Samples:
    folder = Path(mkdtemp())
    save_processed(folder, name_of(kind), samples_of(kind))
    return load_processed(folder)


def folds_of(kind: str, protocol: str, tmp_path: Path, k: int = 2, seed: int = 0) -> list[Fold]:
    """Make folds; for `fixed`, those of `normal_only` are stored before."""
    data = processed(kind)
    source = None
    if protocol == "fixed":
        source = str(tmp_path)
        for fold in folds_of(kind, "normal_only", tmp_path, k, seed=1):
            save_fold(tmp_path / f"fold_{fold.index}.json", fold)
    options = Split(protocol=protocol, k=k, source=source)
    sets = DATASETS.get(name_of(kind))().evaluation_sets()
    return make_folds(data, options, seed, evaluation_sets=sets)


def test_every_dataset_and_every_protocol_is_expected_to_do_something() -> None:
    assert {name_of(kind) for kind in EXPECTED} == set(DATASETS.names())
    assert all(set(outcomes) == set(PROTOCOLS.names()) for outcomes in EXPECTED.values())


@pytest.mark.parametrize(("kind", "protocol"), PAIRS)
def test_a_dataset_with_a_protocol(kind: str, protocol: str, tmp_path: Path) -> None:
    expected = EXPECTED[kind][protocol]
    data = processed(kind)
    if expected:
        with pytest.raises(EcganError) as caught:
            folds_of(kind, protocol, tmp_path)
        assert re.search(expected.format(n=len(data)), caught.value.message)
        assert caught.value.hint
        return
    folds = folds_of(kind, protocol, tmp_path)
    assert [fold.index for fold in folds] == [0, 1]
    for fold in folds:
        check_fold(fold, data)
    if protocol == "fixed":
        assert {fold.protocol for fold in folds} == {"normal_only"}


def check_fold(fold: Fold, data: Samples) -> None:
    parts = {"train": fold.train, "vali": fold.vali, "test": fold.test}
    everything = np.concatenate(list(parts.values()))
    assert len(np.unique(everything)) == len(everything)
    assert everything.min() >= 0
    assert everything.max() < len(data)
    assert len(fold.train) > 0
    assert (data.class_ids[fold.train] == 0).all()
    halves = dict(zip(("one half", "other half"), vali_halves(fold, data), strict=True))
    for name, part in {**parts, **halves}.items():
        if name != "train":
            assert set(np.unique(data.class_ids[part] != 0)) == {False, True}, name
    if fold.protocol.startswith(("interpatient", "published")):
        assert data.patients is not None
        groups = [set(data.patients[part]) for part in (fold.train, fold.vali, *halves.values())]
        assert not groups[0] & groups[1]
        assert not groups[2] & groups[3]
        tested = set(data.patients[fold.test])
        shared = (groups[0] | groups[1]) & tested
        assert not shared or (fold.protocol == "interpatient" and shared == {"201"})  # 201 and 202 are one man


REFUSED = [(kind, protocol) for kind, protocol in PAIRS if EXPECTED[kind][protocol] and protocol != "fixed"]


@pytest.mark.parametrize(("kind", "protocol"), REFUSED)
def test_the_command_line_says_why_in_one_sentence_and_leaves_no_folds(
    kind: str, protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    name = name_of(kind)
    save_processed(tmp_path / "data" / name / "processed", name, samples_of(kind))
    split = {"protocol": protocol, "k": 2, "folds": [0]}
    Path("params.yaml").write_text(render_params(name, ["aegan"], {}, overrides={"split": split}))
    assert run(("ecgan", "split")) == 1
    sentence, hint = capsys.readouterr().err.strip().splitlines()
    assert sentence.startswith(f"error: the protocol {protocol!r}")
    assert re.search(EXPECTED[kind][protocol].format(n=len(samples_of(kind))), sentence)
    assert "protocol" in hint or "ecgan score" in hint or "split.k" in hint
    assert not (tmp_path / "data" / name / "folds").exists()


def test_data_without_labels_are_told_what_they_are_good_for(tmp_path: Path) -> None:
    with pytest.raises(EcganError, match="0 abnormal samples") as caught:
        folds_of("folder, no labels", "normal_only", tmp_path)
    assert "labels" in caught.value.hint
    assert "`ecgan score`" in caught.value.hint


@pytest.mark.parametrize("kind", ["ecgsyn", "shaoxing", "ptb"])
def test_a_k_that_patients_do_not_allow_is_refused_with_one_that_they_do(kind: str, tmp_path: Path) -> None:
    with pytest.raises(EcganError, match=r"k = 9 .*18 patients.* 18 ") as caught:
        folds_of(kind, "interpatient", tmp_path, k=9)
    offered = re.search(r"Set split\.k to (\d+)", caught.value.hint)
    assert offered is not None
    assert len(folds_of(kind, "interpatient", tmp_path, k=int(offered[1]))) == int(offered[1])
    with pytest.raises(EcganError):
        folds_of(kind, "interpatient", tmp_path, k=int(offered[1]) + 1)


def classes_of(*counts: int) -> Samples:
    """So many samples of each class, shuffled, without patients."""
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    return making.samples(labels=labels, table=pd.DataFrame({"class_name": labels.astype(str)}), sha256="0" * 64)


@pytest.mark.parametrize("rare", [15, 3, 1])
@pytest.mark.parametrize("protocol", ["normal_only", "stratified", "beatgan"])
def test_a_class_of_fewer_samples_than_folds_is_divided_as_far_as_it_goes(protocol: str, rare: int) -> None:
    samples = classes_of(867, 30, 70, 8, rare)
    labels, folds = samples.class_ids, make_folds(samples, Split(protocol=protocol, k=20), 0)
    for fold in folds:
        everything = np.concatenate([fold.train, fold.vali, fold.test])
        assert len(np.unique(everything)) == len(everything)
        assert {0, 1, 2} <= set(labels[fold.test])
    found = [((labels[fold.vali] == 4).sum(), (labels[fold.test] == 4).sum()) for fold in folds]
    if protocol == "beatgan":  # a tenth, rounded up, validates
        assert set(found) == {(-(-rare // 10), rare - -(-rare // 10))}
    elif protocol == "normal_only":
        assert {vali + test for vali, test in found} == {rare}
    else:
        assert sum(vali for vali, _ in found) + found[0][1] == rare
        assert max(vali for vali, _ in found) - min(vali for vali, _ in found) <= 1


@pytest.mark.parametrize(
    ("abnormal", "protocol"), [(1, "normal_only"), (1, "beatgan"), (2, "stratified"), (3, "beatgan")]
)
def test_too_few_abnormal_samples_are_refused_before_anything_is_trained(abnormal: int, protocol: str) -> None:
    with pytest.raises(EcganError, match=f"{abnormal} abnormal|1 abnormal") as caught:
        make_folds(classes_of(200, abnormal), Split(protocol=protocol, k=2), 0)
    assert "more samples" in caught.value.hint


def test_stored_folds_are_taken_over_whatever_the_seed_and_only_with_their_data(tmp_path: Path) -> None:
    first = folds_of("ecgsyn", "interpatient", tmp_path)
    for fold in first:
        save_fold(tmp_path / f"fold_{fold.index}.json", fold)
    data = processed("ecgsyn")
    options = Split(protocol="fixed", k=2, source=str(tmp_path))
    again = make_folds(data, options, 77)
    for one, other in zip(first, again, strict=True):
        assert (other.protocol, other.seed) == ("interpatient", one.seed)
        for part in ("train", "vali", "test"):
            assert np.array_equal(getattr(one, part), getattr(other, part))
        assert np.array_equal(vali_halves(one, data)[0], vali_halves(other, data)[0])
    other = processed("wafer")
    with pytest.raises(EcganError, match=r"refers to sample|belongs to other data"):
        make_folds(other, options, 0)
    assert load_fold(tmp_path / "fold_1.json").data_sha256 == data.sha256
