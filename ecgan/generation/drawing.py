"""What the figures of a trained generative model show: its samples and real ones beside them, a walk, embeddings."""

from collections.abc import Sequence

import numpy as np
import torch

from ecgan.arrays import F32
from ecgan.config.generation import Generation
from ecgan.generation.classifying import RealParts
from ecgan.generation.drawn import F64, Drawn, Walk
from ecgan.generation.embedding import LEAST, embed
from ecgan.generation.sampling import generate
from ecgan.generation.walk import latent_walk
from ecgan.models.base import GenerativeModel
from ecgan.runtime import derive_seed

MOST_POINTS = 200  # of each kind
SHOWN = 12  # signals of each kind
MOST_LEADS = 3


def collect(model: GenerativeModel, real: RealParts, leads: Sequence[str], options: Generation, seed: int) -> Drawn:
    """Compute what `samples.svg`, `walk.svg` and `embedding.svg` show of a model in evaluation mode and real signals.

    There are no points where no embedding is asked for, or where there are fewer than five signals in all.
    """
    generated: F32 = generate(model, MOST_POINTS, derive_seed(seed, "figures")).float().cpu().numpy()
    on = next(model.parameters()).device
    walk = latent_walk(model, torch.from_numpy(real.test_normal).to(on), derive_seed(seed, "walk"))
    kinds = {
        "real normal": real.test_normal,
        "real abnormal": real.test_abnormal,
        "generated": generated[: max(len(real.test_normal), 1)],
    }
    points: dict[str, F64] = {}
    shown = {name: x[:MOST_POINTS] for name, x in kinds.items()}
    x = np.concatenate(list(shown.values()))
    if options.embeddings and len(x) >= LEAST:
        points = {method: embed(x, method, derive_seed(seed, "embedding", method)) for method in options.embeddings}
    first = real.test_normal[:, 0] if len(real.test_normal) else walk.signals
    return Drawn(
        leads=list(leads),
        real=real.test_normal[:SHOWN, :MOST_LEADS],
        generated=generated[:SHOWN, :MOST_LEADS],
        walk=Walk(walk.coordinates, walk.steps, walk.signals[:, :, :1]),
        extremes=np.array([first.min(), first.max()], dtype=np.float32),
        points=points,
        groups=[name for name, part in shown.items() for _ in range(len(part))] if points else [],
    )
