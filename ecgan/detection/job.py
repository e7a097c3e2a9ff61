"""One detection: fit on training data and half of validation, report the other half and the test set."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.config.schema import Detection
from ecgan.detection.base import Detector
from ecgan.detection.fitted import SCORED_ON, FittedDetector, Scored, fit_detector, usable
from ecgan.detection.latents import OnLatents
from ecgan.detection.thresholds import alarms_in, budgets_in
from ecgan.evaluation.choosing import Rank, decides_in
from ecgan.evaluation.classification import classification, confusion_frame
from ecgan.evaluation.curves import pr_frame, roc_frame
from ecgan.evaluation.examples import Example, choose_examples
from ecgan.evaluation.result import Result
from ecgan.evaluation.summary import evaluate, evaluate_validation
from ecgan.evaluation.tables import scores_frame
from ecgan.preprocessing.processed import class_counts
from ecgan.preprocessing.transformations import Transformation
from ecgan.protocols.folds import Fold, vali_halves
from ecgan.runtime import derive_seed
from ecgan.samples import Samples

NO_CONTEXT = "none"
EXAMPLES = 4  # of each kind, among which the report chooses


@dataclass(frozen=True)
class Job:
    """One detection: what scores, and on which samples.

    Attributes:
        detector: The detector, not yet fitted.
        strategies: Names of the strategies; those that weigh what the model does not give are left out.
        options: The section `detect`.
        data: The processed dataset, with the leads that are used.
        transformation: Fitted on the training samples.
        fold: The fold.
        seed: Seed of this detection.
        facts: What metrics.json says of method and training.
    """

    detector: Detector
    strategies: list[str]
    options: Detection
    data: Samples
    transformation: Transformation
    fold: Fold
    seed: int
    facts: dict[str, Any]

    def inputs(self, rows: NDArray[np.int64]) -> Samples:
        """Return the samples at `rows` as the detector sees them: transformed, with its context, without labels."""
        return self.transformation.apply(self.data.seen(rows, self.detector.sees))


def detect(job: Job) -> tuple[FittedDetector, Result]:
    """Fit on training data and one half of validation; return what was fitted, and the result on the test set.

    Raises:
        EcganError: The samples are not those that the fold indexes, or something cannot be fitted.
    """
    job.fold.check_data(job.data.sha256)
    job.fold.check_size(len(job.data))
    half, other = vali_halves(job.fold, job.data)
    labels = job.data.class_ids
    fitted = fit_detector(
        job.detector,
        usable(job.detector, job.strategies),
        job.inputs(job.fold.train),
        job.inputs(half),
        labels[half],
        threshold=job.options.threshold,
        quantile=job.options.quantile,
        threshold_value=job.options.threshold_value,
        alarms=alarms_in(job.data.facts(half), job.options.alarms_per_hour),
        budgets=budgets_in(job.data.facts(half), job.options.alarms_per_hour),
        choice=job.options.choice,
        svm_samples=job.options.svm_samples,
        seed=job.seed,
    )
    validation = fitted.score(job.inputs(other))
    x = job.inputs(job.fold.test)
    test, named = fitted.score(x), fitted.classify(x)
    counted = {"train": job.fold.train, "vali_fit": half, "vali_report": other, "test": job.fold.test}
    metrics = _metrics(job, fitted, test, validation, job.data.facts(other))
    metrics["counts"] = {name: class_counts(labels[rows], job.data.about.classes) for name, rows in counted.items()}
    if named is not None:
        metrics["classification"] = classification(named, job.data.facts(job.fold.test))
    ranks = {name: Rank(one["supervision"], one["validation"]["auroc"]) for name, one in metrics["strategies"].items()}
    metrics["decides"] = decides_in(metrics)
    return replace(fitted, ranks=ranks), _result(job, test, named, metrics)


def _metrics(job: Job, fitted: FittedDetector, test: Scored, validation: Scored, vali: Samples) -> dict[str, Any]:
    about, replicates, seed = job.data.about, job.options.bootstrap, derive_seed(job.seed, "bootstrap")
    tested = job.data.facts(job.fold.test)
    tests, bootstrap = evaluate(test.scores, test.predictions, tested, replicates=replicates, seed=seed)
    validations = evaluate_validation(validation.scores, validation.predictions, vali)
    strategies = {
        name: {
            **fitted.describe(name, job.facts["select_by"]),
            "test": tests[name],
            "validation": validations[name],
        }
        for name in fitted.strategies
    }
    facts = {"dataset": about.name, "class_mapping": about.mapping, "protocol": job.fold.protocol}
    facts |= {"family": family(job.detector), "input": SCORED_ON[isinstance(job.detector, OnLatents)]}
    facts["context"] = " and ".join(job.detector.sees) or NO_CONTEXT
    fold = {"fold": job.fold.index, "seed": job.fold.seed}
    left_out = [name for name in job.strategies if name not in fitted.strategies]
    return {**job.facts, **facts, **fold, "bootstrap": bootstrap, "strategies": strategies, "left_out": left_out}


def family(detector: Detector) -> str:
    """What stands behind a detector in the tables: "generative" or "classifier" for a model, else "classical"."""
    if detector.classifies:
        return "classifier"
    return "classical" if detector.mapping is None else "generative"


def _result(job: Job, test: Scored, named: NDArray[np.int64] | None, metrics: dict[str, Any]) -> Result:
    """Scores, curves, decisions and examples of the test set, beside its metrics."""
    samples = job.data.facts(job.fold.test)
    abnormal = samples.class_ids != 0
    decided = test.predictions[metrics["decides"]] if named is None else named
    names = ["normal", "abnormal"] if named is None else samples.about.classes
    return Result(
        metrics=metrics,
        scores=scores_frame(job.fold.test, samples, test.components, test.scores, test.predictions),
        roc=roc_frame(test.scores, abnormal, metrics["decides"]),
        pr=pr_frame(test.scores, abnormal, metrics["decides"]),
        confusion=confusion_frame(samples, decided, names),
        examples=_examples(job, test, metrics["decides"]),
    )


def _examples(job: Job, test: Scored, strategy: str) -> list[Example]:
    """Choose beats worth looking at by the strategy that decides, with their reconstructions."""
    scores, predicted = test.scores[strategy], test.predictions[strategy]
    chosen = choose_examples(scores, job.data.class_ids[job.fold.test], predicted, EXAMPLES)
    if not chosen:
        return []
    positions = [position for position, _ in chosen]
    indices = job.fold.test[positions]
    signals = [signal.T for signal in job.data.signals[indices]]  # (C, L) to (L, C)
    models = _reconstructions(job, indices)
    about = job.data.about
    table = job.data.table.iloc[indices].to_dict("records")
    return [
        Example(
            index=int(index),
            class_name=row["class_name"],
            record=row.get("record"),
            patient=row.get("patient"),
            sample=None if "sample" not in row else int(row["sample"]),
            time_s=row.get("time_s"),
            score=float(scores[position]),
            strategy=strategy,
            flagged=bool(predicted[position]),
            kind=kind,
            signal=signal,
            reconstruction=model,
            sampling_rate=about.sampling_rate,
            leads=tuple(about.leads),
            centre=about.centre,
            unit=about.unit,
        )
        for (position, kind), index, row, signal, model in zip(chosen, indices, table, signals, models, strict=True)
    ]


def _reconstructions(job: Job, indices: NDArray[np.int64]) -> list[Any]:
    """What the detector takes samples for, (L, C) each and in the dataset's unit; None where it has no such thing."""
    found = job.detector.reconstruct(job.inputs(indices))
    if found is None:
        return [None] * len(indices)
    plain = job.transformation.invert(found, like=job.data.signals[indices])
    return [signal.T for signal in plain]  # (C, L) to (L, C)
