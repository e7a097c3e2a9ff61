"""Which of two rhythms of a record is its normal one."""

import numpy as np
import pytest

from ecgan.ecg import modes

RATE, CENTRE, LENGTH = 360.0, 140, 320


def beat(width_s: float = 0.012, p: float = 0.12) -> np.ndarray:
    time = (np.arange(LENGTH) - CENTRE) / RATE
    wave = np.exp(-0.5 * (time / width_s) ** 2) + 0.25 * np.exp(-0.5 * ((time - 0.28) / 0.05) ** 2)
    return wave + p * np.exp(-0.5 * ((time + 0.15) / 0.02) ** 2)


def test_two_rates_are_two_rhythms_and_a_drift_is_one() -> None:
    regular = np.ones(300, dtype=bool)
    two = np.where(np.arange(300) < 120, 0.8, 0.42)
    fast, slow = modes.rhythms(two, regular)
    assert fast.tolist() == (two < 0.6).tolist()
    assert (fast ^ slow).all()
    assert len(modes.rhythms(np.linspace(0.7, 0.9, 300), regular)) == 1
    assert len(modes.rhythms(np.where(np.arange(300) < 20, 0.8, 0.42), regular)) == 1  # too rare
    assert modes.rhythms(np.full(300, np.nan), regular)[0].all()
    assert modes.rhythms(np.zeros(0), np.zeros(0, dtype=bool))[0].shape == (0,)


def test_only_regular_beats_tell_rhythms_apart() -> None:
    median = np.where(np.arange(300) < 120, 0.8, 0.42)
    assert len(modes.rhythms(median, median > 0.5)) == 1


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ((beat(), 0.8), (beat(), 0.4)),
        ((beat(), 0.8), (beat(), 1.9)),
        ((beat(), 0.8), (beat(width_s=0.04), 0.8)),
        ((beat(), 0.8), (beat(p=0.0), 0.8)),
    ],
    ids=["fast", "slow", "wide", "no P wave"],
)
def test_what_most_hearts_do_is_more_plausible(better: tuple, worse: tuple) -> None:  # type: ignore[type-arg]
    assert modes.plausibility(*better, CENTRE, RATE) > modes.plausibility(*worse, CENTRE, RATE) + 0.5


def test_gain_and_polarity_do_not_matter_to_the_prior() -> None:
    for factor in (-1.0, 30.0):
        assert modes.plausibility(factor * beat(), 0.7, CENTRE, RATE) == pytest.approx(
            modes.plausibility(beat(), 0.7, CENTRE, RATE)
        )
    assert np.isfinite(modes.plausibility(np.zeros(LENGTH), 0.7, CENTRE, RATE))
