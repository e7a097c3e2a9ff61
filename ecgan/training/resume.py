"""Resuming an interrupted training to the same bytes.

One file holds everything that the next epoch depends on. Random numbers need no state: each epoch draws from a seed
derived from its own number. The file counts only if its fingerprint (parameters, data, code, versions) fits.
"""

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ecgan.errors import EcganError
from ecgan.files import write_bytes
from ecgan.models.base import Model
from ecgan.training.versions import Weights

Optimizers = dict[str, torch.optim.Optimizer]


@dataclass
class Progress:
    """Where a training run stands.

    Attributes:
        epoch: Complete epochs.
        history: One row an evaluated epoch.
        best_epoch: Epoch of the best version, 0 before the first evaluation.
        best_value: Its value of the criterion.
        best: Its weights.
        waited: Evaluations since then.
        average: The moving average of the weights, where `train.ema` is on.
    """

    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_value: float = float("nan")
    best: Weights = field(default_factory=dict)
    waited: int = 0
    average: Weights = field(default_factory=dict)


class ResumeFile:
    """The state of one training run, outside every output of the pipeline.

    Args:
        path: The file, below `.ecgan/resume/`.
        fingerprint: What must be the same for the state to be of use.
        seconds: The least time between two writes.
    """

    def __init__(self, path: Path, fingerprint: str, seconds: float = 5.0) -> None:
        self.path = path
        self.fingerprint = fingerprint
        self.seconds = seconds
        self._written = time.monotonic()
        self.kept = 0  # epochs that need not be trained again

    def save(self, model: Model, optimizers: Optimizers, progress: Progress) -> None:
        """Write the state, unless the last write is less than `seconds` ago."""
        if time.monotonic() - self._written < self.seconds:
            return
        tensors = {f"model.{key}": value for key, value in model.state_dict().items()}
        tensors |= {f"best.{key}": value for key, value in progress.best.items()}
        tensors |= {f"average.{key}": value for key, value in progress.average.items()}
        for name, optimizer in optimizers.items():
            for index, state in optimizer.state_dict()["state"].items():
                tensors |= {
                    f"optimizer.{name}.{index}.{key}": value for key, value in state.items() if value is not None
                }
        facts = {key: value for key, value in vars(progress).items() if key not in ("best", "average")}
        plain = {key: value.detach().cpu().clone().contiguous() for key, value in tensors.items()}
        told = json.dumps(facts)
        metadata = {"fingerprint": self.fingerprint, "progress": told, "sha256": _digest(plain, told)}
        write_bytes(self.path, save(plain, metadata))
        self._written, self.kept = time.monotonic(), progress.epoch

    def load(self, model: Model, optimizers: Optimizers) -> Progress:
        """Restore model and optimizers and return where the run stood; a fresh start where nothing fits."""
        if not self.path.is_file():
            return Progress()
        try:
            with safe_open(self.path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("fingerprint") != self.fingerprint:
                    return Progress()
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
        except (OSError, SafetensorError):  # not written by `save`, which is atomic: of no use
            return Progress()
        try:
            _check(tensors, metadata)
            best, average = _below(tensors, "best."), _below(tensors, "average.")
            progress = Progress(**json.loads(metadata["progress"]), best=best, average=average)
            model.load_state_dict(_below(tensors, "model."))
            for name, optimizer in optimizers.items():
                _restore(optimizer, _below(tensors, f"optimizer.{name}."))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise EcganError(
                f"the state of the interrupted training, {self.path}, is damaged.",
                "Remove the file: the training then starts anew.",
            ) from error
        return progress

    def clear(self) -> None:
        """Forget the state: the run is complete."""
        self.path.unlink(missing_ok=True)


def fingerprint(config: str, facts: list[Any], code: Iterable[Path]) -> str:
    """Hash everything that an interrupted training depends on: its `config.yml`, files of code in a fixed order, torch.

    `facts` are samples, device and the like, as JSON values.
    """
    digest = hashlib.sha256(config.encode())
    digest.update(json.dumps([*facts, torch.__version__]).encode())
    for file in code:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _check(tensors: Weights, metadata: dict[str, str]) -> None:
    if metadata["sha256"] != _digest(tensors, metadata["progress"]):
        raise ValueError("other bytes than were written")


def _digest(tensors: Weights, told: str) -> str:
    """Hash all that the state of a training consists of."""
    digest = hashlib.sha256(told.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype} ".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _below(tensors: Weights, prefix: str) -> Weights:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _restore(optimizer: torch.optim.Optimizer, tensors: Weights) -> None:
    state: dict[int, dict[str, Any]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
