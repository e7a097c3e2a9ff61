"""Scores that one trained network allows, compared on validation: `python paper/quality/scores.py`.

The network is that of the run `autoencoder, one cycle` in `run.py`. AUROC and average precision on the fitting half of
validation go to `scores.csv` beside this file. What a score learns, it learns from training samples. Nothing here looks
at the test fold.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from run import BATCHES, TRAIN_ROWS, job

from ecgan.detection.neighbours import Neighbours
from ecgan.detection.smoothing import SmoothedError, smoothed
from ecgan.evaluation.ranking import auroc, average_precision
from ecgan.models.base import batched
from ecgan.runtime import set_deterministic, set_threads
from ecgan.training.loop import fit

OUT = Path(__file__).parent / "scores.csv"
STEPS = 320  # of a beat
WIDTHS = (4, 8, 12, 16, 24)  # standard deviations of the Gaussian, steps
SHRINKAGE = 0.1  # of the covariance of residuals towards a multiple of the identity
NEIGHBOURS = 5

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


def of_residuals(train: tuple[F32, F32], vali: tuple[F32, F32]) -> dict[str, F64]:
    """Scores of samples and their reconstructions, each (n, 1, L); what they learn comes from the first pair."""
    known, residual = (np.subtract(*pair, dtype=np.float64) for pair in (train, vali))
    slow = smoothed(residual, 12 / STEPS)
    found = {
        "R: mean square of the residual": np.square(residual).mean(axis=(1, 2)),
        "mean magnitude of the residual": np.abs(residual).mean(axis=(1, 2)),
        "largest magnitude of the residual": np.abs(residual).max(axis=(1, 2)),
        "Mahalanobis distance of the residual": mahalanobis(known[:, 0], residual[:, 0]),
        "smoothed, σ 12 steps, as it is": np.square(slow).mean(axis=(1, 2)),
        "largest magnitude of the smoothed residual, σ 12 steps": np.abs(slow).max(axis=(1, 2)),
        "square in units of what is normal at each step": SmoothedError.learn(*train, 0.0).measure(*vali),
    }
    for steps in WIDTHS:
        error = SmoothedError.learn(*train, steps / STEPS)
        found[f"smoothed, σ {steps} steps, in units of what is normal"] = error.measure(*vali)
    return found


def mahalanobis(known: F64, x: F64) -> F64:
    """Distance (n,) of the rows of x (n, L) by the covariance of `known` (m, L), shrunk towards the identity."""
    covariance = np.cov(known, rowvar=False)
    target = np.eye(len(covariance)) * np.trace(covariance) / len(covariance)
    covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * target
    centred = x - known.mean(axis=0)
    return np.einsum("nl,nl->n", centred, np.linalg.solve(covariance, centred.T).T)


def main() -> int:
    """Train, score, write."""
    set_threads(1)
    set_deterministic()
    training = job("autoencoder, one cycle")
    fit(training, [])
    model, data = training.model.eval(), training.data
    rows = data.train[:: max(1, len(data.train) // TRAIN_ROWS)]
    pairs, latents = [], []
    for x in (rows, data.vali):
        z = batched(model.encode, x, BATCHES)
        pairs.append((x.numpy(), batched(model.decode, z, BATCHES).numpy()))
        latents.append(z.numpy())
    scores = of_residuals(*pairs)
    nearest = Neighbours(latents[0]).nearest(latents[1], NEIGHBOURS)[0]
    scores[f"mean distance to the {NEIGHBOURS} nearest latents of training beats"] = nearest.mean(axis=1)
    abnormal = data.vali_labels.numpy() != 0
    with OUT.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("score", "AUROC", "AP"))
        for name, values in scores.items():
            measured = (auroc(values, abnormal), average_precision(values, abnormal))
            table.writerow((name, *(f"{value:.4f}".removeprefix("0") for value in measured)))
    sys.stdout.write(OUT.read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
