"""Kept versions of a model: `v<NN>/model.safetensors` and `versions.json`."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load, save

from ecgan.errors import EcganError
from ecgan.files import read_record, write_bytes, write_json

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Versions:
    """Which versions are kept.

    Attributes:
        best: Name of the version with the best value of the criterion.
        latest: Name of the last one.
        criterion: What was compared: `loss`, `auroc` or `ap`, on validation.
        value: Its value at `best`.
    """

    best: str
    latest: str
    criterion: str
    value: float


def version_name(epoch: int) -> str:
    """Name the version after `epoch` complete epochs: v01, v02, …, v100."""
    return f"v{epoch:02d}"


def save_version(folder: Path, name: str, weights: Weights) -> None:
    """Write the weights of one version into a run's training folder, atomically."""
    plain = {key: value.detach().to("cpu").contiguous() for key, value in weights.items()}
    write_bytes(folder / name / "model.safetensors", save(plain))


def save_index(folder: Path, versions: Versions) -> None:
    """Write `versions.json`."""
    write_json(folder / "versions.json", asdict(versions))


def load_index(folder: Path) -> Versions:
    """Read `versions.json` strictly."""
    versions = read_record(folder / "versions.json", Versions, "versions")
    names = (versions.best, versions.latest)
    if not all(re.fullmatch(r"v\d+", name) for name in names):
        raise EcganError(f"{folder / 'versions.json'} is not an index of versions: {names} are no names like v12.")
    return versions


def resolve(folder: Path, version: str) -> str:
    """Return the name behind `best`, `latest` or `v12`; a version that is not kept lists those that are."""
    index = load_index(folder)
    name = {"best": index.best, "latest": index.latest}.get(version, version)
    kept = sorted(path.parent.name for path in folder.glob("v*/model.safetensors"))
    if name not in kept:
        raise EcganError(
            f"{folder} holds no version {version!r}.", f"Kept: {', '.join(kept) or 'none'}; or say best or latest."
        )
    return name


def load_version(folder: Path, name: str) -> Weights:
    """Read one version's weights; safetensors holds numbers only, nothing is executed."""
    path = folder / name / "model.safetensors"
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise EcganError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:
        raise EcganError(f"{path} is no safetensors file: {error}") from None


def load_weights(model: torch.nn.Module, weights: Weights, source: Path) -> None:
    """Put weights into a model; names and shapes must all fit."""
    try:
        model.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        detail = json.dumps(str(error).splitlines()[1:2] or str(error))
        raise EcganError(f"the weights in {source} do not fit the model: {detail}") from None
