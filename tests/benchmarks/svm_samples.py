"""What a radial SVM loses by learning from few samples, and what an approximation of its kernel gains by many.

`python tests/benchmarks/svm_samples.py SCORES.csv` takes the components of scored beats from a file that the stage
`detect` wrote, fits machines on 20,000 of them, and writes how well they rank the others to
reports/benchmarks/svm_samples.csv: means over draws. The file that is kept comes from `aegan` (width 0.25, 16 latents,
4 epochs, bf16) on `mitbih_beatgan`, fold 0 of the protocol `beatgan`.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.kernel_approximation import Nystroem
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from ecgan.detection.svm import fit_svm, stratified
from ecgan.evaluation.ranking import auroc, average_precision, best_cut
from ecgan.runtime import set_threads

KEPT = Path(__file__).parent.parent.parent / "reports" / "benchmarks" / "svm_samples.csv"
COMPONENTS = ("reconstruction", "discrimination", "latent")
POINTS = 20_000
DRAWS = 3
SAMPLES = (500, 1000, 2000, 5000, 10_000, POINTS)
LANDMARKS = (100, 300, 1000)

Decision = Callable[[np.ndarray], np.ndarray]
Fit = Callable[[np.ndarray, np.ndarray, int], Decision]


def kernel(samples: int) -> Fit:
    """Return what fits the strategy's machine on so many samples."""
    return lambda x, abnormal, seed: fit_svm(x, abnormal, samples=samples, seed=seed).decision


def nystroem(landmarks: int) -> Fit:
    """Return what fits a linear machine on a Nyström approximation of the kernel, on all samples."""

    def fit(x: np.ndarray, abnormal: np.ndarray, seed: int) -> Decision:
        features = Nystroem(gamma=1 / (x.shape[1] * x.var()), n_components=landmarks, random_state=seed)
        machine = make_pipeline(features, LinearSVC(C=1.0, loss="hinge", tol=1e-3, max_iter=20_000, random_state=seed))
        return machine.fit(x, abnormal).decision_function

    return fit


def main() -> int:
    """Measure every way on the same draws."""
    set_threads(2)
    frame = pd.read_csv(sys.argv[1])
    values, abnormal = frame[list(COMPONENTS)].to_numpy(), (frame["label"] != 0).to_numpy()
    ways = [("radial SVM", n, kernel(n)) for n in SAMPLES]
    ways += [(f"Nyström, {n} landmarks, linear SVM", POINTS, nystroem(n)) for n in LANDMARKS]
    rows = []
    for draw in range(DRAWS):
        fit = stratified(abnormal, POINTS, np.random.default_rng(draw))
        held = np.setdiff1d(np.arange(len(abnormal)), fit)
        low, high = values[fit].min(axis=0), values[fit].max(axis=0)
        x = (values - low) / (high - low)
        for name, samples, way in ways:
            started = time.process_time()
            decide = way(x[fit], abnormal[fit], draw)
            fitted = time.process_time()
            scores = decide(x[held])
            decided = time.process_time()
            times = {"fit s": fitted - started, f"{len(held):,} decisions s": decided - fitted}
            ranks = {"AUROC": auroc(scores, abnormal[held]), "AP": average_precision(scores, abnormal[held])}
            ranks["best F1"] = best_cut(scores, abnormal[held]).f1
            rows.append({"way": name, "samples": samples, **times, **ranks})
    table = pd.DataFrame(rows).groupby(["way", "samples"], sort=False).mean().reset_index()
    table.to_csv(KEPT, index=False, float_format="%.4g")
    sys.stdout.write(table.to_string() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
