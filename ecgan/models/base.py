"""What a model is: networks with their own parameters, defaults and losses."""

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from ecgan.arrays import F32
from ecgan.config.options import Options
from ecgan.errors import EcganError
from ecgan.models.layers.initialisation import InitOptions
from ecgan.models.layers.latents import MOST_FITTED, Prior, PriorName, spread
from ecgan.samples import Samples
from ecgan.scratch import contiguous, parts, room

Optimizers = dict[str, torch.optim.Optimizer]
OutputName = Literal["tanh", "sigmoid"]

_TAKE_SIGNALS = (
    "encode",
    "reconstruct",
    "features",
    "discriminate",
    "logits",
    "validation_scores",
    "train_batch",
    "fit_prior",
)


class ModelOptions(Options):
    """What every model has."""

    batch_size: int = Field(64, ge=2, description="beats in a training step")
    width: float = Field(1.0, gt=0, le=4, description="factor on the number of channels; 1 is the published size")
    init: InitOptions = Field(InitOptions(), description="initial weights")


class GenerativeOptions(ModelOptions):
    """What every model has that maps latents to signals."""

    latent_size: int = Field(50, ge=1, description="Z, the number of latent dimensions")
    latent: PriorName = Field("encoder", description="distribution that new beats are generated from")
    output: OutputName = Field("tanh", description="last activation: tanh reconstructs -1 to 1, sigmoid 0 to 1")


def _refusing_other_shapes(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method with a check of its first argument, signals (B, C, L), or (B, C + K, L) with conditions."""

    @functools.wraps(method)
    def call(self: "Model", x: Tensor, *arguments: Any, **named: Any) -> Any:
        if x.ndim != 3 or x.shape[1:] != (self.channels + self.conditions, self.length):
            raise EcganError(
                f"the model {self.name!r} was built for {self.channels} lead{'s' * (self.channels != 1)} of"
                f" {self.length} time steps, and was given samples of shape {tuple(x.shape)}.",
                "Choose the leads and cut the samples as for its training.",
            )
        return method(self, x, *arguments, **named)

    call.refuses_other_shapes = True  # type: ignore[attr-defined]
    return call


class Model(ABC, nn.Module):
    """What generative models and classifiers share; derive from one of these two.

    Attributes:
        title: What it is, one line.
        source: The paper that it follows, where there is one.
        Options: Its parameters, which type `modules.<name>`.
        defaults: Overrides of other sections' defaults, such as `{"train": {"batch_size": 256}}`.
        classifies: Whether it learns classes from labels instead of learning to generate.
        context: What it looks at besides a sample: `record`, `rhythm` or both; see `ecgan.samples.CONTEXTS`.
        conditions: K, how many channels stand behind the leads of every x that the model is handed, (B, C + K, L):
            what `condition` gives. Where K depends on the leads the model sets its own. A generative model with
            conditions reconstructs by `reconstruct`.
        options: The parameters it was built with.
        channels: C, the number of leads.
        length: L, the number of time steps.
        classes: K, the number of classes of the dataset; class 0 is normal.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str] = ""
    Options: ClassVar[type[Options]]
    defaults: ClassVar[dict[str, dict[str, Any]]] = {}
    classifies: ClassVar[bool] = False
    context: ClassVar[tuple[str, ...]] = ()
    conditions: int = 0

    def __init__(self, options: Any, *, channels: int, length: int, classes: int = 2) -> None:
        super().__init__()
        self.options = options
        self.channels = channels
        self.length = length
        self.classes = classes

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Make every method that takes signals refuse those of another shape than the model was built for."""
        super().__init_subclass__(**arguments)
        for name in _TAKE_SIGNALS:
            method = getattr(cls, name, None)
            if method is not None and not hasattr(method, "refuses_other_shapes"):
                setattr(cls, name, _refusing_other_shapes(method))

    @property
    @abstractmethod
    def output_range(self) -> tuple[float, float] | None:
        """The range of values that the model can reconstruct, or None for all; data are scaled to it."""

    @abstractmethod
    def optimizers(self) -> Optimizers:
        """Fresh optimizers by name."""

    @property
    def every(self) -> dict[str, int]:
        """Batches from one step of an optimizer to its next, by its name; those not named step on every batch."""
        return {}

    def due(self, optimizers: Optimizers, batch: int) -> Optimizers:
        """Return the optimizers that are to step on this batch of an epoch, counted from 0."""
        return {name: optimizer for name, optimizer in optimizers.items() if batch % self.every.get(name, 1) == 0}

    @abstractmethod
    def train_batch(
        self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Do one step of every optimizer that is given.

        Args:
            x: The batch (B, C, L).
            optimizers: Those of `optimizers` that are due.
            epoch: 0, 1, …
            labels: Class ids (B,) of a classifier's batch; None for generative models, which never see labels.

        Returns:
            Detached scalar losses by name.
        """

    def condition(self, samples: Samples) -> F32:
        """What the model is told of n samples besides their signals; of models with a context alone.

        Returns:
            Shape (n, K), numbers that become channels of one value, or (n, K, L), channels.
        """
        raise NotImplementedError(f"{self.name} looks at nothing but a sample")

    def begin(self, labels: Tensor) -> None:
        """Prepare for training on samples with these class ids (n,); called once, before the first epoch."""

    @abstractmethod
    def validation_scores(self, x: Tensor) -> Tensor:
        """Score x (B, C, L) during training, (B,), higher = more abnormal."""

    def validation_loss(self, x: Tensor, labels: Tensor, scores: Tensor) -> float:
        """What `train.select_by: loss` compares, lower = better; by default the mean score of normal samples.

        Args:
            x: Validation samples (n, C, L).
            labels: Their class ids (n,); generative models look at normal samples only.
            scores: What `validation_scores` gave for them (n,).
        """
        normal = scores[labels == 0]
        return float(normal.double().mean()) if len(normal) else math.nan


