"""What ships in `published/` is whole, and a plain `dvc pull` finds all that `dvc.lock` names."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
import yaml

from .imports import ROOT

STORE = ROOT / "published/files/md5"
OBJECTS = sorted(path for path in STORE.rglob("*") if path.is_file())


def committed(*arguments: str) -> str:
    """What Git has: a run of one's own may have written other results since. Without Git, nothing."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


LOCK = committed("show", "HEAD:dvc.lock")


def object_of(md5: str) -> Path:
    return STORE / md5[:2] / md5[2:]


@pytest.mark.skipif(not OBJECTS, reason="nothing is published in this checkout")
def test_no_object_is_damaged() -> None:
    for path in OBJECTS:
        md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        assert path.parent.name + path.name.removesuffix(".dir") == md5


@pytest.mark.skipif(not LOCK, reason="there is no committed dvc.lock")
def test_every_output_of_the_lock_is_published() -> None:
    in_git = committed("ls-tree", "-r", "--name-only", "HEAD", "reports").splitlines()
    for stage in yaml.safe_load(LOCK)["stages"].values():
        for out in stage.get("outs", []):
            if any(file == out["path"] or file.startswith(f"{out['path']}/") for file in in_git):
                continue
            path = object_of(out["md5"])
            assert path.is_file(), out["path"]
            if path.suffix == ".dir":
                missing = [entry for entry in json.loads(path.read_text()) if not object_of(entry["md5"]).is_file()]
                assert not missing, out["path"]


def test_it_stays_small() -> None:
    tracked = [yaml.safe_load(path.read_text())["outs"][0] for path in ROOT.glob("models/published/*.dvc")]
    models = sum(out["size"] for out in tracked)
    assert models <= 25e6
    assert sum(path.stat().st_size for path in OBJECTS) - models <= 12 * 2**20


@pytest.mark.skipif(not OBJECTS, reason="nothing is published in this checkout")
def test_every_published_model_is_whole() -> None:
    for file in ROOT.glob("models/published/*.dvc"):
        (out,) = yaml.safe_load(file.read_text())["outs"]
        listed = json.loads(object_of(out["md5"]).read_text())
        assert all(object_of(entry["md5"]).is_file() for entry in listed), file.name
        assert {"README.md", "seal.json"} <= {entry["relpath"] for entry in listed}


def test_git_leaves_published_bytes_alone() -> None:
    assert "published/** -text -diff" in (ROOT / ".gitattributes").read_text()
