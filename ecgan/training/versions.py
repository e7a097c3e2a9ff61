"""Kept versions of a model: `v<NN>/model.safetensors` and `versions.json`."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load, save

from ecgan.errors import EcganError
from ecgan.files import read_record, read_safetensors, write_bytes, write_json

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
        raise EcganError(
            f"{folder / 'versions.json'} is not an index of versions: {names} are no names like v12.",
            "Fetch or train it again, or name another run.",
        )
    return versions


def resolve(folder: Path, version: str) -> str:
    """Return the name behind `best`, `latest` or `v12`; a version that is not kept lists those that are."""
    index = load_index(folder)
    name = {"best": index.best, "latest": index.latest}.get(version, version)
    kept = sorted(path.parent.name for path in folder.glob("v*/model.safetensors"))
    if name not in kept:
        named = f"version {name!r}, which {folder / 'versions.json'} calls {version}" if name != version else ""
        raise EcganError(
            f"{folder} holds no {named or f'version {version!r}'}.",
            f"Kept: {', '.join(kept) or 'none'}; or say best or latest.",
        )
    return name


def load_version(folder: Path, name: str) -> Weights:
    """Read one version's weights; safetensors holds numbers only, nothing is executed."""
    return read_weights(folder / name / "model.safetensors")


def read_weights(path: Path) -> Weights:
    """Read a safetensors file.

    Raises:
        EcganError: It is missing or broken.
    """
    content = read_safetensors(path)
    try:
        return load(content)
    except Exception as error:
        what = str(error).removeprefix("Error while deserializing: ")
        raise EcganError(
            f"{path} is no safetensors file, or is cut off: {what}.", "Fetch or train it again, or name another run."
        ) from None


def load_weights(model: torch.nn.Module, weights: Weights, source: Path) -> None:
    """Put weights into a model; names, shapes and types must all fit, and all numbers be finite."""
    own = model.state_dict()
    problem = next((f"{name} is missing" for name in own if name not in weights), "")
    for name, value in weights.items():
        problem = problem or _misfit(name, value, own.get(name))
    if problem:
        raise EcganError(
            f"the weights in {source} do not fit the model: {problem}.", "Fetch or train it again, or name another run."
        )
    model.load_state_dict(weights, strict=True)


def _misfit(name: str, value: torch.Tensor, own: torch.Tensor | None) -> str:
    """Say why a tensor cannot take the place of the model's own, or nothing."""
    if own is None:
        return f"the model has no {name}"
    if value.shape != own.shape:
        return f"{name} has the shape {tuple(value.shape)}, expected {tuple(own.shape)}"
    if value.dtype != own.dtype:
        found, expected = (str(kind.dtype).removeprefix("torch.") for kind in (value, own))
        return f"{name} holds {found}, expected {expected}"
    return "" if not value.is_floating_point() or bool(value.isfinite().all()) else f"{name} is not finite"
