"""Signals from a trained model: latents drawn from its prior, decoded in batches."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from ecgan.errors import EcganError
from ecgan.models.base import GenerativeModel, Model
from ecgan.models.layers.latents import spread
from ecgan.runtime import derive_seed

BATCH = 512
MOST_FITTED = 1024


def require_generative(model: Model) -> GenerativeModel:
    """Return the model, known to generate.

    Raises:
        EcganError: It is a classifier.
    """
    if not isinstance(model, GenerativeModel):
        raise EcganError(
            f"{model.name} is a classifier: it tells classes apart and generates nothing.",
            "Name a run of a generative model, such as aegan, vae or dcgan.",
        )
    return model


def generated_batches(model: GenerativeModel, count: int, seed: int) -> Iterator[Tensor]:
    """Yield generated signals (B, C, L), B at most 512, `count` in all, on the device of a model in evaluation mode.

    Each batch has a seed of its own, so that the first signals are the same whatever `count` is. The global random
    numbers stay as they were.
    """
    on = next(model.parameters()).device
    for number, start in enumerate(range(0, count, BATCH)):
        with own_random_numbers(derive_seed(seed, "generate", number)), torch.inference_mode():
            z = model.sample_latents(BATCH)[: count - start].to(on)
            signals = model.decode(z)
        yield signals


def generate(model: GenerativeModel, count: int, seed: int) -> Tensor:
    """Return `count` generated signals (count, C, L) in memory."""
    return torch.cat(list(generated_batches(model, count, seed)))


@contextmanager
def own_random_numbers(seed: int) -> Iterator[None]:
    """Seed torch's global random numbers inside the block, and put them back as they were behind it."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


@contextmanager
def prior_fitted_to(model: GenerativeModel, x: Tensor) -> Iterator[None]:
    """Fit a prior that is learned from data to at most 1,024 signals of x (n, C, L); put it back behind the block."""
    kept = {name: value.clone() for name, value in model.prior.state_dict().items()}
    model.fit_prior(x[spread(len(x), MOST_FITTED).to(x.device)])
    try:
        yield
    finally:
        model.prior.load_state_dict(kept)
