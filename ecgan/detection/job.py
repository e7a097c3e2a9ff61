"""One detection: fit on training data and half of validation, report the other half and the test set.

What it writes: `detector.json` and `detector.safetensors` into the folder of everything fitted; `metrics.json`,
`scores.csv`, `roc.csv`, `pr.csv` and `examples.json` into the folder of results.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.arrays import F32
from ecgan.config.schema import Detection
from ecgan.detection.base import Detector
from ecgan.detection.fitted import FittedDetector, Scored, fit_detector, save_detector
from ecgan.evaluation.curves import pr_frame, roc_frame
from ecgan.evaluation.summary import evaluate, evaluate_validation
from ecgan.evaluation.tables import scores_frame
from ecgan.files import sole_writer, write_frame, write_json, write_text
from ecgan.preprocessing.folds import Fold, vali_halves
from ecgan.preprocessing.processed import Processed, class_counts
from ecgan.preprocessing.transformations import Transformation
from ecgan.reporting.examples import choose_examples, examples_text
from ecgan.reporting.inputs import Example
from ecgan.runtime import derive_seed

EXAMPLES = 4  # of each kind, among which the report chooses


@dataclass(frozen=True)
class Job:
    """One detection: what scores, on which samples, and where the results go.

    Attributes:
        detector: The detector, not yet fitted.
        strategies: Names of the strategies.
        options: The section `detect`.
        data: The processed dataset.
        samples: Its samples with the leads that are used, (n, L, C), in the dataset's unit.
        transformation: Fitted on the training samples.
        fold: The fold.
        seed: Seed of this detection.
        facts: What metrics.json says of method and training.
        fitted: Folder of everything fitted.
        results: Folder of scores and metrics.
        reconstruct: Maps x (n, L, C) in the dataset's unit to its reconstruction, where there is one.
    """

    detector: Detector
    strategies: list[str]
    options: Detection
    data: Processed
    samples: F32
    transformation: Transformation
    fold: Fold
    seed: int
    facts: dict[str, Any]
    fitted: Path
    results: Path
    reconstruct: Callable[[F32], F32] | None = None

    def inputs(self, indices: NDArray[np.int64]) -> F32:
        """Return the transformed samples at `indices` as models take them, (n, C, L)."""
        x = self.transformation.apply(self.samples[indices])
        return np.ascontiguousarray(x.transpose(0, 2, 1))  # (n, L, C) → (n, C, L)


def detect(job: Job) -> dict[str, Any]:
    """Fit on training data and one half of validation, report the other half and the test set, write everything.

    Raises:
        EcganError: The samples are not those that the fold indexes, or something cannot be fitted.
    """
    job.fold.check_data(job.data.sha256)
    job.fold.check_size(len(job.data.labels))
    half, other = vali_halves(job.fold, job.data.labels, job.data.patients)
    labels = job.data.labels
    fitted = fit_detector(
        job.detector,
        job.strategies,
        job.inputs(job.fold.train),
        job.inputs(half),
        labels[half],
        threshold=job.options.threshold,
        quantile=job.options.quantile,
        svm_samples=job.options.svm_samples,
        seed=job.seed,
    )
    validation = fitted.score(job.inputs(other))
    test = fitted.score(job.inputs(job.fold.test))
    counted = {"train": job.fold.train, "vali_fit": half, "vali_report": other, "test": job.fold.test}
    metrics = _metrics(job, fitted, test, validation, labels[other])
    metrics["counts"] = {name: class_counts(labels[rows], job.data.about.classes) for name, rows in counted.items()}
    with sole_writer(job.fitted) as folder:
        save_detector(folder, fitted)
    with sole_writer(job.results) as folder:
        _write(folder, job, test, metrics)
    return metrics


def _metrics(job: Job, fitted: FittedDetector, test: Scored, validation: Scored, vali_labels: Any) -> dict[str, Any]:
    about, rows = job.data.about, job.fold.test
    patients = job.data.patients
    tests, bootstrap = evaluate(
        test.scores,
        test.predictions,
        job.data.labels[rows],
        about.classes,
        patients=None if patients is None else patients[rows],
        replicates=job.options.bootstrap,
        seed=derive_seed(job.seed, "bootstrap"),
    )
    validations = evaluate_validation(validation.scores, validation.predictions, vali_labels)
    strategies = {
        name: {
            **fitted.describe(name, job.facts["select_by"]),
            "test": tests[name],
            "validation": validations[name],
        }
        for name in job.strategies
    }
    facts = {"dataset": about.name, "class_mapping": about.mapping, "protocol": job.fold.protocol}
    fold = {"fold": job.fold.index, "seed": job.fold.seed}
    return {**job.facts, **facts, **fold, "bootstrap": bootstrap, "strategies": strategies}


def _write(folder: Path, job: Job, test: Scored, metrics: dict[str, Any]) -> None:
    """Write scores, curves, examples and metrics of the test set."""
    rows, labels = job.fold.test, job.data.labels[job.fold.test]
    abnormal = labels != 0
    frame = scores_frame(rows, labels, job.data.about.classes, test.components, test.scores, test.predictions)
    write_frame(folder / "scores.csv", frame)
    write_frame(folder / "roc.csv", roc_frame(test.scores, abnormal))
    write_frame(folder / "pr.csv", pr_frame(test.scores, abnormal))
    write_text(folder / "examples.json", examples_text(_examples(job, test)))
    write_json(folder / "metrics.json", metrics)


def _examples(job: Job, test: Scored) -> list[Example]:
    """Choose beats worth looking at by the first strategy, with their reconstructions."""
    strategy = job.strategies[0]
    scores, predicted = test.scores[strategy], test.predictions[strategy]
    chosen = choose_examples(scores, job.data.labels[job.fold.test], predicted, EXAMPLES)
    if not chosen:
        return []
    positions = [position for position, _ in chosen]
    indices = job.fold.test[positions]
    signals = job.samples[indices]
    models = [None] * len(chosen) if job.reconstruct is None else list(job.reconstruct(signals))
    about = job.data.about
    table = job.data.table.iloc[indices].to_dict("records")
    return [
        Example(
            index=int(index),
            class_name=row["class_name"],
            record=row.get("record"),
            patient=row.get("patient"),
            sample=None if "sample" not in row else int(row["sample"]),
            time_s=None if "sample" not in row or not about.sampling_rate else row["sample"] / about.sampling_rate,
            score=float(scores[position]),
            strategy=strategy,
            flagged=bool(predicted[position]),
            kind=kind,
            signal=signal,
            reconstruction=model,
            sampling_rate=about.sampling_rate,
            leads=tuple(job.facts["leads"]),
            centre=about.centre,
            unit=about.unit,
        )
        for (position, kind), index, row, signal, model in zip(chosen, indices, table, signals, models, strict=True)
    ]
