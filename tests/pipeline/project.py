"""A copy of the project with tiny parameters, in a Git repository of its own."""

import compileall
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ecgan.arithmetic import PORTABLE
from ecgan.config import render_params
from tests import forking

ROOT = Path(__file__).parent.parent.parent
PARTS = (
    "ecgan",
    "stages",
    "plugins",
    "recordings",
    "watched",
    "dvc.yaml",
    ".dvcignore",
    ".gitignore",
    ".dvc/config",
    ".dvc/.gitignore",
)

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python")
EXPERIMENT = {"entity": "lab", "project": "tiny"}
TINY: dict[str, Any] = {
    "runtime": {"seed": 3, "threads": 1},
    "fetch": {"patients": 8, "minutes": 0.8},
    "split": {"k": 2, "folds": [0]},
    "train": {"epochs": 3, "generation": {"metrics": ["mmd"], "figures": False}},
    "modules": {name: {"width": 0.0625, "latent_size": 4, "batch_size": 32} for name in ("aegan", "vaegan")},
    "detect": {"bootstrap": 50},
    "report": {"beats": 1},
}


def environment(**extra: str) -> dict[str, str]:
    """What a shell with the virtual environment on its PATH has."""
    ours = ("DVC", "GIT_", "ECGAN_", *PORTABLE)  # commands find out by themselves how they are to compute
    keep = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    bin_folder = str(Path(sys.executable).parent)
    keep |= {"PATH": f"{bin_folder}{os.pathsep}{keep['PATH']}", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    keep |= {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}
    keep.pop("PYTHONPATH", None)
    return keep | extra


class Project:
    """Commands run in one copy of the project; test_kill.py shows that forks give the bytes of real processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *command: str, ok: bool = True, **extra: str) -> subprocess.CompletedProcess[str]:
        becomes_another = "ECGAN_PROCESSES" in extra  # a program that starts workers, which no fork can do
        if command[0] in ("dvc", sys.executable) and not becomes_another:
            done = forking.run([*command], self.folder, environment(**{"ECGAN_RUN": forking.runner()} | extra))
        else:
            done = subprocess.run(
                command, cwd=self.folder, env=environment(**extra), capture_output=True, text=True, check=False
            )
        if ok:
            assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    def ecgan(self, *arguments: str, ok: bool = True, **extra: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "ecgan", *arguments, ok=ok, **extra)

    def classic(self, name: str, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        code = f"from ecgan.cli import {name}_classic as run; run()"
        return self.run(sys.executable, "-c", code, *arguments, ok=ok)

    def params(self, **sections: Any) -> None:
        """Write complete parameters, as `ecgan init` does: DVC needs every key that `dvc.yaml` names."""
        text = render_params("ecgsyn", ["aegan", "vaegan"], EXPERIMENT, overrides=TINY | sections)
        (self.folder / "params.yaml").write_text(text)

    def json(self, path: str) -> Any:
        return json.loads((self.folder / path).read_text())

    def hashes(self, *folders: str) -> dict[str, str]:
        """SHA-256 of every file below the folders."""
        files = [file for folder in folders for file in (self.folder / folder).rglob("*") if file.is_file()]
        return {
            str(file.relative_to(self.folder)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
            if file.name != ".gitignore"
        }


def make(folder: Path) -> Project:
    """Copy the project's code, compiled, and start a repository with tiny parameters."""
    folder.mkdir(parents=True)
    for part in ("ecgan", "stages"):
        compileall.compile_dir(ROOT / part, quiet=2)
    for part in PARTS:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        else:
            shutil.copy(source, target)
    project = Project(folder)
    project.params()
    project.run("git", "init", "-q", "-b", "main")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-q", "-m", "start")
    return project
