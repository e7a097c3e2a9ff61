"""What `ecgan compare` finds between two runs, locks or reports, and when it calls that agreement."""

import copy
import json
import math
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file

from ecgan.comparing.compared import compare_arrays, compare_json, compare_values, moved
from ecgan.comparing.locks import compare_locks, pipeline_order, read_lock
from ecgan.comparing.reports import compare_reports
from ecgan.comparing.runs import compare_runs, compare_tensors
from ecgan.comparing.showing import LOCK, REPORT, RUN, Section, agree, as_document, plain, sentences, show
from ecgan.evaluation.tolerance import tolerance_text, within
from ecgan.reporting.content import result_notes
from ecgan.reporting.tables import METRICS, Tables
from tests.corpus.project import run as command
from tests.installed import ecgan

MD5 = "0123456789abcdef0123456789abcdef"


def results(*, auroc: float = 0.9, interval: bool = True, **changes: object) -> dict:
    """`metrics.json` with two strategies; `auroc` is that of the first."""
    test = dict.fromkeys(METRICS, 0.8) | {"per_class": {"N": {"count": 10, "flagged": 1}}}
    if interval:
        test |= {f"{name}_low": 0.75 for name in METRICS} | {f"{name}_high": 0.95 for name in METRICS}
    common = {"supervision": "U", "parameters": {}, "validation": {"auroc": 0.9}}
    common["threshold"] = {"method": "best_f1", "value": 0.5}
    return {
        "method": "aegan",
        "detector": "inverse_mapping",
        "fold": 0,
        "seed": 0,
        "dataset": "ecgsyn",
        "protocol": "normal_only",
        "class_mapping": "aami",
        "version": "v12",
        "context": "none",
        "select_by": "loss",
        "counts": {"test": {"N": 10, "V": 5}},
        "bootstrap": {"replicates": 1000 if interval else 0, "unit": "patient", "units": 8, "level": 0.9},
        "strategies": {
            "reconstruction": copy.deepcopy(common) | {"test": test | {"auroc": auroc}},
            "smoothed": copy.deepcopy(common) | {"test": dict(test)},
        },
    } | changes


def write(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def reports(folder: Path, *found: dict) -> Path:
    for one in found:
        write(folder / "detect" / one["method"] / f"fold_{one['fold']}" / "metrics.json", one)
    return folder


def stage(cmd: str, deps: dict[str, str], outs: dict[str, str], **params: object) -> dict:
    entries = [[{"path": path, "hash": "md5", "md5": md5} for path, md5 in side.items()] for side in (deps, outs)]
    return {"cmd": cmd, "deps": entries[0], "params": {"params.yaml": params}, "outs": entries[1]}


def pipeline(train: str = "t", report: str = "r", **params: object) -> dict:
    """A lock whose stages do not stand in the order of the pipeline."""
    return {
        "report": stage("ecgan report", {"reports/detect": f"d{report}"}, {"reports/report": report}),
        "train@b": stage("ecgan train", {"data/raw": "d"}, {"models/b/train": "b"}),
        "train@a": stage("ecgan train", {"data/raw": "d", "ecgan/models": "c"}, {"models/a/train": train}, **params),
        "detect@a": stage("ecgan detect", {"models/a/train/v01": train}, {"reports/detect/a/metrics.json": "m"}),
        "fetch": stage("ecgan fetch", {}, {"data/raw": "d"}),
    }


def lock(path: Path, stages: dict) -> Path:
    return write(path, yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False))


# --- tensors, JSON


def test_tensors_are_told_apart_by_name_with_the_largest_difference(tmp_path: Path) -> None:
    old = {"same": torch.ones(3), "moved": torch.tensor([[1.0, -4.0], [2.0, 0.0]]), "gone": torch.ones(1)}
    new = {"same": torch.ones(3), "moved": torch.tensor([[1.5, -4.0], [2.0, -1.0]]), "more": torch.ones(1)}
    save_file(old, tmp_path / "old.safetensors")
    save_file(new, tmp_path / "new.safetensors")
    found = {item.what: item for item in compare_tensors(tmp_path / "old.safetensors", tmp_path / "new.safetensors")}
    assert not found["same"].moved
    assert (found["moved"].old, found["moved"].new, found["moved"].difference) == (0.0, -1.0, -1.0)
    assert found["moved"].relative == pytest.approx(0.25)
    assert "2 of 4" in found["moved"].note
    assert (found["gone"].old, found["gone"].new) == ("there", "missing")
    assert (found["more"].old, found["more"].new) == ("missing", "there")
    assert [found[name].agrees for name in ("moved", "gone", "more")] == [None, False, False]