class GenerativeModel(Model):
    """A model that maps latents to signals; one file in `ecgan/models/`, registered with `@register_model("name")`.

    It has the attribute `prior`, the distribution of its latents.
    """

    prior: Prior

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """Map z (B, Z) to a signal (B, C, L)."""

    def encode(self, x: Tensor) -> Tensor:
        """Map x (B, C, L) to its latent z (B, Z), the mean where the encoder is stochastic."""
        raise NotImplementedError(f"{self.name} has no encoder")

    @property
    def has_encoder(self) -> bool:
        """Whether `encode` is there; without it the inverse mapping is learned or searched for."""
        return type(self).encode is not GenerativeModel.encode

    def reconstruct(self, x: Tensor, seed: int = 0) -> Tensor | None:
        """What the model takes x (B, C, L) for, same shape; None where that is what it decodes from x's latent.

        Args:
            x: Samples.
            seed: Seed of what is drawn at random, which is the same for a sample whatever stands beside it. torch's
                global random numbers are left alone.
        """
        return None

    def features(self, x: Tensor) -> Tensor | None:
        """The discriminator's last hidden features of x (B, C, L), shape (B, F); None where there is none."""
        return None

    def discriminate(self, x: Tensor) -> Tensor | None:
        """The discriminator's logit (a critic's value) of x (B, C, L), shape (B,), higher = more like real data.

        None where there is no discriminator.
        """
        return None

    def fit_prior(self, x: Tensor) -> None:
        """Fit the prior `encoder` to the latents of training samples x (n, C, L); other priors are fixed.

        Of more than 4,096 samples, that many evenly spaced ones count. Called in evaluation mode, before weights are
        kept.
        """
        if self.prior.kind == "encoder":
            rows = spread(len(x), MOST_FITTED).to(x.device)
            some = x[rows].to(next(self.parameters()).device)
            self.prior.fit(batched(self.encode, some, 1024))

    def sample_latents(self, count: int) -> Tensor:
        """Draw latents (count, Z) from the prior, with torch's global generator of random numbers."""
        return self.prior.sample(count)

    def validation_scores(self, x: Tensor) -> Tensor:
        """Score x (B, C, L) during training, (B,), higher = more abnormal: the mean squared reconstruction error."""
        y = self.reconstruct(x)
        y = self.decode(self.encode(x)) if y is None else y
        return (y - x[:, : self.channels]).square().mean(dim=(1, 2))


class ClassifierModel(Model):
    """A model that learns the dataset's classes; registered like a generative one. Class 0 is normal."""

    classifies: ClassVar[bool] = True

    @abstractmethod
    def logits(self, x: Tensor) -> Tensor:
        """Map x (B, C, L) to unnormalised log-probabilities of the classes, (B, K)."""

    @property
    def output_range(self) -> tuple[float, float] | None:
        """None: there is nothing to reconstruct."""
        return None

    def validation_scores(self, x: Tensor) -> Tensor:
        """Log-odds of being abnormal, (B,): log Σ_{k>0} exp(logit_k) − logit_0."""
        return abnormal_log_odds(self.logits(x))


def abnormal_log_odds(logits: Tensor) -> Tensor:
    """Log P(abnormal) − log P(normal) of logits (B, K), class 0 being normal; (B,)."""
    return logits[:, 1:].logsumexp(dim=1) - logits[:, 0]


def batched(function: Callable[[Tensor], Tensor], x: Tensor, batch_size: int) -> Tensor:
    """Apply `function` to x (n, …) in batches and concatenate; no gradients, the caller has set eval mode."""
    with torch.inference_mode():
        if len(x) <= batch_size:
            return function(x)
        return torch.cat([function(part) for part in torch.split(x, batch_size)])


def model_input(model: Model, samples: Samples) -> F32:
    """Return what a model is handed of n transformed samples: signals, and its conditions as channels, (n, C + K, L).

    Raises:
        EcganError: The model gave conditions of another shape than it declares.
    """
    if not model.conditions:
        return contiguous(samples.signals)
    given = np.asarray(model.condition(samples), dtype=np.float32)
    expected = (len(samples), model.conditions, samples.length)
    if given.shape not in (expected, expected[:2]) or not np.isfinite(given).all():
        raise EcganError(
            f"the model {model.name!r} gave conditions of shape {given.shape}; expected finite numbers of shape"
            f" {expected[:2]} or {expected}.",
            "Mend the model; docs/plugins.md says what it returns.",
        )
    if given.ndim == 2:
        given = np.broadcast_to(given[:, :, None], expected)  # (n, K) to (n, K, L)
    told = room((len(samples), samples.signals.shape[1] + model.conditions, samples.length), np.float32)
    for part in parts(told):
        told[part] = np.concatenate([samples.signals[part], given[part]], axis=1)
    return told
