"""Runs that are artifacts of MLflow runs, as the tracker `mlflow` logs them."""

import re
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from ecgan.errors import EcganError, outside, redacted
from ecgan.remotes.files import MOST_ENTRIES, PARTS, Remote, RemoteFile, too_large
from ecgan.tracking.mlflow import client, is_there, marked, store_uri

_RUN_ID = re.compile(r"[0-9a-f]{32}")
_MODEL = re.compile(r"models:/(?P<name>[^/@:]+)(?:/(?P<version>\d+)|@(?P<alias>[\w-]+))")
_NAMED = re.compile(r"[^/'\"]+/[^/'\"]+/[^/'\"%\\]+")
_FORMS = "Write mlflow:RUN_ID, mlflow:models:/NAME/VERSION, mlflow:models:/NAME@ALIAS or mlflow:ENTITY/PROJECT/RUN."


def find(path: str, fold: int | None) -> Remote:
    """List the artifacts behind a run id, a registered model, or the newest finished runs of a name, one a fold.

    Raises:
        EcganError: The store cannot be asked, or has no such run.
    """
    if not any(form.fullmatch(path) for form in (_RUN_ID, _MODEL, _NAMED)):
        raise EcganError(f"'mlflow:{path}' names no run.", _FORMS)
    if not is_there():
        raise EcganError(
            f"'mlflow:{path}' cannot be read: nothing was logged to {redacted(store_uri())} yet.",
            "MLFLOW_TRACKING_URI names another store.",
        )
    store = client()
    where = f"'mlflow:{path}' cannot be read from {redacted(store_uri())}"
    with outside(where, "MLFLOW_TRACKING_URI names another store."):
        runs = _runs(store, path, fold)
        remote = Remote((runs[0].info.run_name or path).split("/fold_")[0])
        for run in runs:
            same = [run, *marked(store, run)]
            for part in PARTS:
                holder = next((one for one in same if store.list_artifacts(one.info.run_id, part)), run)
                _list(store, holder.info.run_id, part, remote, fold)
    return remote


def _runs(store: Any, path: str, fold: int | None) -> list[Any]:
    """Return the MLflow runs that a path stands for."""
    if _RUN_ID.fullmatch(path):
        return [store.get_run(path)]
    if model := _MODEL.fullmatch(path):
        if model["alias"]:
            version = store.get_model_version_by_alias(model["name"], model["alias"])
        else:
            version = store.get_model_version(model["name"], model["version"])
        if not version.run_id:
            raise EcganError(f"'mlflow:{path}' was registered without a run, so its files cannot be found.", _FORMS)
        return [store.get_run(version.run_id)]
    experiment, run = path.rsplit("/", 1)
    return _newest(store, experiment, run, fold)


def _newest(store: Any, experiment: str, run: str, fold: int | None) -> list[Any]:
    """Return the newest finished training of each fold of a run, or detection where no training was logged."""
    found = store.get_experiment_by_name(experiment)
    if found is None:
        raise EcganError(f"there is no experiment {experiment!r} in {redacted(store_uri())}.", _FORMS)
    condition = f"attributes.run_name LIKE '{run}/fold%' AND attributes.status = 'FINISHED'"
    newest: dict[int, dict[str, Any]] = {}
    order = ["attributes.start_time DESC"]
    for item in store.search_runs([found.experiment_id], filter_string=condition, order_by=order):
        match = re.fullmatch(re.escape(run) + r"/fold_(\d+)( detect)?", item.info.run_name)
        if match and (fold is None or int(match[1]) == fold):
            newest.setdefault(int(match[1]), {}).setdefault("detection" if match[2] else "training", item)
    if not newest:
        which = "" if fold is None else f" of fold {fold}"
        raise EcganError(
            f"experiment {experiment!r} in {redacted(store_uri())} has no finished run {run!r}{which}.", _FORMS
        )
    return [kinds.get("training") or kinds["detection"] for _, kinds in sorted(newest.items())]


def _list(store: Any, run: str, folder: str, remote: Remote, fold: int | None) -> None:
    """Add the files below a folder of artifacts, at most three levels deep."""
    entries = store.list_artifacts(run, folder)
    if len(entries) > MOST_ENTRIES:
        raise EcganError(
            f"{folder} of MLflow run {run} holds {len(entries):,} entries, more than a trained run.",
            "Check the number of the run.",
        )
    for entry in entries:
        if entry.is_dir and entry.path.count("/") < 3:
            _list(store, run, entry.path, remote, fold)
        elif not entry.is_dir:
            remote.add(entry.path, partial(_describe, store, run, entry), fold)


def _describe(store: Any, run: str, entry: Any) -> RemoteFile:
    size = None if entry.file_size is None else int(entry.file_size)
    return RemoteFile(size, run, partial(_fetch, store, run, entry))


def _fetch(store: Any, run: str, entry: Any, target: Path, limit: int) -> None:
    if entry.file_size is None:
        raise EcganError(
            f"the store of MLflow run {run} does not say how large {entry.path} is.",
            "Copy the run here, and name the folder.",
        )
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        with outside(f"{entry.path} of MLflow run {run} cannot be read", "Check the number of the run."):
            path = Path(store.download_artifacts(run, entry.path, folder))
        if path.stat().st_size > limit:
            raise too_large(target.name, limit)
        shutil.move(path, target)