def test_shapes_and_types_that_differ_are_named() -> None:
    item = compare_arrays("", "w", np.zeros((2, 3), np.float32), np.zeros((3, 2), np.float64))
    assert item.moved
    assert (item.old, item.new) == ("float32, 2 × 3", "float64, 3 × 2")


def test_nan_is_the_same_as_nan_and_farther_than_anything_from_a_number() -> None:
    both = np.array([np.nan, 1.0])
    assert not compare_arrays("", "w", both, both.copy()).moved
    item = compare_arrays("", "w", both, np.array([0.0, 9.0]))
    assert item.moved
    assert item.size == math.inf


def test_two_infinities_are_the_same() -> None:
    for value in (math.inf, -math.inf, math.nan):
        assert not compare_values("a", "b", value, value).moved
    assert compare_values("a", "b", math.inf, -math.inf).moved


def test_short_floats_are_compared_as_numbers(tmp_path: Path) -> None:
    for name, value in (("old", 1.0), ("new", 2.0)):
        save_file({"w": torch.full((4,), value, dtype=torch.bfloat16)}, tmp_path / name)
    assert [item.difference for item in compare_tensors(tmp_path / "old", tmp_path / "new")] == [1.0]


def test_json_is_compared_key_by_key_and_a_list_of_numbers_as_one_array() -> None:
    old = {"best": "v12", "ranges": {"a": [0.0, 1.0]}, "seed": 2**60, "flag": True, "names": ["a"], "n": None}
    new = {"best": "v14", "ranges": {"a": [0.0, 1.5]}, "seed": 2**60 + 1, "flag": 1, "names": ["a"], "n": 0.5}
    found = {item.what: item for item in moved(compare_json("f", old, new))}
    assert set(found) == {"best", "ranges.a", "seed", "flag", "n"}
    assert (found["best"].old, found["best"].new) == ("v12", "v14")
    assert found["ranges.a"].difference == 0.5
    assert found["seed"].difference is None  # too large for a quantity
    assert moved(compare_json("f", old, copy.deepcopy(old))) == []


# --- runs


def run(folder: Path, *, best: str = "v12", weight: float = 1.0, loss: float = 0.5, threshold: float = 0.2) -> Path:
    train, detect = folder / "train" / "fold_0", folder / "detect" / "fold_0"
    write(train / "versions.json", {"best": best, "latest": "v20"})
    write(train / "history.csv", f"epoch,vali_loss\n1,9.0\n20,{loss}\n")
    write(train / "config.yml", "train:\n  epochs: 20\n")
    for version in (best, "v20"):
        (train / version).mkdir()
        save_file({"w": torch.tensor([weight, 2.0])}, train / version / "model.safetensors")
    write(detect / "detector.json", {"strategies": {"smoothed": {"threshold": {"value": threshold}}}})
    return folder


def test_the_same_run_is_the_same(tmp_path: Path) -> None:
    items = compare_runs(run(tmp_path / "a"), run(tmp_path / "b"))
    assert {item.where for item in items} >= {"train/fold_0/v12/model.safetensors", "detect/fold_0/detector.json"}
    assert moved(items) == []
    assert agree([Section(RUN, items)])


def test_a_run_shows_weights_thresholds_the_version_and_the_end_of_the_history(tmp_path: Path) -> None:
    other = run(tmp_path / "b", best="v14", weight=1.5, loss=0.6, threshold=0.3)
    write(other / "detect" / "fold_0" / "more.json", {})
    items = compare_runs(run(tmp_path / "a"), other)
    found = {(item.where, item.what): (item.old, item.new) for item in moved(items)}
    train = "train/fold_0"
    assert found == {
        (f"{train}/v12/model.safetensors", "the file"): ("there", "missing"),
        (f"{train}/v14/model.safetensors", "the file"): ("missing", "there"),
        (f"{train}/v20/model.safetensors", "w"): (1.0, 1.5),
        (f"{train}/versions.json", "best"): ("v12", "v14"),
        (f"{train}/history.csv", "vali_loss"): (0.5, 0.6),
        ("detect/fold_0/detector.json", "strategies.smoothed.threshold.value"): (0.2, 0.3),
        ("detect/fold_0/more.json", "the file"): ("missing", "there"),
    }
    places = [item.where.split("/")[0] for item in items]
    assert places == sorted(places, reverse=True)  # train, then detect
    assert not agree([Section(RUN, items)])


