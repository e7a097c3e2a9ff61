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
    assert plausibility(*better) > plausibility(*worse) + 0.5


def test_gain_and_polarity_do_not_matter_to_the_prior() -> None:
    for factor in (-1.0, 30.0):
        assert plausibility(factor * beat(), 0.7) == pytest.approx(plausibility(beat(), 0.7))
    assert np.isfinite(plausibility(np.zeros(LENGTH), 0.7))


@pytest.mark.parametrize(
    ("other", "one"),
    [
        (beat(), True),
        (beat(width_s=0.03), True),
        (-2 * beat(), False),
        (beat(p=-0.12), False),
        (beat(p=0.0), False),
        (beat(p=0.015), False),
        (np.zeros(LENGTH), False),
    ],
    ids=["alike", "another QRS", "turned round", "another P wave", "no P wave", "hardly one", "no signal"],
)
def test_two_rhythms_have_one_p_wave_or_two(other: np.ndarray, one: bool) -> None:
    assert modes.one_p(beat()[None], other[None], CENTRE, RATE) is one
    assert modes.one_p(other[None], beat()[None], CENTRE, RATE) is one
    leads = np.stack([beat(p=0.0), 30 * beat()])  # the first shows no P wave
    assert modes.one_p(leads, np.stack([beat(p=0.0), 30 * other]), CENTRE, RATE) is one


def test_a_lead_in_which_p_waves_differ_tells_that_there_are_two() -> None:
    for gain in (1, 30):  # a large lead tells no more than a small one
        first, second = (np.stack([gain * beat(), beat(p=p)]) for p in (0.12, -0.1))
        assert not modes.one_p(first, second, CENTRE, RATE)
    assert not modes.one_p(beat()[None, CENTRE:], beat()[None, CENTRE:], 0, RATE)


def test_each_term_of_the_prior_is_about_one_thing() -> None:
    good = modes.plausibility(beat(), modes.RR_S, CENTRE, RATE)
    assert good == {"rate": 0.0, "qrs": 0.0, "p": 0.0}
    for changed, name in (
        ((beat(), 0.4), "rate"),
        ((beat(width_s=0.04), modes.RR_S), "qrs"),
        ((beat(p=0.0), modes.RR_S), "p"),
    ):
        found = modes.plausibility(*changed, CENTRE, RATE)
        assert [key for key, value in found.items() if value < -0.1] == [name]


def waves(narrow: int, wide: int, *, shuffled: bool = True, gain: float = 1.0, noise: float = 0.05) -> np.ndarray:
    rng = np.random.default_rng(1)
    part = slice(CENTRE - 36, CENTRE + 48)
    rows = np.array([gain * beat()[part]] * narrow + [-1.2 * beat(width_s=0.04)[part]] * wide)
    rows = rows + rng.normal(0, noise, rows.shape)
    rows -= rows.mean(axis=1, keepdims=True)
    return rows[rng.permutation(len(rows))] if shuffled else rows


@pytest.mark.parametrize(("narrow", "wide"), [(60, 60), (90, 30), (30, 90)])
def test_two_frequent_kinds_of_qrs_are_two(narrow: int, wide: int) -> None:
    found = modes.kinds(waves(narrow, wide, shuffled=False))
    assert len(found) == 2
    assert (found[0] ^ found[1]).all()
    assert {tuple(np.unique(own[:narrow])) for own in found} == {(True,), (False,)}
    assert {tuple(np.unique(own[narrow:])) for own in found} == {(True,), (False,)}


@pytest.mark.parametrize(
    "one",
    [waves(120, 0), waves(115, 5), np.random.default_rng(0).normal(size=(200, 84)), np.zeros((50, 84)), waves(1, 0)],
    ids=["one", "a rare one", "noise", "nothing", "a single beat"],
)
def test_one_kind_rare_ones_and_noise_are_one(one: np.ndarray) -> None:
    (found,) = modes.kinds(one)
    assert found.all()
    assert found.shape == (len(one),)


def test_a_gain_that_changes_makes_no_other_kind() -> None:
    assert len(modes.kinds(np.concatenate([waves(60, 0), waves(60, 0, gain=4.0)]))) == 1


def test_two_sizes_hide_no_other_kind() -> None:
    """By its size one beat in three would be the other kind."""
    rows = np.concatenate([waves(60, 60, shuffled=False), waves(60, 0, gain=8.0)])
    narrow = np.r_[np.ones(60), np.zeros(60), np.ones(60)].astype(bool)
    found = modes.kinds(rows)
    assert {own.tobytes() for own in found} == {narrow.tobytes(), (~narrow).tobytes()}


def test_two_kinds_that_are_nearly_alike_are_one() -> None:
    part = slice(CENTRE - 36, CENTRE + 48)
    rows = np.array([beat()[part]] * 60 + [beat(width_s=0.014)[part]] * 60)
    rows = rows + np.random.default_rng(0).normal(0, 0.002, rows.shape)
    assert len(modes.kinds(rows - rows.mean(axis=1, keepdims=True))) == 1


def test_alternating_beats_are_two_kinds_however_many_there_are() -> None:
    rows = np.tile(waves(1, 1, shuffled=False), (2 * 2048, 1))
    first, second = modes.kinds(rows)
    assert set(np.flatnonzero(first) % 2) ^ set(np.flatnonzero(second) % 2) == {0, 1}


def plausibility(template: np.ndarray, rr_s: float) -> float:
    return sum(modes.plausibility(template, rr_s, CENTRE, RATE).values())
