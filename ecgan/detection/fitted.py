"""A detector with everything fitted on it: made in one call, saved to a folder, taken back with the same scores.

The folder holds `detector.json` (names, parameters, thresholds, numbers) and `detector.safetensors` (arrays).
There is no pickle, and what is read is checked before it is used.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from ecgan.detection.base import F64, Detector, Mapping, State
from ecgan.detection.components import check_finite
from ecgan.detection.latents import OnLatents, build
from ecgan.detection.stored import AGAIN, stored_mapping, stored_number, stored_value
from ecgan.detection.strategies.base import CHOICE, SVM_SAMPLES, Choice, Strategy, supervision
from ecgan.detection.thresholds import SOURCES, Budgets, Threshold, fit_threshold
from ecgan.errors import EcganError, nearest
from ecgan.evaluation.choosing import Rank
from ecgan.evaluation.ranking import check_scores
from ecgan.files import found_words, read_json, read_safetensors, write_bytes, write_json
from ecgan.registry import DETECTORS, PLUGIN_HINT, STRATEGIES, Registry, strategies_of
from ecgan.samples import Samples
from ecgan.seals import check_seal, seal

FORMAT = 4
VALUES_FILE = "detector.json"
ARRAYS_FILE = "detector.safetensors"
SCORED_ON = ("samples", "latents")
"""What a detector looks at: samples, through a model or not, or as a classical one the latents of a model."""


@dataclass(frozen=True)
class Scored:
    """What a fitted detector says of n samples.

    Attributes:
        components: Components (n,) by name.
        scores: Scores (n,) by strategy, higher = more abnormal.
        predictions: Whether each sample is called abnormal (n,), by strategy.
    """

    components: dict[str, F64]
    scores: dict[str, F64]
    predictions: dict[str, NDArray[np.bool_]]


@dataclass(frozen=True)
class FittedDetector:
    """A fitted detector with what was fitted on it, by the strategy's name.

    Attributes:
        detector: The detector.
        strategies: The fitted strategies.
        thresholds: The threshold of each.
        ranks: What the strategy that decides is chosen by; empty where nothing was validated.
    """

    detector: Detector
    strategies: dict[str, Strategy]
    thresholds: dict[str, Threshold]
    ranks: dict[str, Rank] = field(default_factory=dict)

    def score(self, samples: Samples, only: str | None = None) -> Scored:
        """Components, scores and decisions of samples, transformed as the training samples were.

        Where `only` one strategy is asked for, no components are computed but those that it weighs and the detector's
        `states`.
        """
        if only is None:
            return self.decide(_components(self.detector, samples))
        needs = self.strategies[only].needs  # none are named: it is told all
        return self.decide(_components(self.detector, samples, needs and (*needs, *self.detector.states)), [only])

    def decide(self, components: dict[str, F64], names: Iterable[str] | None = None) -> Scored:
        """Scores and decisions from components (n,), by all strategies or those that are named."""
        scores = {name: self.strategies[name].score(components) for name in names or self.strategies}
        for name, values in scores.items():
            check_scores(name, values)
        return Scored(components, scores, {name: self.thresholds[name].predict(scores[name]) for name in scores})

    def classify(self, samples: Samples) -> NDArray[np.int64] | None:
        """Most likely class id of each of n samples, shape (n,); None where the detector tells no classes apart."""
        return self.detector.classify(samples) if self.detector.classifies else None

    def describe(self, strategy: str, select_by: str | None) -> dict[str, Any]:
        """The entries `supervision`, `threshold` and `parameters` of a strategy in metrics.json."""
        return {
            "supervision": "S" if self.detector.classifies else supervision(strategy, select_by),
            "threshold": asdict(self.thresholds[strategy]),
            "parameters": self.strategies[strategy].parameters(),
        }


def fit_detector(
    detector: Detector,
    strategies: Iterable[str],
    train: Samples,
    vali: Samples,
    vali_labels: NDArray[np.int64],
    *,
    threshold: str = "best_f1",
    quantile: float = 0.95,
    threshold_value: float | None = None,
    alarms: float | None = None,
    budgets: Budgets | None = None,
    choice: Choice = CHOICE,
    svm_samples: int = SVM_SAMPLES,
    seed: int = 0,
) -> FittedDetector:
    """Fit a detector on training samples, and strategies and thresholds on the fit half of validation.

    Args:
        detector: The detector, not yet fitted.
        strategies: Names of the strategies; those that the detector cannot feed are refused.
        train: Training samples; like `vali` transformed, without labels, and with what the detector's context asks for.
        vali: The fit half of validation.
        vali_labels: Its class ids (n,); 0 is normal.
        threshold: "best_f1", "quantile", "alarms_per_hour", "alarms_by_patient" or "fixed".
        quantile: For "quantile", the share of normal samples below the threshold; for "alarms_by_patient", of patients
            within their budget.
        threshold_value: For "fixed", the threshold of every strategy.
        alarms: For "alarms_per_hour", how many false alarms are allowed in the time that the half lasts.
        budgets: For "alarms_by_patient", how many each patient is allowed.
        choice: How strategies choose, "stable" or "best"; see `ecgan.detection.strategies.base`.
        svm_samples: Most samples that an SVM is fitted on.
        seed: Seed of whatever is drawn at random.

    Raises:
        EcganError: A strategy is unknown or has nothing to weigh, the half lacks samples of a kind, or the model's
            output is not finite.
    """
    names = list(strategies)
    check_strategies(detector, names)
    detector.fit(train)
    components = _components(detector, vali)
    fitted: dict[str, Strategy] = {}
    thresholds: dict[str, Threshold] = {}
    for name in names:
        strategy = STRATEGIES.get(name)(seed=seed, svm_samples=svm_samples, choice=choice)
        strategy.fit(components, vali_labels)
        fitted[name] = strategy
        scores = strategy.score(components)
        thresholds[name] = fit_threshold(
            scores, vali_labels, threshold, quantile=quantile, value=threshold_value, alarms=alarms, budgets=budgets
        )
    return FittedDetector(detector, fitted, thresholds)


def usable(detector: Detector, names: list[str]) -> list[str]:
    """Those of the strategies whose components the model can feed.

    One list of strategies serves several models, and a model without a discriminator has nothing for some of them
    to weigh. A name that the detector does not know at all is still refused, and so is a list of which nothing is left.
    """
    there = detector.available_strategies()
    left = [name for name in names if name in there or name not in strategies_of(detector)]
    check_strategies(detector, left or names)
    return left


def check_strategies(detector: Detector, names: list[str]) -> None:
    """Refuse strategies that are unknown or that weigh components which the detector does not have."""
    there = detector.available_strategies()
    for name in names:
        needs = STRATEGIES.get(name).needs
        if name in there:
            continue
        if name in strategies_of(detector):
            raise EcganError(
                f"the strategy {name!r} weighs {', '.join(needs)}, and this model does not give all of them.",
                f"Strategies that work here: {', '.join(there)}.",
            )
        raise EcganError(
            f"the detector {detector.name!r} has no strategy {name!r}{nearest(name, list(there))}",
            f"Its strategies: {', '.join(there)}.",
        )


def save_detector(folder: Path, fitted: FittedDetector) -> None:
    """Write everything fitted into `folder`: `detector.safetensors`, then `detector.json`, each atomically; seal it."""
    state = fitted.detector.state()
    arrays = {f"detector/{key}": array for key, array in state.arrays.items()}
    described: dict[str, Any] = {}
    for name, strategy in fitted.strategies.items():
        learned = strategy.state()
        arrays.update({f"strategy/{name}/{key}": array for key, array in learned.arrays.items()})
        described[name] = {"values": learned.values, "threshold": asdict(fitted.thresholds[name])}
        if fitted.ranks:
            described[name]["validation"] = asdict(fitted.ranks[name])
    write_bytes(folder / ARRAYS_FILE, save_tensors({key: np.ascontiguousarray(array) for key, array in arrays.items()}))
    write_json(
        folder / VALUES_FILE,
        {
            "format": FORMAT,
            "detector": fitted.detector.name,
            "input": SCORED_ON[isinstance(fitted.detector, OnLatents)],
            "seed": fitted.detector.seed,
            "options": fitted.detector.options.model_dump(mode="json"),
            "values": state.values,
            "strategies": described,
            "order": list(fitted.strategies),
        },
    )
    seal(folder)


def load_detector(folder: Path, mapping: Mapping | None = None) -> FittedDetector:
    """Take back what `save_detector` wrote; scores of the same samples are the same bytes.

    `mapping` is the trained model, for detectors that score through one.

    Raises:
        EcganError: A file is missing, damaged, of another version, or holds something else than a fitted detector.
    """
    path = folder / VALUES_FILE
    check_seal(folder)
    stored = read_json(path)
    try:
        return _rebuild(stored, _load_arrays(folder / ARRAYS_FILE, stored), mapping)
    except EcganError as error:
        raise EcganError(f"{path} cannot be used: {error.message}", error.hint or AGAIN) from error
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise EcganError(f"{path} cannot be used: {type(error).__name__}: {error}", AGAIN) from error


def _rebuild(stored: Any, arrays: dict[str, NDArray[Any]], mapping: Mapping | None) -> FittedDetector:
    name = stored_value(stored, "detector")
    if not isinstance(name, str):
        raise EcganError(f"the name of the detector is {name!r}.", AGAIN)
    cls = _registered(DETECTORS, name)
    try:
        options = cls.Options(**stored_mapping(stored, "options"))
    except ValidationError as error:
        what = found_words(error)
        raise EcganError(f"the parameters of the detector {name!r} do not fit it: {what}.", AGAIN) from None
    detector = build(cls, options, _model(stored, cls, mapping), seed=int(stored_number(stored, "seed")))
    detector.restore(State(_below("detector/", arrays), stored_mapping(stored, "values")))
    described = stored_mapping(stored, "strategies")
    order = stored_value(stored, "order")
    if not described:
        raise EcganError("no strategy is stored.", AGAIN)
    if not isinstance(order, list) or sorted(map(str, order)) != sorted(described):
        raise EcganError("the list of strategies does not fit what is stored of them.", AGAIN)
    strategies: dict[str, Strategy] = {}
    thresholds: dict[str, Threshold] = {}
    ranks: dict[str, Rank] = {}
    known = {key: _registered(STRATEGIES, key) for key in order}
    check_strategies(detector, order)
    for key in order:
        entry = stored_mapping(described, key)
        strategies[key] = known[key](seed=detector.seed)
        strategies[key].restore(State(_below(f"strategy/{key}/", arrays), stored_mapping(entry, "values")))
        thresholds[key] = _threshold(stored_mapping(entry, "threshold"))
        if "validation" in entry:
            ranks[key] = _rank(stored_mapping(entry, "validation"))
    if ranks and len(ranks) < len(strategies):
        raise EcganError("some strategies were validated and some were not.", AGAIN)
    return FittedDetector(detector, strategies, thresholds, ranks)


def _registered(registry: Registry[Any], name: str) -> Any:
    """The part that a stored name stands for; one that is not there may be the user's own."""
    try:
        return registry.get(name)
    except EcganError as error:
        raise EcganError(error.message, f"{error.hint} {PLUGIN_HINT}") from None