# --- locks


def test_the_first_stage_that_differs_is_the_first_of_the_pipeline(tmp_path: Path) -> None:
    old = read_lock(lock(tmp_path / "old.lock", pipeline()))
    new = read_lock(lock(tmp_path / "new.lock", pipeline(train="u", report="s")))
    assert (
        pipeline_order(old).index("train@a")
        < pipeline_order(old).index("detect@a")
        < pipeline_order(old).index("report")
    )
    found = moved(compare_locks(old, new))
    assert [(item.where, item.what, item.old, item.new) for item in found] == [
        ("train@a", "models/a/train", "t", "u"),
        ("report", "reports/report", "r", "s"),
    ]
    assert [item.note for item in found] == ["", ""]  # nothing else was asked for
    assert moved(compare_locks(old, old)) == []


def test_a_lock_says_what_a_stage_was_asked_for(tmp_path: Path) -> None:
    other = pipeline(train="u", epochs=3)
    other["train@a"]["deps"][1]["md5"] = "x"
    old, new = (read_lock(lock(tmp_path / f"{n}.lock", s)) for n, s in enumerate([pipeline(epochs=2), other]))
    (item,) = moved(compare_locks(old, new))
    assert "epochs" in item.note
    assert "ecgan/models" in item.note
    assert "data/raw" not in item.note


def test_a_stage_or_output_on_one_side_only_never_agrees(tmp_path: Path) -> None:
    fewer, less = pipeline(), pipeline()
    del fewer["detect@a"]
    less["detect@a"]["outs"] = []
    old = read_lock(lock(tmp_path / "old.lock", pipeline()))
    for other in (fewer, less):
        items = compare_locks(old, read_lock(lock(tmp_path / "new.lock", other)))
        assert [(item.where, item.agrees) for item in moved(items)] == [("detect@a", False)]


def test_stages_in_a_circle_end(tmp_path: Path) -> None:
    circle = {"a": stage("a", {"y": "1"}, {"x": "1"}), "b": stage("b", {"x": "1"}, {"y": "1"})}
    assert pipeline_order(read_lock(lock(tmp_path / "dvc.lock", circle))) == ["a", "b"]


# --- reports and their tolerance


def test_a_metric_within_the_interval_of_the_reference_agrees(tmp_path: Path) -> None:
    old = reports(tmp_path / "old", results())
    new = reports(tmp_path / "new", results(auroc=0.94))
    (item,) = moved(items := compare_reports(old, new))
    assert (item.where, item.what) == ("detect/aegan/fold_0", "reconstruction AUROC")
    assert (item.old, item.new, item.low, item.high) == (0.9, 0.94, 0.75, 0.95)
    assert item.difference == pytest.approx(0.04)
    assert item.agrees is True
    assert agree([Section(REPORT, items)])


def test_a_metric_beyond_the_interval_does_not(tmp_path: Path) -> None:
    for place, name in ((0.96, "above"), (0.74, "below")):
        items = compare_reports(reports(tmp_path / "old", results()), reports(tmp_path / name, results(auroc=place)))
        assert [item.agrees for item in moved(items)] == [False]
        assert not agree([Section(REPORT, items)])


def test_sensitivity_and_ppv_are_listed_and_not_judged(tmp_path: Path) -> None:
    other = results()
    other["strategies"]["smoothed"]["test"] |= {"sensitivity": 0.99, "ppv": 0.6}
    items = compare_reports(reports(tmp_path / "old", results()), reports(tmp_path / "new", other))
    assert {item.what: item.agrees for item in moved(items)} == {"smoothed Sensitivity": None, "smoothed PPV": None}
    assert agree([Section(REPORT, items)])


def test_without_intervals_nothing_is_judged_and_only_the_same_agrees(tmp_path: Path) -> None:
    old = reports(tmp_path / "old", results(interval=False))
    items = compare_reports(old, reports(tmp_path / "new", results(auroc=0.91, interval=False)))
    assert [item.agrees for item in moved(items)] == [None]
    assert not agree([Section(REPORT, items)])
    assert agree([Section(REPORT, compare_reports(old, old))])


