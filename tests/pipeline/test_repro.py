"""`dvc repro`, experiments and their results on a tiny simulated dataset."""

import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from ecgan.seals import seal

from .project import Project

METHODS = ("aegan", "vaegan", "knn", "pca")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(finished: Project) -> Project:
    return finished


def ran(output: str) -> set[str]:
    return set(re.findall(r"Running stage '([^']+)'", output))


def test_a_second_repro_does_nothing(project: Project) -> None:
    assert ran(project.run("dvc", "repro").stdout) == set()
    assert "up to date" in project.run("dvc", "status").stdout


@pytest.mark.parametrize("method", METHODS)
def test_metrics_are_those_of_the_scores(project: Project, method: str) -> None:
    folder = f"reports/detect/{method}/fold_0"
    metrics = project.json(f"{folder}/metrics.json")
    scores = pd.read_csv(project.folder / folder / "scores.csv")
    abnormal = scores["label"] != 0
    assert metrics["counts"]["test"] == scores["class"].value_counts().to_dict()
    for name, entry in metrics["strategies"].items():
        assert entry["supervision"] == ("U" if name in ("reconstruction", "smoothed", "plain") else "S")
        assert math.isclose(entry["test"]["auroc"], roc_auc_score(abnormal, scores[name]), rel_tol=1e-6)
        assert math.isclose(entry["test"]["ap"], average_precision_score(abnormal, scores[name]), rel_tol=1e-6)
        predicted = scores[name] >= entry["threshold"]["value"] * (1 - 1e-9)
        assert (predicted == (scores[f"{name}_predicted"] == 1)).mean() > 0.99
        assert entry["test"]["auroc_low"] <= entry["test"]["auroc"] <= entry["test"]["auroc_high"]


def test_nothing_of_the_test_set_was_trained_or_chosen_on(project: Project) -> None:
    fold = project.json("models/lab/tiny/aegan/train/fold_0/split.json")
    train, vali, test = (set(fold[part]) for part in ("train", "vali", "test"))
    assert not train & vali
    assert not train & test
    assert not vali & test
    labels = pd.read_csv(project.folder / "data/ecgsyn/processed/samples.csv")["class_name"]
    assert set(labels.iloc[sorted(train)]) == {"N"}
    scores = pd.read_csv(project.folder / "reports/detect/aegan/fold_0/scores.csv")
    assert set(scores["index"]) == test


def test_the_report_has_every_method_and_the_same_numbers(project: Project) -> None:
    table = pd.read_csv(project.folder / "reports/report/results.csv")
    summary = (project.folder / "reports/report/summary.md").read_text()
    page = (project.folder / "reports/report/index.html").read_text()
    for method in METHODS:
        metrics = project.json(f"reports/detect/{method}/fold_0/metrics.json")
        for name, entry in metrics["strategies"].items():
            row = table[(table["method"] == method) & (table["strategy"] == name)]
            assert np.isclose(row["auroc_mean"].item(), entry["test"]["auroc"], atol=1e-6)
        shown = f"{metrics['strategies'][name]['test']['auroc']:.3f}".lstrip("0")
        assert shown in summary
        assert shown in page
    assert "demonstration" in summary
    assert not re.search(r"(src|href)=[\"']https?:", page)


@pytest.mark.parametrize("name", ["scores.csv", "roc.csv", "metrics.json", "examples.json"])
def test_a_damaged_result_is_one_sentence(project: Project, name: str) -> None:
    path = project.folder / "reports/detect/aegan/fold_0" / name
    content = path.read_bytes()
    path.unlink()  # it may be a link into DVC's cache
    path.write_bytes(b"\x80\x04\xff\xfe\x00")
    try:
        done = project.ecgan("report", ok=False)
        assert done.returncode == 1
        assert name in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        path.unlink()
        path.write_bytes(content)


