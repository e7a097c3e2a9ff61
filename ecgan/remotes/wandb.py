"""Runs that are artifacts of Weights & Biases, as the tracker `wandb` logs them."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ecgan.errors import EcganError, outside
from ecgan.remotes.files import Remote, RemoteFile, too_large
from ecgan.tracking.wandb import artifact_name, module, offline

_PATH = re.compile(r"(?P<entity>[^/:@]+)/(?P<project>[^/:@]+)/(?P<run>[^/:@]+)(?:@(?P<alias>[^/:@]+))?")


def find(path: str, fold: int | None) -> Remote:
    """List the artifacts of a run, `entity/project/run[@alias]`; the alias is W&B's own, by default `latest`.

    Raises:
        EcganError: W&B cannot be asked, or has no such artifact.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise EcganError(f"'wandb:{path}' names no run.", "Write wandb:ENTITY/PROJECT/RUN[/fold_K][:best|latest|vNN].")
    if offline():
        raise EcganError(
            f"'wandb:{path}' cannot be looked up while WANDB_MODE keeps W&B offline.",
            "Unset WANDB_MODE, or use the run's local folder.",
        )
    project, run = f"{match['entity']}/{match['project']}", match["run"]
    remote = Remote(run)
    wandb = module()
    with outside(f"'wandb:{path}' cannot be read", "Check the names, and that `wandb login` was done."):
        api = wandb.Api()
        for name in _artifacts(api, project, run, fold):
            artifact = api.artifact(f"{project}/{name}:{match['alias'] or 'latest'}", type="model")
            for inside, entry in artifact.manifest.entries.items():
                remote.add(inside, partial(_describe, entry), fold)
    return remote


def _artifacts(api: Any, project: str, run: str, fold: int | None) -> Iterator[str]:
    """Yield the names of the artifacts that hold the folds of a run."""
    if fold is not None:
        yield artifact_name(run, fold)
        return
    pattern = re.compile(re.escape(artifact_name(run, 0).removesuffix("0")) + r"\d+")
    for collection in api.artifact_collections(project_name=project, type_name="model"):
        if pattern.fullmatch(collection.name):
            yield str(collection.name)


def _describe(entry: Any) -> RemoteFile:
    return RemoteFile(entry.size, str(entry.digest), partial(_fetch, entry))


def _fetch(entry: Any, target: Path, limit: int) -> None:
    if getattr(entry, "ref", None):
        raise EcganError(f"{target.name} is only a link to {entry.ref} in the artifact.", "Use that place itself.")
    if entry.size is not None and entry.size > limit:
        raise too_large(target.name, limit)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        shutil.move(str(entry.download(root=folder, skip_cache=True)), target)
