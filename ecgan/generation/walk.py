"""A walk through the latents: what changes in a generated signal while one coordinate changes."""

from typing import Final

import numpy as np
import torch
from torch import Tensor

from ecgan.generation.drawn import Walk
from ecgan.generation.sampling import own_random_numbers
from ecgan.models.base import GenerativeModel, batched

STEPS: Final = 11
MOST: Final = 10
DRAWN: Final = 2048


def latent_walk(model: GenerativeModel, x: Tensor, seed: int) -> Walk:
    """Walk from one standard deviation below the mean to one above, in 11 steps, in at most ten coordinates.

    The ten are those that change the signal most between both ends, by the mean square of the difference.

    Args:
        model: In evaluation mode.
        x: Real normal signals (n, C, L): mean and deviation are those of their latents where the model has an encoder,
            otherwise those of its prior.
        seed: Seed of the latents drawn from the prior.
    """
    with own_random_numbers(seed), torch.inference_mode():
        encodes = model.has_encoder and not model.conditions and len(x) > 1
        z = batched(model.encode, x, 1024) if encodes else model.sample_latents(DRAWN).to(x)
    mean, deviation = z.double().mean(dim=0).to(z), z.double().std(dim=0).to(z)  # (Z,), (Z,)
    ends = torch.cat([mean - torch.diag(deviation), mean + torch.diag(deviation)])  # (2·Z, Z)
    low, high = batched(model.decode, ends, 512).chunk(2)  # (Z, C, L) each
    effect = (high - low).double().square().mean(dim=(1, 2)).cpu().numpy()
    coordinates = np.argsort(-effect, kind="stable")[:MOST].tolist()
    steps = torch.linspace(-1, 1, STEPS).to(z)
    latents = mean.repeat(len(coordinates), STEPS, 1)  # (D, S, Z)
    for row, coordinate in enumerate(coordinates):
        latents[row, :, coordinate] += steps * deviation[coordinate]
    signals = batched(model.decode, latents.flatten(0, 1), 512).unflatten(0, (len(coordinates), STEPS))
    return Walk(coordinates, steps.tolist(), signals.float().cpu().numpy())
