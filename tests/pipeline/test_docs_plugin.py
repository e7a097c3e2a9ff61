"""The example plug-in of the documentation: its conformance checks, and the whole pipeline with its parts."""

import re
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from .project import ROOT, Project, make

PLUGINS = [f"plugins/my_{part}.py" for part in ("dataset", "model", "detector", "strategy")]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make(tmp_path_factory.mktemp("docs") / "project")
    for file in (ROOT / "docs" / "examples").glob("*.py"):
        shutil.copy(file, project.folder / "plugins")
    return project


def test_the_examples_conform(project: Project) -> None:
    done = project.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "plugins/test_my_parts.py")
    assert re.search(r"^\d+ passed", done.stdout.splitlines()[-1])


def test_the_examples_run_through_the_pipeline(project: Project) -> None:
    """The commands of docs/plugins.md."""
    options = [word for file in PLUGINS for word in ("--plugin", file)]
    project.ecgan("init", *options, "-d", "pulses", "-m", "dense", "--force", "lab", "tiny")
    path = project.folder / "params.yaml"
    text = path.read_text().replace("classical: [pca]", "classical: [pca, steepness]")
    text = re.sub(r"strategies: \[.*\]", "strategies: [reconstruction, smoothed, largest]", text)
    text = text.replace("\n  pca:\n", "\n  steepness:\n    lag: 2\n  pca:\n").replace("threads: 2", "threads: 1")
    path.write_text(text)
    project.ecgan("info", "params.yaml", "--pipeline")
    project.run("dvc", "repro")
    for method in ("dense", "steepness", "pca"):
        metrics = project.json(f"reports/detect/{method}/fold_0/metrics.json")
        assert metrics["dataset"] == "pulses"
        assert len(pd.read_csv(project.folder / f"reports/detect/{method}/fold_0/scores.csv")) > 50
        best = max(entry["test"]["auroc"] for entry in metrics["strategies"].values())
        assert best > 0.9, f"{method} does not tell wide pulses from others"
    assert "largest" in project.json("reports/detect/dense/fold_0/metrics.json")["strategies"]
    links = {link.name for link in (project.folder / "watched/strategies").iterdir()}
    own = {f"ecgan.detection.strategies.{name}.py" for name in ("reconstruction", "smoothed")}
    assert links == {"plugins.my_strategy.py", *own}
    summary = (project.folder / "reports/report/summary.md").read_text()
    assert "dense" in summary
    assert "steepness" in summary


def test_the_commands_are_those_of_the_documentation() -> None:
    text = Path(ROOT / "docs" / "plugins.md").read_text()
    assert "ecgan init --plugin plugins/my_dataset.py" in text
    assert "classical: [pca, steepness]" in text
    assert "strategies: [reconstruction, smoothed, largest]" in text
    for file in (ROOT / "docs" / "examples").glob("*.py"):
        assert f"examples/{file.name}" in text
