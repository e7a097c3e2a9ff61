"""Does a generator copy: distances to the nearest training sample."""

import math

import numpy as np
import pytest

from ecgan.errors import EcganError
from ecgan.evaluation.memorising import memorisation, nearest

RNG = np.random.default_rng(0)
TRAIN, UNSEEN = (RNG.normal(size=(n, 1, 6)).astype(np.float32) for n in (600, 300))


def drawn(count: int = 300) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(count, 1, 6)).astype(np.float32)


def test_a_perfect_generator_is_as_far_from_the_training_data_as_unseen_samples() -> None:
    found = memorisation(drawn(), UNSEEN, TRAIN)
    assert found["ratio"] == pytest.approx(1, abs=0.1)
    assert found["nearer"] == pytest.approx(0.5, abs=0.08)
    assert 0.01 < found["p"] < 0.99
    assert found["authentic"] == pytest.approx(found["authentic_real"], abs=0.1)


def test_unseen_samples_themselves_are_exactly_as_far() -> None:
    found = memorisation(UNSEEN, UNSEEN, TRAIN)
    assert (found["ratio"], found["nearer"]) == (1, 0.5)
    assert found["authentic"] == found["authentic_real"]


def test_copies_are_found() -> None:
    found = memorisation(TRAIN[:300], UNSEEN, TRAIN)
    assert found["ratio"] == 0
    assert found["nearer"] == 1
    assert found["p"] < 1e-50
    assert found["authentic"] == 0


@pytest.mark.parametrize(("share", "p"), [(0.5, 1e-10), (0.15, 0.05)])
def test_copies_with_some_noise_among_others_are_found(share: float, p: float) -> None:
    generated = drawn()
    copied = int(share * len(generated))
    generated[:copied] = TRAIN[:copied] + 0.01 * generated[:copied]
    found = memorisation(generated, UNSEEN, TRAIN)
    assert found["p"] < p
    assert found["nearer"] > 0.5
    assert found["authentic"] < found["authentic_real"]


def test_what_misses_the_data_is_far_and_no_copy() -> None:
    found = memorisation(drawn() + 10, UNSEEN, TRAIN)
    assert found["ratio"] > 3
    assert found["nearer"] == 0
    assert found["p"] == pytest.approx(1)
    assert found["authentic"] == 1


def test_nearest_equals_a_loop() -> None:
    x, train = drawn(20), TRAIN[:50]
    distances, places = nearest(x, train)
    for row, sample in enumerate(x):
        by_hand = np.sqrt(((train.astype(np.float64) - sample) ** 2).sum(axis=(1, 2)))
        assert places[row] == by_hand.argmin()
        assert distances[row] == pytest.approx(by_hand.min(), rel=1e-6)
    own, others = nearest(train, train, apart_from=np.arange(50))
    assert not (others == np.arange(50)).any()
    assert own.min() > 0
    assert nearest(train, train)[0].max() == 0


def test_far_from_the_origin_copies_are_still_copies() -> None:
    far = TRAIN + np.float32(1000)
    assert memorisation(far[:50], UNSEEN + np.float32(1000), far)["ratio"] == 0


def test_where_all_samples_are_equal_there_is_no_ratio() -> None:
    same = np.ones((5, 1, 4), np.float32)
    found = memorisation(same, same, same)
    assert math.isnan(found["ratio"])
    assert found["nearer"] == 0.5


@pytest.mark.parametrize("sizes", [(0, 3, 3), (3, 0, 3), (3, 3, 1)])
def test_too_few_are_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(EcganError, match="memorisation"):
        memorisation(*(np.zeros((size, 1, 4), np.float32) for size in sizes))
    with pytest.raises(EcganError, match="memorisation"):
        memorisation(np.zeros((3, 1, 4)), np.zeros((3, 1, 5)), np.zeros((3, 1, 4)))
