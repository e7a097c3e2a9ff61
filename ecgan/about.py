"""What this installation runs on, and which parts it has."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rich.console import Console
from rich.table import Table

from ecgan.config import Params
from ecgan.errors import EcganError, nearest
from ecgan.presets import PRESETS
from ecgan.registry import DATASETS, DETECTORS, MODELS, PROTOCOLS, Registry

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "pandas", "wfdb", "dvc")


def lines(params: Params | None) -> list[str]:
    """Return lines that describe the installation and, if given, the checked parameters."""
    found = [f"{name} {_version(name)}" for name in PACKAGES]
    result = [f"ecgan {_version('ecgan')} on Python {platform.python_version()}", "  ".join(found)]
    variables = [
        f"{name}={os.environ[name]}" for name in ("ECGAN_DEVICE", "ECGAN_WORKERS", "ECGAN_MIRROR") if name in os.environ
    ]
    result += ["  ".join(variables)] if variables else []
    if params is not None:
        result.append(
            f"parameters are valid: dataset {params.dataset}, protocol {params.split.protocol},"
            f" models {', '.join(params.models)}, folds {', '.join(map(str, params.split.folds))},"
            f" seed {params.runtime.seed}, threads {params.runtime.threads}"
        )
    return result


def show(kind: str) -> None:
    """Print a table of what is registered.

    Args:
        kind: `datasets`, `models`, `detectors`, `protocols` or `presets`.
    """
    registries: dict[str, Registry[Any]] = {
        "datasets": DATASETS,
        "models": MODELS,
        "detectors": DETECTORS,
        "protocols": PROTOCOLS,
    }
    lists = [*registries, "presets"]
    if kind not in lists:
        raise EcganError(f"there is no list of {kind!r}{nearest(kind, lists)}.", f"Lists: {', '.join(lists)}.")
    if kind == "presets":
        _show_presets()
        return
    table = Table(box=None, pad_edge=False)
    columns = ("name", "title", "source", "licence", "size") if kind == "datasets" else ("name", "title")
    for column in columns:
        table.add_column(column)
    for name in registries[kind].names():
        cls = registries[kind].get(name)
        card = getattr(cls, "card", cls)
        table.add_row(name, *(str(getattr(card, column)) for column in columns[1:]))
    Console().print(table)


def _show_presets() -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("name", "in the paper", "model", "title"):
        table.add_column(column)
    for preset in PRESETS.values():
        table.add_row(preset.name, preset.spelling, preset.model, preset.title)
    Console().print(table)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
