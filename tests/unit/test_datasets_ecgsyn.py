"""The simulated dataset: its files, its samples, and that it is neither trivial nor hopeless."""

import hashlib
import tempfile
from pathlib import Path

import numpy as np
import pytest

from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.ecgsyn import Ecgsyn, FetchOptions
from ecgan.errors import EcganError
from ecgan.samples import Samples


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ecgsyn")
    Ecgsyn().fetch(folder, FetchOptions(), seed=0)
    return folder


@pytest.fixture(scope="module")
def samples(raw: Path) -> Samples:
    return Ecgsyn().preprocess(raw, BeatOptions())


def content(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def small(patients: int, minutes: float = 0.4) -> FetchOptions:
    return FetchOptions(patients=patients, minutes=minutes)


def test_the_default_set_is_small_and_has_every_class(raw: Path, samples: Samples) -> None:
    assert sum(file.stat().st_size for file in raw.iterdir()) < 2_500_000
    assert len(list(raw.glob("*.hea"))) == 16
    counts = samples.table["class_name"].value_counts()
    assert 1600 < len(samples) < 2200
    assert 0.75 < counts["N"] / len(samples) < 0.9
    assert counts[["S", "V", "F"]].min() > 40


def test_both_evaluation_sets_have_every_class_and_share_no_patient(samples: Samples) -> None:
    first, second = Ecgsyn().evaluation_sets()
    assert not set(first) & set(second)
    assert set(samples.table["record"]) <= {*first, *second}
    for names in (first, second):
        counts = samples.table[samples.table["record"].isin(names)]["class_name"].value_counts()
        assert counts[["N", "S", "V", "F"]].min() > 15


def test_samples_keep_the_contract(samples: Samples) -> None:
    assert samples.signals.shape == (len(samples.class_ids), 1, 320)
    about = samples.about
    assert (about.leads, about.classes, about.sampling_rate) == (["MLII"], ["N", "S", "V", "F", "Q"], 360.0)
    assert about.centre == 140
    assert (np.asarray(about.classes)[samples.class_ids] == samples.table["class_name"]).all()
    assert samples.table.columns.tolist() == [
        *("class_name", "record", "patient", "sample", "time_s", "symbol", "aami", "rr_prev_s", "rr_next_s")
    ]
    np.testing.assert_array_equal(samples.signals, np.round(samples.signals.astype(np.float64), 4).astype(np.float32))


def test_nearest_neighbours_do_well_but_not_perfectly(samples: Samples) -> None:
    from sklearn.metrics import roc_auc_score
    from sklearn.neighbors import NearestNeighbors

    beats = samples.signals[:, 0].astype(np.float64)
    beats = (beats - beats.min(axis=1, keepdims=True)) / np.ptp(beats, axis=1, keepdims=True)
    normal = np.random.default_rng(0).permutation(np.flatnonzero(samples.class_ids == 0))
    train, rest = normal[: len(normal) * 4 // 5], normal[len(normal) * 4 // 5 :]
    test = np.concatenate([rest, np.flatnonzero(samples.class_ids)])
    distances, _ = NearestNeighbors(n_neighbors=5).fit(beats[train]).kneighbors(beats[test])
    assert 0.85 < roc_auc_score(samples.class_ids[test] > 0, distances.mean(axis=1)) < 0.96


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        Ecgsyn().fetch(tmp_path / name, small(2), seed=seed)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert content(tmp_path / "a") != content(tmp_path / "c")


def test_a_patient_does_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    Ecgsyn().fetch(tmp_path / "few", small(2), seed=0)
    Ecgsyn().fetch(tmp_path / "many", small(4), seed=0)
    few, many = content(tmp_path / "few"), content(tmp_path / "many")
    assert {name: many[name] for name in few if name != "RECORDS"} == {
        name: digest for name, digest in few.items() if name != "RECORDS"
    }


def test_fetching_again_with_fewer_patients_leaves_nothing_behind(tmp_path: Path) -> None:
    Ecgsyn().fetch(tmp_path, small(3), seed=0)
    (tmp_path / ".part-left").mkdir()
    (tmp_path / ".part-left" / "p01.dat").write_bytes(b"half")
    Ecgsyn().fetch(tmp_path, small(2), seed=0)
    assert sorted(content(tmp_path)) == [
        "RECORDS",
        *(f"p0{index}.{suffix}" for index in (1, 2) for suffix in ("atr", "dat", "hea")),
    ]


def test_the_folder_may_be_relative_where_temporary_folders_are_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", lambda *args: str(Path(make(*args)).absolute()))  # as Python 3.12 does
    monkeypatch.chdir(tmp_path)
    Ecgsyn().fetch(Path("raw"), small(2), seed=0)
    assert [file.name for file in sorted(Path("raw").glob("*.hea"))] == ["p01.hea", "p02.hea"]


def test_leads_filter_window_and_records_are_options(tmp_path: Path) -> None:
    Ecgsyn().fetch(tmp_path, small(3), seed=0)
    options = BeatOptions(leads=["V1", "MLII"], records=["p03", "p01"], before=64, after=96)
    found = Ecgsyn().preprocess(tmp_path, options)
    assert found.signals.shape[1:] == (2, 160)
    assert found.table["record"].unique().tolist() == ["p03", "p01"]
    filtered = Ecgsyn().preprocess(tmp_path, options.model_copy(update={"filters": ["bandpass"]}))
    assert filtered.signals.shape == found.signals.shape
    assert np.abs(filtered.signals.mean(axis=2)).mean() < np.abs(found.signals.mean(axis=2)).mean()


@pytest.mark.parametrize("workers", ["1", "3"])
def test_the_number_of_workers_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: Samples, raw: Path, workers: str
) -> None:
    monkeypatch.setenv("ECGAN_WORKERS", workers)
    found = Ecgsyn().preprocess(raw, BeatOptions())
    np.testing.assert_array_equal(found.signals, samples.signals)
    assert found.table.equals(samples.table)


def test_an_unknown_record_names_the_nearest_one(raw: Path) -> None:
    with pytest.raises(EcganError, match=r"there is no record 'p1', did you mean 'p"):
        Ecgsyn().preprocess(raw, BeatOptions(records=["p1"]))
    with pytest.raises(EcganError, match="one of them twice"):
        Ecgsyn().preprocess(raw, BeatOptions(records=["p01", "p01"]))


def test_without_raw_files_the_hint_is_to_fetch(tmp_path: Path) -> None:
    with pytest.raises(EcganError, match="RECORDS") as caught:
        Ecgsyn().preprocess(tmp_path, BeatOptions())
    assert "ecgan fetch" in caught.value.hint


@pytest.mark.parametrize(
    "values",
    [
        {"low_hz": 40.0, "high_hz": 10.0},
        {"leads": []},
        {"leads": ["MLII", "MLII"]},
        {"before": 0},
        {"class_mapping": "beatgan"},
    ],
)
def test_options_that_make_no_sense_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="BeatOptions"):
        BeatOptions.model_validate(values)
