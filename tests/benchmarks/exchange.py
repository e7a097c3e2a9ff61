"""Who averages gradients: a training step of two gloo processes, by each way of torch's and by ours.

`python tests/benchmarks/exchange.py` starts itself under `torchrun` and writes reports/benchmarks/exchange.csv: seconds
of a step (the least of many), whether the gradients have the bits of `DistributedDataParallel`, and which models have
the same weights on both processes after three steps. That wrapper takes one network with one forward pass; a model of
several that take turns, or that is called by another method than `forward`, it does not.
"""

import copy
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, distributed, nn
from torch.distributed._composable import replicate
from torch.nn.parallel import DistributedDataParallel

sys.path.insert(0, str(Path(__file__).parents[2]))

from ecgan.models.autoencoder import Autoencoder
from ecgan.registry import MODELS
from ecgan.sharing import own, process
from ecgan.training.distributed import average_gradients

KEPT = Path(__file__).parents[2] / "reports" / "benchmarks" / "exchange.csv"
STEPS, BATCH, LENGTH = 60, 64, 320
SMALL = {"width": 0.125}


class Loss(nn.Module):
    """The loss of an autoencoder as one forward pass, which is what torch's wrappers want."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        """Return the loss of x (B, C, L)."""
        return sum(self.model.reconstructed(x, 0)[1].values(), x.new_zeros(()))


def one_by_one(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    """Average each parameter's gradient by itself: all that it takes with `all_reduce` alone."""
    for parameter in (parameter for group in optimizer.param_groups for parameter in group["params"]):
        if parameter.grad is not None:
            distributed.all_reduce(parameter.grad)
            parameter.grad /= distributed.get_world_size()


Way = tuple[Callable[[nn.Module], nn.Module] | None, Callable[..., None] | None]
WAYS: dict[str, Way] = {
    "`DistributedDataParallel`": (DistributedDataParallel, None),
    "`replicate`, a network at a time": (replicate, None),
    "`all_reduce`, a parameter at a time": (None, one_by_one),
    "ours, an exchange for each optimizer": (None, average_gradients),
    "nothing": (None, None),
}


def stepping(way: Way, x: Tensor) -> tuple[Callable[[], None], list[Tensor]]:
    """A step of an autoencoder, and the gradients of the first one."""
    torch.manual_seed(0)
    loss = Loss(Autoencoder(Autoencoder.Options(), channels=1, length=LENGTH).train())
    optimizer = torch.optim.SGD(loss.model.parameters(), lr=0.0)
    wrapped = loss if way[0] is None else way[0](loss)
    if way[1] is not None:
        optimizer.register_step_pre_hook(way[1])

    def step() -> None:
        optimizer.zero_grad()
        wrapped(x).backward()
        optimizer.step()

    step()
    return step, [copy.deepcopy(parameter.grad) for parameter in loss.model.parameters()]


def least_seconds(steps: list[Callable[[], None]]) -> list[float]:
    """The least time of each step, of the slower process, s; they alternate, so that all see the same disturbances."""
    least = torch.full((len(steps),), float("inf"))
    for _ in range(STEPS):
        for row, step in enumerate(steps):
            distributed.barrier()
            started = time.perf_counter()
            step()
            least[row] = min(float(least[row]), time.perf_counter() - started)
    distributed.all_reduce(least, distributed.ReduceOp.MAX)
    return least.tolist()


def differ(way: Way, name: str) -> float:
    """How far apart the weights of both processes are after three steps of a model."""
    torch.manual_seed(0)
    cls = MODELS.get(name)
    model = cls(cls.Options(**SMALL), channels=1, length=64, classes=5).train()
    optimizers = model.optimizers()
    for network in model.children():
        if way[0] is not None and any(parameter.requires_grad for parameter in network.parameters()):
            way[0](network)
    for optimizer in optimizers.values():
        if way[1] is not None:
            optimizer.register_step_pre_hook(way[1])
    drawn = torch.Generator().manual_seed(1)
    for step in range(3):
        x = own(torch.rand(16, 1 + model.conditions, 64, generator=drawn) - 0.5)
        x[:, 1:] += 1.0  # of a mask that the model is told as well, nothing is left out
        torch.manual_seed(step)
        model.train_batch(x, model.due(optimizers, 0), 0, torch.arange(8) % 5 if model.classifies else None)
    flat = nn.utils.parameters_to_vector(parameter.detach().contiguous() for parameter in model.parameters())
    theirs = flat.clone()
    distributed.broadcast(theirs, 0)
    apart = (flat - theirs).abs().max()
    distributed.all_reduce(apart, distributed.ReduceOp.MAX)
    return float(apart)


def models_of(way: Way) -> str:
    """Which models have the same weights on both processes, in words."""
    found: dict[str, list[str]] = {"apart": [], "refused": []}
    names = MODELS.names()
    for name in names:
        try:
            if differ(way, name):
                found["apart"].append(name)
        except (TypeError, RuntimeError):
            found["refused"].append(name)
    words = [f"{kind}: {', '.join(ones)}" for kind, ones in found.items() if ones]
    return "; ".join([f"{len(names) - sum(map(len, found.values()))} of {len(names)}", *words])


def measured() -> list[dict[str, Any]]:
    """One row a way."""
    x = own(torch.rand(BATCH, 1, LENGTH, generator=torch.Generator().manual_seed(0)) - 0.5)
    steps, gradients = zip(*(stepping(way, x) for way in WAYS.values()), strict=True)
    rows = []
    for (name, way), seconds, own_gradients in zip(WAYS.items(), least_seconds(list(steps)), gradients, strict=True):
        same = all(torch.equal(a, b) for a, b in zip(own_gradients, gradients[0], strict=True))
        rows.append(
            {
                "gradients averaged by": name,
                "ms a step of `autoencoder`": f"{1e3 * seconds:.1f}",
                "its gradients": "the same bits" if same else "others",
                "models whose weights stay equal": "" if way[0] is DistributedDataParallel else models_of(way),
            }
        )
    return rows


def main() -> int:
    """Start two processes, or be one of them."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        command = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", __file__]
        return subprocess.run([sys.executable, "-m", *command], env=os.environ | {"OMP_NUM_THREADS": "1"}).returncode
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    rows = measured()
    if process() == 0:
        pd.DataFrame(rows).to_csv(KEPT, index=False)
        sys.stdout.write(pd.DataFrame(rows).to_string() + "\n")
    distributed.destroy_process_group()
    return 0


if __name__ == "__main__":
    sys.exit(main())
