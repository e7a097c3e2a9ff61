"""A model under test, with toy data and a short training."""

from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecgan.errors import EcganError
from ecgan.models.base import ClassifierModel, GenerativeModel, Model, Optimizers, model_input
from ecgan.runtime import device, set_deterministic
from ecgan.testing.check import ConformanceError, Subject, small
from ecgan.testing.toys import scaled, toy_beats, toy_samples

LENGTHS = (20, 32, 64, 96, 100, 125, 128, 160, 187, 256, 320)
SIZES = {"batch_size": 8, "width": 0.0625, "latent_size": 3}
CHANNELS, CLASSES, SAMPLES, STEPS = 2, 3, 12, 2


class ModelSubject(Subject[Model]):
    """A model under test."""

    @cached_property
    def options(self) -> Any:
        """Its parameters, small."""
        return small(self.cls.Options, SIZES, self.given)

    @cached_property
    def length(self) -> int:
        """The shortest of the usual lengths, from 64 on, that the model takes."""
        on = device()
        refusals = []
        for length in (*LENGTHS[2:], *LENGTHS[:2]):
            try:
                self.build(length=length, on=on)
            except EcganError as error:
                refusals.append(error.message)
                continue
            return length
        raise ConformanceError(f"expected the model to take one of the lengths {LENGTHS}, found: {refusals[0]}")

    def build(
        self,
        *,
        seed: int = 0,
        channels: int = CHANNELS,
        length: int = 0,
        classes: int = CLASSES,
        options: Any = None,
        on: torch.device | None = None,
    ) -> Model:
        """Return a fresh model on the device that `ECGAN_DEVICE` selects."""
        length, options = length or self.length, options or self.options  # the first look at a length builds models
        torch.manual_seed(seed)
        model = self.cls(options, channels=channels, length=length, classes=classes)
        return model.to(on or device())

    def beats(self, model: Model, count: int = SAMPLES) -> Tensor:
        """Return toy beats (count, C, L), the last third abnormal, within the range that the model can produce."""
        normal = toy_beats(count - count // 3, model.channels, model.length, seed=1)
        abnormal = toy_beats(count // 3, model.channels, model.length, seed=2, abnormal=True)
        samples = toy_samples(scaled(np.concatenate([normal, abnormal]), model.output_range))
        return torch.from_numpy(model_input(model, samples.seen(slice(None), model.context))).to(device())

    def labels(self, model: Model, count: int = SAMPLES) -> Tensor:
        """Return class ids (count,): 0 for the normal ones, then every other class in turn."""
        ids = np.zeros(count, dtype=np.int64)
        abnormal = count // 3
        if abnormal:
            ids[-abnormal:] = 1 + np.arange(abnormal) % (model.classes - 1)
        return torch.from_numpy(ids).to(device())

    def trained(self, *, seed: int = 0, steps: int = STEPS, **size: Any) -> Model:
        """Return a model after a few steps, in evaluation mode, its prior fitted."""
        model = self.build(seed=seed, **size)
        self.train(model, self.prepare(model), range(steps))
        return finish(model, self.beats(model))

    def prepare(self, model: Model) -> Optimizers:
        """Prepare the model for training, as the training loop does."""
        model.begin(self.labels(model))
        return model.optimizers()

    def train(self, model: Model, optimizers: Optimizers, epochs: range, count: int = SAMPLES) -> dict[str, Tensor]:
        """Train one batch an epoch, as the training loop does; return the last losses."""
        losses: dict[str, Tensor] = {}
        x = self.beats(model, count)
        labels = self.labels(model, count) if model.classifies else None
        for epoch in epochs:
            torch.manual_seed(1000 + epoch)
            np.random.seed(torch.randint(2**31, ()).item())  # noqa: NPY002 - what a model draws from it must not matter
            model.train()
            losses = model.train_batch(x, optimizers, epoch, labels)
        return losses


def finish(model: Model, x: Tensor) -> Model:
    """Switch to evaluation mode and fit the prior of a generative model."""
    model.eval()
    if isinstance(model, GenerativeModel):
        torch.manual_seed(0)
        with torch.no_grad():
            model.fit_prior(x)
    return model


def answers(model: Model, x: Tensor, seed: int = 5) -> dict[str, Tensor]:
    """All that a model in evaluation mode says of x (n, C, L), by the name of the method."""
    torch.manual_seed(seed)
    found: dict[str, Tensor | None] = {}
    with torch.no_grad():
        found["validation_scores"] = model.validation_scores(x)
        if isinstance(model, ClassifierModel):
            found["logits"] = model.logits(x)
        if isinstance(model, GenerativeModel):
            if model.has_encoder:
                found["encode"] = model.encode(x)
            found["reconstruct"] = model.reconstruct(x, 3)
            found["features"] = model.features(x)
            found["discriminate"] = model.discriminate(x)
    return {name: value for name, value in found.items() if value is not None}


def draw(model: GenerativeModel, count: int, seed: int = 11) -> Tensor:
    """Draw latents (count, Z) from the prior."""
    torch.manual_seed(seed)
    return model.sample_latents(count)


def array(value: Tensor) -> NDArray[Any]:
    """Return a tensor as a float64 array."""
    return value.detach().double().cpu().numpy()


def undisturbing(function: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return a check that leaves torch's settings and every global random number generator as they were."""

    @wraps(function)
    def call(subject: Any) -> None:
        deterministic = torch.are_deterministic_algorithms_enabled()
        state, old = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
        set_deterministic()
        try:
            function(subject)
        finally:
            torch.use_deterministic_algorithms(deterministic)
            torch.set_rng_state(state)
            np.random.set_state(old)  # noqa: NPY002

    return call
