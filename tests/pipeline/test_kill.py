"""`kill -9` in the middle of `dvc repro`: what is rebuilt afterwards has the bytes of an undisturbed run."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .project import Project, environment, make

pytestmark = pytest.mark.slow


def start(project: Project) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["dvc", "repro"],
        cwd=project.folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def test_killed_runs_end_in_the_same_bytes(tmp_path: Path) -> None:
    whole, cut = make(tmp_path / "whole"), make(tmp_path / "cut")
    begun = time.monotonic()
    assert start(whole).wait() == 0
    duration = time.monotonic() - begun
    moments = random.Random(5)
    for attempt in range(3):
        process = start(cut)
        time.sleep(moments.uniform(0.05, 0.6) * duration)
        if attempt % 2:  # the stage outlives its `dvc`, and the next run has to wait for it
            os.kill(process.pid, signal.SIGKILL)
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    cut.run("dvc", "repro")
    folders = ("data", "models", "reports")
    assert cut.hashes(*folders) == whole.hashes(*folders)
    assert (cut.folder / "dvc.lock").read_text() == (whole.folder / "dvc.lock").read_text()
