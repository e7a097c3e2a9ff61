"""An autoencoder that is told what beats of the record look like, and learns how usual beats differ from that.

Beside a beat stands the template of its record, the median of those of its beats that come when expected, moved to
where the beat lies, and which part of the sample counts: from the P wave to the end of the T wave, without what is
known to belong to the beats before and behind. Beat and template are divided by the template's height, stand with its
largest wave upwards and lose their means, so that a lead's gain, unit, offset and polarity do not matter, and come down
to 80 steps. Each lead goes through the same network: d = beat − template and the template t are encoded, and what is
decoded is a difference again,

    z = E(d, t),  d' = G(z),  loss: mean (d' − d)² over the part that counts.

So the network need not draw a lead that it has never seen, only the differences of usual beats (breathing, a slowly
turning axis), and what is left of a beat, d − d', is what usual beats do not do.

An autoencoder whose encoder is given a condition: Sohn, Lee and Yan, NeurIPS 2015, without the variational part, which
gained nothing here.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from ecgan.arrays import F32
from ecgan.ecg import rhythm
from ecgan.ecg.template import FEW, align, aligned, evenly, own_part, template_and_shifts
from ecgan.errors import EcganError
from ecgan.models.base import GenerativeModel, ModelOptions, Optimizers
from ecgan.models.layers.convolutions import SLOPE, Convolutions
from ecgan.models.layers.initialisation import initialise
from ecgan.models.layers.latents import MOST_FITTED, Prior, PriorName, spread
from ecgan.models.layers.optimizers import OptimizerOptions, build_optimizer, descend
from ecgan.registry import register_model
from ecgan.samples import RECORD, RHYTHM, Samples

STEPS = 80
"""Time steps that the network sees of a sample, whatever its length."""

LEAST_REGULAR = 50  # regular beats, with fewer of which all beats of a record make its template


class TemplateAutoencoderOptions(ModelOptions):
    """Parameters of `template_autoencoder`."""

    batch_size: int = Field(128, ge=2, description="beats in a training step")
    width: float = Field(1.0, gt=0, le=4, description="factor on the number of channels, at 1 they are 16, 32 and 64")
    latent_size: int = Field(20, ge=1, description="latent dimensions of a lead")
    latent: PriorName = Field("encoder", description="distribution that new beats are generated from")
    optimizer: OptimizerOptions = Field(OptimizerOptions(lr=2e-3), description="optimizer")


class Network(nn.Module):
    """Difference and template (B, 2, 80) → latent (B, Z) → difference (B, 1, 80)."""

    def __init__(self, latent: int, width: float) -> None:
        super().__init__()
        first, second, third = (max(2, round(base * width)) for base in (16, 32, 64))
        self.inner = (third, STEPS // 8)
        self.encoder = Convolutions(*_down(2, first), *_down(first, second), *_down(second, third))
        self.head = nn.Linear(third * STEPS // 8, latent)
        self.tail = nn.Linear(latent, third * STEPS // 8)
        self.decoder = Convolutions(
            *_up(third, second), *_up(second, first), *_up(first, first), nn.Conv1d(first, 1, 5, 1, 2)
        )

    def encode(self, x: Tensor) -> Tensor:
        """Map (B, 2, 80) to (B, Z)."""
        z: Tensor = self.head(self.encoder(x).flatten(1))
        return z

    def decode(self, z: Tensor) -> Tensor:
        """Map (B, Z) to (B, 1, 80)."""
        d: Tensor = self.decoder(self.tail(z).unflatten(1, self.inner))  # (B, H · 10) → (B, H, 10)
        return d


def _down(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv1d(before, after, 5, 2, 2, bias=False), nn.BatchNorm1d(after), nn.LeakyReLU(SLOPE, inplace=True)]


def _up(before: int, after: int) -> list[nn.Module]:
    layer = nn.ConvTranspose1d(before, after, 4, 2, 1, bias=False)
    return [layer, nn.BatchNorm1d(after), nn.LeakyReLU(SLOPE, inplace=True)]


def shrinking(length: int) -> Tensor:
    """Matrix (L, 80) that takes means over 80 equal parts of a sample."""
    edges = torch.linspace(0, length, STEPS + 1, dtype=torch.float64)
    ticks = torch.arange(length, dtype=torch.float64)[:, None]
    shared = torch.minimum(edges[1:], ticks + 1) - torch.maximum(edges[:-1], ticks)  # of tick and part, (L, 80)
    return (shared.clamp(min=0) * STEPS / length).float()


def growing(length: int) -> Tensor:
    """Matrix (80, L) that draws straight lines between the middles of the 80 parts."""
    places = ((torch.arange(length, dtype=torch.float64) + 0.5) * STEPS / length - 0.5).clamp(0, STEPS - 1)
    distance = (places - torch.arange(STEPS, dtype=torch.float64)[:, None]).abs()
    return (1 - distance).clamp(min=0).float()


@register_model("template_autoencoder")
class TemplateAutoencoder(GenerativeModel):
    """An autoencoder of differences from the record's template; the latents of its leads stand side by side."""

    title = "autoencoder of what differs from the record's template"
    source = "after Sohn, Lee and Yan, NeurIPS 2015"
    Options: ClassVar[Any] = TemplateAutoencoderOptions
    options: TemplateAutoencoderOptions
    context = (RECORD, RHYTHM)
    defaults: ClassVar[dict[str, dict[str, Any]]] = {
        "train": {"epochs": 5, "schedule": "one_cycle", "transformation": "none"},
        "detect": {"detector": "patient_specific", "strategies": ["plain"]},
        "detectors": {"patient_specific": {"residual_weight": 0.5}},
    }

    shrink: Tensor  # (L, 80)
    grow: Tensor  # (80, L)
    typical: Tensor  # mean template of the training samples, (C, L)
    height: Tensor  # and mean height of their templates, (C, 1)

    def __init__(self, options: TemplateAutoencoderOptions, *, channels: int, length: int, classes: int = 2) -> None:
        super().__init__(options, channels=channels, length=length, classes=classes)
        self.conditions = channels + 1
        self.prior = Prior(options.latent, channels * options.latent_size)
        self.network = Network(options.latent_size, options.width)
        initialise(self, options.init)
        self.register_buffer("shrink", shrinking(length), persistent=False)
        self.register_buffer("grow", growing(length), persistent=False)
        self.register_buffer("typical", torch.zeros(channels, length))
        self.register_buffer("height", torch.ones(channels, 1))

    @property
    def output_range(self) -> None:
        """None: it reconstructs all values."""
        return

    def optimizers(self) -> Optimizers:
        """The one optimizer."""
        return {"optimizer": build_optimizer(self.options.optimizer, self.network.parameters())}

    def condition(self, samples: Samples) -> F32:
        """Return what stands beside n beats: their record's template (C, L) at their place, and what counts, (1, L).

        Raises:
            EcganError: The samples are no beats, or do not say when they occurred.
        """
        around, about, signals = samples.around, samples.about, samples.signals
        if around is None or about.centre is None or about.sampling_rate <= 0 or "rr_prev_s" not in samples.table:
            raise EcganError(
                f"the model {self.name!r} takes beats of recordings, with their R peaks, times and sampling rate.",
                "Take a dataset of recordings, or another model.",
            )
        places: dict[str, Any] = {"centre": about.centre, "sampling_rate": about.sampling_rate}
        found = np.empty((len(samples), self.conditions, samples.length), dtype=np.float32)
        records, others = samples.records, around.records
        assert records is not None
        for record in np.unique(records):
            rows = np.flatnonzero(records == record)
            template = _template(around[others == record])
            shifts = align(signals[rows], template, **places)
            moved = np.broadcast_to(template.astype(np.float32), signals[rows].shape)
            found[rows, :-1] = aligned(moved, -shifts, slice(0, samples.length))
        found[:, -1] = own_part(*_intervals(samples), length=samples.length, **places)
        return found

    def train_batch(
        self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Do one step on the mean squared error of the differences."""
        loss = self._errors(x).mean()
        descend(optimizers["optimizer"], loss)
        return {"reconstruction": loss.detach()}

    def _errors(self, x: Tensor) -> Tensor:
        """Mean squared error (B, C, 1) of the differences where it counts, in units of the templates' heights."""
        beats, templates, counted = self._seen(x)
        found = self._difference(self._latents(beats, templates, counted), counted)
        return _mean((found - (beats - templates)).square(), counted)

    def _seen(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Beats and templates (B, C, 80) of x in units of the template's height, without means, and what counts."""
        beats, templates, counted = x.split([self.channels, self.channels, 1], dim=1)
        counted = (counted @ self.shrink > 0.5).to(x)
        middle, height = templates.mean(dim=2, keepdim=True), _height(templates)
        beats, templates = (_centred((part - middle) / height @ self.shrink, counted) for part in (beats, templates))
        return beats, templates, counted

    def _latents(self, beats: Tensor, templates: Tensor, counted: Tensor) -> Tensor:
        """Latents (B, C · Z) of beats and templates, (B, C, 80)."""
        pairs = torch.stack([_centred(beats - templates, counted), templates], dim=2)  # (B, C, 2, 80)
        z = self.network.encode(pairs.flatten(0, 1))
        return z.reshape(-1, self.channels * self.options.latent_size)  # (B · C, Z) → (B, C · Z)

    def _difference(self, z: Tensor, counted: Tensor) -> Tensor:
        """Difference (B, C, 80) that latents (B, C · Z) stand for."""
        return _centred(self._decoded(z), counted)

    def _decoded(self, z: Tensor) -> Tensor:
        each = z.unflatten(1, (self.channels, self.options.latent_size)).flatten(0, 1)  # (B, C · Z) → (B · C, Z)
        return self.network.decode(each).reshape(-1, self.channels, STEPS)

    def encode(self, x: Tensor) -> Tensor:
        """Map x (B, 2 C + 1, L) to z (B, C · Z)."""
        return self._latents(*self._seen(x))

    def decode(self, z: Tensor) -> Tensor:
        """Map z (B, C · Z) to a beat (B, C, L) of a record whose template is the mean one of the training samples."""
        x: Tensor = self.typical + self.height * (self._decoded(z) @ self.grow)
        return x

    def reconstruct(self, x: Tensor, seed: int = 0) -> Tensor:
        """The record's template, with as much of a beat's difference as usual beats have, and the beat's mean."""
        beats, templates, _ = x.split([self.channels, self.channels, 1], dim=1)
        *_, counted = seen = self._seen(x)
        difference = self._difference(self._latents(*seen), counted)
        offset = _mean((beats - templates) @ self.shrink, counted)
        y: Tensor = templates + offset + _height(templates) * (difference @ self.grow)
        return y

    def validation_scores(self, x: Tensor) -> Tensor:
        """Mean squared error of the differences where it counts, in units of the templates' heights, (B,)."""
        return self._errors(x).mean(dim=(1, 2))

    def fit_prior(self, x: Tensor) -> None:
        """Fit the prior, and note the mean template and height of training samples x (n, 2 C + 1, L)."""
        super().fit_prior(x)
        templates = x[spread(len(x), MOST_FITTED).to(x.device), self.channels : -1].to(self.typical.device)
        self.typical.copy_(templates.mean(dim=0))
        self.height.copy_(_height(templates).abs().mean(dim=0))


def _height(templates: Tensor) -> Tensor:
    """Largest less smallest value of templates (B, C, L), (B, C, 1); negative where the largest wave points down."""
    highest, lowest = templates.amax(dim=2, keepdim=True), templates.amin(dim=2, keepdim=True)
    height = highest - lowest
    upright = highest + lowest >= 2 * templates.mean(dim=2, keepdim=True)
    return torch.where(height > 0, torch.where(upright, height, -height), torch.ones_like(height))


def _mean(x: Tensor, counted: Tensor) -> Tensor:
    """Mean of x (B, C, 80) over what counts, (B, C, 1)."""
    return (x * counted).sum(dim=2, keepdim=True) / counted.sum(dim=2, keepdim=True).clamp(min=1)


def _centred(x: Tensor, counted: Tensor) -> Tensor:
    """Take its mean from x (B, C, 80), which becomes 0 where it does not count."""
    return (x - _mean(x, counted)) * counted


def _template(beats: Samples) -> NDArray[np.float64]:
    """Template (C, L) of all beats of a record."""
    beats = beats[np.argsort(beats.table["time_s"].to_numpy(np.float64), kind="stable")]
    before, behind = _intervals(beats)
    usual = rhythm.regular_beats(before, behind, rhythm.local_median(before, rhythm.Reach()))
    rows = np.flatnonzero(usual) if np.count_nonzero(usual) >= LEAST_REGULAR else np.arange(len(beats))
    some = beats.signals[evenly(rows, FEW)]
    some = some - some.mean(axis=2, keepdims=True)  # the level, which may be another one for each beat
    about = beats.about
    assert about.centre is not None
    return template_and_shifts(some, np.ones(len(some), dtype=np.bool_), about.centre, about.sampling_rate)[0]


def _intervals(beats: Samples) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    before, behind = (beats.table[name].to_numpy(np.float64) for name in ("rr_prev_s", "rr_next_s"))
    return before, behind
