"""What several files start from is made once for all workers."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from .project import Project, make


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of one's own after `dvc repro`, its results committed."""
    top = tmp_path_factory.getbasetemp()
    top = top.parent if "PYTEST_XDIST_WORKER" in os.environ else top
    folder = tmp_path_factory.mktemp("finished") / "project"
    with (top / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (top / "finished").is_dir():
            _finish(top / "unfinished")
            (top / "unfinished").rename(top / "finished")
    shutil.copytree(top / "finished", folder, symlinks=True)
    return Project(folder)


def _finish(folder: Path) -> None:
    project = make(folder)
    project.run("dvc", "repro")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-q", "-m", "results")
