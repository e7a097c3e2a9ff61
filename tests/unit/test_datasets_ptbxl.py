"""PTB-XL, on simulated recordings laid out as on PhysioNet."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from ecgan.config.schema import Split
from ecgan.datasets.ptbxl import FetchOptions, PreprocessOptions, Ptbxl
from ecgan.errors import EcganError
from ecgan.preprocessing.processed import load_processed, save_processed
from ecgan.protocols.making import make_folds
from ecgan.samples import Samples
from tests.raw import made_up
from tests.raw.physionet import write_sums
from tests.raw.ptbxl import ABNORMAL, NORMAL, ROWS, Row, signals, write


def fetched(raw: Path, **options: object) -> set[str]:
    Ptbxl().fetch(raw, FetchOptions.model_validate(options), seed=0)
    return {file.relative_to(raw).as_posix() for file in raw.rglob("*") if file.is_file()}


def cut(raw: Path, **options: object) -> Samples:
    return Ptbxl().samples(raw, PreprocessOptions.model_validate(options))


def made(raw: Path, *rows: Row, rates: tuple[int, ...] = (100,)) -> Path:
    write(raw, list(rows), rates)
    return raw


def recordings(number: int, rate: int) -> set[str]:
    kind = "lr" if rate == 100 else "hr"
    names = [f"records{rate}/00000/{index:05}_{kind}" for index in range(1, number + 1)]
    return {f"{name}.{end}" for name in names for end in ("hea", "dat")}


TABLES = {"ptbxl_database.csv", "scp_statements.csv"}


@pytest.mark.parametrize("rate", [100, 500])
def test_the_recordings_of_a_rate_and_both_tables_are_fetched(
    rate: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = made(tmp_path / "mirror/physionet.org/files/ptb-xl/1.0.3", *ROWS[:2], rates=(100, 500))
    (place / "RECORDS").write_text("not wanted\n")
    write_sums(place)
    monkeypatch.setenv("ECGAN_MIRROR", str(tmp_path / "mirror"))
    there = fetched(tmp_path / "raw", rate_hz=rate)
    assert there == TABLES | recordings(2, rate) | {"SHA256SUMS.txt", "database.json"}
    found = cut(tmp_path / "raw")
    assert found.signals.shape == (2, 12, 512)
    assert found.about.sampling_rate == 51.2
    other = fetched(tmp_path / "raw", rate_hz=600 - rate)
    assert other == TABLES | recordings(2, 600 - rate) | {"SHA256SUMS.txt", "database.json"}


def test_an_archive_that_the_user_has_is_taken(tmp_path: Path) -> None:
    place = made(tmp_path / "here", *ROWS[:2], rates=(100, 500))
    write_sums(place)
    packed = tmp_path / "ptb-xl.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in place.rglob("*"):
            archive.write(file, f"ptb-xl-1.0.3/{file.relative_to(place).as_posix()}")
    there = fetched(tmp_path / "raw", source=str(packed), rate_hz=500)
    assert there == TABLES | recordings(2, 500) | {"SHA256SUMS.txt", "database.json"}


def test_norm_and_nothing_else_is_normal(tmp_path: Path) -> None:
    rows = [
        ("7.0", 1, NORMAL),
        *(("8.0", 2, codes) for codes in ABNORMAL),
        ("9.0", 10, "{'NORM': 0.0, 'NDT': 0.0}"),
    ]
    found = cut(made(tmp_path, *rows, ("9.0", 10, "{'SR': 0.0}"), ("9.0", 10, "{}")))
    table = found.table
    assert found.about.classes == ["NORM", "abnormal"]
    assert table["class_name"].tolist() == ["NORM"] + ["abnormal"] * 5
    assert table["patient"].astype(str).tolist() == ["7", "8", "8", "8", "8", "9"]
    assert table["fold"].tolist() == [1, 2, 2, 2, 2, 10]
    assert table["statements"][1] == "IMI 100; LVH 50; SR 0"
    findings = {name: table[name].tolist() for name in table if name.startswith("finding_")}
    assert findings == {
        "finding_STTC": [0, 0, 1, 0, 0, 1],
        "finding_MI": [0, 1, 0, 0, 0, 0],
        "finding_HYP": [0, 1, 0, 0, 0, 0],
        "finding_CD": [0, 0, 0, 1, 1, 0],
        "finding_NDT": [0, 0, 1, 0, 0, 1],
        "finding_IMI": [0, 1, 0, 0, 0, 0],
        "finding_LVH": [0, 1, 0, 0, 0, 0],
        "finding_CLBBB": [0, 0, 0, 0, 1, 0],
        "finding_1AVB": [0, 0, 0, 1, 0, 0],
        "finding_PVC": [0, 0, 0, 0, 1, 0],
        "finding_SR": [1, 1, 0, 1, 0, 0],
        "finding_AFIB": [0, 0, 1, 0, 0, 0],
    }
    assert "without a diagnostic statement, left out: 2" in found.about.mapping


def test_statements_may_need_a_likelihood(tmp_path: Path) -> None:
    raw = made(
        tmp_path, ("1", 1, "{'NORM': 80.0, 'NDT': 15.0}"), ("2", 2, "{'NORM': 100.0}"), ("3", 3, "{'IMI': 35.0}")
    )
    assert cut(raw).table["class_name"].tolist() == ["abnormal", "NORM", "abnormal"]
    sure = cut(raw, likelihood=50)
    assert sure.table["class_name"].tolist() == ["NORM", "NORM"]
    assert sure.table["statements"][0] == "NORM 80; NDT 15"
    assert "likelihood of 50 %" in sure.about.mapping


def test_signals_are_those_of_the_recording_in_the_leads_that_are_named(tmp_path: Path) -> None:
    raw = made(tmp_path, ROWS[0], ROWS[-1])
    found = cut(raw, leads=["V6", "aVR"], resampling={"method": "none"})
    assert (found.about.leads, found.about.unit, found.signals.shape) == (["V6", "aVR"], "mV", (2, 2, 1000))
    np.testing.assert_allclose(found.signals[0], signals(1, True, 100)[:, [11, 3]].T, atol=6e-4)
    assert found.table[["record", "sample", "time_s"]].iloc[0].tolist() == ["00001_lr", 500, 5.0]
    parts = cut(raw, window=250, step=250, resampling={"method": "none"})
    assert parts.signals.shape == (8, 12, 250)
    assert parts.table["time_s"].tolist()[:4] == [1.25, 3.75, 6.25, 8.75]
    assert parts.table["class_name"].tolist() == ["NORM"] * 4 + ["abnormal"] * 4


def test_five_hundred_hertz_are_brought_to_the_rate_that_is_wanted(tmp_path: Path) -> None:
    raw = made(tmp_path, *ROWS[:1], rates=(500,))
    fast = cut(raw, rate_hz=500, window=5000, step=5000, resampling={"method": "none"})
    assert fast.signals.shape == (1, 12, 5000)
    np.testing.assert_allclose(fast.signals[0], signals(1, True, 500).T, atol=6e-4)
    slow = cut(raw, resampling={"method": "none"})
    assert slow.signals.shape == (1, 12, 1000)
    assert slow.table["time_s"].tolist() == [5.0]


def test_the_folds_are_those_of_the_authors(tmp_path: Path) -> None:
    save_processed(tmp_path, "ptbxl", cut(Path(made_up("ptbxl"))))
    data = load_processed(tmp_path)
    numbers = data.table["fold"].to_numpy()
    (fold,) = make_folds(data, Split(protocol="published", k=1, train_on="all"), 0)
    parts = [sorted(set(numbers[rows])) for rows in (fold.train, fold.vali, fold.test)]
    assert parts == [[1, 2, 3, 4, 5, 6, 7, 8], [9], [10]]
    assert len(fold.train) + len(fold.vali) + len(fold.test) == len(data) == 44
    normal = make_folds(data, Split(protocol="published", k=2), 0)
    assert [sorted(set(numbers[one.vali])) for one in normal] == [[9], [8]]
    assert [sorted(set(numbers[one.test])) for one in normal] == [[10], [10]]
    assert not data.class_ids[normal[1].train].any()
    assert 9 in numbers[normal[1].train]
    with pytest.raises(EcganError, match="needs 11 folds; the dataset has 10"):
        make_folds(data, Split(protocol="published", k=9), 0)


def test_detectors_see_no_statement(tmp_path: Path) -> None:
    data = cut(made(tmp_path, *ROWS[:4]))
    seen = data.seen([0, 1], ["record"])
    assert seen.around is not None
    for table in (seen.table, seen.around.table):
        assert not [name for name in table if name.startswith("finding_") or name in ("statements", "class_name")]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{'NORM': 100.0, 'SR': 0.0}", "__import__('os')", "line 2: scp_codes is"),
        ("{'NORM': 100.0, 'SR': 0.0}", "{'NORM': 1e9}", "line 2: scp_codes is"),
        ("'NORM'", "'XXX'", "does not know the statement 'XXX'"),
        ("records100/00000/00001_lr", "../00001_lr", "line 2: .* is no recording"),
        ("1000.0", "Anna", "line 2: 'Anna' is no number"),
        (",1,records", ",0,records", "line 2: '0' is no number"),
        ("scp_codes", "codes", "has no column 'scp_codes'"),
    ],
)
def test_a_table_that_is_none_is_refused(old: str, new: str, words: str, tmp_path: Path) -> None:
    made(tmp_path, *ROWS[:2])
    table = tmp_path / "ptbxl_database.csv"
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, new, 1))
    with pytest.raises(EcganError, match=words):
        cut(tmp_path)


def test_what_is_not_there_is_counted_and_what_is_damaged_is_named(tmp_path: Path) -> None:
    made(tmp_path, *ROWS[:3])
    (tmp_path / "records100/00000/00002_lr.hea").unlink()
    found = cut(tmp_path)
    assert found.table["record"].tolist() == ["00001_lr", "00003_lr"]
    assert found.about.mapping.endswith("not there: 1")
    signal = tmp_path / "records100/00000/00003_lr.dat"
    signal.write_bytes(signal.read_bytes()[:-200])
    with pytest.raises(EcganError, match=r"00003_lr\.dat is cut off"):
        cut(tmp_path)
    with pytest.raises(EcganError, match=r"shorter than preprocess\.window, 2000 samples"):
        cut(made(tmp_path / "other", *ROWS[:1]), window=2000)
