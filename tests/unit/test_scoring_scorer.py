"""A run that scores: what its folds say together, and what is refused."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from ecgan.arrays import F32
from ecgan.detection.fitted import Scored
from ecgan.detection.thresholds import Threshold
from ecgan.errors import EcganError
from ecgan.evaluation.choosing import Rank
from ecgan.references import Reference
from ecgan.samples import Samples
from ecgan.scoring import scorer as module
from ecgan.scoring.scorer import Member, Scorer, load_scorer
from tests.making import samples


class Half:
    """A transformation: halves what goes in."""

    def invert(self, x: F32, *, like: F32) -> F32:
        assert x.shape == like.shape
        return x * 2


def member(fold: int, factor: float, *, strategies: tuple[str, ...] = ("one", "two"), **changes: Any) -> Member:
    """A fold: `factor` times the largest value that it sees is its score, that many times the sample what it makes."""

    def score(samples: Samples, only: str | None = None) -> Scored:
        size = factor * samples.signals.max(axis=(1, 2)).astype(np.float64)
        found = {name: size + index for index, name in enumerate(strategies) if only in (None, name)}
        return Scored({"size": size}, found, {})

    expected = SimpleNamespace(leads=["a", "b"], length=5)
    params = SimpleNamespace(
        dataset=changes.get("dataset", "ecgsyn"),
        preprocess=SimpleNamespace(model_dump=lambda: changes.get("preprocess")),
    )
    trained = SimpleNamespace(
        expected=expected,
        params=params,
        transformation=Half(),
        fold=SimpleNamespace(index=fold),
        version="v01",
        inputs=lambda samples: replace(samples, signals=samples.signals / 2),
    )

    def reconstruct(samples: Samples) -> F32 | None:
        return factor * samples.signals if changes.get("made", True) else None

    detector = SimpleNamespace(name="inverse_mapping", reconstruct=reconstruct, sees=())
    thresholds = {name: Threshold("best_f1", factor) for name in strategies}
    fitted = SimpleNamespace(
        score=score,
        detector=detector,
        strategies=dict.fromkeys(strategies),
        thresholds=thresholds,
        ranks=changes.get("ranks", {}),
    )
    return cast(Member, _Bound(trained, fitted))


class _Bound(Member):
    """A member of stand-ins."""

    def __init__(self, trained: Any, fitted: Any) -> None:
        object.__setattr__(self, "trained", trained)
        object.__setattr__(self, "fitted", fitted)


@pytest.fixture
def x() -> Samples:
    return samples(np.random.default_rng(0).normal(size=(7, 2, 5)).astype(np.float32))


def test_one_fold_speaks_for_itself(x: Samples) -> None:
    found = Scorer("run", (member(0, 3.0),), "one", 1.0, "given").judge(x)
    np.testing.assert_array_equal(found.scores["one"], 3.0 * (x.signals / 2).max(axis=(1, 2)).astype(np.float64))
    assert found.spread is None


def test_folds_speak_with_their_mean_and_standard_deviation(x: Samples) -> None:
    scorer = Scorer("run", (member(0, 1.0), member(1, 3.0)), "two", 1.0, "given")
    found, size = scorer.judge(x), (x.signals / 2).max(axis=(1, 2))
    np.testing.assert_allclose(found.components["size"], 2 * size, rtol=1e-6)
    np.testing.assert_allclose(found.scores["two"], 2 * size + 1, rtol=1e-6)
    assert found.spread is not None
    np.testing.assert_allclose(found.spread, np.abs(size), rtol=1e-5)
    made = scorer.reconstruct(x)
    assert made is not None
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, 2 * x.signals, rtol=1e-6)  # in the unit of x: the mean of 1 · x and 3 · x


def test_a_detector_without_reconstructions_gives_none(x: Samples) -> None:
    assert Scorer("run", (member(0, 2.0, made=False),), "one", 1.0, "given").reconstruct(x) is None


def load(monkeypatch: pytest.MonkeyPatch, members: list[Member], **options: Any) -> Scorer:
    monkeypatch.setattr(module, "folds_of", lambda reference: list(range(len(members))))
    monkeypatch.setattr(module, "_member", lambda folder, fold, version, precision: members[fold])
    return load_scorer(Reference("run", Path("run"), None, "best"), **options)


def test_strategy_and_threshold_are_the_first_and_the_mean_or_as_given(monkeypatch: pytest.MonkeyPatch) -> None:
    members = [member(0, 1.0), member(1, 4.0)]
    usual = load(monkeypatch, members)
    assert (usual.strategy, usual.threshold, usual.threshold_from) == ("one", 2.5, "validation, best_f1")
    chosen = load(monkeypatch, members, strategy="two", threshold=-1.0)
    assert (chosen.strategy, chosen.threshold, chosen.threshold_from) == ("two", -1.0, "given")
    one = samples(np.ones((3, 2, 5), dtype=np.float32))
    assert set(usual.judge(one).scores) == {"one", "two"}
    assert set(chosen.judge(one).scores) == {"two"}, "what is not asked for is not computed"
    with pytest.raises(EcganError, match="no strategy 'tow', did you mean 'two'"):
        load(monkeypatch, members, strategy="tow")
    for broken in (float("nan"), float("inf")):
        with pytest.raises(EcganError, match="finite number"):
            load(monkeypatch, members, threshold=broken)


def test_without_a_name_the_best_in_validation_of_those_without_labels_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [{"one": Rank("U", 0.9), "two": Rank("U", 0.8)}, {"one": Rank("U", 0.6), "two": Rank("U", 0.8)}]
    members = [member(fold, 1.0, ranks=ranks) for fold, ranks in enumerate(found)]
    assert load(monkeypatch, members).strategy == "two"
    assert load(monkeypatch, members[:1]).strategy == "one"
    labelled = [member(0, 1.0, ranks={"one": Rank("S", 0.9), "two": Rank("U", None)})]
    assert load(monkeypatch, labelled).strategy == "two"
    assert load(monkeypatch, labelled, strategy="one").strategy == "one"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"dataset": "mitbih"}, "dataset"),
        ({"preprocess": 1}, "preprocessing"),
        ({"strategies": ("one",)}, "strategies"),
    ],
)
def test_folds_that_do_not_fit_each_other_are_refused(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], word: str
) -> None:
    with pytest.raises(EcganError, match=f"the folds of run differ in their {word}") as caught:
        load(monkeypatch, [member(0, 1.0), member(1, 1.0, **changes)])
    assert "RUN/fold_K" in caught.value.hint


def test_a_dataset_without_recordings_cannot_score_them() -> None:
    scorer = Scorer("run", (member(0, 1.0, dataset="wafer"),), "one", 1.0, "given")
    with pytest.raises(EcganError, match="the dataset 'wafer', whose samples are not cut from recordings"):
        assert scorer.rate
