"""Latent optimisation: for each sample, gradient descent on z until G(z) is like x.

AnoGAN (Schlegl et al., IPMI 2017, section 2.2) for many samples at once: every sample has its own Adam state
(Kingma and Ba, ICLR 2015, algorithm 1), its own learning rate and its own end. One that is done no longer changes,
and others take its place in the batch. A sample's result does not depend on the samples beside it, on their number
or on their order, but for the rounding of matrix products of different sizes, which hundreds of steps can amplify
(to 1e-3 of R where the criterion has a kink, as `residual`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ecgan.arithmetic import square_root
from ecgan.config.inverse import SearchOptions
from ecgan.inversion.criteria import Criterion
from ecgan.models.base import GenerativeModel
from ecgan.runtime import autocast, derive_seed

BETAS = (0.9, 0.999)
EPSILON = 1e-18  # far below 1e-8: the gradient of the kernels is tiny far from x
DECAY = 10.0
_ROWS = 1024


@dataclass(frozen=True)
class Found:
    """What was found for n samples.

    Attributes:
        z: The best latent seen, (n, Z).
        loss: The criterion there, float64 (n,).
        path: Σ‖Δz‖ of the steps that led there, (n,).
    """

    z: Tensor
    loss: Tensor
    path: Tensor

    def better(self, other: "Found") -> "Found":
        """For each sample, the one with the smaller criterion."""
        mine = self.loss <= other.loss
        return Found(
            torch.where(mine[:, None], self.z, other.z),
            torch.where(mine, self.loss, other.loss),
            torch.where(mine, self.path, other.path),
        )


class _State:
    """The searches of n samples; every attribute has one row a sample."""

    def __init__(self, z: Tensor, options: SearchOptions) -> None:
        self.options = options
        self.z = z.detach().float().clone()
        self.first, self.second = torch.zeros_like(self.z), torch.zeros_like(self.z)  # Adam's moments
        ones = torch.ones(len(z), device=z.device)
        self.lr, self.path, self.steps = ones * options.lr, ones * 0, torch.zeros_like(ones, dtype=torch.int64)
        self.best = Found(self.z.clone(), ones.double() * float("inf"), ones * 0)
        self.open = torch.ones_like(ones, dtype=torch.bool)

    def advance(self, rows: Tensor, loss: Tensor, gradient: Tensor) -> None:
        """Note the criterion (b,) of the rows (b,) that are open, close those that are done, move the others."""
        live = self.open[rows]
        if not live.all():
            rows, loss, gradient = rows[live], loss[live], gradient[live]
        better = loss < self.best.loss[rows]
        improved = rows[better]
        self.best.z[improved] = self.z[improved]
        self.best.loss[improved] = loss[better]
        self.best.path[improved] = self.path[improved]
        done = (loss < self.options.epsilon) | (self.steps[rows] >= self.options.iterations)
        self.open[rows] = ~done
        if done.any():
            rows, loss, gradient = rows[~done], loss[~done], gradient[~done]
        self._step(rows, loss, gradient)

    def _step(self, rows: Tensor, loss: Tensor, gradient: Tensor) -> None:
        """One step of Adam for each of the rows (b,), with its own state."""
        if self.options.adapt_lr:
            near = loss < self.options.lr_threshold
            self.lr[rows[near]] = self.options.lr / DECAY
        steps = self.steps[rows] + 1
        first = torch.lerp(gradient, self.first[rows], BETAS[0])
        second = torch.lerp(gradient.square(), self.second[rows], BETAS[1])
        self.steps[rows], self.first[rows], self.second[rows] = steps, first, second
        rate = (self.lr[rows] / (1 - BETAS[0] ** steps)).unsqueeze(1)
        scale = square_root(second / (1 - BETAS[1] ** steps).unsqueeze(1)).add_(EPSILON)
        move = rate * first / scale
        self.z[rows] -= move
        self.path[rows] += move.norm(dim=1)


def search(
    model: GenerativeModel,
    x: Tensor,
    start: Tensor,
    criterion: Criterion,
    options: SearchOptions,
    *,
    precision: str = "fp32",
    tell: Callable[[int], None] = lambda done: None,
) -> Found:
    """Search for the latents that explain x best.

    Args:
        model: The model, in evaluation mode, its weights frozen.
        x: Samples (n, C, L).
        start: Where each search begins, (n, Z).
        criterion: What is made small.
        options: Steps, learning rate, ends.
        precision: `runtime.precision`, of the generator; the criterion and the steps are float32.
        tell: Is told how many samples are done.
    """
    with torch.inference_mode(False):
        state = _State(start.to(x.device), options)
        rows = signals = torch.empty(0, dtype=torch.int64, device=x.device)
        while True:
            if 8 * int(state.open[rows].sum()) <= 7 * len(rows):
                rows = state.open.nonzero().flatten()[: options.batch_size]
                if not len(rows):
                    return state.best
                signals = x[rows].clone()
                tell(len(x) - int(state.open.sum()))
            state.advance(rows, *_gradient(model, signals, state.z[rows], criterion, precision))


def _gradient(
    model: GenerativeModel, x: Tensor, z: Tensor, criterion: Criterion, precision: str
) -> tuple[Tensor, Tensor]:
    """Return the criterion of each sample, (b,), and its gradient by the sample's z, (b, Z)."""
    with torch.enable_grad():
        z.requires_grad_()
        with autocast(precision, x.device):
            y = model.decode(z)
        loss = criterion(x, y.float())
        (gradient,) = torch.autograd.grad(loss.sum(), z)
    return loss.detach().double(), gradient


