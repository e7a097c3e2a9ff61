"""`kill -9` in the middle of `dvc repro`: what is rebuilt afterwards has the bytes of an undisturbed run."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ecgan.config import render_params

from .project import EXPERIMENT, TINY, Project, environment, make

pytestmark = pytest.mark.slow
SMALL: dict[str, Any] = TINY | {
    "modules": {"aegan": TINY["modules"]["aegan"]},
    "train": {"epochs": 3, "generation": {"metrics": [], "figures": False}},
    "detect": {"bootstrap": 50, "classical": ["pca"]},
}


def project(folder: Path) -> Project:
    """A project with one model."""
    made = make(folder)
    (folder / "params.yaml").write_text(render_params("ecgsyn", ["aegan"], EXPERIMENT, overrides=SMALL))
    return made


def start(project: Project) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["dvc", "repro"],
        cwd=project.folder,
        env=environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_killed_runs_end_in_the_same_bytes(tmp_path: Path) -> None:
    whole, cut = project(tmp_path / "whole"), project(tmp_path / "cut")
    whole.run("dvc", "repro")
    moments = random.Random(5)
    for attempt, stage in enumerate(("preprocess", "train@aegan-0", "detect@aegan-0")):
        process = start(cut)
        assert process.stdout is not None
        assert any(f"Running stage '{stage}'" in line for line in process.stdout)
        time.sleep(moments.uniform(0, 4))
        if attempt % 2:  # the stage outlives its `dvc`, and the next run has to wait for it
            os.kill(process.pid, signal.SIGKILL)
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    cut.run("dvc", "repro")
    folders = ("data", "models", "reports")
    assert cut.hashes(*folders) == whole.hashes(*folders)
    assert (cut.folder / "dvc.lock").read_text() == (whole.folder / "dvc.lock").read_text()
