"""The dataset `folder` in the pipeline: DVC sees what changes in the folder, and nothing else."""

import json
from pathlib import Path

import pytest

from ecgan.ecg.records import write_record
from tests.raw.folder import recording, write_recordings

from .project import Project, make

pytestmark = pytest.mark.slow


def test_dvc_sees_recordings_that_come_change_and_go(tmp_path: Path) -> None:
    project = make(tmp_path / "project")
    home = project.folder / "recordings"
    write_recordings(home)
    project.ecgan("init", "-d", "folder", "--force")
    project.run("dvc", "repro", "preprocess")
    assert samples(project) == 6 * 24
    assert "didn't change" in project.run("dvc", "repro", "preprocess").stdout
    write_record(home, recording("p6", 6))
    project.run("dvc", "repro", "preprocess")
    assert samples(project) == 7 * 24
    (home / "labels.csv").write_text("file,label\n" + "".join(f"p{number},{number % 2}\n" for number in range(7)))
    project.run("dvc", "repro", "preprocess")
    assert json.loads((project.folder / "data/folder/processed/dataset.json").read_text())["classes"] == ["0", "1"]
    for file in home.glob("p6.*"):
        file.unlink()
    assert "no recording 'p6'" in project.run("dvc", "repro", "preprocess", ok=False).stderr
    assert not project.run("git", "status", "--porcelain", "recordings").stdout


def samples(project: Project) -> int:
    return len((project.folder / "data/folder/processed/samples.csv").read_text().splitlines()) - 1
