"""All figures of a trained generative model, drawn from its samples and real ones beside them."""

from collections.abc import Sequence

import numpy as np
import torch

from ecgan.arrays import F32
from ecgan.config.generation import Generation
from ecgan.generation.classifying import RealParts
from ecgan.generation.embedding import F64, LEAST, embed
from ecgan.generation.figures import embedding_figure, samples_figure, walk_figure
from ecgan.generation.sampling import generate
from ecgan.generation.walk import latent_walk
from ecgan.models.base import GenerativeModel
from ecgan.runtime import derive_seed

MOST_POINTS = 200  # of each kind


def draw_figures(
    model: GenerativeModel, real: RealParts, leads: Sequence[str], options: Generation, seed: int
) -> dict[str, str]:
    """Draw `samples.svg`, `walk.svg` and `embedding.svg`.

    Args:
        model: In evaluation mode.
        real: Real signals to compare with.
        leads: Names of the leads.
        options: The section `train.generation`.
        seed: Seed of the run.

    Returns:
        SVG text by name of the file. The embedding is left out where none is asked for, or where there are fewer than
        five signals in all.
    """
    generated: F32 = generate(model, MOST_POINTS, derive_seed(seed, "figures")).float().cpu().numpy()
    on = next(model.parameters()).device
    walk = latent_walk(model, torch.from_numpy(real.test_normal).to(on), derive_seed(seed, "walk"))
    figures = {
        "samples.svg": samples_figure({"Real, normal": real.test_normal, "Generated": generated}, leads),
        "walk.svg": walk_figure(walk, real.test_normal, leads),
    }
    kinds = {
        "real normal": real.test_normal,
        "real abnormal": real.test_abnormal,
        "generated": generated[: max(len(real.test_normal), 1)],
    }
    shown = {name: x[:MOST_POINTS] for name, x in kinds.items()}
    x = np.concatenate(list(shown.values()))
    if options.embeddings and len(x) >= LEAST:
        points: dict[str, F64] = {
            method: embed(x, method, derive_seed(seed, "embedding", method)) for method in options.embeddings
        }
        groups = [name for name, part in shown.items() for _ in range(len(part))]
        figures["embedding.svg"] = embedding_figure(points, groups)
    return figures
