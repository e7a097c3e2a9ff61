"""The detector `patient_specific`: what each component tells, what does not matter to it, and where it says nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from ecgan.detection.base import Mapping, OwnNormal, State
from ecgan.detection.densities import STRETCH, Space, mean_of_nearest, thinness
from ecgan.detection.detectors.patient_specific import PatientSpecific, PatientSpecificOptions
from ecgan.detection.fitted import fit_detector
from ecgan.detection.latents import build
from ecgan.errors import EcganError
from ecgan.samples import About, Samples

RATE, CENTRE, LENGTH, COUNT = 180.0, 70, 160, 120
WIDE, EARLY, WITHOUT_P = (20, 47, 80), (31, 60, 95), (25, 70, 104)


def record(
    name: str = "one",
    count: int = COUNT,
    wide: Any = WIDE,
    early: Any = EARLY,
    without_p: Any = WITHOUT_P,
    seed: int = 0,
) -> Samples:
    """A record of two leads; some beats have a wide QRS, others come early, others have no P wave."""
    rng = np.random.default_rng(seed)
    times = 0.4 + 0.8 * np.arange(count) + rng.normal(0, 0.008, count)
    times[[row for row in early if row < count]] -= 0.25
    time = (np.arange(LENGTH) - CENTRE) / RATE
    x = np.zeros((count, 2, LENGTH))
    for row in range(count):
        width, height = (0.035, 1.4) if row in wide else (0.014, 1.0)
        waves = [(0.0, width, height), (0.27, 0.04, 0.25), (-0.16, 0.02, 0.0 if row in without_p else 0.15)]
        for at, spread, size in waves:
            x[row] += size * np.exp(-0.5 * ((time - at) / spread) ** 2) * [[1.0], [-0.5]]
    x += rng.normal(0, 0.01, x.shape)
    gaps = np.diff(times)
    table = pd.DataFrame({"record": name, "patient": name, "time_s": times})
    table["rr_prev_s"], table["rr_next_s"] = np.append(np.nan, gaps), np.append(gaps, np.nan)
    return Samples(x.astype(np.float32), table, About(RATE, ["a", "b"], [], centre=CENTRE))


def timed(data: Samples, gaps: np.ndarray) -> Samples:
    """The same beats after other intervals."""
    table = data.table.assign(time_s=np.cumsum(gaps), rr_prev_s=gaps, rr_next_s=np.append(gaps[1:], np.nan))
    return replace(data, table=table)


def scores(data: Samples, rows: Any = slice(None), **options: Any) -> dict[str, np.ndarray]:
    detector = PatientSpecific(PatientSpecificOptions(**options))
    samples = data.seen(rows, detector.context)
    detector.fit(samples)
    return detector.components(samples)


def largest(values: np.ndarray, count: int = 3) -> set[int]:
    return set(np.argsort(values)[-count:].tolist())


def test_each_component_tells_one_thing() -> None:
    found = scores(record())
    assert largest(found["qrs"]) == set(WIDE)
    assert largest(found["p"]) == set(WITHOUT_P)
    assert largest(found["rhythm"]) == set(EARLY)
    assert largest(found["pause"]) == set(EARLY)
    assert set(WIDE + EARLY) <= largest(found["total"], 9)
    assert found["rhythm"][list(WIDE)].max() < 0.5 < 1 < found["rhythm"][list(EARLY)].min()


def test_beats_that_look_like_early_ones_are_in_their_company() -> None:
    """Of wide beats on time, those in a record whose other wide beats come early."""
    often, late = tuple(range(10, COUNT, 10)), 60
    quiet, suspect = (scores(record(wide=often, early=early)) for early in ((), set(often) - {late}))
    assert suspect["company"][late] > quiet["company"][late] + 0.1
    assert suspect["company"][late] > np.median(suspect["company"]) + 0.1


def test_the_total_is_what_its_weights_say() -> None:
    options: dict[str, Any] = {"qrs_weight": 0.5, "p_weight": 0.0, "rhythm_weight": 2.0, "pause_weight": 0.25}
    found = scores(record(), smoothing=0.0, company_weight=3.0, st_weight=0.75, residual_weight=0.5, **options)
    assert (found["irregular"] == 0).all()
    expected = 0.5 * found["qrs"] + 2 * found["rhythm"] + 0.25 * found["pause"] + 3 * found["company"]
    expected += 0.75 * found["st"] + 0.5 * found["residual"]
    np.testing.assert_allclose(found["total"], expected, rtol=1e-12)
    half = scores(record(), smoothing=0.5, company_weight=3.0, st_weight=0.75, residual_weight=0.5, **options)
    np.testing.assert_allclose(half["total"], (expected + half["smoothed"]) / 2, rtol=1e-12)


@pytest.mark.parametrize(
    "change", [lambda x: -3 * x + 2, lambda x: x * [[50.0], [0.01]] + [[1.0], [-7.0]]], ids=["all", "each lead"]
)
def test_scale_offset_and_polarity_of_a_lead_do_not_matter(change: Callable[[Any], Any]) -> None:
    data = record()
    found, other = scores(data), scores(replace(data, signals=change(data.signals.astype(np.float64))))
    for name, values in found.items():
        np.testing.assert_allclose(other[name], values, atol=1e-3, err_msg=name)


def test_where_the_r_mark_sits_does_not_matter() -> None:
    """Marks of usual beats that are moved by 28 ms: without alignment their QRS is taken for another."""
    data, moved = record(), [5, 12, 54, 90]
    x = data.signals.copy()
    x[moved] = np.roll(x[moved], -5, axis=2)
    found, aligned = scores(data)["qrs"], scores(replace(data, signals=x))["qrs"]
    unaligned = scores(replace(data, signals=x), align_ms=0.0)["qrs"]
    assert largest(aligned) == set(WIDE)
    assert np.abs(aligned - found)[moved].max() < 0.6
    assert (unaligned - found)[moved].min() > 1.5


def test_a_level_of_its_own_beneath_each_beat_does_not_matter() -> None:
    data = record()
    level = np.random.default_rng(4).normal(0, 0.5, (COUNT, 2, 1))
    found = scores(data, align_ms=0.0)
    other = scores(replace(data, signals=data.signals + level), align_ms=0.0)
    for name, values in found.items():
        np.testing.assert_allclose(other[name], values, atol=1e-3, err_msg=name)


def test_a_t_wave_of_its_own_is_told_by_st() -> None:
    data, turned = record(), [12, 50, 88]
    x = data.signals.copy()
    x[turned, :, 105:] *= -1
    found = scores(replace(data, signals=x))
    assert largest(found["st"]) == set(turned)
    assert largest(found["qrs"]) == set(WIDE)


def fibrillating(seed: int = 3) -> Samples:
    """A record whose intervals say nothing of each other, without P waves; some beats are wide."""
    data = record(count=400, early=(), without_p=range(400))
    gaps = np.random.default_rng(seed).uniform(0.45, 1.1, 400)
    return timed(data, gaps)


def test_in_atrial_fibrillation_short_intervals_are_no_anomaly_and_wide_beats_are() -> None:
    found = scores(fibrillating())
    assert found["irregular"].min() > 0.5
    normal = np.setdiff1d(np.arange(400), WIDE)
    assert found["total"][normal].max() < found["total"][list(WIDE)].min()
    aware, blind = (
        scores(fibrillating(), **options)["total"] for options in ({}, {"irregular_from": 8, "irregular_to": 9})
    )
    assert np.quantile(aware[normal], 0.98) < np.quantile(blind[normal], 0.98) - 0.3
    assert (scores(record())["irregular"] == 0).all()


def test_early_beats_in_a_pattern_are_as_early_as_rare_ones() -> None:
    """Atrial bigeminy: the median absolute deviation of its intervals is as large as they are early."""
    often, rare = tuple(range(61, 200, 2)), (31, 95, 160)
    for early in (often, rare):
        found = scores(record(count=200, wide=(), early=early, without_p=()))
        assert largest(found["total"], len(early)) == set(early)
        assert found["rhythm"][list(early)].min() > 1.5


def test_a_rate_that_breathing_changes_is_doubted_and_an_early_beat_is_not() -> None:
    data, early = record(count=300, wide=(), early=(), without_p=(100, 200)), [100, 200]
    gaps = 0.85 * np.exp(0.2 * np.sin(np.arange(300) / 2))
    gaps[early] = 0.55
    data = timed(data, gaps)
    found, credulous = (scores(data, doubt=doubt)["rhythm"] for doubt in (0.8, 0.0))
    assert largest(found, 2) == set(early)
    np.testing.assert_allclose(found[early], credulous[early], rtol=1e-6)
    fast = np.setdiff1d(np.flatnonzero(gaps < 0.75), early)
    assert np.median(found[fast] / credulous[fast]) < 0.6
    short = replace(data, signals=data.signals[:, :, 50:], about=replace(data.about, centre=CENTRE - 50))
    assert (scores(short, doubt=0.8)["rhythm"] == scores(short, doubt=0.0)["rhythm"]).all()  # no P wave to see


@pytest.mark.parametrize("options", [{}, {"causal": True, "learning_minutes": 2}])
def test_a_rate_that_is_reached_by_and_by_is_no_anomaly_and_one_that_is_reached_at_once_is(
    options: dict[str, Any],
) -> None:
    """Two minutes at 72 a minute, then minutes at 120: after thirty beats, under load, or with the first one."""
    rng, data = np.random.default_rng(5), record(count=500, wide=(), early=(), without_p=())
    slow, fast = np.arange(20, 145), np.arange(202, 213)
    for rise in (30, 1):
        gaps = np.full(500, 0.83)
        gaps[150:] = np.concatenate([np.geomspace(0.83, 0.5, rise + 1)[1:], np.full(350 - rise, 0.5)])
        given = timed(data, gaps * np.exp(rng.normal(0, 0.01, 500)))
        found, afar = (scores(given, **options, near_beats=beats)["rhythm"] for beats in (20, 80))
        assert found[slow].max() < 0.6
        if rise == 1:
            np.testing.assert_allclose(found[fast], afar[fast], rtol=1e-9)
            assert found[fast].min() > 2
        else:
            assert found[fast].max() < 0.8 < 1.2 < afar[fast].min()


def test_where_the_rate_was_reached_by_and_by_another_p_wave_makes_beats_early() -> None:
    without_p, gaps = (190, 200, 210, 220), np.full(500, 1.2)
    gaps[150:] = np.concatenate([np.geomspace(1.2, 0.75, 31)[1:], np.full(320, 0.75)])
    data = timed(record(count=500, wide=(), early=(), without_p=without_p), gaps)
    found = scores(data)["rhythm"]
    assert np.median(np.delete(found[190:225], [0, 10, 20, 30])) < 0.7 < 1.5 < found[list(without_p)].min()


def test_conducted_beats_between_dropped_ones_are_not_early_and_those_with_another_p_wave_are() -> None:
    """2:1 block, at times 1:1 conduction; beats without P wave come at the interval of 1:1 conduction."""
    early, conducted, gaps = (60, 90, 160), np.r_[100:115, 200:212], np.full(300, 1.4)
    gaps[conducted] = gaps[list(early)] = 0.7
    data = record(count=300, wide=(), early=early, without_p=early)
    found = scores(timed(data, gaps))["rhythm"]
    assert np.median(found[conducted]) < 0.3 < 2 < found[list(early)].min()


def test_a_noisy_stretch_is_said_to_be_noisy_and_not_abnormal() -> None:
    data, noisy = record(count=300), slice(200, 240)
    x = data.signals.copy()
    x[noisy] += np.random.default_rng(1).normal(0, 0.12, x[noisy].shape).astype(np.float32)
    found = scores(replace(data, signals=x))
    assert found["noise"][noisy].min() > 3 > 1.6 > np.delete(found["noise"], np.r_[noisy]).max()
    assert found["total"][noisy].max() < found["total"][list(WIDE + EARLY)].min()
    unaware = scores(replace(data, signals=x), stretch=0.0, noise_from=1e6)
    assert np.median(unaware["total"][noisy]) > np.median(found["total"][noisy]) + 0.8


def test_a_tachycardia_that_fills_most_of_a_record_is_not_its_normal() -> None:
    """Sinus rhythm for 130 of 400 beats, then one without P waves and with a T wave of its own, twice as fast."""
    data = record(count=400, wide=(20, 70), early=(), without_p=range(130, 400))
    x = data.signals.copy()
    x[130:, :, 95:] *= -0.6
    gaps = np.where(np.arange(400) < 130, 0.8, 0.4) + np.random.default_rng(0).normal(0, 0.005, 400)
    found = scores(timed(replace(data, signals=x), gaps))["total"]
    sinus, fast = np.setdiff1d(np.arange(2, 120), (20, 70)), np.arange(180, 390)
    assert np.quantile(found[sinus], 0.95) < np.quantile(found[fast], 0.05)


@pytest.mark.parametrize(("fast_s", "same"), [(0.5, True), (0.5, False), (0.42, True)])
def test_a_rate_with_the_same_p_wave_is_one_of_the_sinus_node_unless_it_is_very_fast(fast_s: float, same: bool) -> None:
    """For 200 of 400 beats the heart is fast."""
    data = record(count=400, wide=(), early=(), without_p=() if same else range(200, 400))
    gaps = np.where(np.arange(400) < 200, 0.8, fast_s) + np.random.default_rng(0).normal(0, 0.005, 400)
    data, slow, fast = timed(data, gaps), np.arange(20, 180), np.arange(300, 390)
    found, normal = scores(data)["total"], own_normal(data)
    if same and fast_s == 0.5:
        assert np.quantile(found[fast], 0.95) < np.quantile(found[slow], 0.95) + 0.3
        assert normal.usual[slow].mean() > 0.8 < normal.usual[fast].mean()
        assert normal.modes_by == ""
    else:
        assert same or np.quantile(found[slow], 0.95) < np.quantile(found[fast], 0.05)
        assert not normal.usual[fast].any()
        assert normal.modes_by == "rate"


@pytest.mark.parametrize("value", [0.0, 5.0], ids=["no contact", "saturated"])
def test_a_lead_that_carries_nothing_for_a_while_does_not_count(value: float) -> None:
    data, gone = record(count=300), slice(200, 240)
    x = data.signals.copy()
    x[gone, 1] = value
    found, whole = scores(replace(data, signals=x)), scores(data)
    assert np.abs(found["qrs"] - whole["qrs"])[gone].max() < 1
    assert largest(found["qrs"]) == set(WIDE)


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_a_lead_that_never_carries_anything_changes_nothing(value: float) -> None:
    """Neither scores nor what is said of rhythm and noise; wide and early beats, which make no fibrillation of it."""
    data = record(wide=tuple(range(3, COUNT, 5)), early=tuple(range(3, COUNT, 5)))
    nothing = np.full((COUNT, 1, LENGTH), value, dtype=np.float32)
    alone = scores(replace(data, signals=data.signals[:, :1]))
    beside = scores(replace(data, signals=np.concatenate([data.signals[:, :1], nothing], axis=1)))
    for name, values in alone.items():
        np.testing.assert_allclose(beside[name], values, atol=1e-9, err_msg=name)


def test_with_few_beats_nothing_is_usual() -> None:
    for count in (1, 2, 9):
        assert all((values == 0).all() for values in scores(record(count=count)).values())
    found = scores(record(count=12, wide=(6,), early=(6,), without_p=()))
    assert largest(found["total"], 1) == {6}


def test_without_regular_beats_all_are_the_usual_ones() -> None:
    """Alternating intervals: no beat has both near their median."""
    data = record(early=range(1, COUNT, 2))
    found = scores(data)
    assert largest(found["qrs"]) == set(WIDE)
    assert all(np.isfinite(values).all() for values in found.values())


def test_a_p_wave_that_samples_do_not_hold_is_left_out() -> None:
    data, late = record(), 50
    short = replace(data, signals=data.signals[:, :, late:], about=replace(data.about, centre=CENTRE - late))
    found = scores(short)
    assert (found["p"] == 0).all()
    assert largest(found["qrs"]) == set(WIDE)


def test_causal_scores_do_not_know_the_future() -> None:
    """Those of a record that ends: the same, but for its last beat, whose pause is not known yet."""
    options: dict[str, Any] = {"causal": True, "learning_minutes": 0.9}
    data, end = record(), 90
    whole, ended = scores(data, **options), scores(data[:end], **options)
    for name, values in ended.items():
        np.testing.assert_allclose(values[: end - 1], whole[name][: end - 1], atol=1e-9, err_msg=name)
    assert largest(whole["qrs"][70:]) >= {80 - 70}
    other = scores(data[:end])
    assert np.abs(other["total"][: end - 1] - scores(data)["total"][: end - 1]).max() > 1e-3


def test_a_record_does_not_see_the_others_and_order_does_not_matter() -> None:
    first, second = record("one"), record("two", seed=5, wide=(3,), early=(50,))
    order = np.random.default_rng(0).permutation(2 * COUNT)
    both = replace(
        first,
        signals=np.concatenate([first.signals, second.signals])[order],
        table=pd.concat([first.table, second.table]).iloc[order].reset_index(drop=True),
    )
    expected = np.concatenate([scores(first)["total"], scores(second)["total"]])[order]
    np.testing.assert_allclose(scores(both)["total"], expected, rtol=1e-9)
    np.testing.assert_allclose(scores(both, [7, 100])["total"], expected[[7, 100]], rtol=1e-9)


@pytest.mark.parametrize("flat", [slice(0, 1), slice(0, 2)], ids=["a lead", "both leads"])
def test_leads_without_signal_give_finite_scores(flat: slice) -> None:
    data = record()
    x = data.signals.copy()
    x[:, flat] = 0.5
    found = scores(replace(data, signals=x))
    assert all(np.isfinite(values).all() for values in found.values())
    assert largest(found["rhythm"]) == set(EARLY)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: replace(data, about=replace(data.about, centre=None)),
        lambda data: replace(data, about=replace(data.about, sampling_rate=0.0)),
        lambda data: replace(data, table=data.table.drop(columns="rr_prev_s")),
        lambda data: replace(data, signals=np.where(data.signals > 1.2, np.nan, data.signals)),
    ],
    ids=["no beats", "no rate", "no intervals", "not finite"],
)
def test_what_it_cannot_score_is_refused(change: Callable[[Samples], Samples]) -> None:
    with pytest.raises(EcganError):
        scores(change(record()))


def test_what_was_not_fitted_or_stored_is_refused() -> None:
    detector, samples = PatientSpecific(PatientSpecificOptions()), record().seen(slice(None), PatientSpecific.context)
    with pytest.raises(EcganError, match="has not been fitted"):
        detector.components(samples)
    for values in ({}, {"shape": [2]}, {"shape": [2, "160"]}, {"shape": [0, 160]}):
        with pytest.raises(EcganError, match="shape"):
            detector.restore(State(values=values))
    detector.fit(samples)
    assert all(values.shape == (0,) for values in detector.components(samples[[]]).values())


def test_beats_of_no_record_are_refused() -> None:
    data = record()
    with pytest.raises(EcganError, match="records"):
        scores(replace(data, table=data.table.drop(columns="record")))


def test_thinness_is_the_distance_to_a_quantile_of_the_usual_points() -> None:
    rng = np.random.default_rng(0)
    points, reference = rng.normal(size=(90, 3)), np.sort(rng.choice(90, 60, replace=False))
    far = np.sort(np.linalg.norm(points[:, None] - points[reference], axis=2), axis=1)
    for share, least, rank in ((0.5, 20, 30), (0.1, 20, 20), (0.01, 1, 1), (0.1, 50, 30)):
        expected = np.log(far[:, rank - 1] / np.median(far[reference, rank - 1]) + 0.1) if rank > 1 else None
        found = thinness(points, reference, share, least)
        if expected is not None:
            np.testing.assert_allclose(found, expected, rtol=1e-9)
        assert np.isfinite(found).all()


@pytest.mark.parametrize("learned", [None, 40, 300])
def test_the_mean_over_the_nearest_is_that_of_a_plain_loop(learned: int | None) -> None:
    count, rng = 700, np.random.default_rng(1)
    points, values = rng.normal(size=(count, 2)), rng.normal(size=count)
    known = np.full(count, count - 1) if learned is None else np.maximum(np.arange(count), learned - 1)
    found = mean_of_nearest(points, values, 5, known)
    for row in (0, 20, 299, 300, 511, 512, 699):
        there = points[: known[row] + 1]
        nearest = np.argsort(np.linalg.norm(there - points[row], axis=1))[:5]
        assert found[row] == pytest.approx(values[nearest].mean())


def test_in_a_long_record_the_like_of_a_beat_are_looked_for_around_it() -> None:
    count = 2 * STRETCH + 500
    points = np.zeros((count, 1))
    values = (np.arange(count) >= count // 2).astype(float)
    found = mean_of_nearest(points, values, STRETCH, np.full(count, count - 1))
    assert found[0] == 0
    assert found[-1] == 1
    assert np.isfinite(found).all()


def test_a_space_has_the_main_directions() -> None:
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(50, 2)) @ [[3.0, 0, 0, 4], [0, 0.1, 0, 0]] + 5
    space = Space.learn(rows, 1)
    np.testing.assert_allclose(np.abs(space.basis[:, 0]), [0.6, 0, 0, 0.8], atol=0.02)
    assert Space.learn(rows, 16).apply(rows).shape == (50, 4)
    assert Space.learn(rows[:1], 16).apply(rows).shape == (50, 0)


@pytest.mark.parametrize("count", [2, 12, 40])
def test_few_long_rows_have_the_directions_of_the_large_matrix(count: int) -> None:
    rng = np.random.default_rng(count)
    rows, others = rng.normal(size=(count, 60)).cumsum(axis=1), rng.normal(size=(5, 60)).cumsum(axis=1)
    space = Space.learn(rows, 16)
    _, vectors = np.linalg.eigh(np.cov(rows, rowvar=False))
    expected = vectors[:, ::-1][:, : min(16, count - 1)]
    assert space.basis.shape == expected.shape
    for some in (rows, others):
        np.testing.assert_allclose(np.abs(space.apply(some)), np.abs((some - rows.mean(axis=0)) @ expected), atol=1e-9)


def test_rows_that_are_all_the_same_have_no_direction() -> None:
    rows = np.tile(np.arange(30.0), (6, 1))
    assert Space.learn(rows, 16).apply(rows).shape == (6, 0)
    twice = np.repeat(np.random.default_rng(0).normal(size=(3, 30)), 2, axis=0)
    assert Space.learn(twice, 16).apply(twice).shape == (6, 2)


@pytest.mark.parametrize("causal", [False, True])
def test_threads_change_nothing(causal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, count = np.random.default_rng(0), 1500
    points, values = rng.normal(size=(count, 4)), rng.normal(size=count)
    known = np.maximum(np.arange(count), 199) if causal else np.full(count, count - 1)

    def found() -> list[Any]:
        usual = np.arange(0, count, 2)
        return [thinness(points, usual, 0.2, 20), mean_of_nearest(points, values, 30, known)]

    alone = found()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("ECGAN_WORKERS", "2")
    for one, other in zip(alone, found(), strict=True):
        np.testing.assert_array_equal(one, other)


def own_normal(data: Samples) -> OwnNormal:
    detector = PatientSpecific(PatientSpecificOptions())
    detector.fit(data.seen(slice(None), detector.context))
    found = detector.own_normal(data)
    assert found is not None
    return found


def test_its_normal_are_the_beats_on_time_and_beats_of_a_kind_lie_together() -> None:
    found = own_normal(record())
    assert not found.usual[list(EARLY)].any()
    assert found.usual.sum() > COUNT / 2
    assert len(found.points) == len(found.usual) == len(found.shifts) == COUNT
    usual = found.points[found.usual].mean(axis=0)
    for kind in (WIDE, EARLY):
        own = found.points[list(kind)]
        assert np.linalg.norm(own - own.mean(axis=0), axis=1).max() < np.linalg.norm(own - usual, axis=1).min()


def test_its_normal_follows_the_beats_in_whatever_order_they_are_given() -> None:
    data, order = record(), np.random.default_rng(2).permutation(COUNT)
    found, other = own_normal(data), own_normal(data[order])
    np.testing.assert_array_equal(other.usual, found.usual[order])
    np.testing.assert_array_equal(other.shifts, found.shifts[order])
    np.testing.assert_allclose(np.abs(other.points), np.abs(found.points[order]), atol=1e-6)  # directions have no sign


def test_a_record_with_few_beats_has_no_normal() -> None:
    assert PatientSpecific(PatientSpecificOptions()).own_normal(record(count=9)) is None


def without_t(data: Samples, rows: tuple[int, ...]) -> Samples:
    """The record with an inverted T wave in some beats."""
    time = (np.arange(LENGTH) - CENTRE) / RATE
    x = data.signals.copy()
    x[list(rows)] -= (0.5 * np.exp(-0.5 * ((time - 0.27) / 0.04) ** 2) * np.array([[1.0], [-0.5]])).astype(np.float32)
    return replace(data, signals=x)


def modelled(rebuild: Callable[[Any], Any], **more: Any) -> Mapping:
    """A model that reconstructs by a function of what it is handed, (n, C, L)."""

    def refuse(_: Any) -> Any:
        raise AssertionError

    return Mapping(refuse, refuse, rebuild=lambda x, seed: rebuild(x), **more)


def test_what_the_template_leaves_of_a_beat() -> None:
    data = without_t(record(wide=(), early=(), without_p=()), (22, 41, 77))
    found = scores(data, residual_weight=0.5, stretch=0.0)
    assert largest(found["residual"]) == {22, 41, 77}
    assert abs(np.median(found["residual"]) - np.log(1.3)) < 0.1
    assert largest(found["qrs"]) != {22, 41, 77}


def test_what_the_next_beat_puts_into_a_sample_is_left_out() -> None:
    data = record(wide=(), early=(), without_p=())
    table, x = data.table.copy(), data.signals.copy()
    table.loc[50, "rr_next_s"] = 0.35
    x[50, :, CENTRE + round(0.3 * RATE) :] += 2
    near = scores(replace(data, table=table, signals=x), residual_weight=0.5)["residual"]
    assert near[50] < np.quantile(near, 0.95)
    assert np.argmax(scores(replace(data, signals=x), residual_weight=0.5)["residual"]) == 50


def test_with_a_model_the_residual_is_what_the_model_leaves() -> None:
    data = without_t(record(), (22, 41, 77))
    strange = np.isin(np.arange(COUNT), (30, 31))

    def rebuild(x: Any) -> Any:
        return x - np.where(strange, 0.3, 0.01)[:, None, None] * np.sin(np.arange(LENGTH))[None, None] - 0.1

    detector = PatientSpecific(PatientSpecificOptions(residual_weight=0.5), modelled(rebuild))
    samples = data.seen(slice(None), detector.sees)
    detector.fit(samples)
    found = detector.components(samples)
    assert largest(found["residual"], 2) == {30, 31}
    alone = scores(data, residual_weight=0.5)
    for name in ("qrs", "p", "rhythm", "pause", "company"):
        np.testing.assert_array_equal(found[name], alone[name])
    assert detector.reconstruct(samples) is not None


def test_without_a_weight_no_model_is_asked() -> None:
    def refuse(_: Any) -> Any:
        raise AssertionError

    data, detector = record(), PatientSpecific(PatientSpecificOptions(residual_weight=0.0), modelled(refuse))
    samples = data.seen(slice(None), detector.sees)
    detector.fit(samples)
    assert not detector.components(samples)["residual"].any()


def test_a_causal_one_tells_the_model_of_no_beats_but_the_learned_ones() -> None:
    told: list[int] = []

    def look(samples: Samples) -> Any:
        assert samples.around is not None
        told.append(len(samples.around))
        return samples.signals

    for causal in (True, False):
        options = PatientSpecificOptions(residual_weight=0.5, causal=causal, learning_minutes=0.5)
        detector = PatientSpecific(options, modelled(lambda x: 0.9 * x, look=look))
        samples = record().seen(slice(None), detector.sees)
        detector.fit(samples)
        detector.components(samples)
    assert told == [38, COUNT]


def test_a_run_of_a_model_shows_it_samples_and_reconstructions() -> None:
    detector = build(PatientSpecific, PatientSpecificOptions(), modelled(lambda x: x), seed=0)
    assert isinstance(detector, PatientSpecific)


def test_beats_without_a_readable_lead_cannot_be_read() -> None:
    data, rng = record(), np.random.default_rng(4)
    x = data.signals.copy()
    x[[10, 11]] += rng.normal(0, 0.3, (2, 2, LENGTH))
    x[12] = 0.5  # no lead has contact
    x[13, 0] = 0.5
    x[14, 0] += rng.normal(0, 0.3, LENGTH)
    found = scores(replace(data, signals=x.astype(np.float32)))
    detector = PatientSpecific(PatientSpecificOptions())
    assert np.flatnonzero(detector.unreadable(found)).tolist() == [10, 11, 12]
    assert not detector.irregular(found).any()


def test_its_states_are_there_whatever_a_strategy_weighs(monkeypatch: pytest.MonkeyPatch) -> None:
    data = record()
    detector = PatientSpecific(PatientSpecificOptions())
    seen = data.seen(slice(None), detector.context)
    fitted = fit_detector(detector, ["plain"], seen, seen, np.zeros(COUNT, np.int64), threshold="quantile")
    assert set(fitted.score(seen, "plain").components) >= {"total", "irregular", "noise"}
    monkeypatch.setattr(fitted.strategies["plain"], "needs", ("total",))
    assert set(fitted.score(seen, "plain").components) == {"total", "irregular", "noise"}


def with_first(data: Samples, first: np.ndarray) -> Samples:
    """A record with another lead in front of its own first one."""
    x = np.stack([np.broadcast_to(first, data.signals[:, 0].shape), data.signals[:, 0]], axis=1)
    return replace(data, signals=x.astype(np.float32))


@pytest.mark.parametrize("first", ["dead", "noise"])
def test_where_the_first_lead_shows_nothing_another_one_tells_everything(first: str) -> None:
    data = record(count=300)
    moved = np.random.default_rng(5).integers(-5, 6, 300)  # of the mark: beats must be laid on each other
    x = np.stack([np.roll(beat, step, axis=1) for beat, step in zip(data.signals, moved.tolist(), strict=True)])
    noise = np.random.default_rng(1).normal(0, 1.0 if first == "noise" else 0.0, x[:, 0].shape)
    found = scores(with_first(replace(data, signals=x), noise))
    for name, rows in {"qrs": WIDE, "p": WITHOUT_P, "rhythm": EARLY}.items():
        assert largest(found[name]) == set(rows), name
    assert largest(found["total"], 6) == {*WIDE, *EARLY}


def test_beats_alike_in_the_second_lead_keep_company_while_the_first_one_is_off() -> None:
    early = tuple(range(6, 300, 12))
    data = record(count=300, wide=early, early=early)
    x = data.signals.copy()
    x[100:200, 0] = 0.0
    company = scores(replace(data, signals=x))["company"]
    there = [row for row in early if 100 <= row < 200]
    others = np.setdiff1d(np.arange(100, 200), there)
    assert company[there].min() > 2 * company[others].max()


def test_beats_are_looked_at_in_a_much_clearer_lead_whichever_is_the_first() -> None:
    data = record(count=300)
    noisy = data.signals[:, 0] + np.random.default_rng(2).normal(0, 0.3, data.signals[:, 0].shape)
    both = with_first(data, noisy)
    swapped = replace(both, signals=both.signals[:, ::-1])
    for name in ("p", "company", "smoothed"):
        np.testing.assert_allclose(scores(both)[name], scores(swapped)[name], atol=1e-6, err_msg=name)


def test_a_p_wave_that_no_lead_shows_is_not_missed() -> None:
    """Small noise before the QRS, as in fibrillation, is no P wave unlike the others."""
    data = record(count=300, without_p=range(300))
    x = data.signals.copy()
    x[::37, :, 20:50] += np.random.default_rng(4).normal(0, 0.05, x[::37, :, 20:50].shape)
    assert np.abs(scores(replace(data, signals=x))["p"]).max() < 0.5


def test_beats_are_laid_on_each_other_by_the_second_lead_while_the_first_one_is_off() -> None:
    data, gone = record(count=300), slice(100, 200)
    moved = np.random.default_rng(5).integers(-6, 7, 300)
    x = np.stack([np.roll(beat, step, axis=1) for beat, step in zip(data.signals, moved.tolist(), strict=True)])
    x[gone, 0] = 0.0
    found = PatientSpecific(PatientSpecificOptions())
    found.fit(data)
    normal = found.own_normal(replace(data, signals=x))
    assert normal is not None
    ordinary = np.setdiff1d(np.arange(100, 200), (*WIDE, *EARLY, *WITHOUT_P))
    assert np.ptp(normal.shifts[ordinary] - moved[ordinary]) <= 2


def test_what_was_found_of_a_record_is_taken_for_that_record_alone() -> None:
    data, other = record(), record(count=150)
    detector = PatientSpecific(PatientSpecificOptions())
    for one in (data, other):
        seen = one.seen(slice(None), detector.context)
        assert seen.around is not None
        assert seen.around.signals is seen.signals, "a day is not copied"
        detector.fit(seen)
        detector.components(seen)
        found = detector.own_normal(seen)
        assert found is not None
        np.testing.assert_array_equal(found.points, own_normal(one).points)
    detector.components(data.seen(slice(None), detector.context))
    found = detector.own_normal(other.seen(slice(None), detector.context))
    assert found is not None
    np.testing.assert_array_equal(found.points, own_normal(other).points)


def test_its_scores_are_the_same_bytes_in_one_thread_and_in_two() -> None:
    rng = np.random.default_rng(3)
    data = record(count=300)
    wide = np.repeat(data.signals, 4, axis=2)  # covariances that are large enough for BLAS to share out
    data = replace(data, signals=(wide + rng.normal(0, 0.01, wide.shape)).astype(np.float32))
    data = replace(data, about=replace(data.about, sampling_rate=4 * RATE, centre=4 * CENTRE))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            found.append(scores(data))
            assert {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"} == {threads}
    for name, values in found[0].items():
        np.testing.assert_array_equal(found[1][name], values, err_msg=name)
