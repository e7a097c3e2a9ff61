"""SIGTERM and Ctrl-C in a training: the finished run stays, and what was trained is taken up."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ecgan.config import render_params
from tests import forking

from .project import EXPERIMENT, TINY, Project, environment, make

pytestmark = pytest.mark.slow


def params(project: Project, epochs: int) -> None:
    changes = {"models": ["aegan"], "train": {"epochs": epochs, "generation": {"metrics": [], "figures": False}}}
    text = render_params("ecgsyn", ["aegan"], EXPERIMENT, overrides=TINY | changes | {"modules": {"aegan": MODULE}})
    (project.folder / "params.yaml").write_text(text)


MODULE = TINY["modules"]["aegan"]


def start(project: Project) -> subprocess.Popen[str]:
    command = [forking.runner(), sys.executable, "-m", "ecgan", "train"]
    return subprocess.Popen(command, cwd=project.folder, env=environment(), stderr=subprocess.PIPE, text=True)


def until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stderr is not None
    return next(line for line in process.stderr if words in line)


def test_a_finished_run_stays_and_the_interrupted_one_goes_on(tmp_path: Path) -> None:
    project = make(tmp_path / "project")
    params(project, 2)
    for command in ("fetch", "preprocess", "split", "train"):
        project.ecgan(command)
    before = project.hashes("models", "reports")
    params(project, 3000)
    state = project.folder / ".ecgan/resume/lab/tiny/aegan/fold_0.safetensors"
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        process = start(project)
        if number is signal.SIGINT:  # the second time
            assert "of 3000" in until(process, "resuming aegan at epoch")
        else:
            deadline = time.monotonic() + 120
            while not state.exists() and time.monotonic() < deadline:
                time.sleep(0.1)
        process.send_signal(number)
        told = process.communicate(timeout=60)[1]
        assert process.returncode == code, told
        assert told.count("interrupted") == 1
        assert "of 3000 epochs are kept; the same command goes on there." in told
        assert project.hashes("models", "reports") == before
        assert [path.name for path in (project.folder / "models/lab/tiny/aegan/train").iterdir()] == ["fold_0"]