def _model(stored: Any, cls: type[Detector], mapping: Mapping | None) -> Mapping | None:
    """The model that a stored detector scores through; None where it scores without one."""
    scored_on = stored_value(stored, "input")
    if scored_on not in SCORED_ON:
        raise EcganError(f"the detector was fitted on {scored_on!r}; known are {', '.join(SCORED_ON)}.", AGAIN)
    if scored_on == "samples":
        return mapping if cls.needs_model or cls.takes_model else None
    if cls.needs_model or cls.takes_model:
        raise EcganError(f"the detector {cls.name!r} is none that looks at latents.", AGAIN)
    if mapping is None:
        raise EcganError(
            f"the detector {cls.name!r} was fitted on a model's latents, and no model was given.",
            "Give the model: `load(..., model)`.",
        )
    return mapping


def _threshold(entry: dict[str, Any]) -> Threshold:
    method = stored_value(entry, "method")
    if method not in SOURCES:
        raise EcganError(f"the stored threshold was found by {method!r}; known are {', '.join(SOURCES)}.", AGAIN)
    return Threshold(str(method), stored_number(entry, "value"))


def _rank(entry: dict[str, Any]) -> Rank:
    supervision = stored_value(entry, "supervision")
    if supervision not in ("U", "S"):
        raise EcganError(f"the stored supervision is {supervision!r}, neither 'U' nor 'S'.", AGAIN)
    undefined = stored_value(entry, "auroc") is None
    return Rank(supervision, None if undefined else stored_number(entry, "auroc"))


def _load_arrays(path: Path, stored: Any) -> dict[str, NDArray[Any]]:
    found = stored_value(stored, "format")
    if found != FORMAT:
        raise EcganError(f"{path.with_name(VALUES_FILE)} has format {found!r}; this version reads {FORMAT}.", AGAIN)
    content = read_safetensors(path)
    try:
        arrays: dict[str, NDArray[Any]] = load_tensors(content)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise EcganError(f"{path} is not a safetensors file: {error}", AGAIN) from None
    return arrays


def _below(prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}


def _components(detector: Detector, samples: Samples, needed: tuple[str, ...] = ()) -> dict[str, F64]:
    """The detector's components, all or those that are needed, held to their contract: float64, (n,), finite."""
    found = detector.some_components(samples, needed) if needed else detector.components(samples)
    for name, values in found.items():
        if values.dtype != np.float64 or values.shape != (len(samples),):
            raise EcganError(
                f"the detector {detector.name!r} gave {name!r} with shape {values.shape} and type {values.dtype};"
                f" expected {(len(samples),)} and float64.",
                "Mend the detector; docs/plugins.md says what it returns.",
            )
    check_finite(found)
    return found
