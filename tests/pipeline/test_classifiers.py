"""A classifier goes through the same stages: `ecgan init -m cnn`, `dvc repro`, classes named, confusion for plots."""

import csv
import json
from typing import Any

import pytest
import yaml

from ecgan.config import render_params

from .project import EXPERIMENT, TINY, Project, make

pytestmark = pytest.mark.slow

SMALL: dict[str, Any] = TINY | {
    "train": {"epochs": 2},
    "modules": {"cnn": {"width": 0.125, "batch_size": 64}},
    "detect": {"bootstrap": 20, "classical": ["kmeans"]},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make(tmp_path_factory.mktemp("classifiers") / "project")
    (project.folder / "params.yaml").write_text(render_params("ecgsyn", ["cnn"], EXPERIMENT, overrides=SMALL))
    project.run("dvc", "repro")
    return project


def test_the_defaults_of_a_classifier_are_those_that_it_needs(project: Project) -> None:
    params = yaml.safe_load((project.folder / "params.yaml").read_text())
    assert params["detect"]["detector"] == "argmax"
    assert params["detect"]["strategies"] == ["plain"]
    assert (params["split"]["protocol"], params["split"]["train_on"]) == ("stratified", "all")
    assert project.json("models/lab/tiny/cnn/inverse/fold_0/inverse.json")["method"] == "none"


def test_metrics_name_classes_and_the_report_shows_them(project: Project) -> None:
    metrics = project.json("reports/detect/cnn/fold_0/metrics.json")
    assert (metrics["family"], metrics["detector"]) == ("classifier", "argmax")
    assert metrics["strategies"]["plain"]["supervision"] == "S"
    named = metrics["classification"]
    assert set(named) == {"accuracy", "f1_macro", "f1_micro", "per_class"}
    assert {name: row["count"] for name, row in named["per_class"].items() if row["count"]} == metrics["counts"]["test"]
    with (project.folder / "reports/detect/cnn/fold_0/confusion.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(metrics["counts"]["test"].values())
    assert sum(row["actual"] == row["predicted"] for row in rows) / len(rows) == pytest.approx(named["accuracy"])
    summary = (project.folder / "reports/report/summary.md").read_text()
    assert "## Classes named" in summary
    assert (project.folder / "reports/report/figures/confusion.svg").is_file()


def test_dvc_shows_metrics_and_plots_of_every_detector(project: Project) -> None:
    shown = json.loads(project.run("dvc", "metrics", "show", "--json").stdout)[""]["data"]
    figures = shown["reports/headline.json"]["data"]
    assert {"cnn", "kmeans"} <= set(figures)
    assert figures["cnn"]["auroc"] is not None
    plots = json.loads(project.run("dvc", "plots", "show", "--json").stdout)
    assert not plots.get("errors"), plots
    for method in ("cnn", "kmeans"):
        for name in ("roc", "pr", "confusion"):
            panels = plots["data"][f"reports/detect/{method}/fold_0/{name}.csv"]
            assert panels, name
    assert project.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."


def test_the_classic_command_takes_the_detector_of_the_models_kind(project: Project) -> None:
    reference = ["-i", "lab/tiny/cnn/fold_0", "lab", "tiny", "again"]
    refused = project.classic("detect", *reference, "-a", "inverse_mapping", ok=False)
    assert refused.returncode == 1
    assert "the model is a classifier" in refused.stderr
    project.classic("detect", *reference)
    assert yaml.safe_load((project.folder / "ad_config.yml").read_text())["detect"]["detector"] == "argmax"
    assert "cnn" in project.classic("detect").stdout
