"""A denoising diffusion model of beats (DDPM: Ho, Jain and Abbeel, NeurIPS 2020) that reconstructs as AnoDDPM does.

Noise ε is mixed into a beat x₀ in T steps, xₜ = αₜ x₀ + σₜ ε with αₜ² + σₜ² = 1, until nothing is left of it. One
network learns for all steps to tell v = αₜ ε − σₜ x₀ from xₜ and t (Salimans and Ho, ICLR 2022, section 4), from which
both parts follow: x₀ = αₜ xₜ − σₜ v and ε = σₜ xₜ + αₜ v.

- To generate is to go from ε to x₀ in a few steps without chance (DDIM: Song, Meng and Ermon, ICLR 2021, equation 12
  with η = 0). The same way in the other direction gives a beat its latent.
- To reconstruct (AnoDDPM: Wyatt et al., CVPR workshops 2022, section 3) is to mix in a little noise and to take it out
  again: what is usual about a beat comes back, what is not has been drowned. Noise is drawn in pairs ε and −ε, and the
  result is the mean over all: what noise itself leaves in a reconstruction then cancels almost wholly.

The noise is partly smooth over time, for the reason for which AnoDDPM takes simplex noise: a beat is mostly slow, and
white noise drowns only what is fast.
"""

import itertools
import math
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from ecgan.models.base import GenerativeModel, ModelOptions, Optimizers
from ecgan.models.layers.initialisation import initialise
from ecgan.models.layers.latents import Prior
from ecgan.models.layers.optimizers import OptimizerOptions, build_optimizer, descend
from ecgan.registry import register_model
from ecgan.sharing import draw

_SEED = 20260  # of the noise behind the validation loss
_BATCH = 1024


class DiffusionOptions(ModelOptions):
    """Parameters of `diffusion`."""

    width: float = Field(1.0, gt=0, le=4, description="factor on the number of channels, at 1 they are 32, 48 and 64")
    steps: int = Field(200, ge=2, le=10_000, description="T, the steps from a beat to noise")
    smooth_share: float = Field(
        0.5, ge=0, le=0.99, description="share of the noise's variance that is smooth over time"
    )
    smoothness: float = Field(
        0.04, gt=0, le=0.5, description="standard deviation of the Gaussian behind it, as a share of the beat's length"
    )
    noise_level: float = Field(0.03, gt=0, le=1, description="how far to go towards noise to reconstruct, a share of T")
    pairs: int = Field(1, ge=1, le=1000, description="pairs of noise that a reconstruction is the mean of")
    denoising_steps: int = Field(1, ge=1, description="evaluations of the network that take the noise out again")
    sampling_steps: int = Field(20, ge=1, description="evaluations of the network from noise to a generated beat")
    optimizer: OptimizerOptions = Field(OptimizerOptions(lr=2e-3, betas=[0.9, 0.99]), description="optimizer")


def cosine_schedule(steps: int) -> tuple[Tensor, Tensor]:
    """αₜ and σₜ, (T + 1,) each, from (1, 0) to (0, 1) along a quarter of a circle.

    Nichol and Dhariwal, ICML 2021, equation 17, with offset 0: nothing is rounded to whole pixel values here.
    """
    angle = torch.linspace(0, math.pi / 2, steps + 1, dtype=torch.float64)
    return angle.cos().float(), angle.sin().float()


def noise_factor(length: int, share: float, smoothness: float) -> Tensor:
    """What turns white noise (…, L) into noise of unit variance that is partly smooth over time: A in ε = A w, (L, L).

    A is the triangular root of the covariance (1 − share) · 1 + share · exp(−Δt² / 4s²), which is what white noise has
    that was smoothed by a Gaussian with the standard deviation s = smoothness · L.
    """
    time = torch.arange(length, dtype=torch.float64)
    distance = (time[:, None] - time) / (2 * smoothness * length)
    covariance = share * torch.exp(-distance.square()) + (1 - share) * torch.eye(length, dtype=torch.float64)
    root: Tensor = torch.linalg.cholesky(covariance)
    return root


