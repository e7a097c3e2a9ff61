"""A processed dataset on disk: rounded, checked, read back without running anything."""

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecgan import seals
from ecgan.arrays import load_array
from ecgan.errors import EcganError
from ecgan.files import sha256
from ecgan.preprocessing import processed
from ecgan.preprocessing.processed import load_about, load_processed, save_processed
from ecgan.samples import Samples
from tests import making


@pytest.fixture
def sealed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test changes is sealed as by its writer: what comes after the seal is tried."""

    def check(folder: Path, *arguments: Any, **options: Any) -> Any:
        seals.seal(folder)
        return seals.check_seal(folder, *arguments, **options)

    monkeypatch.setattr(processed, "check_seal", check)


def samples(seed: int = 0) -> Samples:
    rng = np.random.default_rng(seed)
    labels = np.array([0, 0, 1, 2, 0])
    table = pd.DataFrame(
        {
            "class_name": ["N", "N", "S", "V", "N"],
            "record": ["100", "100", "101", "101", "101"],
            "patient": ["0100", "0100", "0101", "0101", "0101"],
            "sample": [10, 400, 20, 300, 700],
            "rr_prev_s": [np.nan, 0.81, np.nan, 0.7, 0.9],
        }
    )
    about = {"sampling_rate": 360.0, "leads": ["MLII", "V1"], "classes": ["N", "S", "V", "F", "Q"]}
    return making.samples(rng.normal(size=(5, 2, 8)), labels, table, **about)


def described(given: Samples, **changes: Any) -> Samples:
    return replace(given, about=replace(given.about, **changes))


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    given = samples()
    about = save_processed(tmp_path, "toy", given)
    data = load_processed(tmp_path)
    np.testing.assert_allclose(data.signals, given.signals, atol=0.5e-4 + 1e-6)
    assert data.signals.dtype == np.float32
    np.testing.assert_array_equal(data.labels, given.labels)
    assert data.about == about == load_about(tmp_path)
    assert about.counts == {"N": 3, "S": 1, "V": 1, "F": 0, "Q": 0}
    assert data.patients.tolist() == given.table["patient"].tolist()  # leading zeros stay


def test_words_that_pandas_takes_for_nothing_are_words(tmp_path: Path) -> None:
    given = samples()
    given.table["class_name"] = ["None", "None", "NA", "nan", "None"]
    given.table["patient"] = ["NA", "NA", "null", "null", "null"]
    save_processed(tmp_path, "toy", described(given, classes=["None", "NA", "nan", "F", "Q"]))
    data = load_processed(tmp_path)
    assert data.table["class_name"].tolist() == given.table["class_name"].tolist()
    assert data.patients.tolist() == given.table["patient"].tolist()
    assert np.isnan(data.table["rr_prev_s"]).tolist() == [True, False, True, False, False]


def test_last_bits_of_another_processor_do_not_change_the_hash(tmp_path: Path) -> None:
    given = samples()
    save_processed(tmp_path / "one", "toy", given)
    save_processed(tmp_path / "other", "toy", replace(given, signals=given.signals * (1 + 1e-15)))
    for name in ("data.pkl", "label.pkl", "samples.csv", "dataset.json"):
        assert sha256(tmp_path / "one" / name) == sha256(tmp_path / "other" / name)


def test_the_file_of_signals_has_time_before_leads(tmp_path: Path) -> None:
    given = samples()
    save_processed(tmp_path, "toy", given)
    stored = load_array(tmp_path / "data.pkl", ndim=3, kind="f")
    np.testing.assert_array_equal(stored, np.round(given.signals, 4).astype(np.float32).transpose(0, 2, 1))


def test_patients_are_unknown_where_one_is_missing(tmp_path: Path) -> None:
    given = samples()
    given.table.loc[2, "patient"] = None
    save_processed(tmp_path, "toy", given)
    assert load_processed(tmp_path).patients is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"signals": np.zeros((5, 8))}, "shape"),
        ({"labels": np.array([0, 1])}, "labels"),
        ({"labels": None}, "labels"),
        ({"labels": np.array([0, 0, 1, 9, 0])}, "labels from 0 to 9"),
        ({"about": described(samples(), leads=["MLII"]).about}, "1 lead names for 2 channels"),
        ({"table": pd.DataFrame({"record": list("abcde")})}, "class_name"),
        ({"table": pd.DataFrame({"class_name": list("NNVVN")})}, "row 2 of the table has the class 'V'"),
        ({"signals": np.full((5, 2, 8), np.nan)}, "5 samples hold NaN"),
    ],
)
def test_samples_that_do_not_fit_are_refused_in_one_sentence(tmp_path: Path, change, words) -> None:
    with pytest.raises(EcganError, match=f"'toy'.*{words}"):
        save_processed(tmp_path, "toy", replace(samples(), **change))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("sealed_anew")
def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    save_processed(tmp_path, "toy", samples())
    (tmp_path / "label.pkl").write_bytes(pickle.dumps(np.arange(3), protocol=4))
    with pytest.raises(EcganError, match="do not belong together"):
        load_processed(tmp_path)
    with pytest.raises(EcganError, match="no processed data") as caught:
        load_processed(tmp_path / "absent")
    assert "ecgan preprocess" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[1, 2]", "does not describe a dataset"),
        ('{"name": "toy"}', "is missing"),
        ('{"sampling_rate": 360.0, "leads": ["I"], "classes": ["N"], "name": 3}', "name is 3"),
        ("{", "not JSON"),
    ],
)
@pytest.mark.usefixtures("sealed_anew")
def test_a_description_that_is_none_is_one_sentence(tmp_path: Path, content: str, words: str) -> None:
    save_processed(tmp_path, "toy", samples())
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(EcganError, match=words):
        load_processed(tmp_path)


@pytest.mark.parametrize("key", ["name", "sampling_rate", "leads", "classes", "unit", "mapping", "centre"])
@pytest.mark.usefixtures("sealed_anew")
def test_a_key_that_a_description_lacks_is_named(tmp_path: Path, key: str) -> None:
    save_processed(tmp_path, "toy", samples())
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps({name: value for name, value in json.loads(path.read_text()).items() if name != key}))
    with pytest.raises(EcganError, match=f"the key '{key}' is missing"):
        load_processed(tmp_path)


@pytest.mark.usefixtures("sealed_anew")
def test_an_unknown_key_in_a_description_is_named(tmp_path: Path) -> None:
    save_processed(tmp_path, "toy", samples())
    path = tmp_path / "dataset.json"
    path.write_text(path.read_text().replace('"unit"', '"extra": 1, "unit"'))
    with pytest.raises(EcganError, match="unknown key 'extra'"):
        load_processed(tmp_path)


@pytest.mark.parametrize("change", ["labels", "table", "signals"])
def test_other_labels_or_patients_are_another_dataset(tmp_path: Path, change: str) -> None:
    given = samples()
    save_processed(tmp_path / "one", "toy", given)
    if change == "table":
        given.table.loc[0, "patient"] = "0999"
    else:
        other = given.class_ids[::-1].copy() if change == "labels" else given.signals + 1
        given = replace(given, **{change: other})
        given.table["class_name"] = [given.about.classes[label] for label in given.class_ids]
    save_processed(tmp_path / "other", "toy", given)
    assert load_processed(tmp_path / "one").sha256 != load_processed(tmp_path / "other").sha256
