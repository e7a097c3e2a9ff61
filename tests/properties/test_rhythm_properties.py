"""Context features of a rhythm, for any rhythm: against a slow reference, under shifts and changes of the clock."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ecgan.ecg import rhythm
from ecgan.ecg.rhythm import Reach

rr = st.one_of(st.floats(0.2, 3.0), st.just(float("nan")))
values = hnp.arrays(np.float64, st.integers(0, 60), elements=rr)
gaps = hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(0.2, 3.0))
reaches = st.one_of(st.none(), st.integers(0, 80)).map(Reach)


def features(previous: np.ndarray, following: np.ndarray, reach: Reach) -> dict[str, np.ndarray]:
    """All features; those without unit, and the median."""
    median = rhythm.local_median(previous, reach, 7)
    return {
        "median": median,
        "spread": rhythm.local_spread(previous, median, reach, 7),
        "early": rhythm.prematurity(previous, rhythm.without_dropped(previous, reach, 9, 2), reach, 9),
        "share": rhythm.early_share(rhythm.prematurity(previous, previous, reach, 7)),
        "onset": rhythm.onset(previous),
        "pause": rhythm.pause(previous, following),
        "irregular": rhythm.irregularity(previous, np.ones(len(previous), dtype=bool), reach, 5),
        "regular": rhythm.regular_beats(previous, following, median),
    }


@given(values, st.integers(0, 9), st.integers(0, 9), st.floats(0, 1))
def test_a_sliding_quantile_is_the_quantile_of_each_window(x: np.ndarray, before: int, after: int, q: float) -> None:
    found = rhythm.sliding_quantile(x, before, after, q)
    assert found.shape == x.shape
    for place, value in enumerate(found):
        window = x[max(place - before, 0) : place + after + 1]
        window = window[~np.isnan(window)]
        expected = np.quantile(window, q) if len(window) else np.nan
        np.testing.assert_allclose(value, expected, rtol=1e-12)


@settings(deadline=None)
@given(values, st.integers(0, 60))
def test_the_causal_form_of_a_beat_is_that_of_the_beats_up_to_it(x: np.ndarray, learned: int) -> None:
    reach = Reach(learned)
    whole = reach.quantile(x, 5, 0.9)
    for place in range(max(learned - 1, 0), len(x)):
        window = x[max(place - 10, 0) : place + 1]
        expected = np.nan if np.isnan(window).all() else np.nanquantile(window, 0.9)
        np.testing.assert_allclose(whole[place], expected, rtol=1e-12)
    early = min(learned, len(x))
    np.testing.assert_array_equal(whole[:early], np.repeat(whole[early - 1 : early], early))


@given(gaps, st.floats(-1e4, 1e4), reaches)
def test_a_shift_in_time_changes_nothing(x: np.ndarray, by: float, reach: Reach) -> None:
    times = np.cumsum(x)
    first, second = (features(*rhythm.intervals(moved), reach) for moved in (times, times + by))
    for name in set(first) - {"regular"}:  # which has a sharp border
        np.testing.assert_allclose(second[name], first[name], atol=1e-9, err_msg=name)


@given(gaps, st.sampled_from([0.25, 2.0, 4.0]), reaches)
def test_another_clock_changes_only_what_is_in_seconds(x: np.ndarray, factor: float, reach: Reach) -> None:
    first, second = (features(*rhythm.intervals(np.cumsum(x) * by), reach) for by in (1.0, factor))
    np.testing.assert_allclose(second.pop("median"), factor * first.pop("median"), rtol=1e-12)
    for name, expected in first.items():
        np.testing.assert_allclose(second[name], expected, atol=1e-9, err_msg=name)


@given(values, reaches, st.randoms(use_true_random=False))
def test_every_feature_is_finite_or_says_that_it_is_not_known(x: np.ndarray, reach: Reach, random) -> None:  # type: ignore[no-untyped-def]
    following = np.array(random.sample(list(x), len(x)))
    found = features(x, following, reach)
    for name in ("early", "share", "onset", "pause", "irregular"):
        assert np.isfinite(found[name]).all()
        assert (found[name] >= 0).all()
        assert (found[name] <= {"share": 1.0, "pause": 0.7}.get(name, np.inf)).all()
    assert found["regular"].dtype == bool
    assert not found["regular"][np.isnan(x) | np.isnan(following)].any()
    assert (found["early"][np.isnan(x)] == 0).all()


@given(hnp.arrays(np.float64, st.integers(12, 60), elements=st.floats(0.7, 0.9)), st.floats(0.1, 0.5))
def test_the_earlier_a_beat_the_more_premature_it_is(x: np.ndarray, factor: float) -> None:
    """Of two rhythms that differ in one beat; a pause behind it is long too."""
    place = len(x) // 2
    times = np.cumsum(x)
    early = times.copy()
    early[place] -= (1 - factor) * x[place]
    usual, changed = (features(*rhythm.intervals(t), Reach()) for t in (times, early))
    assert changed["early"][place] > usual["early"][place]
    assert changed["pause"][place] > usual["pause"][place]
    assert not changed["regular"][place]


@given(st.integers(1, 4), st.floats(0.2, 0.5), st.floats(0.6, 1.5), st.integers(0, 2**32 - 1))
def test_early_beats_in_a_pattern_are_regular_and_random_intervals_are_not(
    lag: int, early: float, usual: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    beats = np.full(200, usual)
    beats[::lag], beats[1::lag] = usual * (1 - early), usual * (1 + early)
    everything = np.ones(200, dtype=bool)
    jitter = np.exp(rng.normal(0, 0.01, 200))
    assert rhythm.irregularity(beats * jitter, everything, Reach()).max() < 0.05
    random = usual * rng.uniform(0.6, 1.4, 200)
    assert np.median(rhythm.irregularity(random, everything, Reach())) > 0.12


@given(st.lists(st.integers(5, 95), max_size=8), st.integers(0, 2**32 - 1))
def test_intervals_that_do_not_count_do_not_make_a_rhythm_irregular(rows: list[int], seed: int) -> None:
    beats = np.full(100, 0.8)
    usual = np.ones(100, dtype=bool)
    beats[rows], usual[rows] = np.random.default_rng(seed).uniform(0.3, 2.0, len(rows)), False
    assert rhythm.irregularity(beats, usual, Reach()).max() < 1e-12
    assert (rhythm.irregularity(beats, np.zeros(100, dtype=bool), Reach()) == 0).all()


@settings(deadline=None)
@given(gaps, st.integers(0, 40), st.integers(1, 59))
def test_causal_irregularity_and_neighbours_do_not_know_the_future(x: np.ndarray, learned: int, end: int) -> None:
    reach, usual = Reach(learned), x < 2.0
    if learned >= end or end > len(x):
        return
    for feature in (
        lambda y: rhythm.irregularity(y, usual[: len(y)], reach, 5),
        lambda y: reach.near(y, 4, 0.25),
        lambda y: rhythm.without_dropped(np.round(y), reach, 4, 1),
        rhythm.onset,
    ):
        np.testing.assert_array_equal(feature(x)[:end], feature(x[:end]))


@given(hnp.arrays(np.float64, st.integers(4, 60), elements=st.floats(0.7, 0.8)), st.floats(0.3, 0.6))
def test_a_compensatory_pause_takes_as_long_as_the_rhythm_beneath(x: np.ndarray, early: float) -> None:
    place = len(x) // 2
    beats = x.copy()
    beats[place], beats[place + 1] = early * x[place], (2 - early) * x[place]
    found = rhythm.without_pauses(beats)
    np.testing.assert_allclose(found[place + 1], x[place], rtol=1e-12)
    np.testing.assert_array_equal(np.delete(found, place + 1), np.delete(beats, place + 1))
    assert rhythm.without_pauses(np.zeros(0)).shape == (0,)


@given(values, st.randoms(use_true_random=False))
def test_a_beat_is_expected_after_the_usual_interval_around_it(x: np.ndarray, random) -> None:  # type: ignore[no-untyped-def]
    usual = np.array([random.random() < 0.5 for _ in x], dtype=bool)
    found, known = rhythm.expected_interval(x, usual, 4), np.where(usual, x, np.nan)
    for place, value in enumerate(found):
        window = known[max(place - 4, 0) : place + 5]
        there = window[~np.isnan(window)] if not np.isnan(window).all() else known[~np.isnan(known)]
        np.testing.assert_allclose(value, np.median(there) if len(there) else np.nan, rtol=1e-12)
    early = rhythm.earliness(x, found)
    np.testing.assert_allclose(early, 1 - x / found, atol=1e-12)


@given(gaps)
def test_suddenness_is_how_much_shorter_an_interval_is_than_the_one_before(x: np.ndarray) -> None:
    found = rhythm.suddenness(x)
    assert found.shape == x.shape
    assert found[0] == 0
    np.testing.assert_allclose(np.exp(-found[1:]) * x[:-1], np.minimum(x[1:], x[:-1]), rtol=1e-12)


@given(hnp.arrays(np.float64, st.integers(2, 30), elements=st.floats(0.98, 1.02)), st.floats(0.3, 0.7))
def test_a_run_is_as_sudden_as_its_first_beat_until_one_comes_late_again(run: np.ndarray, fast: float) -> None:
    before = np.full(5, 0.9)
    found = rhythm.onset(np.concatenate([before, 0.9 * fast * run, before]))
    assert found[:5].max() < 1e-9
    assert found[5 : 5 + len(run)].min() >= rhythm.suddenness(0.9 * np.array([1.0, fast * run[0]]))[1] - 1e-9
    assert found[5 + len(run) :].max() < 1e-9


@given(st.floats(0.4, 0.6), st.integers(20, 200))
def test_a_rate_that_is_reached_by_and_by_is_not_sudden(fast: float, beats: int) -> None:
    found = rhythm.onset(np.geomspace(0.9, 0.9 * fast, beats))
    np.testing.assert_allclose(found[1:], -np.log(fast) / (beats - 1), rtol=1e-6)


@given(st.integers(1, 40), st.integers(20, 60), st.floats(0.3, 0.6), st.sampled_from([None, 0, 30]))
def test_beats_that_are_dropped_leave_the_interval_beneath(
    dropped: int, kept: int, rr: float, learned: int | None
) -> None:
    x = np.concatenate([np.full(kept, rr), np.full(dropped, 2 * rr)])
    reach = Reach(learned)
    np.testing.assert_allclose(rhythm.without_dropped(x, reach), rr)
    np.testing.assert_allclose(rhythm.without_dropped(x[::-1], Reach(len(x))), rr)  # all beats are learned
    others = np.concatenate([np.full(kept, rr), np.full(dropped, 1.8 * rr)])
    assert rhythm.without_dropped(others, reach) is others
    alone = np.concatenate([np.full(kept, 2 * rr), np.tile([rr, 1.7 * rr], dropped)])  # early beats are no rhythm
    assert rhythm.without_dropped(alone, reach) is alone
    assert rhythm.without_dropped(np.zeros(0), reach).shape == (0,)


@given(st.integers(9, 30), st.floats(0.3, 0.6))
def test_conducted_beats_far_from_a_dropped_one_do_not_tell_of_it(kept: int, rr: float) -> None:
    x = np.concatenate([np.full(kept, rr), np.full(30, 1.5 * rr), [2 * rr], np.full(30, 1.5 * rr)])
    assert rhythm.without_dropped(x, Reach(), 20)[kept + 30] == 2 * rr
    assert rhythm.without_dropped(x, Reach(), 60)[kept + 30] == rr
