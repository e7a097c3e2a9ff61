"""What several processes exchange while they train one model; alone, nothing.

Each process computes the gradients of its rows of the batch, and before an optimizer's step they are averaged over the
processes. That is what `DistributedDataParallel` computes. Its wrapper wants every forward pass to go through it, every
parameter to get a gradient in every backward pass and no `torch.autograd.grad`; steps that alternate between a
generator and a discriminator, one of them frozen, and a gradient penalty keep none of the three.
"""

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed

from ecgan.errors import EcganError
from ecgan.models.base import Model, Optimizers
from ecgan.runtime import device
from ecgan.sharing import process, processes
from ecgan.training.batch_norm import share_batch_norm
from ecgan.training.exchanging import exchange
from ecgan.training.resume import Progress, ResumeFile


def prepare(model: Model, optimizers: Optimizers, samples: int) -> None:
    """Make a training step of every process one on the batch that they share, of `samples` training samples in all.

    Raises:
        EcganError: The batch cannot be divided.
    """
    count, size = processes(), min(model.options.batch_size, samples)
    if count == 1:
        return
    if size % count:
        raise EcganError(
            f"a batch of {size} beats cannot be divided evenly among {count} processes.",
            f"Set modules.{model.name}.batch_size to a multiple of {count}"
            + (f", and at most {samples}, the number of training samples." if size == samples else "."),
        )
    share_batch_norm(model)
    for optimizer in optimizers.values():
        optimizer.register_step_pre_hook(average_gradients)


def average_gradients(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    """Average the gradients of an optimizer's parameters over all processes, in one exchange."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    exchange(distributed.all_reduce, flat)
    flat /= processes()
    parts = flat.split([gradient.numel() for gradient in gradients])
    torch._foreach_copy_(gradients, [part.view_as(g) for part, g in zip(parts, gradients, strict=True)])


def restore(resume: ResumeFile, model: Model, optimizers: Optimizers) -> Progress:
    """Restore an interrupted training from the state that process 0 has, and start from its weights in any case."""
    if processes() == 1:
        return resume.load(model, optimizers)
    mine = resume.path.read_bytes() if process() == 0 and resume.path.is_file() else b""
    state, fingerprint = _from_first(mine), _from_first(resume.fingerprint.encode()).decode()
    if fingerprint != resume.fingerprint:
        raise EcganError(
            f"process {process()} has other data, parameters, code or packages than process 0.",
            "Give every machine the same project, with the same data, and the same installation.",
        )
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "state.safetensors"
        copy.write_bytes(state)
        progress = ResumeFile(copy, fingerprint).load(model, optimizers)
    for tensor in model.state_dict().values():
        exchange(distributed.broadcast, tensor, 0)
    return progress


def mean_losses(sums: dict[str, Tensor], counts: Mapping[str, int]) -> dict[str, float]:
    """Return each loss's mean over all processes and over as many steps as `counts` says."""
    if processes() == 1:
        return {name: float(total) / counts[name] for name, total in sums.items()}
    totals = torch.stack(list(sums.values())).double()
    exchange(distributed.all_reduce, totals)
    whole = (totals / processes()).tolist()
    return {name: total / counts[name] for name, total in zip(sums, whole, strict=True)}


def by_first(compute: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Return on every process what process 0 computes, so that all decide alike."""
    if processes() == 1:
        return compute()
    found: dict[str, float] = json.loads(_from_first(json.dumps(compute()).encode() if process() == 0 else b""))
    return found


def _from_first(content: bytes) -> bytes:
    """Return the bytes that process 0 gives."""
    on = device()
    size = torch.tensor([len(content)], device=on)
    exchange(distributed.broadcast, size, 0)
    if process():
        content = bytes(int(size))
    if not int(size):
        return b""
    buffer = torch.frombuffer(bytearray(content), dtype=torch.uint8).to(on)
    exchange(distributed.broadcast, buffer, 0)
    return buffer.cpu().numpy().tobytes()
