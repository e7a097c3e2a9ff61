"""Loading a trained run for use.

A run is a folder with three parts side by side: `train/fold_<k>` (parameters, split, weights), `inverse/fold_<k>`
(the inverse mapping) and `detect/fold_<k>` (everything fitted for detection).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ecgan.arrays import F32
from ecgan.config import Params, SearchOptions
from ecgan.detection.base import Mapping
from ecgan.errors import EcganError
from ecgan.inversion.base import Inversion, load_inversion, no_latent
from ecgan.inversion.search import search_from
from ecgan.models.base import ClassifierModel, GenerativeModel, Model, batched, model_input
from ecgan.models.layers.folding import folded
from ecgan.preprocessing.inputs import Input
from ecgan.preprocessing.transformations import Transformation
from ecgan.registry import MODELS
from ecgan.runs.layout import part
from ecgan.runs.settled import Settled, load_settled
from ecgan.runtime import autocast, device
from ecgan.samples import Samples
from ecgan.training.data import moved, to_tensor
from ecgan.training.versions import load_version, load_weights, resolve


@dataclass(frozen=True)
class Trained(Settled):
    """One fold of a trained run, ready for use.

    Attributes:
        model: The model in evaluation mode, on `ECGAN_DEVICE`.
        version: Name of the loaded version.
    """

    version: str
    model: Model

    def tensor(self, samples: Samples) -> Tensor:
        """Transform samples and turn them into what the model takes, (n, C, L), on its device."""
        return to_tensor(model_input(self.model, self.inputs(samples.seen(slice(None), self.model.context))))

    @cached_property
    def folded(self) -> Model:
        """The model for use without training: the same function but for rounding, with less work in it."""
        return folded(self.model)

    @cached_property
    def inversion(self) -> Inversion:
        """The run's inverse mapping, with the folded model."""
        with torch.random.fork_rng(devices=[]):  # a network is made with random weights, which are replaced
            return load_inversion(part(self.folder, "inverse", self.fold.index), self.folded, self.version)

    def mapping(self, batch_size: int, precision: str | None = None) -> Mapping:
        """Return the folded model with the run's inverse mapping, as detectors see it.

        Args:
            batch_size: Samples that go through the model at once.
            precision: fp32 or bf16; None: `runtime.precision` of the run.
        """
        if precision is not None:
            self.inversion.precision = precision
        return mapping_of(self.folded, self.inversion, batch_size, precision or self.params.runtime.precision)


def load_trained(folder: Path, fold: int, version: str) -> Trained:
    """Load one fold of a trained model; nothing of the process changes but its memory.

    Args:
        folder: The run's folder.
        fold: Which fold.
        version: `best`, `latest` or `v12`.

    Raises:
        EcganError: A part is missing or broken, or the run has no model; the message says which.
    """
    found = load_fold_of(folder, fold, version)
    if not isinstance(found, Trained):
        raise EcganError(f"{folder} holds a classical detector, and no model.", "Name the run of a model.")
    return found


def load_fold_of(folder: Path, fold: int, version: str) -> Settled:
    """Load one fold of any run, `Trained` where it has a model; see `load_trained`."""
    settled = load_settled(folder, fold)
    if not settled.params.models:
        return settled
    train = part(folder, "train", fold)
    name = resolve(train, version)
    try:
        model = _built(settled.params, settled.expected, settled.transformation)
    except EcganError as error:
        raise EcganError(f"{train / 'input.json'} cannot be used: {error.message}", error.hint) from None
    load_weights(model, load_version(train, name), train / name)
    model.to(device()).eval().requires_grad_(False)
    return Trained(**{**vars(settled), "version": name}, model=model)


def _built(params: Params, expected: Input, transformation: Transformation) -> Model:
    """The model with weights that are yet to be replaced."""
    name, channels = params.models[0], transformation.channels(len(expected.leads))
    size = {"channels": channels, "length": expected.length, "classes": len(expected.classes)}
    with torch.random.fork_rng(devices=[]):
        model: Model = MODELS.get(name)(params.modules[name], **size)
    return model


def mapping_of(model: Model, inversion: Inversion, batch_size: int, precision: str = "fp32") -> Mapping:
    """Return the model as detectors see it: arrays in, arrays out, in batches.

    Args:
        model: The model, generative or a classifier, in evaluation mode.
        inversion: The run's inverse mapping.
        batch_size: Samples that go through the model at once.
        precision: `runtime.precision`, of the passes through the model; what comes out is float32, and what is made of
            it float64. Latents are found in the precision of the inverse mapping.
    """
    on = device()

    def wrap(function: Callable[..., Any]) -> Callable[..., F32]:
        def call(x: F32, *arguments: Any) -> F32:
            with autocast(precision, on):
                return _in_batches(lambda part: function(part, *arguments), x, batch_size, on)

        return call

    look = partial(model_input, model) if model.conditions else None
    if isinstance(model, ClassifierModel):

        def refuse(_: F32) -> F32:
            raise no_latent(model)

        return Mapping(refuse, refuse, logits=wrap(model.logits), look=look, context=model.context)

    def search(x: F32, options: SearchOptions, seed: int) -> tuple[F32, F32]:
        found = search_from(inversion, torch.from_numpy(x).to(on), options, seed, batch_size)
        return found.z.cpu().numpy(), found.path.cpu().numpy()

    def invert(x: F32) -> F32:
        z: F32 = inversion.invert(torch.from_numpy(x).to(on), batch_size).float().cpu().numpy()
        return z

    assert isinstance(model, GenerativeModel)
    with torch.inference_mode():
        probe = torch.zeros(1, model.channels + model.conditions, model.length, device=on)
        judges = not model.conditions  # of reconstructions too, for which nobody knows what they are told
        features = wrap(model.features) if judges and model.features(probe) is not None else None
        discriminate = wrap(model.discriminate) if judges and model.discriminate(probe) is not None else None
        rebuild = wrap(model.reconstruct) if model.reconstruct(probe, 0) is not None else None
    return Mapping(
        invert,
        wrap(model.decode),
        features,
        discriminate,
        search=search,
        rebuild=rebuild,
        look=look,
        context=model.context,
    )


def _in_batches(function: Callable[[Tensor], Any], x: F32, batch_size: int, on: torch.device) -> F32:
    """Apply `function` to x (n, …) in batches, each moved to the device by itself; the result comes back as float32."""

    def through(part: Tensor) -> Tensor:
        y: Tensor = function(moved(part, on))
        return y.float().cpu()

    result: F32 = batched(through, torch.from_numpy(x), batch_size).numpy()
    return result
