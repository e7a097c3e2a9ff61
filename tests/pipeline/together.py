"""Run by `torchrun` in two processes: compares what they do together with what one process does on the whole batch.

Prints nothing; process 0 writes the largest differences as JSON into the file that is named.
"""

import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.distributed._composable import replicate
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

sys.path.insert(0, str(Path(__file__).parents[2]))

from ecgan.config import Train
from ecgan.errors import EcganError
from ecgan.models.aegan import Aegan, AeganOptions
from ecgan.models.autoencoder import Autoencoder, AutoencoderOptions
from ecgan.models.layers.convolutions import Convolutions
from ecgan.sharing import draw, over_batch, own, process, processes
from ecgan.training import distributed
from ecgan.training.batch_norm import share_batch_norm
from ecgan.training.data import TrainingData
from ecgan.training.joining import joined
from ecgan.training.loop import Run, fit
from ecgan.training.resume import ResumeFile


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    body = Convolutions(nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4), nn.LeakyReLU(), nn.Conv1d(4, 4, 1), nn.BatchNorm1d(4))
    return nn.Sequential(body, nn.Flatten(), nn.Linear(24, 5), nn.BatchNorm1d(5))


def furthest(ours: list[Tensor], theirs: list[Tensor]) -> float:
    assert len(ours) == len(theirs)
    return max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True))


def batch(seed: int = 1) -> tuple[Tensor, Tensor]:
    """Rows of very different means and spreads, so that statistics of one half are not those of the whole."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(12, 2, 8, generator=generator) * torch.linspace(0.1, 5, 12)[:, None, None]
    return x + torch.linspace(-3, 3, 12)[:, None, None], torch.randn(12, 5, generator=generator)


def batch_norm() -> dict[str, float]:
    """Outputs, gradients of input and parameters, running statistics."""
    x, target = batch()
    alone, together = network(), network()
    share_batch_norm(together)
    whole_x = x.clone().requires_grad_()
    expected = alone(whole_x)
    (expected - target).square().mean().backward()
    own_x = own(x).clone().requires_grad_()
    found = together(own_x)
    (found - own(target)).square().mean().backward()
    optimizer = torch.optim.SGD(together.parameters())
    distributed.average_gradients(optimizer)
    together.eval(), alone.eval()
    return {
        "output": furthest([found], [own(expected)]),
        "gradient of x": furthest([own_x.grad / processes()], [own(whole_x.grad)]),
        "gradients": furthest([p.grad for p in together.parameters()], [p.grad for p in alone.parameters()]),
        "statistics": furthest([b.float() for b in together.buffers()], [b.float() for b in alone.buffers()]),
        "in evaluation": furthest([together(x)], [alone(x)]),
        "unshared would differ by": furthest([network()(own(x))], [own(expected)]),
    }


def data_parallel() -> dict[str, float]:
    """The averaged gradients are those of `DistributedDataParallel`, bit for bit."""
    x, target = batch()
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Flatten(), nn.Linear(16, 7), nn.Tanh(), nn.Linear(7, 5))
    wrapped = DistributedDataParallel(copy.deepcopy(plain))
    (wrapped(own(x)) - own(target)).square().mean().backward()
    (plain(own(x)) - own(target)).square().mean().backward()
    unaveraged = [p.grad.clone() for p in plain.parameters()]
    distributed.average_gradients(torch.optim.SGD(plain.parameters()))
    theirs = [p.grad for p in wrapped.parameters()]
    return {
        "gradients": furthest([p.grad for p in plain.parameters()], theirs),
        "not averaged they would differ by": furthest(unaveraged, theirs),
    }


def torch_alone() -> dict[str, float]:
    """What torch's own wrappers make of a model that is asked by another method than `forward`, and of a CPU."""
    x = own(torch.rand(8, 1, 32, generator=torch.Generator().manual_seed(0)))
    found = {}
    for name, wrap in (("ours", False), ("torch's", True)):
        torch.manual_seed(0)
        model = Autoencoder(AutoencoderOptions(width=0.125, latent_size=4), channels=1, length=32)
        optimizers = model.optimizers()
        if wrap:
            for network in model.children():
                replicate(network)
        else:
            optimizers["autoencoder"].register_step_pre_hook(distributed.average_gradients)
        model.train_batch(x, optimizers, 0)
        weights = [parameter.detach().clone() for parameter in model.parameters()]
        theirs = [weight.clone() for weight in weights]
        for weight in theirs:
            torch.distributed.broadcast(weight, 0)
        found[name] = furthest(weights, theirs)
    try:
        nn.SyncBatchNorm(2)(torch.rand(4, 2, 3))
        found["batch norm that torch refuses"] = 0.0
    except ValueError:
        found["batch norm that torch refuses"] = 1.0
    return found