class Block(nn.Module):
    """Two convolutions beside a shortcut, h (B, before, N) → (B, after, N); the step scales and shifts between them."""

    def __init__(self, before: int, after: int, embedding: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.GroupNorm(4, before), nn.SiLU(), nn.Conv1d(before, after, 5, padding=2))
        self.norm = nn.GroupNorm(4, after)
        self.modulation = nn.Linear(embedding, 2 * after)
        self.second = nn.Sequential(nn.SiLU(), nn.Conv1d(after, after, 5, padding=2))
        self.shortcut = nn.Conv1d(before, after, 1) if before != after else nn.Identity()

    def forward(self, h: Tensor, embedded: Tensor) -> Tensor:
        """Apply the block, for the embedded step (B, E)."""
        scale, shift = self.modulation(embedded).unsqueeze(2).chunk(2, dim=1)  # (B, 2·after) → (B, after, 1) each
        y: Tensor = self.second(self.norm(self.first(h)) * (1 + scale) + shift) + self.shortcut(h)
        return y


class Denoiser(nn.Module):
    """xₜ (B, C, L) and t / T (B,) → v (B, C, L): a U-Net (Ronneberger et al., MICCAI 2015) over L / 4 time steps."""

    frequencies: Tensor

    def __init__(self, channels: int, width: float) -> None:
        super().__init__()
        hidden = [4 * max(1, round(base * width / 4)) for base in (32, 48, 64)]
        size = hidden[-1]
        self.register_buffer("frequencies", torch.logspace(0, 3, 16), persistent=False)
        self.embedding = nn.Sequential(nn.Linear(32, size), nn.SiLU(), nn.Linear(size, size), nn.SiLU())
        self.stem = nn.Conv1d(channels, hidden[0], 7, 4, 3)
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        self.grow, self.up = nn.ModuleList(), nn.ModuleList()
        for fine, coarse in itertools.pairwise(hidden):
            self.down.append(Block(fine, fine, size))
            self.shrink.append(nn.Conv1d(fine, coarse, 3, 2, 1))
            self.grow.insert(0, nn.ConvTranspose1d(coarse, fine, 4, 2, 1))
            self.up.insert(0, Block(2 * fine, fine, size))
        self.middle = nn.ModuleList(Block(size, size, size) for _ in range(2))
        self.head = nn.Sequential(
            nn.GroupNorm(4, hidden[0]), nn.SiLU(), nn.ConvTranspose1d(hidden[0], channels, 8, 4, 2)
        )

    def forward(self, x: Tensor, share: Tensor) -> Tensor:
        """Tell v."""
        angles = share[:, None] * self.frequencies  # (B, 16)
        embedded = self.embedding(torch.cat([angles.sin(), angles.cos()], dim=1))
        h, seen = self.stem(x), []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            h = block(h, embedded)
            seen.append(h)
            h = shrink(h)
        for block in self.middle:
            h = block(h, embedded)
        for grow, block in zip(self.grow, self.up, strict=True):
            beside = seen.pop()
            h = grow(h)[..., : beside.shape[2]]  # one step more where the length was odd
            h = block(torch.cat([h, beside], dim=1), embedded)
        v: Tensor = self.head(h)[..., : x.shape[2]]
        return v


