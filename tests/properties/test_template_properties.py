"""The template of a record and alignment to it, for any beats: moved, scaled, offset, short."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgan.ecg import template
from ecgan.ecg.template import aligned, covered, template_and_shifts, window

rates = st.sampled_from([125.0, 180.0, 250.0, 360.0, 500.0])


def beats(rate: float, moves: np.ndarray, leads: int = 2, seed: int = 0) -> tuple[np.ndarray, int]:
    """Beats (n, C, L) with their R peak `moves` (n,) samples behind the centre, which is returned as well."""
    centre, length = round(0.4 * rate), round(0.9 * rate)
    time = (np.arange(length) - centre - moves[:, None, None]) / rate  # (n, 1, L)
    waves = ((0.0, 0.012, 1.0), (-0.16, 0.02, 0.15), (0.03, 0.012, -0.4), (0.28, 0.04, 0.3))
    x = sum(height * np.exp(-0.5 * ((time - at) / width) ** 2) for at, width, height in waves)
    x = x * np.linspace(1.0, -0.6, leads)[:, None]
    return x + np.random.default_rng(seed).normal(0, 0.005, x.shape), centre


@settings(deadline=None, max_examples=40)
@given(rates, st.integers(0, 10**6))
def test_beats_that_were_moved_are_moved_back(rate: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    most = int(0.02 * rate)
    moves = np.where(rng.random(60) < 0.6, 0, rng.integers(-most, most + 1, 60))
    x, centre = beats(rate, moves, seed=seed)
    _, shifts = template_and_shifts(x, np.ones(60, bool), centre, rate)
    usual = np.bincount(shifts - moves + 2 * most).argmax() - 2 * most
    assert abs(usual) <= 1
    assert np.abs(shifts - moves - usual).max() <= 1


@settings(deadline=None, max_examples=40)
@given(rates, st.floats(0.01, 100), st.floats(-50, 50), st.sampled_from([1.0, -1.0]), st.integers(0, 99))
def test_scale_offset_and_polarity_of_a_lead_do_not_move_beats(
    rate: float, scale: float, offset: float, sign: float, seed: int
) -> None:
    moves = np.random.default_rng(seed).integers(-3, 4, 20)
    x, centre = beats(rate, moves)
    other = sign * x * [[5.0], [scale]] + offset
    chosen = np.ones(20, bool)
    first, shifts = template_and_shifts(x, chosen, centre, rate)
    second, others = template_and_shifts(other, chosen, centre, rate)
    np.testing.assert_array_equal(others, shifts)
    np.testing.assert_allclose(second, sign * first * [[5.0], [scale]] + offset, atol=1e-6 * (5 + scale + abs(offset)))


@given(st.floats(-400, 400), st.floats(0, 400), rates, st.integers(1, 500), st.integers(0, 499))
def test_a_window_lies_in_the_sample_and_where_it_was_asked_for(
    begin: float, width: float, rate: float, length: int, centre: int
) -> None:
    centre = min(centre, length - 1)
    place = {"sampling_rate": rate, "centre": centre, "length": length}
    part = window(begin, begin + width, **place)
    assert 0 <= part.start <= part.stop <= length
    asked = set(range(centre + round(begin * rate / 1000), centre + round((begin + width) * rate / 1000)))
    assert set(range(length)[part]) == asked & set(range(length))
    assert 0 <= covered(begin, begin + width, **place) <= 1


@given(st.integers(1, 30), st.integers(-40, 40), st.integers(0, 20), st.integers(0, 20))
def test_an_aligned_part_is_cut_from_the_beat_continued_at_its_ends(
    length: int, shift: int, begin: int, width: int
) -> None:
    x = np.random.default_rng(length).normal(size=(2, 3, length))
    begin = min(begin, length)
    part = slice(begin, min(begin + width, length))
    found = aligned(x, np.array([shift, 0]), part)
    padded = np.pad(x, ((0, 0), (0, 0), (60, 60)), mode="edge")
    np.testing.assert_array_equal(found[0], padded[0][:, 60 + shift + part.start : 60 + shift + part.stop])
    np.testing.assert_array_equal(found[1], x[1][:, part])


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 29), st.integers(1, 3))
def test_any_sample_can_be_aligned(length: int, count: int, centre: int, leads: int) -> None:
    x = np.random.default_rng(length).normal(size=(count, leads, length))
    x[0] = 0
    found, shifts = template_and_shifts(x, np.ones(count, bool), min(centre, length - 1), 360.0)
    assert found.shape == (leads, length)
    assert np.isfinite(found).all()
    assert shifts.shape == (count,)
    assert np.abs(shifts).max() <= 14
    assert shifts[0] == 0


@settings(deadline=None, max_examples=40)
@given(rates, st.floats(0.5, 20), st.sampled_from([1, -1]), st.integers(1, 3))
def test_the_width_of_a_qrs_knows_no_gain_polarity_and_rate(rate: float, gain: float, sign: int, leads: int) -> None:
    x, centre = beats(rate, np.zeros(1, dtype=np.int64), leads)
    clean = np.median(beats(rate, np.zeros(60, dtype=np.int64), leads)[0], axis=0)
    width = template.qrs_ms(clean, centre, rate)
    assert 60 <= width <= 130
    assert abs(template.qrs_ms(sign * gain * clean + 3, centre, rate) - width) <= 2e3 / rate
    assert template.qrs_ms(np.zeros_like(x[0]), centre, rate) <= 1e3 / rate


def test_a_wide_qrs_is_told_from_a_narrow_one() -> None:
    time = (np.arange(320) - 140) / 360
    wide, narrow = (np.exp(-0.5 * (time / width) ** 2)[None] for width in (0.03, 0.012))
    assert template.qrs_ms(narrow, 140, 360.0) < 90 < 120 < template.qrs_ms(wide, 140, 360.0)
