"""Conformance checks of strategies."""

import json
import tempfile
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from ecgan.detection.base import F64, State
from ecgan.detection.strategies.base import Strategy
from ecgan.evaluation.ranking import auroc
from ecgan.testing.check import checks_of, expect, expect_close, expect_equal, expect_same

SAMPLES = 240
LEAST_AUROC = 0.9

Components = dict[str, F64]


@dataclass(frozen=True)
class StrategySubject:
    """A strategy under test."""

    cls: type[Strategy]

    def components(self, seed: int = 1, count: int = SAMPLES) -> Components:
        """Components of samples of which every third is abnormal, and each component of those higher."""
        rng = np.random.default_rng(seed)
        shift = 4.0 * (labels(count) != 0)
        return {name: np.exp(0.3 * (rng.normal(size=count) + shift)) for name in self.cls.needs or ("distance",)}

    def fitted(self, seed: int = 0) -> Strategy:
        """Return a strategy that has learned from components and labels."""
        strategy = self.cls(seed=seed)
        strategy.fit(self.components(), labels())
        return strategy


def labels(count: int = SAMPLES) -> NDArray[np.int64]:
    """Return class ids, of which every third is abnormal."""
    ids = np.zeros(count, dtype=np.int64)
    ids[::3] = 1
    return ids


def it_says_what_it_is(subject: StrategySubject) -> None:
    """`ecgan list strategies` shows the title; what it needs and whether it learns from labels is declared."""
    title, needs = getattr(subject.cls, "title", ""), subject.cls.needs
    expect(isinstance(title, str) and bool(title.strip()), f"expected a title, found {title!r}")
    named = isinstance(needs, tuple) and all(isinstance(name, str) for name in needs)
    expect(named, f"expected needs to be a tuple of names of components, found {needs!r}")
    expect(isinstance(subject.cls.labelled, bool), f"expected labelled to be a bool, found {subject.cls.labelled!r}")


def scores_are_finite_float64_of_shape_n(subject: StrategySubject) -> None:
    """`score` gives one finite float64 number a sample; `parameters` gives finite numbers."""
    strategy = subject.fitted()
    found = strategy.score(subject.components(seed=2))
    expect_equal((str(found.dtype), found.shape), ("float64", (SAMPLES,)), "type and shape of scores")
    expect(bool(np.isfinite(found).all()), f"expected finite scores, found {found[:5]}")
    for name, value in strategy.parameters().items():
        finite = isinstance(value, (int, float)) and isfinite(value)
        expect(finite, f"expected the parameter {name!r} to be a finite number, found {value!r}")


def higher_components_score_higher(subject: StrategySubject) -> None:
    """Samples whose components are all higher are ranked above the others."""
    found = auroc(subject.fitted().score(subject.components(seed=2)), labels() != 0)
    expect(
        found >= LEAST_AUROC, f"expected higher components to score higher (AUROC ≥ {LEAST_AUROC}), found {found:.2f}"
    )


def scores_do_not_depend_on_neighbours(subject: StrategySubject) -> None:
    """A sample by itself has the score that it has among others."""
    strategy, components = subject.fitted(), subject.components(seed=2)
    alone = [strategy.score({name: part[i : i + 1] for name, part in components.items()}) for i in range(SAMPLES)]
    expect_close(np.concatenate(alone), strategy.score(components), "the score of a sample by itself")


def components_are_left_as_they_are(subject: StrategySubject) -> None:
    """Neither fitting nor scoring writes into the arrays that are given."""
    strategy, components = subject.cls(), subject.components()
    strategy.fit(components, labels())
    strategy.score(components)
    expect_same(components, subject.components(), "expected '{}' to be left as it is, found changes")


def labels_count_only_where_it_says_so(subject: StrategySubject) -> None:
    """A strategy that is not `labelled` learns the same whatever the labels are: its rows are marked U."""
    if subject.cls.labelled:
        return
    scores = []
    for ids in (labels(), labels()[::-1].copy()):
        strategy = subject.cls()
        strategy.fit(subject.components(), ids)
        scores.append(strategy.score(subject.components(seed=2)))
    same = np.array_equal(scores[0], scores[1])
    expect(same, "expected the same scores with other labels, as labelled is False, found others")


def a_constant_component_is_no_problem(subject: StrategySubject) -> None:
    """A component without extent gives finite scores."""
    strategy = subject.cls()
    components = {name: np.ones(SAMPLES) for name in subject.components()}
    strategy.fit(components, labels())
    expect(bool(np.isfinite(strategy.score(components)).all()), "expected finite scores of constants, found others")


def a_rerun_gives_equal_bytes(subject: StrategySubject) -> None:
    """The same components, labels and seed give the same scores, whatever else was drawn in between."""
    scores = []
    for state in (1, 2):
        np.random.seed(state)  # noqa: NPY002 - what a strategy draws from it would differ
        scores.append(subject.fitted(seed=7).score(subject.components(seed=2)))
    expect(np.array_equal(scores[0], scores[1]), "expected a rerun to give the same scores, found others")


def saved_state_gives_equal_bytes(subject: StrategySubject) -> None:
    """Everything that was learned is in `state`, arrays and plain values: saved and loaded, scores are the same."""
    strategy, other = subject.fitted(), subject.cls()
    state = strategy.state()
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "arrays"
        save_file({key: np.ascontiguousarray(array) for key, array in state.arrays.items()}, file)
        other.restore(State(load_file(file), json.loads(json.dumps(state.values))))
    components = subject.components(seed=2)
    same = np.array_equal(other.score(components), strategy.score(components))
    expect(same, "expected the same scores after saving and loading, found others")


CHECKS = checks_of(__name__)
