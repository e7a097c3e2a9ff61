"""The default run gives the committed results, bit by bit: `make repro` in a fresh clone leaves nothing to commit."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.golden.portable import KEPT, versions
from tests.pipeline.project import Project
from tests.processor import processor

pytestmark = pytest.mark.slow


def outputs(lock: str) -> dict[str, dict[str, str]]:
    """Hash by path of what each stage wrote, in the order of the pipeline."""
    stages = yaml.safe_load(lock)["stages"]
    return {name: {out["path"]: out["md5"] for out in stage.get("outs", [])} for name, stage in stages.items()}


@pytest.mark.skipif(json.loads(KEPT.read_text())["versions"] != versions(), reason="other versions, other bytes")
def test_the_default_run_gives_the_committed_bytes(tmp_path: Path) -> None:
    project = Project(tmp_path / "clone")
    clone = ["git", "clone", "-q", str(ROOT), str(project.folder)]
    subprocess.run(clone, check=True, capture_output=True)
    committed = outputs((project.folder / "dvc.lock").read_text(encoding="utf-8"))
    project.run("dvc", "repro", "--force", "--no-run-cache")
    found = outputs((project.folder / "dvc.lock").read_text(encoding="utf-8"))
    moved = [
        f"{name}: {path}" for name, outs in committed.items() for path in outs if found[name].get(path) != outs[path]
    ]
    told = project.ecgan("compare", ok=False).stderr if moved else ""
    assert not moved, (
        f"{len(moved)} outputs differ on {processor()} with {versions()}; the first is {moved[0]}.\n{told}\nIf the"
        " numbers are meant to move: make publish"
    )
    changed = [line[3:] for line in project.run("git", "status", "--porcelain").stdout.splitlines()]
    assert set(changed) <= {"dvc.lock"}, "code that has changed since is in the lock, and nothing else may be"
