"""Fréchet distance in the features of a classifier that was trained on real beats, as FID has it for pictures."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ecgan.errors import EcganError
from ecgan.evaluation.frechet import frechet_distance
from ecgan.models.base import Model, batched
from ecgan.models.cnn import Cnn

BATCH: Final = 1024


def require_features(model: Model) -> Cnn:
    """Return a model, known to have features.

    Raises:
        EcganError: It is no `cnn`.
    """
    if not isinstance(model, Cnn):
        raise EcganError(
            f"{model.name} has no features that signals are compared in.", "Name a run of the classifier cnn."
        )
    return model


def frechet_in_features(cnn: Cnn, real: Tensor, generated: Tensor, other: Tensor) -> dict[str, float]:
    """Fréchet distance of generated and real signals in the features of `cnn`, and that between real signals.

    Sets are made equally large, since the distance depends on their size.

    Args:
        cnn: In evaluation mode; its transformation has been applied to all that follows.
        real: Real normal signals that neither model was trained on, (n, C, L).
        generated: Generated ones, (m, C, L).
        other: Other real ones, such as those of the training, (k, C, L).

    Returns:
        `frechet`, `frechet_real` and `frechet_signals`, how many signals of each there were.
    """
    count = min(len(real), len(generated), len(other))
    points = [_features(cnn, x[:count]) for x in (real, generated, other)]
    return {
        "frechet": frechet_distance(points[0], points[1]),
        "frechet_real": frechet_distance(points[0], points[2]),
        "frechet_signals": count,
    }


def _features(cnn: Cnn, x: Tensor) -> NDArray[np.float64]:
    return np.asarray(batched(cnn.features, x, BATCH).double().cpu().numpy())
