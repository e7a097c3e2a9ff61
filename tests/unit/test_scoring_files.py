"""What is written of scored recordings, and what a batch makes of many."""

import csv
import errno
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import wfdb
from rich.console import Console

from ecgan.datasets.shaoxing import PreprocessOptions as WindowOptions
from ecgan.datasets.shaoxing import Shaoxing
from ecgan.ecg.files.recordings import read_recording
from ecgan.ecg.records import Record, write_record
from ecgan.ecg.simulated_patients import simulate
from ecgan.errors import EcganError, Interrupted
from ecgan.preprocessing.options import Resampling
from ecgan.reporting.recordings import ScoredRecording
from ecgan.scoring import batch
from ecgan.scoring import files as scoring_files
from ecgan.scoring.annotations import write_annotations
from ecgan.scoring.batch import (
    Outcome,
    Wanted,
    as_document,
    check_targets,
    find_recordings,
    read_ahead,
    score_all,
    summary_frame,
)
from ecgan.scoring.console import tell
from ecgan.scoring.files import write_scored
from ecgan.scoring.recording import score_recording
from tests.scorers import toy_scorer


def scored_at(samples: list[int], scores: list[float], rate: float = 360.0) -> ScoredRecording:
    """A scored recording with beats at these positions; NaN was not scored, 1 and more is flagged."""
    values = np.asarray(scores, dtype=np.float64)
    beats = pd.DataFrame(
        {
            "number": np.arange(1, len(samples) + 1),
            "sample": np.asarray(samples, dtype=np.int64),
            "time_s": np.asarray(samples) / rate,
            "symbol": "",
            "score": values,
            "flagged": values >= 1,
            "family": 0,
            "reason": np.where(np.isnan(values), "flat", ""),
            "component_size": values,
        }
    )
    record = Record("mine", np.zeros((10, 1)), rate, ["II"], beats["sample"].to_numpy(), [""] * len(samples))
    facts = {"beats_from": "detected in II", "samples": len(samples), "scored": 1, "flagged": 1, "minutes": 1.0}
    return ScoredRecording(record, ["II"], "toy", "ecgsyn", "largest", 1.0, beats, [], "mV", facts)


@pytest.fixture(scope="module")
def record() -> Record:
    return simulate(0, seed=2, minutes=0.5, noise=1.0, variability=1.0)


def test_annotations_are_read_back_with_symbol_score_and_rate(tmp_path: Path) -> None:
    write_annotations(tmp_path / "mine.ecgan", scored_at([0, 500, 1100], [np.nan, 0.012345, 1.5]))
    found = wfdb.rdann(str(tmp_path / "mine"), "ecgan")
    assert found.fs == 360
    assert list(found.sample) == [0, 500, 1100]
    assert list(found.symbol) == ["?", "N", "Q"]
    assert [note.rstrip("\0") for note in found.aux_note] == ["not scored: flat", "score 0.01235", "score 1.5 flagged"]


@pytest.mark.parametrize("rate", [360.0, 250.5, 128, 1000.0])
def test_days_of_beats_and_gaps_of_hours_are_kept_to_the_sample(tmp_path: Path, rate: float) -> None:
    day = int(24 * 3600 * rate)
    samples = [5, 1028, 1029, 66_000, 66_000 + 2**16 + 1, 9_000_000, 9_000_300, day - 1]
    write_annotations(tmp_path / "day.ecgan", scored_at(samples, [0.5] * len(samples), rate))
    found = wfdb.rdann(str(tmp_path / "day"), "ecgan")
    assert list(found.sample) == samples
    assert found.fs == rate


def test_samples_that_are_no_beats_are_comments(tmp_path: Path) -> None:
    scored = scored_at([100, 900], [0.5, 2.0])
    scored.facts["beats_from"] = "windows"
    write_annotations(tmp_path / "mine.ecgan", scored)
    assert list(wfdb.rdann(str(tmp_path / "mine"), "ecgan").symbol) == ['"', '"']