def draw(model: GenerativeModel, count: int, seed: int) -> Tensor:
    """Draw latents (count, Z) from the model's prior, the same for the same seed; no other draw is disturbed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return model.sample_latents(count)


@torch.no_grad()
def prior_starts(model: GenerativeModel, x: Tensor, criterion: Criterion, count: int, seed: int) -> Tensor:
    """Choose for each of x (n, C, L) where to begin: of `count` latents from the prior, the one that fits best.

    All samples choose among the same latents, so that none depends on the order or the number of the others.
    """
    candidates = draw(model, count, seed).to(x.device)
    signals = torch.cat([model.decode(part) for part in candidates.split(_ROWS)])  # (count, C, L)
    chosen = torch.zeros(len(x), dtype=torch.int64, device=x.device)
    for begin in range(0, len(x), _ROWS):
        part = x[begin : begin + _ROWS]
        losses = torch.stack([criterion(part, signal.expand_as(part)) for signal in signals])  # (count, b)
        chosen[begin : begin + _ROWS] = losses.argmin(dim=0)
    return candidates[chosen]


def _tell_run(tell: Callable[[int], None], before: int, done: int) -> None:
    tell(before + done)


def search_repeatedly(
    model: GenerativeModel,
    x: Tensor,
    start: Tensor | None,
    criterion: Criterion,
    options: SearchOptions,
    *,
    seed: int,
    precision: str = "fp32",
    tell: Callable[[int], None] = lambda done: None,
) -> Found:
    """Search `options.runs` times and keep the best of each sample.

    Args:
        model: The model, in evaluation mode, its weights frozen.
        x: Samples (n, C, L).
        start: Where the first run begins, (n, Z); None takes latents from the prior, as the other runs do.
        criterion: What is made small.
        options: Steps, learning rate, ends, starts and runs.
        seed: Seed of the latents that searches begin at; each run draws its own.
        precision: `runtime.precision`.
        tell: Is told how many searches are done, `options.runs` for each sample.
    """
    found: Found | None = None
    for run in range(options.runs):
        z = start
        if z is None or run:
            z = prior_starts(model, x, criterion, options.starts, derive_seed(seed, "starts", run))
        again = search(
            model, x, z, criterion, options, precision=precision, tell=partial(_tell_run, tell, run * len(x))
        )
        found = again if found is None else found.better(again)
    assert found is not None
    return found