def test_other_data_or_another_protocol_is_another_question(tmp_path: Path) -> None:
    changes = {"detector": "anogan", "protocol": "stratified", "counts": {"test": {"N": 11, "V": 5}}, "version": "v14"}
    items = compare_reports(reports(tmp_path / "old", results()), reports(tmp_path / "new", results(**changes)))
    agreed = {item.what: item.agrees for item in moved(items)}
    assert agreed == {"detector": False, "protocol": False, "counts.test.N": False, "version": None}


def test_what_is_missing_on_one_side_is_named(tmp_path: Path) -> None:
    fewer = results()
    del fewer["strategies"]["smoothed"]
    old = reports(tmp_path / "old", results(), results(fold=1))
    items = moved(compare_reports(old, reports(tmp_path / "new", fewer)))
    assert {(item.where, item.what) for item in items} == {
        ("detect/aegan/fold_0", "smoothed"),
        ("detect/aegan/fold_1", "the results"),
    }
    assert not agree([Section(REPORT, items)])


def test_numbers_of_generated_signals_are_listed_and_not_judged(tmp_path: Path) -> None:
    for name, mmd in (("old", 0.02), ("new", 0.03)):
        write(reports(tmp_path / name, results()) / "train/aegan/fold_0/generation.json", {"mmd": mmd})
    (item,) = moved(items := compare_reports(tmp_path / "old", tmp_path / "new"))
    assert (item.what, item.agrees) == ("mmd", None)
    assert agree([Section(REPORT, items)])


def test_a_written_report_is_compared_by_its_table_of_folds(tmp_path: Path) -> None:
    for name, auroc in (("old", 0.9), ("new", 0.97)):
        table = Tables([results(auroc=auroc), results(fold=1)]).folds
        (tmp_path / name).mkdir()
        table.to_csv(tmp_path / name / "folds.csv", index=False)
    (item,) = moved(compare_reports(tmp_path / "old", tmp_path / "new"))
    assert "reconstruction" in item.what
    assert item.agrees is False
    judged = {i.what.split()[-1] for i in compare_reports(tmp_path / "old", tmp_path / "new") if i.judged}
    assert judged == {"AUROC", "AP", "abnormal"}  # the table has no intervals of the others


def test_the_value_that_an_interval_was_made_for_always_agrees() -> None:
    assert within(0.99, 0.99, 0.9, 0.98) is True
    assert within(0.99, 0.985, 0.9, 0.98) is True
    assert within(0.99, 0.991, 0.9, 0.98) is False
    assert within(0.7, 0.72, 0.75, 0.95) is True
    assert within(0.7, 0.69, 0.75, 0.95) is False
    assert within(0.99, math.nan, 0.9, 0.98) is False
    assert within(0.99, 0.5, math.nan, math.nan) is None


def test_the_report_states_the_tolerance_that_is_applied() -> None:
    for interval in (True, False):
        metrics = [results(interval=interval)]
        notes = result_notes(Tables(metrics))
        assert (tolerance_text(0.9) in notes) is interval
    assert "90%" in tolerance_text(0.9)


# --- what is shown


def sections(tmp_path: Path) -> list[Section]:
    locks = [read_lock(lock(tmp_path / f"{t}.lock", pipeline(train=t))) for t in "tu"]
    moves = results(auroc=0.93)
    moves["strategies"]["smoothed"]["test"]["mcc"] = 0.5
    folders = [reports(tmp_path / "old", results()), reports(tmp_path / "new", moves)]
    return [Section(LOCK, compare_locks(*locks)), Section(REPORT, compare_reports(*folders))]


def test_the_largest_move_comes_first_and_what_is_beyond_the_tolerance_before_it(tmp_path: Path) -> None:
    found = sections(tmp_path)
    assert [item.what for item in found[1].moved] == ["smoothed MCC", "reconstruction AUROC"]
    said = sentences(found)
    assert "train@a" in said[0]
    assert "-0.3" in said[1]
    assert "1 not within" in said[1]
    assert said[-1].startswith("differs")


