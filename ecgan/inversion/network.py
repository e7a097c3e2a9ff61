"""A network that learns the inverse of a generator, x = G(z) ↦ z, for models without an encoder.

Four strided convolutions and a linear layer as in ECGAN's inverse module `simple`, for any number of leads and any
length. It is trained on generated signals, of which z is known; beside that it may be asked to reconstruct real
training samples through the frozen generator, ‖x − G(Inv(x))‖², as f-AnoGAN does (Schlegl et al., Medical Image
Analysis 54, 2019, "izi"): generated signals alone do not tell it where to put a signal that no z generates exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgan.config.inverse import Inverse
from ecgan.errors import EcganError
from ecgan.inversion.base import Inversion
from ecgan.inversion.descent import draw
from ecgan.inversion.folding import searchable
from ecgan.inversion.progress import Bar
from ecgan.models.base import GenerativeModel, Model, batched
from ecgan.models.layers.folding import folded
from ecgan.registry import register_inversion
from ecgan.runtime import autocast, derive_seed
from ecgan.training.data import moved
from ecgan.training.versions import Weights, load_version, load_weights, save_version

FOLDER = "network"  # of the weights, in the run's folder of the inverse mapping
HELD_OUT = 1024  # latents that the network is evaluated on
MOST_CHANNELS = 512
SLOPE = 0.2
_KERNELS = (5, 5, 3, 3)
_POOL = 3


class InverseNetwork(nn.Module):
    """x (B, C, L) → z (B, Z), any C and L.

    Convolutions k5 s2 C→16, k5 s2 16→32, k3 s2 32→64, k3 s2 64→L (at most 512), each with batch norm and LeakyReLU,
    leave ⌈L / 16⌉ steps; an average over 3 steps (over all of fewer) and a linear layer follow. The latents of the
    prior have mean and standard deviation `mean` and `scale`, so that its output is standardised.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, channels: int, length: int, latent: int) -> None:
        super().__init__()
        hidden = (16, 32, 64, min(length, MOST_CHANNELS))
        layers: list[nn.Module] = []
        steps = length
        for before, after, kernel in zip((channels, *hidden), hidden, _KERNELS, strict=False):
            layers += [nn.Conv1d(before, after, kernel, 2, kernel // 2, bias=False), nn.BatchNorm1d(after)]
            layers.append(nn.LeakyReLU(SLOPE, inplace=True))
            steps = -(-steps // 2)
        pool = min(_POOL, steps)
        layers += [nn.AvgPool1d(pool), nn.Flatten(), nn.Linear(hidden[-1] * (steps // pool), latent)]
        self.body = nn.Sequential(*layers)
        self.register_buffer("mean", torch.zeros(latent))
        self.register_buffer("scale", torch.ones(latent))

    def forward(self, x: Tensor) -> Tensor:
        """Map to z."""
        z: Tensor = self.body(x).float() * self.scale + self.mean
        return z


@dataclass
class _Best:
    """The best weights so far."""

    weights: Weights
    step: int = 0
    loss: float = float("inf")
    waited: int = 0


@register_inversion("network")
class NetworkInversion(Inversion):
    """z = Inv(x), a network of its own."""

    title: ClassVar[str] = "a network that learns it from generated signals"
    follows_weights = True

    def __init__(self, model: Model, options: Inverse | None = None, *, seed: int = 0, precision: str = "fp32") -> None:
        super().__init__(model, options, seed=seed, precision=precision)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(derive_seed(seed, "inverse weights"))
            network = InverseNetwork(model.channels, model.length, draw(self.model, 1, 0).shape[1])
        self.network = network.to(next(model.parameters()).device).eval()
        self._ready = self.network  # what is asked for latents: once trained, a folded copy
        self._best = _Best({})

    @classmethod
    def suits(cls, model: Model) -> bool:
        """Whether the model has latents."""
        return isinstance(model, GenerativeModel)

    @property
    def one_pass(self) -> Callable[[Tensor], Tensor]:
        """The network, folded once it is trained."""
        return self._ready

    def invert(self, x: Tensor, batch_size: int = 1024) -> Tensor:
        """Map x (n, C, L) to z (n, Z)."""
        with autocast(self.precision, x.device):
            return batched(self.one_pass, x, batch_size)

    def fit(self, train: Tensor) -> None:
        """Train the network until it no longer improves on generated signals that it has not seen; keep the best.

        Args:
            train: Training samples (n, C, L), for the bandwidths and the reconstruction term.
        """
        super().fit(train)
        o = self.options.network
        generator = searchable(self.model)
        z = draw(generator, HELD_OUT, derive_seed(self.seed, "inverse validation")).to(self.network.mean.device)
        held_out = (z, batched(generator.decode, z, o.batch_size))
        self.network.mean.copy_(z.mean(dim=0))
        self.network.scale.copy_(z.std(dim=0).clamp(min=1e-6))
        optimizer = torch.optim.Adam(self.network.parameters(), lr=o.lr, fused=True)
        with Bar(f"{self.model.name}: inverse network", o.steps) as bar:
            for step in range(1, o.steps + 1):
                self._step(generator, train, step, optimizer)
                if step % o.evaluate_every == 0 or step == o.steps:
                    self._evaluate(generator, train, held_out, step)
                    bar.update(step, f"loss {self._best.loss:.4f} at step {self._best.step:,}")
                    if 0 < o.patience <= self._best.waited:
                        break
        self.network.load_state_dict(self._best.weights)
        self._freeze()

    def _step(self, generator: GenerativeModel, train: Tensor, step: int, optimizer: torch.optim.Optimizer) -> None:
        """One step of Adam on generated signals and, where asked for, real ones."""
        o = self.options.network
        on = self.network.mean.device
        z = draw(generator, o.batch_size, derive_seed(self.seed, "inverse", step)).to(on)
        order = torch.Generator().manual_seed(derive_seed(self.seed, "inverse samples", step))
        self.network.train()
        with autocast(self.precision, on):
            with torch.no_grad():
                x = generator.decode(z).float()
            loss = self._distance(z, self.network(x))
            if o.reconstruction_weight:
                rows = torch.randint(len(train), (o.batch_size,), generator=order)
                real = moved(train[rows.to(train.device)], on)
                loss = loss + o.reconstruction_weight * F.mse_loss(generator.decode(self.network(real)).float(), real)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    def _evaluate(self, generator: GenerativeModel, train: Tensor, held_out: tuple[Tensor, Tensor], step: int) -> None:
        """Compare the network with the best so far."""
        self.network.eval()
        z, x = held_out
        batch, weight = self.options.network.batch_size, self.options.network.reconstruction_weight
        loss = float(self._distance(z, batched(self.network, x, batch)))
        if weight:
            rows = torch.linspace(0, len(train) - 1, min(HELD_OUT, len(train))).long()
            real = moved(train[rows.to(train.device)], z.device)
            loss += weight * float(
                F.mse_loss(batched(generator.decode, batched(self.network, real, batch), batch), real)
            )
        best = self._best
        best.waited += 1
        if loss < best.loss:
            weights = {key: value.detach().clone() for key, value in self.network.state_dict().items()}
            self._best = _Best(weights, step, loss)
        elif best.step == 0:
            raise EcganError(
                f"the inverse network of {self.model.name!r} diverged: its loss is {loss}.",
                "Lower inverse.network.lr, or look at the model's history.csv: it may have diverged itself.",
            )

    def _distance(self, z: Tensor, found: Tensor) -> Tensor:
        return F.l1_loss(found, z) if self.options.network.loss == "l1" else F.mse_loss(found, z)

    def stored(self) -> dict[str, Any]:
        """How the training ended, besides."""
        return super().stored() | {"network": {"step": self._best.step, "loss": self._best.loss}}

    def save(self, folder: Path, version: str) -> None:
        """Write `inverse.json` and the network's weights."""
        self.save_weights(folder)
        super().save(folder, version)

    def save_weights(self, folder: Path) -> None:
        """Write the network's weights, `network/model.safetensors`."""
        save_version(folder, FOLDER, self.network.state_dict())

    def restore(self, folder: Path, stored: dict[str, Any]) -> None:
        """Read the network's weights; names and shapes must all fit."""
        super().restore(folder, stored)
        load_weights(self.network, load_version(folder, FOLDER), folder / FOLDER)
        self._freeze()

    def _freeze(self) -> None:
        self.network.eval().requires_grad_(False)
        self._ready = folded(self.network)