def losses() -> dict[str, float]:
    """A weighted mean over both halves; sums of losses."""
    _, logits = batch()
    labels, weights = torch.tensor([0] * 9 + [1, 2, 4]), torch.tensor([0.2, 3.0, 5.0, 1.0, 0.5])
    expected = F.cross_entropy(logits, labels, weights)
    mine = over_batch(F.cross_entropy(own(logits), own(labels), weights), weights[own(labels)].sum())
    found = distributed.mean_losses({"a": mine * 3, "b": torch.tensor(float(process()))}, {"a": 3, "b": 3})
    return {"cross-entropy": abs(found["a"] - float(expected)), "another": abs(found["b"] - 1 / 6)}


def draws() -> dict[str, float]:
    torch.manual_seed(3)
    expected = torch.randn(10, 4)
    torch.manual_seed(3)
    return {"draws": furthest([draw(lambda count: torch.randn(count, 4), torch.empty(5))], [own(expected)])}


def of_the_first() -> dict[str, float]:
    row = distributed.by_first(lambda: {"a": 0.1 if process() == 0 else 1 / 0, "b": float("nan")})
    return {"row": abs(row["a"] - 0.1) + float(row["b"] == row["b"])}


def an_odd_batch() -> dict[str, float]:
    """Rows that cannot be divided evenly are refused."""
    model = Aegan(AeganOptions(width=0.125, batch_size=9), channels=1, length=32)
    refused = 0
    for samples in (100, 7):  # a batch of 9; one of all 7
        try:
            distributed.prepare(model, {}, samples)
        except EcganError as error:
            refused += f"a batch of {min(9, samples)} beats" in error.message and "batch_size" in error.hint
    distributed.prepare(model, {}, 8)
    return {"not refused": 2.0 - refused}


def job(path: Path, epochs: int, fingerprint: str = "same", seed: int = 3) -> Run:
    torch.manual_seed(seed)
    model = Aegan(AeganOptions(width=0.125, latent_size=4, batch_size=8), channels=1, length=32)
    time = torch.linspace(0, 6.28, 32)
    x = torch.sin(time + torch.rand(40, 1, 1, generator=torch.Generator().manual_seed(0)))
    data = TrainingData(x[:30], torch.zeros(30, dtype=torch.int64), x[30:], torch.tensor([0] * 5 + [1] * 5))
    return Run(model, data, Train(epochs=epochs), 3, "fp32", ResumeFile(path, fingerprint, seconds=0.0))


def resuming(folder: Path) -> dict[str, float]:
    """Process 0 alone has the state; the others start from other weights, and without a file."""
    mine = folder / f"state-{process()}"
    once = job(folder / f"whole-{process()}", 6)
    expected = fit(once, [])
    fit(job(mine, 3), [])
    again = job(mine, 6, seed=3 + process())
    found = fit(again, [])
    distributed.prepare(once.model, {}, 8)
    return {
        "weights": furthest(list(again.model.state_dict().values()), list(once.model.state_dict().values())),
        "history": float(found.history != expected.history),
        "files of the others": float(sum(1 for name in ("state-1", "whole-1") if (folder / name).exists())),
    }


def equal_everywhere(folder: Path) -> dict[str, float]:
    """Processes that start from different weights end with the same ones."""
    run = job(folder / "none", 2, seed=10 + process())
    fit(run, [])
    ours = [tensor.double().clone() for tensor in run.model.state_dict().values()]
    for tensor in run.model.state_dict().values():
        torch.distributed.broadcast(tensor, 0)
    return {"weights": furthest(ours, [tensor.double() for tensor in run.model.state_dict().values()])}


def main(out: Path) -> None:
    torch.set_num_threads(1)
    checks: list[Callable[[], dict[str, float]]] = [
        batch_norm,
        data_parallel,
        torch_alone,
        losses,
        draws,
        of_the_first,
        an_odd_batch,
    ]
    with joined():
        found = {check.__name__: check() for check in checks}
        found |= {check.__name__: check(out.parent) for check in (resuming, equal_everywhere)}
        everything = [None] * processes()
        torch.distributed.all_gather_object(everything, found)
        if process() == 0:
            out.write_text(json.dumps(everything))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
