"""The dataset `folder`: a user's recordings and samples, with and without labels and patients."""

import json
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pandas as pd
import pytest
import wfdb

from ecgan.datasets.ecgsyn import Ecgsyn
from ecgan.datasets.folder import FetchOptions, Folder
from ecgan.datasets.inventory import NAME
from ecgan.datasets.own_recordings import PreprocessOptions
from ecgan.ecg.records import Record, write_record
from ecgan.errors import EcganError
from ecgan.samples import Samples
from tests.raw.folder import BEATS, recording, write_recordings

POSITIONS = "file,sample,label\n" + "".join(f"p{number},9,N\n" for number in range(6))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of six annotated records."""
    write_recordings(tmp_path / "home")
    return tmp_path / "home"


def cut(path: Path, **options: Any) -> Samples:
    raw = path.parent / "raw"
    raw.mkdir(exist_ok=True)
    Folder().fetch(raw, FetchOptions(path=str(path)), seed=0)
    return Folder().preprocess(raw, PreprocessOptions(**options))


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(EcganError) as caught:
        cut(path, **options)
    return caught.value.message


def counts(samples: Samples) -> dict[str, int]:
    return samples.table["class_name"].value_counts().to_dict()


def test_annotated_records_become_beats_of_aami_classes(home: Path) -> None:
    samples = cut(home)
    assert samples.signals.shape == (6 * BEATS, 2, 320)
    assert (samples.about.leads, samples.about.sampling_rate, samples.about.centre) == (["MLII", "V1"], 360.0, 140)
    assert (samples.about.classes, counts(samples)) == (["N", "S", "V", "F", "Q"], {"N": 6 * 18, "V": 6 * 6})
    assert "AAMI EC57" in samples.about.mapping
    assert sorted(set(samples.table["patient"])) == [f"p{patient}" for patient in range(6)]
    first = samples.table.iloc[0]
    assert (first["sample"], first["symbol"], first["aami"], first["rr_next_s"]) == (288, "N", "N", 1.0)
    assert first["time_s"] == 288 / 360
    np.testing.assert_array_equal(samples.signals[0], recording("p0", 0).signals[148:468].T.astype(np.float32))


@pytest.mark.parametrize("align", ["deflection", "template"])
def test_beats_are_aligned_and_the_table_says_by_how_much(home: Path, align: str) -> None:
    samples, plain = cut(home, align=align), cut(home)
    assert "shift" not in plain.table
    assert samples.table["shift"].dtype == np.int64
    assert plain.table.columns.tolist() == samples.table.columns.drop("shift").tolist()
    np.testing.assert_array_equal(samples.table["sample"], plain.table["sample"])
    for row in (0, 30):
        place = int(samples.table["sample"][row] + samples.table["shift"][row])
        signals = recording(samples.table["record"][row], int(samples.table["record"][row][1:])).signals
        expected = np.round(signals[place - 140 : place + 180].T, 4).astype(np.float32)
        np.testing.assert_array_equal(samples.signals[row], expected)
    with pytest.raises(ValueError, match="align is for beats"):
        PreprocessOptions.model_validate({"cut": "windows", "align": align})


def test_without_labels_r_peaks_are_found_and_everything_counts_as_normal(home: Path) -> None:
    for file in home.glob("*.atr"):
        file.unlink()
    samples = cut(home, leads=["V1"])
    assert all(fact in samples.about.mapping for fact in ("unlabelled", "normal", "R peaks detected"))
    assert (samples.about.classes, set(samples.class_ids.tolist())) == (["normal"], {0})
    assert len(samples) > 6 * (BEATS - 4)
    near = np.abs(samples.table["sample"].to_numpy()[:, None] - recording("p0", 0).samples).min(axis=1)
    assert np.median(near) <= 2
    same = cut(home, leads=["V1"], annotator=None)
    np.testing.assert_array_equal(same.signals, samples.signals)


def test_one_abnormal_beat_makes_a_window_abnormal(home: Path) -> None:
    samples = cut(home, cut="windows", window=900, step=900)
    classes = samples.table["class_name"].to_numpy().reshape(6, 10)
    marks = recording("p0", 0)
    expected = [
        "V" if "V" in {marks.symbols[index] for index in np.flatnonzero(marks.samples // 900 == window)} else "N"
        for window in range(10)
    ]
    assert {"N", "V"} == set(expected)
    assert (classes == expected).all()


def test_annotations_of_some_recordings_only_are_refused(home: Path) -> None:
    (home / "p3.atr").unlink()
    assert all(fact in refusal(home) for fact in ("1 of 6", "annotations (atr)", "p3"))
    assert "unlabelled" in cut(home, annotator=None).about.mapping


def test_a_sheet_labels_whole_recordings(home: Path) -> None:
    rows = [f"p{patient}.hea,{'AF' if patient > 3 else 'normal'}" for patient in range(6)]
    (home / "labels.csv").write_text("file,label\n" + "\n".join(rows))
    samples = cut(home)
    assert samples.about.classes == ["normal", "AF"]
    assert counts(samples) == {"normal": 4 * BEATS, "AF": 2 * BEATS}
    assert samples.about.mapping == "labels of labels.csv, normal: normal"
    windows = cut(home, cut="windows", window=900, step=900)
    assert counts(windows) == {"normal": 40, "AF": 20}
    assert windows.about.centre is None


def test_a_sheet_labels_positions(home: Path) -> None:
    (home / "labels.csv").write_text(
        "file;sample;label\n"
        + "".join(f"p{patient};{at};{label}\n" for patient in range(6) for at, label in ((2000, "x"), (500, "0.0")))
    )
    samples = cut(home, before=10, after=20)
    assert samples.signals.shape == (12, 2, 30)
    assert samples.table["sample"].tolist() == [500, 2000] * 6
    assert samples.table["class_name"].tolist() == ["0", "x"] * 6
    windows = cut(home, cut="windows", window=1000, step=1000)
    assert windows.table["class_name"].tolist() == ["0", "0", "x", *["0"] * 6] * 6


@pytest.mark.parametrize("form", ["utf-16", "cp1252", "sep=;", "SEP=,"])
def test_a_sheet_may_be_as_spreadsheet_programs_write_it(home: Path, form: str) -> None:
    for ending in ("hea", "atr"):
        (home / f"p0.{ending}").rename(home / f"p\u00e4.{ending}")
    names = {0: "p\u00e4"}
    rows = [f"{names.get(patient, f'P{patient}.HEA')},{'x' if patient > 3 else 'N'}" for patient in range(6)]
    sheet = "\n".join(["file,label", *rows]) + "\n"
    if "=" in form:
        (home / "labels.csv").write_text(f"{form}\n{sheet.replace(',', form[-1])}")
    else:
        (home / "labels.csv").write_bytes(sheet.encode(form))
    assert counts(cut(home)) == {"N": 4 * BEATS, "x": 2 * BEATS}
    (home / "labels.csv").write_text("sep=;\nfile;label\np1;N\np9;N\n")
    assert "line 4: there is no recording 'p9'" in refusal(home)


def test_marks_that_fall_together_keep_their_classes(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for number in range(2):
        write_record(home, recording(f"p{number}", number, 1000.0))
    marks = [(9, "x"), (2000, "0"), (2001, "x"), (5000, "0")]  # the first has no room
    rows = [f"p{number},{at},{label}" for number in range(2) for at, label in marks]
    (home / "labels.csv").write_text("file,sample,label\n" + "\n".join(rows) + "\n")
    samples = cut(home, rate_hz=360.0)
    assert samples.table["class_name"].tolist() == ["0", "x", "0"] * 2
    assert samples.table["sample"].tolist() == [720, 720, 1800] * 2


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        ("file,klass\np0,N\n", "no column 'label'"),
        ("file,label\np0,N\np9,N\n", "line 3: there is no recording 'p9'"),
        ("file,label\np0,N\n", "no label for p1 and 4 more"),
        ("file,label\np0,N\np0.dat,V\n", "line 3: p0.dat has two labels"),
        ("file,label\np0,\n", "line 2: there is no label"),
        ("file,label\np0,N,V\n", "line 2: 3 cells, expected 2"),
        ("file,sample,label\np0,-1,N\n", "line 2: '-1' is no position"),
        ("", "no column 'file'"),
        ("file,label\n" + "".join(f"p{n},sick\n" for n in range(6)), "means normal: sick"),
        (
            "file,sample,label\n" + "".join(f"p{n},99999,N\n" for n in range(6)),
            "labels sample 99999 of p0, which has 9000",
        ),
        (
            "file,sample,label\n" + "".join(f"p{n},9,N\np{n},9,V\n" for n in range(6)),
            "two labels for one position of p0",
        ),
    ],
)
def test_a_sheet_that_makes_no_sense_is_one_sentence(home: Path, sheet: str, words: str) -> None:
    (home / "labels.csv").write_text(sheet)
    assert words in refusal(home)


def test_patients_come_from_a_sheet_or_from_folders(home: Path) -> None:
    (home / "patients.csv").write_text("file,patient\n" + "".join(f"p{n},{n // 2}\n" for n in range(6)))
    assert set(cut(home).table["patient"]) == {"0", "1", "2"}
    (home / "patients.csv").write_text("file,patient\np0,1\n")
    assert "no patient for p1 and 4 more" in refusal(home)
    (home / "patients.csv").unlink()
    for number in range(4):
        write_record(home / f"woman{number // 2}", recording(f"r{number}", number))
    table = cut(home).table
    assert set(table["patient"]) == {"p0", "p1", "p2", "p3", "p4", "p5", "woman0", "woman1"}
    assert "woman1/r3" in set(table["record"])


def test_recordings_of_several_rates_and_formats_are_brought_together(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    slow = recording("a", 1, 250.0, ("II", "V1"))
    np.savez(home / "a.npz", signal=slow.signals, fs=250, leads=["ECG II", "V1"])
    fast = recording("b", 2, 1000.0, ("V1", "II"))
    rows = "\n".join(f"{a},{b}" for a, b in fast.signals * 1000)
    (home / "b.csv").write_text(f"v1 (uV),ii (uV)\n{rows}\n")
    samples = cut(home, leads=["II"], sampling_rate=1000.0, rate_hz=360.0)
    assert (samples.about.leads, samples.about.sampling_rate) == (["II"], 360.0)
    peaks = samples.signals[:, 0, 140]
    assert len(peaks) > 40
    assert np.median(peaks[:20]) == pytest.approx(1.0, abs=0.1)
    assert np.median(peaks[-20:]) == pytest.approx(0.6, abs=0.1)
    assert "b.csv does not say its sampling rate" in refusal(home, leads=["II"])


def test_leads_that_follow_from_two_can_be_wanted(tmp_path: Path) -> None:
    two = recording("a", 1, 360.0, ("I", "II"))
    names = {"two": ["I", "II"], "three": ["I", "II", "III"]}
    third = two.signals[:, 1] - two.signals[:, 0]
    for folder, leads in names.items():
        (tmp_path / folder).mkdir()
        signal = np.column_stack([two.signals, third])[:, : len(leads)]
        np.savez(tmp_path / folder / "a.npz", signal=signal, fs=360, leads=leads)
    derived, recorded = (cut(tmp_path / folder, leads=["III"], annotator=None) for folder in names)
    assert derived.about.leads == ["III"]
    np.testing.assert_allclose(derived.signals, recorded.signals, atol=1e-6)


def test_leads_that_all_recordings_share_are_taken(home: Path) -> None:
    write_record(home, recording("p9", 9, leads=("V5", "Lead MLII")))
    assert cut(home).about.leads == ["MLII"]
    assert "p9.hea: there is no lead 'V1'" in refusal(home, leads=["V1"])
    write_record(home, recording("p8", 9, leads=("V3",)))
    assert "no lead in common" in refusal(home)


def test_gaps_stay_gaps_and_spoil_nothing_else(tmp_path: Path) -> None:
    whole = recording("a", 1, 250.0)
    write_record(tmp_path / "home", whole)
    before = cut(tmp_path / "home", filters=["bandpass"])
    whole.signals[4000:4010, 0] = np.nan
    write_record(tmp_path / "home", whole)
    after = cut(tmp_path / "home", filters=["bandpass"])
    missing = np.isnan(after.signals)
    assert 10 <= missing[:, 0].sum() <= 16
    assert not missing[:, 1].any()
    assert np.abs(after.signals - before.signals)[~missing].max() < 0.2


def test_segments_are_no_recordings_of_their_own(home: Path) -> None:
    (home / "long.hea").write_text("long/2 2 360 18000\np0 9000\np1 9000\n")
    samples = cut(home, annotator=None, cut="windows", window=9000, step=9000)
    assert sorted(samples.table["record"].unique()) == ["long", "p2", "p3", "p4", "p5"]


def test_dvc_sees_by_the_inventory_what_has_changed(home: Path) -> None:
    raw = home.parent / "raw"
    cut(home)
    inventory = (raw / NAME).read_bytes()
    (home / "README.txt").write_text("read me")
    (home / ".hidden").write_text("")
    cut(home)
    assert (raw / NAME).read_bytes() == inventory
    assert [file.name for file in raw.iterdir()] == [NAME]
    write_record(home, recording("p6", 6))
    with pytest.raises(EcganError, match=r"p6\.atr has come or gone, and 2 more") as caught:
        Folder().preprocess(raw, PreprocessOptions())
    assert "`ecgan fetch`" in caught.value.hint
    cut(home)
    assert set(json.loads((raw / NAME).read_text())["files"]) > {"p6.hea", "p6.dat", "p6.atr"}
    content = bytearray((home / "p6.dat").read_bytes())
    content[7] ^= 1
    (home / "p6.dat").write_bytes(content)
    with pytest.raises(EcganError, match=r"p6\.dat has changed\."):
        Folder().preprocess(raw, PreprocessOptions())


def test_a_folder_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    assert "is not there" in refusal(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "holds no files" in refusal(tmp_path / "empty")
    (tmp_path / "empty/a.pdf").write_text("")
    assert "no recording in" in refusal(tmp_path / "empty")
    (tmp_path / "empty/a.npy").write_text("")
    (tmp_path / "empty/a.csv").write_text("")
    assert "two recordings of the name a: a.csv and a.npy" in refusal(tmp_path / "empty")
    with pytest.raises(EcganError, match="which fetch writes"):
        Folder().fetch(tmp_path / "raw", FetchOptions(path=str(tmp_path)), seed=0)


def table(tmp_path: Path, content: str, name: str = "t.csv") -> Path:
    (tmp_path / name).write_text(content)
    return tmp_path / name


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("1,2,3,N\n4,,6,V\n", {"label_column": "last"}),
        ("N,1,2,3\nV,4,,6\n", {"label_column": "first"}),
        ("0,1,2,label\n1,2,3,N\n4,,6,V\n", {}),
        ("a;Class;b;c\n1,0;N;2,0;3\n4,0;V;;6\n", {}),
    ],
)
def test_a_table_holds_a_sample_a_row(tmp_path: Path, content: str, options: dict[str, Any]) -> None:
    samples = cut(table(tmp_path, content), cut="none", sampling_rate=125.0, leads=["II"], **options)
    np.testing.assert_array_equal(samples.signals[:, 0], [[1, 2, 3], [4, np.nan, 6]])
    assert (samples.class_ids.tolist(), samples.about.classes, samples.about.leads) == ([0, 1], ["N", "V"], ["II"])
    assert samples.about.sampling_rate == 125.0


def test_labels_may_be_any_words(tmp_path: Path) -> None:
    samples = cut(table(tmp_path, "1,2,Größe\n3,4,normal\n"), cut="none", label_column="last")
    assert samples.about.classes == ["normal", "Größe"]


def test_a_table_without_labels_is_all_normal(tmp_path: Path) -> None:
    samples = cut(table(tmp_path, "1,2\n3,4\n"), cut="none")
    assert (samples.signals.shape, samples.about.mapping) == ((2, 1, 2), "unlabelled: every sample counts as normal")
    assert samples.about.sampling_rate == 0.0


def test_labels_that_are_numbers_are_compared_as_numbers(tmp_path: Path) -> None:
    samples = cut(table(tmp_path, "1,2,0.000e+00\n3,4,1.0\n5,6,10\n7,8,2\n"), cut="none", label_column="last")
    assert (samples.about.classes, samples.class_ids.tolist()) == (["0", "1", "2", "10"], [0, 1, 3, 2])


def test_arrays_of_samples(tmp_path: Path) -> None:
    data = np.arange(24.0).reshape(2, 4, 3)
    np.save(tmp_path / "t.npy", data)
    np.testing.assert_array_equal(cut(tmp_path / "t.npy", cut="none").signals, data.transpose(0, 2, 1))
    np.save(tmp_path / "t.npy", np.array([[1.0, 2, 0], [3, 4, 7]]))
    samples = cut(tmp_path / "t.npy", cut="none", label_column="last")
    assert (samples.signals.shape, samples.class_ids.tolist(), samples.about.classes) == ((2, 1, 2), [0, 1], ["0", "7"])
    np.savez(tmp_path / "t.npz", samples=data, labels=["V", "N"], patients=["p", "q"], fs=250, leads=["I", "II", "III"])
    samples = cut(tmp_path / "t.npz", cut="none", sampling_rate=500)  # what the file says counts
    about = samples.about
    assert (samples.class_ids.tolist(), about.sampling_rate, about.leads) == ([1, 0], 250.0, ["I", "II", "III"])
    assert samples.table["patient"].tolist() == ["p", "q"]


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("1,2\n3,x\n", {}, "line 2, column 2: 'x' is no number"),
        ("1,2,N\n3,4\n", {"label_column": "last"}, "line 2: 2 cells, expected 3"),
        ("1,inf\n", {}, "infinite"),
        ("label,class,a\n1,2,3\n", {}, "two columns of labels"),
        ("label\nN\n", {}, "has no samples"),
        ("1,2\n", {"leads": ["I", "II"]}, "1 channels, and 2 leads"),
        ("1,2\n", {"cut": "beats"}, "is one file; preprocess.cut 'beats' needs a folder"),
    ],
)
def test_a_table_that_is_none_is_one_sentence(tmp_path: Path, content: str, options: Any, words: str) -> None:
    assert words in refusal(table(tmp_path, content), **({"cut": "none"} | options))


def test_foreign_recordings_are_cut_as_its_own(home: Path) -> None:
    own = recording("p0", 0)
    options = PreprocessOptions(filters=["bandpass"])
    assert Folder().recording_rate(options) == 360.0
    found = Folder().cut(own, options)
    mine = cut(home, filters=["bandpass"])
    np.testing.assert_array_equal(found.signals, mine.signals[: len(found)])
    assert (found.about.centre, found.table["sample"][0]) == (140, 288)
    options = PreprocessOptions(cut="windows", window=4000, step=4000)
    found = Folder().cut(own, options)
    assert (found.table["sample"].tolist(), found.about.centre) == ([2000, 6000, 7000], None)
    np.testing.assert_array_equal(found.signals[2], own.signals[5000:].T.astype(np.float32))
    short = Record("s", own.signals[:100], 360.0, own.leads, own.samples[:0], [])
    assert len(Folder().cut(short, options)) == 0
    options = PreprocessOptions(cut="none")
    assert Folder().recording_rate(options) is None
    with pytest.raises(EcganError, match="cannot score recordings"):
        Folder().cut(own, options)


def timed(path: Path, head: str, in_s: float = 1.0, size: float = 1.0) -> None:
    found = recording("r", 3, 250.0, ("V5",)).signals[:, 0] * size
    times = np.arange(len(found)) / 250 / in_s
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{head},V5\n" + "".join(f"{a:.3f},{b:.5f}\n" for a, b in zip(times, found, strict=True)))


def test_time_is_no_lead_and_a_given_rate_contradicts_it_or_not(tmp_path: Path) -> None:
    timed(tmp_path / "home/r.csv", "epoch", 1e-3)
    samples = cut(tmp_path / "home", sampling_rate=250.0, rate_hz=250.0)
    assert (samples.about.leads, len(samples.signals)) == (["V5"], 24)
    assert all(word in refusal(tmp_path / "home", sampling_rate=360.0) for word in ("r.csv", "250 Hz", "360 Hz"))


def test_a_rate_that_no_ecg_has_is_refused_before_anything_is_resampled(tmp_path: Path) -> None:
    timed(tmp_path / "home/r.csv", "time_s", 1e-3)  # says seconds, means milliseconds
    for cutting in ("beats", "windows"):
        assert "0.25 Hz" in refusal(tmp_path / "home", cut=cutting)


@pytest.mark.parametrize("every", [30, 4000])
def test_beats_that_no_heart_has_are_refused(tmp_path: Path, every: int) -> None:
    signals = np.tile(recording("r", 3, 250.0, ("V5",)).signals, (3, 1))
    (tmp_path / "home").mkdir()
    np.save(tmp_path / "home/r.npy", signals)
    at = range(500, len(signals) - 500, every)
    (tmp_path / "home/labels.csv").write_text("file,sample,label\n" + "".join(f"r.npy,{place},N\n" for place in at))
    assert "no heart" in refusal(tmp_path / "home", sampling_rate=250.0)


def test_counts_of_a_converter_need_their_gain(tmp_path: Path) -> None:
    record = recording("r", 3, 250.0, ("V5",))
    (tmp_path / "home").mkdir()
    np.save(tmp_path / "home/r.npy", np.rint(record.signals * 400 + 2048))
    assert "no ECG" in refusal(tmp_path / "home", sampling_rate=250.0)
    options = {"sampling_rate": 250.0, "rate_hz": 250.0, "before": 90, "after": 110}
    found = cut(tmp_path / "home", **options, gain=400.0, baseline=2048.0)
    np.save(tmp_path / "home/r.npy", record.signals)
    np.testing.assert_allclose(found.signals, cut(tmp_path / "home", **options).signals, atol=2e-3)
    with pytest.raises(ValueError, match="exclude"):
        PreprocessOptions(gain=400.0, unit="uV")


def test_a_lead_missing_below_a_folder_is_one_sentence(tmp_path: Path) -> None:
    timed(tmp_path / "home/ward/one/r.csv", "time")
    assert all(word in refusal(tmp_path / "home", leads=["V2"]) for word in ("ward/one/r.csv", "'V2'", "V5"))


def test_names_are_the_same_however_accents_are_written(tmp_path: Path) -> None:
    timed(tmp_path / "home" / normalize("NFD", "Jos\u00e9 \u00c5.csv"), "time")
    (tmp_path / "home/labels.csv").write_text(normalize("NFC", "file,label\nJos\u00e9 \u00c5.csv,AF\n"))
    (tmp_path / "home/patients.csv").write_text(normalize("NFC", "file,patient\nJos\u00e9 \u00c5,P7\n"))
    samples = cut(tmp_path / "home", normal=["AF"])
    assert set(samples.table["patient"]) == {"P7"}
    assert counts(samples) == {"AF": len(samples.signals)}


@pytest.mark.parametrize("where", ["first", "last"])
@pytest.mark.parametrize("kind", ["csv", "npy", "npz"])
def test_a_column_of_classes_is_not_taken_for_a_time_step(tmp_path: Path, where: str, kind: str) -> None:
    rng = np.random.default_rng(2)
    signals, classes = rng.normal(size=(60, 20)).round(3), rng.integers(0, 4, 60)
    columns = [classes[:, None], signals] if where == "first" else [signals, classes[:, None]]
    path, whole = tmp_path / f"t.{kind}", np.concatenate(columns, axis=1)
    if kind == "csv":
        path.write_text("\n".join(",".join(f"{value:g}" for value in row) for row in whole))
    elif kind == "npy":
        np.save(path, whole)
    else:
        np.savez(path, data=whole)
    assert f"the {where} column" in refusal(path, cut="none")
    samples = cut(path, cut="none", label_column=where, normal=["0"])
    np.testing.assert_allclose(samples.signals[:, 0], signals, atol=1e-6)
    np.testing.assert_array_equal(samples.class_ids, classes)
    assert cut(path, cut="none", label_column="none").signals.shape == (60, 1, 21)


def test_a_table_too_wide_is_refused_at_once(tmp_path: Path) -> None:
    assert "columns" in refusal(table(tmp_path, ("0.5," * 40_000 + "1\n") * 3), cut="none")
    assert cut(table(tmp_path, ("0.5," * 4000 + "1.5\n") * 3), cut="none").signals.shape == (3, 1, 4001)


def test_text_where_numbers_should_be_names_the_label_column(tmp_path: Path) -> None:
    assert "column 3 holds text, such as 'N'" in refusal(table(tmp_path, "1,2.5,N\n3,4,V\n"), cut="none")


def with_marks_behind_the_end(folder: Path, names: list[str]) -> None:
    """Add an annotation beyond the end of some of the recordings."""
    for number, name in enumerate(names):
        record = recording(name, number)
        late = np.append(record.samples, len(record.signals) + 500)
        wfdb.wrann(name, "atr", sample=late, symbol=[*record.symbols, "N"], write_dir=str(folder))


def test_what_readers_warn_of_is_said_and_kept_with_the_samples(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = cut(home)
    with_marks_behind_the_end(home, ["p1", "p2", "p3", "p4", "p5"])
    capsys.readouterr()
    warned = cut(home)
    np.testing.assert_array_equal(warned.signals, whole.signals)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert len(told) == 1
    assert "5 of 6 recordings (p1, p2, p3 and 2 more)" in told[0]
    assert "1 of 25 annotations" in told[0]
    assert "readers warned" not in whole.about.mapping
    assert warned.about.mapping.startswith(whole.about.mapping)
    assert "readers warned of 5 of 6 recordings (p1, p2, p3 and 2 more)" in warned.about.mapping


def test_databases_say_what_readers_warn_of_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "RECORDS").write_text("p0\np1\np2\n")
    with_marks_behind_the_end(home, ["p1"])
    capsys.readouterr()
    found = Ecgsyn().preprocess(home, Ecgsyn.Preprocess(leads=["MLII"]))
    assert "1 of 3 recordings (p1)" in capsys.readouterr().err
    assert "readers warned of 1 of 3 recordings (p1)" in found.about.mapping


def beats(count: int = 30, length: int = 20) -> tuple[np.ndarray, np.ndarray]:
    values = np.random.default_rng(3).normal(0, 0.4, (count, length)).round(4)
    return values, np.arange(count) % 3


@pytest.mark.parametrize("head", [True, False])
@pytest.mark.parametrize("last", [True, False])
def test_a_column_that_numbers_the_rows_is_no_time_step(tmp_path: Path, head: bool, last: bool) -> None:
    values, classes = beats()
    frame = pd.DataFrame(values)
    frame.insert(20 if last else 0, "id" if last else "", np.arange(30) + 5)
    frame.to_csv(tmp_path / "t.csv", index=False, header=head)
    np.testing.assert_allclose(cut(tmp_path / "t.csv", cut="none").signals[:, 0], values, atol=1e-4)
    frame.assign(label=classes).to_csv(tmp_path / "t.csv")
    np.testing.assert_array_equal(cut(tmp_path / "t.csv", cut="none").class_ids, classes)
    np.save(tmp_path / "t.npy", np.column_stack([np.arange(30), values, classes]))
    found = cut(tmp_path / "t.npy", cut="none", label_column="last")
    np.testing.assert_allclose(found.signals[:, 0], values, atol=1e-4)
    np.testing.assert_array_equal(found.class_ids, classes)


def test_a_column_that_is_called_otherwise_is_asked_about(tmp_path: Path) -> None:
    values, _ = beats()
    frame = pd.DataFrame(values, columns=[f"t{number}" for number in range(20)])
    frame.assign(age=60.5).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(EcganError, match="'age'"):
        cut(tmp_path / "t.csv", cut="none")
    assert cut(tmp_path / "t.csv", cut="none", label_column="none").signals.shape[2] == 21
    frame.columns = [*"abcdefghij", *"klmnopqrst"]
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert cut(tmp_path / "t.csv", cut="none").signals.shape[2] == 20


@pytest.mark.parametrize("key", ["labels", "label", "y"])
@pytest.mark.parametrize("samples", ["samples", "X"])
def test_an_archive_may_call_samples_and_labels_as_others_do(tmp_path: Path, key: str, samples: str) -> None:
    values, classes = beats()
    np.savez(tmp_path / "t.npz", **{samples: values, key: classes})
    np.testing.assert_array_equal(cut(tmp_path / "t.npz", cut="none").class_ids, classes)


def test_swapped_axes_and_labels_that_are_none_are_refused(tmp_path: Path) -> None:
    values, _ = beats()
    np.save(tmp_path / "t.npy", np.stack([values, values], axis=1))
    with pytest.raises(EcganError, match="swapped"):
        cut(tmp_path / "t.npy", cut="none")
    np.savez(tmp_path / "t.npz", samples=np.stack([values] * 2, axis=1), leads=[f"a{number}" for number in range(20)])
    assert cut(tmp_path / "t.npz", cut="none").signals.shape == (30, 20, 2)
    frame = pd.DataFrame(values)
    frame.assign(label=np.where(np.arange(30) == 4, "", "N")).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(EcganError, match=r"sample 5 .* no label"):
        cut(tmp_path / "t.csv", cut="none")
    frame.assign(label=np.arange(30)).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(EcganError, match="label of its own"):
        cut(tmp_path / "t.csv", cut="none")


def test_labels_at_places_that_are_no_numbers_of_samples_are_not_those_of_the_recording(tmp_path: Path) -> None:
    timed(tmp_path / "home/r.csv", "time")
    marks = range(200, 1000, 200)
    for column in ("time", "onset"):
        rows = "".join(f"r.csv,{mark / 250},V\n" for mark in marks)
        (tmp_path / "home/labels.csv").write_text(f"file,{column},label\n{rows}")
        assert column in refusal(tmp_path / "home", normal=["V"])
    (tmp_path / "home/labels.csv").write_text("file,sample,label\n" + "".join(f"r.csv,{mark}.0,N\n" for mark in marks))
    assert counts(cut(tmp_path / "home")) == {"N": len(marks)}