def test_hashes_that_differ_are_overlooked_where_metrics_can_be_judged(tmp_path: Path) -> None:
    locks, judged = sections(tmp_path)
    within_reach = Section(REPORT, [item for item in judged.items if item.agrees is not False])
    assert agree([locks, within_reach])
    assert sentences([locks, within_reach])[-1].startswith("agrees")
    assert not agree([locks])


def test_a_pipe_and_json_get_every_difference_in_full(tmp_path: Path) -> None:
    found = sections(tmp_path)
    head, *lines = plain(found)
    rows = [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]
    assert [(row["kind"], row["what"], row["agrees"]) for row in rows] == [
        ("lock", "models/a/train", ""),
        ("report", "smoothed MCC", "False"),
        ("report", "reconstruction AUROC", "True"),
    ]
    document = as_document(found, "A", "B")
    assert document["agrees"] is False
    assert [row["what"] for row in document["differences"]] == [row["what"] for row in rows]
    assert float(rows[1]["difference"]) == document["differences"][1]["difference"]


@pytest.mark.parametrize("width", [60, 80, 160])
def test_a_terminal_of_any_width_shows_what_moved_and_how_far(
    width: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("FORCE_COLOR", "1")
    show(sections(tmp_path), "HEAD", "reports")
    lines = capsys.readouterr().out.splitlines()
    text = " ".join(" ".join(lines).split())
    for words in ("-0.3000", "+0.0300", "t → u"):
        assert words in text
    assert ("0.8000" in text) is (width == 160)


# --- the command


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in Git, as it was committed."""
    folder = tmp_path / "project"
    lock(folder / "dvc.lock", pipeline())
    reports(folder / "reports", results())
    write(folder / "tests" / "bad.json", "no JSON")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "all")
    return folder


def compare(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str, str]:
    """Run the command in a folder; return its exit code, its output and what it told."""
    monkeypatch.chdir(folder)
    capfd.readouterr()
    status = command(("ecgan", "compare", *arguments))
    return status, *capfd.readouterr()


def test_a_project_is_compared_with_its_last_commit(project: Path) -> None:
    done = ecgan(project, "compare", cwd=project)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "the same."
    reports(project / "reports", results(auroc=0.5))
    done = ecgan(project, "compare", cwd=project)
    assert done.returncode == 1
    assert "reconstruction AUROC" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("differs")


def test_results_of_runs_outside_of_the_pipeline_are_no_part_of_a_project(project: Path, capfd, monkeypatch) -> None:
    reports(project / "reports" / "lab" / "study", results())
    status, _, told = compare(project, capfd, monkeypatch)
    assert status == 0, told


def test_new_hashes_and_numbers_within_the_tolerance_agree(project: Path, capfd, monkeypatch) -> None:
    lock(project / "dvc.lock", pipeline(train="u"))
    reports(project / "reports", results(auroc=0.92))
    status, shown, told = compare(project / "tests", capfd, monkeypatch, "HEAD", "..")
    assert status == 0, told
    assert "train@a" in told
    assert len(shown.splitlines()) == 3
    assert compare(project, capfd, monkeypatch, "HEAD:dvc.lock", "dvc.lock")[0] == 1  # a lock alone has no tolerance
    assert compare(project, capfd, monkeypatch, "HEAD", "HEAD")[0] == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [("HEAD", "."), ("HEAD:", "."), ("HEAD:reports", "reports"), ("HEAD", "reports/detect/aegan")],
)
def test_places_in_git_are_named_in_several_ways(old: str, new: str, project: Path, capfd, monkeypatch) -> None:
    reports(project / "reports", results(auroc=0.5))
    status, shown, _ = compare(project, capfd, monkeypatch, old, new, "--json")
    found = json.loads(shown)
    assert (status, found["agrees"]) == (1, False)
    assert [found["differences"][-1][side] for side in ("old", "new")] == [0.9, 0.5]
    status, shown, _ = compare(project, capfd, monkeypatch, new, old, "--json")
    assert [json.loads(shown)["differences"][-1][side] for side in ("old", "new")] == [0.5, 0.9]


def test_a_name_that_git_could_take_for_an_option_is_none(project: Path, capfd, monkeypatch) -> None:
    before = {path for path in project.rglob("*") if ".git" not in path.parts}
    status, _, told = compare(project, capfd, monkeypatch, "--", "--output=stolen", "reports")
    assert status == 1
    assert "no file or folder" in told
    assert {path for path in project.rglob("*") if ".git" not in path.parts} == before