def test_the_page_calls_windows_windows(record: Record) -> None:
    options = WindowOptions(leads=["II"], resampling=Resampling())
    windows = toy_scorer(["II"], dataset=Shaoxing(), options=options, length=options.window, centre=None)
    assert score_recording(record, windows, leads=["MLII"]).noun == "window"
    assert score_recording(record, toy_scorer()).noun == "beat"


def test_names_that_wfdb_does_not_allow_can_be_written(tmp_path: Path) -> None:
    write_annotations(tmp_path / "my record (2).ecgan", scored_at([10], [0.5]))
    assert [path.name for path in tmp_path.iterdir()] == ["my record (2).ecgan"]


def test_the_files_of_a_recording_have_the_same_numbers(tmp_path: Path, record: Record) -> None:
    scored = score_recording(record, toy_scorer(threshold=0.9), annotator="atr")
    write_scored(tmp_path, "mine", scored)
    ends = ["csv", "ecgan", "episodes.csv", "families.csv", "html", "json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"mine.{end}" for end in ends]
    table = pd.read_csv(tmp_path / "mine.csv", keep_default_na=False, na_values={"score": [""]})
    np.testing.assert_allclose(table["score"], scored.beats["score"], rtol=1e-9)
    assert set(table["flagged"]) <= {0, 1}
    summary = json.loads((tmp_path / "mine.json").read_text())
    families, episodes = (pd.read_csv(tmp_path / f"mine.{kind}.csv") for kind in ("families", "episodes"))
    assert (summary["families"], summary["episodes"]) == (len(families), len(episodes))
    assert families["beats"].sum() == summary["flagged"] > 0
    for number, beats in zip(families["family"], families["beats"], strict=True):
        assert (table["family"] == number).sum() == beats
    assert ((table["family"] > 0) == (table["flagged"] == 1)).all()
    assert summary["leads"] == {"MLII": "MLII"}
    assert summary["share_flagged"] == pytest.approx(table["flagged"].sum() / table["score"].notna().sum(), abs=1e-6)


def test_nothing_is_written_when_the_page_fails(
    tmp_path: Path, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored = score_recording(record, toy_scorer(), annotator="atr")

    def fail(_: ScoredRecording) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ecgan.reporting.recording_page.recording_page", fail)
    one = Wanted(Path("mine.hea"), Path("mine.hea"), "mine")
    (outcome,) = score_all([one], tmp_path, lambda _: scored)
    assert outcome.error is not None
    assert "No space left" in outcome.error.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fails", ["write_page", "write_frame", "write_annotations", "write_json"])
def test_a_full_disk_leaves_what_was_there_and_no_part_of_the_new(
    tmp_path: Path, record: Record, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    scored = score_recording(record, toy_scorer(), annotator="atr")
    write_scored(tmp_path / "out", "mine", scored)
    before = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}

    def fail(path: Path, *_: Any) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(scoring_files, fails, fail)
    for folder in ("out", "new"):
        with pytest.raises(EcganError, match=rf"cannot write .*{folder}/mine: the disk is full"):
            write_scored(tmp_path / folder, "mine", scored)
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == before
    assert not (tmp_path / "new").exists()


def test_on_a_full_disk_no_further_recording_is_scored(
    tmp_path: Path, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = find_recordings([folder_of(tmp_path, record, "a", "b", "c")])
    seen: list[str] = []

    def score(path: Path) -> ScoredRecording:
        seen.append(path.stem)
        return score_recording(record, toy_scorer(), annotator="atr")

    def fail(path: Path, _: Any) -> None:
        if "b" in seen:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(scoring_files, "write_json", fail)
    with pytest.raises(EcganError, match="disk is full"):
        score_all(wanted, tmp_path / "out", score)
    assert seen == ["a", "b"]


def test_an_interruption_says_what_is_done(tmp_path: Path, record: Record) -> None:
    wanted = find_recordings([folder_of(tmp_path, record, "a", "b", "c")])

    def score(path: Path) -> ScoredRecording:
        if path.stem == "c":
            raise Interrupted(15)
        return score_recording(record, toy_scorer(), annotator="atr")

    with pytest.raises(Interrupted) as caught:
        score_all(wanted, tmp_path / "out", score)
    assert "2 of 3" in caught.value.__notes__[0]
    assert {file.stem for file in (tmp_path / "out").glob("*.html")} == {"a", "b"}


HEADERS = {
    "another ending": ("mine 1 360 10", "mine.csv 16 200 12 0 0 0 0 MLII"),
    "a name with a blank": ("mine 1 360 10", "mine.families.csv 16 200 12 0 0 0 0 MLII"),
    "after a comment": ("# mine\nmine 1 360 10", "mine.json 16 200"),
}


@pytest.mark.parametrize("lines", HEADERS.values(), ids=HEADERS)
def test_no_file_that_a_header_names_is_overwritten(tmp_path: Path, lines: tuple[str, str]) -> None:
    name = lines[1].split(" 16")[0]
    (tmp_path / "mine.hea").write_text("\n".join(lines) + "\n")
    (tmp_path / name).write_bytes(bytes(20))
    wanted = [Wanted(tmp_path / "mine", tmp_path / "mine.hea", "mine")]
    with pytest.raises(EcganError, match=f"{name} would be written over"):
        check_targets(tmp_path, wanted, annotator=None, force=True)
    check_targets(tmp_path / "out", wanted, annotator=None, force=False)


def test_files_of_segments_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.hea").write_text("mine/2 1 360 20\npart 10\n~ 10\n")
    (tmp_path / "part.hea").write_text("part 1 360 10\nmine.episodes.csv 16 200\n")
    (tmp_path / "mine.episodes.csv").write_bytes(bytes(20))
    wanted = [Wanted(tmp_path / "mine", tmp_path / "mine.hea", "mine")]
    with pytest.raises(EcganError, match=r"mine\.episodes\.csv would be written over"):
        check_targets(tmp_path, wanted, annotator=None, force=True)


def test_no_input_is_overwritten_by_another_name_of_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.csv", "MINE.CSV", "marks.txt"):
        (tmp_path / "in" / name).write_text("1\n")
    linked, twin, other = tmp_path / "linked", tmp_path / "in", tmp_path / "other"
    for folder in (linked, other):
        folder.mkdir()
    (linked / "a.html").hardlink_to(tmp_path / "in/a.csv")
    (other / "a.ecgan").symlink_to(tmp_path / "in/marks.txt")
    one = [Wanted(tmp_path / "in/a.csv", tmp_path / "in/a.csv", "a")]
    with pytest.raises(EcganError, match=r"a\.html would be written over"):
        check_targets(linked, one, annotator=None, force=True)
    check_targets(other, one, annotator=None, force=True)
    with pytest.raises(EcganError, match=r"a\.ecgan would be written over"):
        check_targets(other, one, annotator=None, force=True, others=[tmp_path / "in/marks.txt"])
    mine = [Wanted(tmp_path / "in/MINE.CSV", tmp_path / "in/MINE.CSV", "mine")]
    with pytest.raises(EcganError, match=r"mine\.csv would be written over"):
        check_targets(twin, mine, annotator=None, force=True)
    night = [Wanted(tmp_path / "in/night.edf", tmp_path / "in/night.edf", "night")]
    with pytest.raises(EcganError, match=r"night\.json would be written over"):
        check_targets(tmp_path / "in", night, annotator="json", force=True)


def test_names_from_files_are_no_formulas_in_the_summary(tmp_path: Path, record: Record) -> None:
    names = ["=HYPERLINK(1)", "@x", "-2+3", "plain"]
    wanted = [Wanted(Path(f"{name}.csv"), Path(f"{name}.csv"), name) for name in names]
    told = {"samples": 1, "scored": 1, "flagged": 0, "warnings": ["=1+1"], "threshold": -0.5}
    batch._write_summaries(tmp_path, [Outcome(one, told) for one in wanted])
    with (tmp_path / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["record"] for row in rows] == ["'=HYPERLINK(1)", "'@x", "'-2+3", "plain"]
    assert {(row["warnings"], row["threshold"]) for row in rows} == {("'=1+1", "-0.5")}


def test_names_of_any_bytes_are_in_the_summary_of_all(tmp_path: Path) -> None:
    names = ["a\udcff", "p#2?", "b\udc80c", "M\u00fcller"]
    wanted = [Wanted(Path(f"{name}.csv"), Path(f"{name}.csv"), name) for name in names]
    told = {"samples": 1, "scored": 1, "flagged": 0, "warnings": [f"of {name}" for name in names]}
    outcomes = [Outcome(one, told) for one in wanted] + [Outcome(wanted[0], None, EcganError(f"no {names[0]}"))]
    batch._write_summaries(tmp_path, outcomes)
    with (tmp_path / "summary.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows[:4]] == [r"a\xff.csv", "p#2?.csv", r"b\x80c.csv", "M\u00fcller.csv"]
    assert rows[4]["status"] == r"no a\xff"
    assert as_document(outcomes[1], tmp_path)["file"] == "p#2?.csv"
    url = replace(wanted[0], path="https://host/p.csv?key=secret")
    assert as_document(replace(outcomes[0], wanted=url), tmp_path)["file"] == "https://host/p.csv"


def test_what_acts_on_a_terminal_is_shown_and_does_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    names = ["\x1b]0;new title\x07", "a\nerror: b", "\u202etxt.exe", "\x9b2J", "x\udcff"]
    failed = [Wanted(Path(name), Path(name), name) for name in names]
    outcomes = [Outcome(one, None, EcganError(f"cannot read {one.path}.", f"Remove {one.path}.")) for one in failed]
    facts = {"samples": 1, "scored": 1, "flagged": 0, "minutes": 1.0, "warnings": names}
    tell([*outcomes, *(Outcome(one, facts) for one in failed)], tmp_path / names[0])
    out, err = capsys.readouterr()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", out + err)
    assert "\\x1b]0;new title\\x07" in err
    assert not any(line.startswith("error: b") for line in err.splitlines())


def folder_of(tmp_path: Path, record: Record, *names: str) -> Path:
    for name in names:
        path = tmp_path / name
        write_record(path.parent, replace(record, name=path.name))
    return tmp_path


def test_a_record_that_is_named_by_all_its_files_is_found_once(tmp_path: Path, record: Record) -> None:
    folder = folder_of(tmp_path, record, "b", "a")
    named = [folder / name for name in ("b.dat", "b.hea", "b", "a.hea", "b.atr")]
    assert [one.name for one in find_recordings(named)] == ["b", "a"]
    assert [one.name for one in find_recordings([folder])] == ["a", "b"]
    assert [one.name for one in find_recordings([folder / "b.hea", folder])] == ["b", "a"]


def test_a_folder_gives_its_recordings_and_nothing_else(tmp_path: Path, record: Record) -> None:
    folder_of(tmp_path, record, "a", "deeper/c")
    (tmp_path / "lead.csv").write_text("MLII\n1\n")
    (tmp_path / "long.hea").write_text("long/2 1 360 20\npart 10\n~ 10\n")
    (tmp_path / "part.hea").write_text("part 1 360 10\n")
    for name in ("RECORDS", "notes.txt", "a.json", "labels.csv", "patients.csv"):
        (tmp_path / name).write_text("x")
    assert [one.name for one in find_recordings([tmp_path])] == ["a", "lead", "long"]


def test_a_folder_without_recordings_does_not_stop_the_others(tmp_path: Path, record: Record) -> None:
    folder_of(tmp_path / "full", record, "a")
    (tmp_path / "empty").mkdir()
    wanted = find_recordings([tmp_path / "empty", tmp_path / "full"])
    outcomes = score_all(wanted, tmp_path / "out", lambda path: score_recording(read_recording(path), toy_scorer()))
    assert [outcome.wanted.name for outcome in outcomes if outcome.error is None] == ["a"]
    assert "no recording in the folder" in outcomes[0].error.message


def test_recordings_of_one_name_get_that_of_their_folder(tmp_path: Path, record: Record) -> None:
    folder_of(tmp_path, record, "x/100", "y/100", "y/101")
    assert [one.name for one in find_recordings([tmp_path / "x", tmp_path / "y"])] == ["x/100", "y/100", "101"]
    (tmp_path / "x/100.csv").write_text("MLII\n1\n")
    with pytest.raises(EcganError, match="same name, x/100"):
        find_recordings([tmp_path / "x"])


def test_results_of_one_name_do_not_overwrite_each_other(tmp_path: Path, record: Record) -> None:
    folder_of(tmp_path, record, "x/100", "y/100")
    wanted = find_recordings([tmp_path / "x", tmp_path / "y"])
    out = tmp_path / "out"
    score_all(wanted, out, lambda path: score_recording(record, toy_scorer(threshold=float("y" in path.parts))))
    assert json.loads((out / "x/100.json").read_text())["threshold"] == 0.0
    assert json.loads((out / "y/100.json").read_text())["threshold"] == 1.0
    assert list(pd.read_csv(out / "summary.csv")["record"]) == ["x/100", "y/100"]


def test_what_must_not_be_overwritten_is_refused_before_anything_is_scored(tmp_path: Path, record: Record) -> None:
    folder = folder_of(tmp_path, record, "a", "b")
    wanted = find_recordings([folder])
    (tmp_path / "out").mkdir()
    (tmp_path / "out/b.html").write_text("precious")
    with pytest.raises(EcganError, match=r"b\.html is there already"):
        check_targets(tmp_path / "out", wanted, annotator=None, force=False)
    check_targets(tmp_path / "out", wanted, annotator=None, force=True)
    check_targets(folder, wanted, annotator=None, force=False)
    with pytest.raises(EcganError, match="written over what is to be scored"):
        check_targets(folder, wanted, annotator="ecgan", force=True)
    (tmp_path / "out/summary.csv").write_text("precious")
    (tmp_path / "out/b.html").unlink()
    check_targets(tmp_path / "out", wanted[:1], annotator=None, force=False)
    with pytest.raises(EcganError, match=r"summary\.csv is there already"):
        check_targets(tmp_path / "out", wanted, annotator=None, force=False)
    folder_of(tmp_path, record, "more/summary")
    named_so = find_recordings([tmp_path / "more/summary.hea"])
    check_targets(tmp_path / "new", named_so, annotator=None, force=False)
    with pytest.raises(EcganError, match="would have one name"):
        check_targets(tmp_path / "new", [*wanted, *named_so], annotator=None, force=True)
    (tmp_path / "file").write_text("precious")
    with pytest.raises(EcganError, match="no folder"):
        check_targets(tmp_path / "file", wanted, annotator=None, force=True)


def test_one_that_fails_does_not_stop_the_others(tmp_path: Path, record: Record) -> None:
    def score(path: Path) -> ScoredRecording:
        if path.stem == "bad":
            raise EcganError("the file bad.hea is damaged: [red]odd[/red]", "Copy it again.")
        if path.stem == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        if path.stem == "long":
            raise MemoryError
        return score_recording(record, toy_scorer())

    wanted = [Wanted(Path(f"{name}.hea"), Path(f"{name}.hea"), name) for name in ("a", "bad", "locked", "long", "z")]
    outcomes = score_all(wanted, tmp_path, score)
    assert [outcome.error is None for outcome in outcomes] == [True, False, False, False, True]
    frame = summary_frame(outcomes)
    assert all(text.startswith("scored, 1 warning") for text in frame["status"][::4])
    assert "Permission denied" in frame["status"][2]
    assert "memory" in frame["status"][3]
    told, errors = Console(record=True, width=100), Console(record=True, width=60)
    tell(outcomes, tmp_path, told, errors)
    table, text = told.export_text(), errors.export_text()
    assert table.count("not scored") == 3
    assert "error: the file bad.hea is damaged: [red]odd[/red]\nCopy it again." in text
    assert f"{tmp_path}: RECORD.html, " in text
    assert "RECORD.json, summary.csv, summary.html" in text
    page = (tmp_path / "summary.html").read_text()
    assert '<a href="./a.html">a</a>' in page
    assert "bad.html" not in page
    assert "the file bad.hea is damaged: [red]odd[/red]" in page


def test_warnings_are_told_and_written(tmp_path: Path) -> None:
    scored = scored_at([100, 900], [0.5, 2.0])
    scored.facts["warnings"] = ["There is a signal without beats."]
    errors = Console(record=True, width=200)
    tell(
        score_all([Wanted(Path("a.csv"), Path("a.csv"), "a")], tmp_path, lambda _: scored), tmp_path, Console(), errors
    )
    assert "a: There is a signal without beats." in errors.export_text()
    assert json.loads((tmp_path / "a.json").read_text())["warnings"] == scored.facts["warnings"]


@pytest.mark.parametrize("sign", [" ", ": ", ", "])
def test_a_path_is_told_once(tmp_path: Path, sign: str) -> None:
    def score(path: Path) -> ScoredRecording:
        raise EcganError(f"{path}{sign}is no text file.")

    errors = Console(record=True)
    tell(score_all([Wanted(Path("in/a.csv"), Path("in/a.csv"), "a")], tmp_path, score), tmp_path, Console(), errors)
    assert f"error: in/a.csv{sign}is no text file.\n" in errors.export_text()


def test_a_batch_of_failures_only_says_so(tmp_path: Path) -> None:
    def score(_: Path) -> ScoredRecording:
        raise EcganError("broken")

    wanted = [Wanted(Path(name), Path(name), name) for name in ("a", "b")]
    outcomes = score_all(wanted, tmp_path, score)
    errors = Console(record=True)
    tell(outcomes, tmp_path, Console(record=True), errors)
    text = errors.export_text()
    assert "wrote" not in text
    assert "error: a: broken\n" in text
    assert "error: b: broken\n" in text
    assert list(pd.read_csv(tmp_path / "summary.csv")["status"]) == ["broken", "broken"]


def test_recordings_are_read_ahead_until_one_can_be_read() -> None:
    asked, good = [], simulate(1, 1, 0.1, 1.0, 1.0)

    def read(place: Path | str) -> Record:
        asked.append(str(place))
        if "bad" in str(place):
            raise EcganError(f"no {place}") if "1" in str(place) else OSError(5, "broken")
        return good

    wanted = [Wanted(Path(name), Path(name), name) for name in ("bad1", "bad2", "good1", "good2")]
    ahead = read_ahead(wanted, read)
    assert (asked, ahead.can_be_read) == (["bad1", "bad2", "good1"], True)
    with pytest.raises(EcganError, match="no bad1"):
        ahead.take(Path("bad1"))
    with pytest.raises(EcganError, match="bad2: broken"):
        ahead.take(Path("bad2"))
    assert ahead.take(Path("good1")) is ahead.take(Path("good1")) is good
    assert asked[3:] == ["good1"]  # it was kept only until it was taken
    none = read_ahead(wanted[:2], read)
    assert not none.can_be_read
    with pytest.raises(EcganError, match="no bad1"):
        none.refuse(Path("bad1"))
