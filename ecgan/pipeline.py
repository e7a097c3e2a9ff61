"""What `dvc repro` needs beyond valid parameters; checked, and what can be mended is, before DVC starts."""

import re
from pathlib import Path
from typing import Any

from ecgan.config import Params, read_document
from ecgan.errors import EcganError
from ecgan.registry import DATASETS, DETECTORS, MODELS, PROTOCOLS
from ecgan.watched import (
    KINDS,
    watch_code,
    watch_file,
    watch_inversion,
    watch_part,
    watch_stage,
    watch_strategies,
)

PIPELINE = "dvc.yaml"


def check_pipeline(config: Path, params: Params) -> None:
    """Refuse parameters with which `dvc repro` would fail, perhaps after hours, or miss a change.

    Args:
        config: The file; `dvc.yaml` lies beside it.
        params: What was read from it.

    Raises:
        EcganError: The first thing that does not fit.
    """
    written = read_document(config, hint="").data
    _check_names(config, written, params)
    _check_files(params)
    _check_keys(config, written, params)


def renew_links(params: Params) -> None:
    """Renew the links by which DVC watches parts and files, also of what has never run; see `ecgan.watched`."""
    watch_code()
    for stage in KINDS:
        watch_stage(stage)
    for stage, section in (("fetch", params.fetch), ("preprocess", params.preprocess), ("split", params.split)):
        watch_file(stage, section)
    watch_part(DATASETS, params.dataset)
    watch_part(PROTOCOLS, params.split.protocol)
    watch_inversion(params.inverse.method)
    watch_strategies(params.detect.strategies)
    for model in params.models:
        watch_part(MODELS, model)
    for detector in {params.detect.detector, *params.detect.classical}:
        watch_part(DETECTORS, detector)


def _check_names(config: Path, written: dict[str, Any], params: Params) -> None:
    """DVC takes names as they are written, for folders too, and names runs after their models."""
    detectors = [params.detect.detector, *params.detect.classical]
    named = [(MODELS, alias) for alias in written["models"]] + [(DETECTORS, alias) for alias in detectors]
    for registry, alias in [*named, (DATASETS, written["dataset"]), (PROTOCOLS, params.split.protocol)]:
        name = registry.resolve(alias)
        if alias != name:
            raise EcganError(
                f"{config} names the {registry.kind} {alias!r}, an alias; `dvc repro` takes names as they are written.",
                f"Write {name} instead of {alias}, wherever it stands.",
            )
    if params.experiment.run is not None:
        raise EcganError(
            f"{config} names the run {params.experiment.run!r}; in the pipeline runs are named after their models.",
            "Leave experiment.run empty (null), or run the stages without DVC: ecgan train FILE and so on.",
        )


def _check_files(params: Params) -> None:
    """A stage must not depend on what it writes itself."""
    folds = Path(params.experiment.data_dir, params.dataset, "folds").resolve()
    if params.split.source is not None and Path(params.split.source).resolve() == folds:
        raise EcganError(
            f"split.source is {params.split.source!r}, the folder that the stage split itself writes.",
            "Copy the folds elsewhere and name that folder.",
        )


def _check_keys(config: Path, written: dict[str, Any], params: Params) -> None:
    """DVC knows no defaults: every key that `dvc.yaml` names must be written, and of sections every key in them."""
    pipeline = config.parent / PIPELINE
    if not pipeline.is_file():
        raise EcganError(
            f"there is no {pipeline}, so `dvc repro` has nothing to do.",
            "Run this where the pipeline is, such as in a clone of ECGAN; `ecgan new FOLDER` begins one.",
        )
    text = pipeline.read_text(encoding="utf-8")
    keys = {key for key in re.findall(r"\$\{([\w.]+)\}", text) if key.split(".")[0] != "item"}
    for stage in read_document(pipeline, hint="").data["stages"].values():
        keys.update(stage.get("params", []))
    complete = params.model_dump(mode="json")
    for name in sorted(name for key in keys for name in _expanded(key, params)):
        if missing := _missing(written, complete, name.split(".")):
            raise EcganError(
                f"{config} lacks {missing}, and `dvc repro` needs every key that {PIPELINE} names.",
                "Write it, or a complete new file: ecgan init --force.",
            )


def _expanded(key: str, params: Params) -> list[str]:
    key = key.replace("${detect.detector}", params.detect.detector)
    if "${item.model}" in key:
        return [key.replace("${item.model}", model) for model in params.models]
    return [key.replace("${item.detector}", name) for name in params.detect.classical] if "${" in key else [key]


def _missing(written: Any, complete: Any, path: list[str]) -> str:
    """Return the first key at or below `path` that a value of `complete` stands for and that is not written."""
    for depth, part in enumerate(path):
        if not isinstance(written, dict) or part not in written:
            return ".".join(path[: depth + 1])
        written, complete = written[part], complete[part]
    inner = complete if isinstance(complete, dict) else {}
    below = (_missing(written, complete, [name]) for name in inner)
    return next((".".join([*path, name]) for name in below if name), "")
