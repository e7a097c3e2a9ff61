"""Conformance checks of detectors."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.detection.base import F32, F64, Detector, Mapping
from ecgan.detection.fitted import fit_detector, load_detector, save_detector
from ecgan.detection.strategies.plain import TOTAL
from ecgan.errors import EcganError
from ecgan.evaluation.ranking import auroc
from ecgan.registry import STRATEGIES
from ecgan.samples import Samples
from ecgan.testing.check import (
    ConformanceError,
    Function,
    Subject,
    check_options,
    checks_of,
    choices,
    expect,
    expect_close,
    expect_equal,
    expect_refusal,
    expect_same,
    small,
    with_value,
)
from ecgan.testing.toys import toy_beats, toy_classifier, toy_generative, toy_samples

LENGTH, TRAIN, SAMPLES, CLASSES = 48, 80, 24, 3
SIZES: dict[str, Any] = {}
LEAST_AUROC = 0.9


class DetectorSubject(Subject[Detector]):
    """A detector under test."""

    @cached_property
    def options(self) -> Any:
        """Its parameters."""
        return small(self.cls.Options, SIZES, self.given)

    def mapping(self, channels: int, length: int) -> Mapping | None:
        """The toy model that it scores through, where it needs one."""
        if not self.cls.needs_model:
            return None
        return toy_classifier(channels, length, CLASSES) if self.cls.classifies else toy_generative(channels, length)

    def build(self, channels: int = 2, length: int = LENGTH, seed: int = 0) -> Detector:
        """Return a fresh detector."""
        return self.cls(self.options, self.mapping(channels, length), seed=seed)

    def fitted(self, channels: int = 2, length: int = LENGTH, seed: int = 0) -> Detector:
        """Return a detector that has learned normal toy beats."""
        detector = self.build(channels, length, seed)
        detector.fit(self.train(channels, length))
        return detector

    def train(self, channels: int = 2, length: int = LENGTH) -> Samples:
        """Return normal toy beats as the detector sees them in training."""
        return self.seen(toy_samples(toy_beats(TRAIN, channels, length, seed=1)))

    def beats(self, channels: int = 2, length: int = LENGTH) -> Samples:
        """Return toy beats of two records as the detector sees them, every third one abnormal, early too."""
        x, abnormal = toy_beats(SAMPLES, channels, length, seed=2), labels() != 0
        x[abnormal] = toy_beats(int(abnormal.sum()), channels, length, seed=3, abnormal=True)
        return self.seen(toy_samples(x, early=abnormal))

    def seen(self, samples: Samples, rows: Any = slice(None)) -> Samples:
        """Return samples with the context that the detector declares, and nothing else."""
        return samples.seen(rows, self.cls.context)


def reshaped(samples: Samples, function: Callable[[F32], F32]) -> Samples:
    """Return samples with other signals, and so what stands around them."""
    around = None if samples.around is None else reshaped(samples.around, function)
    return replace(samples, signals=function(samples.signals), around=around)


def labels(count: int = SAMPLES) -> NDArray[np.int64]:
    """Return the class ids of `beats`."""
    ids = np.zeros(count, dtype=np.int64)
    ids[1::3] = 1 + np.arange(len(ids[1::3])) % (CLASSES - 1)  # the first beat of a record has no interval before it
    return ids


def options_have_defaults_and_descriptions(subject: DetectorSubject) -> None:
    """Every parameter is explained in the file that `ecgan init` writes."""
    check_options(subject.cls.Options, "Options")


def components_are_finite_float64_of_shape_n(subject: DetectorSubject) -> None:
    """`components` gives one finite float64 number a sample, by name."""
    check_components(subject.fitted(), subject.beats())


def check_components(detector: Detector, samples: Samples) -> dict[str, F64]:
    """Return the components of samples, held to their type, shape and finiteness."""
    found = detector.components(samples)
    expect(isinstance(found, dict) and bool(found), f"expected components by name, found {found!r}")
    for name, values in found.items():
        expect(isinstance(values, np.ndarray), f"expected {name!r} to be an array, found {type(values).__name__}")
        expect_equal(str(values.dtype), "float64", f"the type of the component {name!r}")
        expect_equal(values.shape, (len(samples),), f"the shape of the component {name!r}")
        expect(bool(np.isfinite(values).all()), f"expected {name!r} to be finite, found {values[:5]}")
    return found


def every_choice_of_an_option_works(subject: DetectorSubject) -> None:
    """Each value of each option with fixed choices gives finite components."""
    for path, value in choices(subject.cls.Options):
        options = with_value(subject.options, path, value)
        if options is None:
            continue
        try:
            detector = subject.cls(options, subject.mapping(2, LENGTH))
            detector.fit(subject.train())
            check_components(detector, subject.beats())
        except Exception as error:
            raise ConformanceError(f"with {path} = {value!r}, expected finite components, found: {error}") from error


def strategies_weigh_what_is_there(subject: DetectorSubject) -> None:
    """Every strategy that can run has its components; all can be fitted, and their scores are finite."""
    detector = subject.fitted()
    names = set(detector.components(subject.beats()))
    available = detector.available_strategies()
    expect(bool(available), "expected at least one strategy that can run, found none")
    for strategy in available:
        missing = set(STRATEGIES.get(strategy).needs) - names
        expect(not missing, f"expected the components of the strategy {strategy!r}, found no {', '.join(missing)}")
    if "plain" in available and TOTAL not in names:
        expect_equal(len(names), 1, "the number of components of a detector with the strategy 'plain' and no total")
    fitted = fit_detector(subject.build(), available, subject.train(), subject.beats(), labels())
    expect_equal(set(fitted.score(subject.beats()).scores), set(available), "the strategies that gave scores")


def abnormal_beats_score_higher(subject: DetectorSubject) -> None:
    """Beats upside down, three times as high, noisy and early have higher components than normal ones.

    States of a beat say nothing of that, nor does what is the same of all beats: it looks at what they do not hold.
    """
    found = subject.fitted().components(subject.beats())
    told = {name: values for name, values in found.items() if name not in subject.cls.states and np.ptp(values) > 0}
    expect(bool(told), f"expected components that differ, found the same of all beats in {', '.join(found)}")
    for name, values in told.items():
        area = auroc(values, labels() != 0)
        text = f"expected {name!r} to be higher for abnormal toy beats (AUROC ≥ {LEAST_AUROC}), found AUROC {area:.2f}"
        expect(area >= LEAST_AUROC, text)


def scores_keep_the_order_of_samples(subject: DetectorSubject) -> None:
    """Samples in another order get the same components in that order."""
    detector, x = subject.fitted(), subject.beats()
    order = np.random.default_rng(3).permutation(len(x))
    plain, permuted = detector.components(x), detector.components(x[order])
    for name, values in plain.items():
        expect_close(permuted[name], values[order], f"{name!r} of permuted samples to be permuted alike")


def scores_do_not_depend_on_neighbours(subject: DetectorSubject) -> None:
    """A sample by itself has the components that it has among others."""
    detector, x = subject.fitted(), subject.beats()
    together = detector.components(x)
    alone = [check_components(detector, x[i : i + 1]) for i in range(len(x))]
    for name, values in together.items():
        each = np.concatenate([part[name] for part in alone])
        expect_close(each, values, f"{name!r} of a sample by itself to be that among others")


def scores_depend_on_nothing_outside_the_record(subject: DetectorSubject) -> None:
    """With a context, the samples of a record have the components that they have when another is scored with it."""
    detector, x = subject.fitted(), subject.beats()
    together, records = detector.components(x), x.records
    for record in np.unique(records if records is not None else []):
        assert x.around is not None
        alone = detector.components(subject.seen(x.around, x.around.records == record))
        for name, values in together.items():
            text = f"{name!r} of a record by itself to be that among others"
            expect_close(alone[name], values[records == record], text)


def one_and_three_leads_work(subject: DetectorSubject) -> None:
    """The number of leads does not matter."""
    for channels in (1, 3):
        check_components(subject.fitted(channels), subject.beats(channels))


def samples_are_left_as_they_are(subject: DetectorSubject) -> None:
    """Neither fitting nor scoring writes into the arrays that are given."""
    train, x = subject.train(), subject.beats()
    detector = subject.build()
    detector.fit(train)
    detector.components(x)
    for what, given, again in (("fit", train, subject.train()), ("components", x, subject.beats())):
        same = np.array_equal(given.signals, again.signals) and given.table.equals(again.table)
        expect(same, f"expected {what} to leave its samples, found changes")


def other_shapes_are_refused(subject: DetectorSubject) -> None:
    """Samples with other leads or of another length than those of `fit` are refused."""
    detector, x = subject.fitted(), subject.beats()
    wrong = {
        "one lead too few": reshaped(x, lambda signals: signals[:, :1]),
        "samples that are too short": reshaped(x, lambda signals: signals[..., :-4]),
        "other leads with as many values in all": reshaped(x, lambda signals: signals.reshape(len(signals), 1, -1)),
    }
    for what, value in wrong.items():
        expect_refusal(lambda v=value: detector.components(v), (EcganError,), what)  # type: ignore[misc]


def a_rerun_gives_equal_bytes(subject: DetectorSubject) -> None:
    """The same samples and seed give the same numbers, whatever else was drawn in between."""
    results = []
    for state in (1, 2):
        np.random.seed(state)  # noqa: NPY002 - what a detector draws from it would differ
        results.append(subject.fitted(seed=7).components(subject.beats()))
    expect_same(results[1], results[0], "expected a rerun to give the same '{}', found others")


def scoring_twice_gives_equal_bytes(subject: DetectorSubject) -> None:
    """Scoring changes nothing that a second scoring depends on."""
    detector, x = subject.fitted(), subject.beats()
    text = "expected '{}' to be the same twice, found other numbers"
    expect_same(detector.components(x), detector.components(x), text)


def saved_state_gives_equal_bytes(subject: DetectorSubject) -> None:
    """Everything that was learned is in `state`: saved and loaded, the scores are the same bytes."""
    x = subject.beats()
    detector = subject.build()
    available = detector.available_strategies()
    fitted = fit_detector(detector, available, subject.train(), x, labels())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_detector(folder, fitted)
        written = {file.name: file.read_bytes() for file in folder.iterdir()}
        loaded = load_detector(folder, subject.mapping(2, LENGTH))
        save_detector(folder, loaded)
        for file in folder.iterdir():
            same = file.read_bytes() == written[file.name]
            expect(same, f"expected {file.name} to be the same after saving what was loaded, found other bytes")
    expected, found = fitted.score(x), loaded.score(x)
    for what in ("components", "scores", "predictions"):
        text = f"expected the {what.removesuffix('s')} '{{}}' to be the same after saving and loading, found others"
        expect_same(getattr(found, what), getattr(expected, what), text)


def classes_are_named(subject: DetectorSubject) -> None:
    """`classify` names one of the classes for each sample, by itself as among others."""
    detector, x = subject.fitted(), subject.beats()
    found = detector.classify(x)
    expect_equal(found.shape, (len(x),), "the shape of classify")
    expect_equal(str(found.dtype), "int64", "the type of classify")
    known = bool(((found >= 0) & (found < CLASSES)).all())
    expect(known, f"expected class ids 0 to {CLASSES - 1}, found {sorted(set(found.tolist()))}")
    alone = [int(detector.classify(x[i : i + 1])[0]) for i in range(len(x))]
    expect_equal(alone, found.tolist(), "the classes of samples by themselves")


def normal_is_told_of_each_sample(subject: DetectorSubject) -> None:
    """What it takes for normal in a record says of each sample where it lies, if it is usual, how it is shifted."""
    x = subject.beats()
    records = x.records
    assert records is not None
    assert x.around is not None
    x = subject.seen(x.around, x.around.records == records[0])
    found = subject.fitted().own_normal(x)
    if found is None:
        return
    expect_equal(found.points.ndim, 2, "the dimensions of points")
    lengths = [len(found.points), *found.usual.shape, *found.shifts.shape]
    expect_equal(lengths, [len(x)] * 3, "the number of points, marks of usual samples and shifts")
    expect_equal(str(found.usual.dtype), "bool", "the type of the marks of usual samples")
    expect_equal(found.shifts.dtype.kind, "i", "the kind of numbers that shifts are")
    expect(bool(np.isfinite(found.points).all()), "expected finite points, found others")


def states_are_told_of_each_sample(subject: DetectorSubject) -> None:
    """What cannot be read and where the rhythm is irregular is told by the components in `states` alone, as masks."""
    detector, x = subject.fitted(), subject.beats()
    found = detector.some_components(x, subject.cls.states)
    expect(set(subject.cls.states) <= set(found), f"expected components {subject.cls.states}, found {sorted(found)}")
    for what in ("unreadable", "irregular"):
        mask = getattr(detector, what)(found)
        if mask is not None:
            expect_equal(str(mask.dtype), "bool", f"the type of what {what} gives")
            expect_equal(mask.shape, (len(x),), f"the shape of what {what} gives")


def a_model_changes_no_names(subject: DetectorSubject) -> None:
    """A detector that takes a model but needs none gives components of the same names with one as without."""
    with_model = subject.cls(subject.options, toy_generative(2, LENGTH))
    with_model.fit(subject.train())
    found, alone = check_components(with_model, subject.beats()), subject.fitted().components(subject.beats())
    expect_equal(set(found), set(alone), "the components with a model")


def chosen(cls: type[Detector]) -> tuple[Function, ...]:
    """The checks of a detector, after what it declares: to tell classes apart, to look at records, to take a model."""
    asked: dict[Function, bool] = {
        classes_are_named: cls.classifies,
        scores_depend_on_nothing_outside_the_record: bool(cls.context),
        normal_is_told_of_each_sample: "record" in cls.context,
        a_model_changes_no_names: cls.takes_model,
    }
    return tuple(check for check in CHECKS if asked.get(check, True))


CHECKS = checks_of(__name__)
