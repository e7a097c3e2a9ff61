"""A model that is told more than a sample: in training, in detection, in generation, and what it cannot do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ecgan
from ecgan.errors import EcganError
from ecgan.inversion.base import choose
from ecgan.registry import MODELS
from tests.contracts.toy_parts import ToyConditioned, ToyOptions


@pytest.fixture(scope="module")
def beats() -> ecgan.Samples:
    return ecgan.load_dataset("ecgsyn", patients=3, minutes=0.6)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS._entries, "toy", ToyConditioned)


def fitted(beats: ecgan.Samples) -> ecgan.Detector:
    return ecgan.Detector("toy", epochs=3, transformation="none").fit(beats)


def test_its_scores_follow_what_it_is_told(beats: ecgan.Samples) -> None:
    detector = fitted(beats)
    again = detector.decision_function(beats)
    assert np.array_equal(again, detector.decision_scores_)
    early = replace(beats, table=beats.table.assign(rr_prev_s=beats.table["rr_prev_s"] / 2))
    assert not np.allclose(detector.decision_function(early), again)


def test_its_scores_follow_nothing_but_its_own_record(beats: ecgan.Samples) -> None:
    detector = fitted(beats)
    one = np.flatnonzero(beats.records == beats.records[0])
    np.testing.assert_allclose(detector.decision_function(beats[one]), detector.decision_scores_[one], rtol=1e-5)


def test_it_is_saved_and_loaded(beats: ecgan.Samples, tmp_path: Path) -> None:
    detector = fitted(beats)
    run = ecgan.load(detector.save(tmp_path / "run"))
    assert np.array_equal(run.decision_function(beats), detector.decision_scores_)
    assert run.reconstruct(beats).shape == beats.signals.shape


def test_arrays_do_not_tell_it_enough(beats: ecgan.Samples) -> None:
    detector = fitted(beats)
    for refused in (lambda: detector.decision_function(beats.signals), lambda: fitted(beats.signals)):
        with pytest.raises(EcganError, match="do not know their records"):
            refused()


@pytest.mark.parametrize("method", ["network", "search"])
def test_its_latents_cannot_be_searched_for(method: str) -> None:
    model = ToyConditioned(ToyOptions(), channels=1, length=32)
    with pytest.raises(EcganError, match="does not suit"):
        choose(method, model)
    assert choose("auto", model).name == "encoder"


def test_conditions_of_another_shape_are_refused(beats: ecgan.Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ToyConditioned, "condition", lambda _, samples: np.zeros((len(samples), 1), dtype=np.float32))
    with pytest.raises(EcganError, match=r"conditions of shape .*, 1\).*, 2\)"):
        fitted(beats)