@register_model("diffusion")
class Diffusion(GenerativeModel):
    """A diffusion model; its latents are white noise of the size of a beat, Z = C · L."""

    title = "denoising diffusion model"
    source = "Ho et al., NeurIPS 2020; Wyatt et al., CVPR workshops 2022"
    Options: ClassVar[Any] = DiffusionOptions
    options: DiffusionOptions
    defaults: ClassVar[dict[str, dict[str, Any]]] = {
        "train": {
            "epochs": 60,
            "ema": 0.995,
            "schedule": "one_cycle",
            "generation": {"metrics": ["mmd", "tstr", "trts", "memorisation"], "every": 10, "figures": True},
        },
    }

    alpha: Tensor  # (T + 1,)
    sigma: Tensor
    factor: Tensor  # (L, L), white noise to noise
    whitening: Tensor  # and back

    def __init__(self, options: DiffusionOptions, *, channels: int, length: int, classes: int = 2) -> None:
        super().__init__(options, channels=channels, length=length, classes=classes)
        self.prior = Prior("normal", channels * length)
        self.network = Denoiser(channels, options.width)
        initialise(self, options.init)
        factor = noise_factor(length, options.smooth_share, options.smoothness)
        whitening = torch.linalg.solve_triangular(factor, torch.eye(length, dtype=torch.float64), upper=False)
        alpha, sigma = cosine_schedule(options.steps)
        constants = {"alpha": alpha, "sigma": sigma, "factor": factor.float(), "whitening": whitening.float()}
        for name, value in constants.items():
            self.register_buffer(name, value, persistent=False)

    @property
    def output_range(self) -> tuple[float, float]:
        """(−1, 1)."""
        return -1.0, 1.0

    def optimizers(self) -> Optimizers:
        """The one optimizer."""
        return {"optimizer": build_optimizer(self.options.optimizer, self.network.parameters())}

    def train_batch(
        self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Do one step on mean (network(xₜ, t) − v)², the steps t evenly spread over the batch."""
        t = draw(lambda count: self._spread(count, torch.rand(())), x)
        white = draw(lambda count: torch.randn(count, *x.shape[1:]), x)
        loss = self._errors(x, t, white).mean()
        descend(optimizers["optimizer"], loss)
        return {"denoising": loss.detach()}

    def _spread(self, count: int, offset: Tensor) -> Tensor:
        """Return steps from 1 to T, (count,), evenly spread from an offset between 0 and 1."""
        last = self.options.steps
        t: Tensor = 1 + ((torch.arange(count) + offset) * last / count).long().clamp(max=last - 1)
        return t

    def _errors(self, x: Tensor, t: Tensor, white: Tensor) -> Tensor:
        """(network(xₜ, t) − v)² of x (B, C, L) at the steps t (B,) with white noise (B, C, L), means (B,)."""
        noise = white @ self.factor.T
        alpha, sigma = self.alpha[t].view(-1, 1, 1), self.sigma[t].view(-1, 1, 1)  # (B,) → (B, 1, 1)
        v: Tensor = self.network(alpha * x + sigma * noise, t / self.options.steps).float()
        return (v - (alpha * noise - sigma * x)).square().mean(dim=(1, 2))

    def decode(self, z: Tensor) -> Tensor:
        """Generate signals (B, C, L) from white noise z (B, C · L)."""
        noise = z.view(len(z), self.channels, self.length) @ self.factor.T
        return self._bounded(self._travel(noise, self.options.steps, 0, self.options.sampling_steps))

    def encode(self, x: Tensor) -> Tensor:
        """Map x (B, C, L) to the white noise (B, C · L) from which it is generated, but for the size of the steps."""
        noise = self._travel(x, 0, self.options.steps, self.options.sampling_steps)
        return (noise @ self.whitening.T).flatten(1)

    def reconstruct(self, x: Tensor, seed: int = 0) -> Tensor:
        """Mix noise into x (B, C, L) and take it out again, several times; the noise is the same for all samples."""
        o, generator = self.options, np.random.default_rng(seed)  # whose numbers a traced graph keeps as they are
        level = max(1, round(o.noise_level * o.steps))
        found = torch.zeros_like(x)
        for _ in range(o.pairs):
            white = torch.from_numpy(generator.standard_normal((self.channels, self.length), np.float32)).to(x.device)
            for noise in (white @ self.factor.T, -white @ self.factor.T):
                noisy = self.alpha[level] * x + self.sigma[level] * noise
                found = found + self._travel(noisy, level, 0, o.denoising_steps)
        return self._bounded(found / (2 * o.pairs))

    def _travel(self, x: Tensor, begin: int, end: int, count: int) -> Tensor:
        """Go from x = x_begin (B, C, L) to x_end in at most `count` steps, without chance (DDIM)."""
        stops = [begin + (end - begin) * index // count for index in range(count + 1)]
        for now, then in itertools.pairwise(dict.fromkeys(stops)):
            v = self.network(x, torch.full_like(x[:, 0, 0], now / self.options.steps)).float()
            clean = self.alpha[now] * x - self.sigma[now] * v
            noise = self.sigma[now] * x + self.alpha[now] * v
            x = self.alpha[then] * clean + self.sigma[then] * noise
        return x

    def _bounded(self, x: Tensor) -> Tensor:
        return x.clamp(*self.output_range)

    def validation_loss(self, x: Tensor, labels: Tensor, scores: Tensor) -> float:
        """The training loss of normal validation samples, with the same noise at each evaluation; NaN without any.

        How well a sample is reconstructed would tell little: of a little noise even an untrained network makes little.
        """
        normal = x[labels == 0]
        if not len(normal):
            return math.nan
        white = torch.randn(normal.shape, generator=torch.Generator().manual_seed(_SEED)).to(x.device)
        t = self._spread(len(normal), torch.tensor(0.5)).to(x.device)
        with torch.inference_mode():
            parts = zip(normal.split(_BATCH), t.split(_BATCH), white.split(_BATCH), strict=True)
            return float(torch.cat([self._errors(*part) for part in parts]).double().mean())