def test_metrics_and_plots_show(project: Project) -> None:
    shown = json.loads(project.run("dvc", "metrics", "show", "--json").stdout)[""]["data"]
    (found,) = shown.values()
    assert set(found["data"]["knn"]) == {"auroc", "ap", "f1", "mcc", "alarms_per_hour"}
    test = project.json("reports/detect/knn/fold_0/metrics.json")["strategies"]["plain"]["test"]
    assert found["data"]["knn"]["auroc"] == pytest.approx(test["auroc"], abs=1e-6)
    assert found["data"]["knn"]["f1"] == pytest.approx(test["f1_abnormal"], abs=1e-6)
    project.run("dvc", "plots", "show", "-o", "plots_out")
    page = (project.folder / "plots_out" / "index.html").read_text()
    assert "fpr" in page
    shutil.rmtree(project.folder / "plots_out")


def test_an_experiment_reruns_only_what_depends_on_the_change(project: Project) -> None:
    output = project.run("dvc", "exp", "run", "-S", "modules.vaegan.kl_beta=0.02").stdout
    assert ran(output) <= {"train@vaegan-0", "inverse@vaegan-0", "detect@vaegan-0", "report"}
    assert "train@vaegan-0" in ran(output)
    project.run("git", "checkout", "-q", ".")
    project.run("dvc", "checkout", "-q")


def test_an_edit_takes_effect_in_a_temporary_experiment(project: Project) -> None:
    path = project.folder / "ecgan/detection/detectors/knn.py"
    text = path.read_text()
    path.write_text(text + "\nraise SystemExit('the edit is seen')\n")
    try:
        done = project.run("dvc", "exp", "run", "--temp", "detect-classical@knn-0", ok=False)
        assert done.returncode != 0
        assert "the edit is seen" in done.stdout + done.stderr
    finally:
        path.write_text(text)


def test_a_plugin_detector_takes_part(project: Project) -> None:
    project.params(plugins=["plugins/peak_range.py"], detect={"bootstrap": 50, "classical": ["peak_range"]})
    try:
        project.ecgan("detect", "--detector", "peak_range")
        metrics = project.json("reports/detect/peak_range/fold_0/metrics.json")
        assert metrics["strategies"]["plain"]["supervision"] == "U"
    finally:
        project.run("git", "checkout", "-q", "params.yaml")
        shutil.rmtree(project.folder / "reports/detect/peak_range")
        shutil.rmtree(project.folder / "models/lab/tiny/peak_range")


def test_folds_of_other_data_are_refused(project: Project) -> None:
    path = project.folder / "data/ecgsyn/folds/fold_0.json"
    text = path.read_text()
    digits = project.json("data/ecgsyn/folds/fold_0.json")["data_sha256"]
    path.unlink()
    path.write_text(text.replace(digits, "0" * 64))
    sealed = (path.parent / "seal.json").read_bytes()
    (path.parent / "seal.json").unlink()
    seal(path.parent)
    try:
        done = project.ecgan("train", "--model", "aegan", "--fold", "0", ok=False)
        assert done.returncode == 1
        assert "belongs to other data" in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        path.unlink()
        path.write_text(text)
        (path.parent / "seal.json").write_bytes(sealed)
        project.run("dvc", "checkout", "-q", "--force")


def test_dvc_pull_in_a_bare_clone_leaves_nothing_to_do(project: Project, tmp_path: Path) -> None:
    project.run("dvc", "push", "-q")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-q", "--allow-empty", "-m", "published")
    clone = Project(tmp_path / "clone")
    project.run("git", "clone", "-q", str(project.folder), str(clone.folder))
    assert not (clone.folder / "models/lab/tiny/aegan/train/fold_0/versions.json").exists()
    clone.run("dvc", "pull")
    assert (clone.folder / "models/lab/tiny/aegan/train/fold_0/versions.json").is_file()
    clone.ecgan("trace", "AUROC", "aegan")  # every file is what dvc.lock says
    assert ran(clone.run("dvc", "repro").stdout) == set()
