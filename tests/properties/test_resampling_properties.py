"""Resampling against independent references: the package lttb, Steinarsson's program, torch, SciPy."""

from fractions import Fraction
from math import floor
from typing import Any

import lttb as package
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ecgan.errors import EcganError
from ecgan.preprocessing import lttb as module
from ecgan.preprocessing.lttb import lttb, pylttb
from ecgan.preprocessing.options import Resampling
from ecgan.preprocessing.resampling import fixed_rate, interpolate, polyphase, resample
from tests import making

F64 = np.ndarray[Any, np.dtype[np.float64]]


@st.composite
def batches(draw: st.DrawFn, dtype: type = np.float64, least: int = 4, most: int = 90) -> F64:
    """Samples (n, C, L): any float32 numbers, or few whole ones, which make many triangles equally large."""
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(least, most)))
    smooth = st.floats(-1e6, 1e6, width=32)
    coarse = st.integers(-3, 3).map(float)
    steps = st.integers(-400, 400).map(lambda value: round(value * 0.005, 4))  # an analogue-digital converter's
    return draw(arrays(dtype, shape, elements=draw(st.sampled_from([smooth, coarse, steps]))))


def loop(x: F64, length: int) -> F64:
    time = np.arange(x.shape[2], dtype=np.float64)
    kept = [[package.downsample(np.stack([time, lead], 1), length)[:, 1] for lead in sample] for sample in x]
    return np.array(kept)


@settings(deadline=None)
@given(x=batches(), share=st.floats(0, 1))
def test_lttb_gives_exactly_the_points_of_the_package(x: F64, share: float) -> None:
    length = 3 + round(share * (x.shape[2] - 3))
    before = x.copy()
    assert np.array_equal(lttb(x, length), loop(x, length))
    assert np.array_equal(x, before)


def test_so_it_does_where_only_rounding_tells_triangles_apart() -> None:
    steps = np.random.default_rng(0).normal(size=(200, 1, 187)).cumsum(axis=2) * 10
    x = np.round(steps) * 0.005  # mV, as a converter of 200 steps a mV gives them
    assert np.array_equal(lttb(x, 160), loop(x, 160))


def test_so_it_does_for_long_series_in_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x = np.round(rng.normal(size=(23, 2, 700)).cumsum(axis=2), 2).astype(np.float32)
    expected = loop(x.astype(np.float64), 61).astype(np.float32)
    for values in (1, 12 * 2 * 5, 1 << 22):
        monkeypatch.setattr(module, "_VALUES", values)
        found = lttb(x, 61)
        assert found.dtype == np.float32
        assert np.array_equal(found, expected)


def steinarsson(y: F64, length: int, taken: F64 | None = None) -> tuple[list[int], float]:
    """The points of Steinarsson's program, written down slowly from his thesis.

    With `taken`, follow those points instead, and return by how much their triangles fall short of the largest, at
    worst, as a share of the terms of the area.
    """
    n, every = len(y), (len(y) - 2) / (length - 2)
    points, last, short = [0], 0, 0.0
    for i in range(length - 2):
        after = range(floor((i + 1) * every) + 1, min(floor((i + 2) * every) + 1, n))
        mean_x, mean_y = sum(after) / len(after), sum(float(y[j]) for j in after) / len(after)
        bucket = range(floor(i * every) + 1, floor((i + 1) * every) + 1)
        areas = [0.5 * abs((last - mean_x) * (y[j] - y[last]) - (last - j) * (mean_y - y[last])) for j in bucket]
        chosen = bucket[int(np.argmax(areas))]
        if taken is not None:
            assert taken[i + 1] in bucket
            chosen = int(taken[i + 1])
            scale = n * max(1e-300, float(np.abs(y).max()))
            short = max(short, (max(areas) - areas[bucket.index(chosen)]) / scale)
        points.append(chosen)
        last = chosen
    return [*points, n - 1], short


def positions(kept: F64, x: F64, length: int) -> F64:
    """Where the kept values were: time itself was thinned out as a second series would be."""
    from tsdownsample import LTTBDownsampler

    points = LTTBDownsampler().downsample(np.ascontiguousarray(x), n_out=length).astype(np.int64)
    assert np.array_equal(kept, x[points])
    return points


@settings(deadline=None)
@given(x=batches(), share=st.floats(0, 1))
def test_pylttb_has_the_buckets_of_steinarsson_and_points_with_the_largest_triangle(x: F64, share: float) -> None:
    length = 3 + round(share * (x.shape[2] - 3))
    found = pylttb(x, length)
    for kept, series in zip(found, x, strict=True):
        for channel in range(x.shape[1]):
            if length == x.shape[2]:
                assert np.array_equal(kept[channel], series[channel])
                continue
            taken = positions(kept[channel], series[channel], length)
            assert taken[0] == 0
            assert taken[-1] == x.shape[2] - 1
            assert steinarsson(series[channel], length, taken)[1] < 1e-12


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), length=st.integers(4, 200), share=st.floats(0, 1))
def test_without_ties_pylttb_gives_exactly_the_points_of_steinarsson(seed: int, length: int, share: float) -> None:
    y = np.random.default_rng(seed).normal(size=length)
    kept = 3 + round(share * (length - 4))
    assert np.array_equal(pylttb(y[None, None], kept)[0, 0], y[steinarsson(y, kept)[0]])


def test_the_variants_have_other_buckets() -> None:
    x = np.random.default_rng(0).normal(size=(1, 1, 187))
    assert not np.array_equal(lttb(x, 160), pylttb(x, 160))


@pytest.mark.parametrize("thin_out", [lttb, pylttb])
def test_what_lttb_cannot_do_is_refused(thin_out: Any) -> None:
    x = np.zeros((2, 1, 10))
    for length in (2, 11):
        with pytest.raises(EcganError, match=f"cannot give {length} of 10 time steps"):
            thin_out(x, length)
    x[1, 0, 3] = np.nan
    with pytest.raises(EcganError, match="missing or infinite"):
        thin_out(x, 5)


@settings(deadline=None)
@given(x=batches(least=2), length=st.integers(1, 150))
def test_interpolation_is_that_of_torch(x: F64, length: int) -> None:
    found = interpolate(x, length)
    expected = torch.nn.functional.interpolate(torch.from_numpy(x), size=length, mode="linear")
    assert found.shape == (*x.shape[:2], length)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-9 * np.abs(x).max())


@settings(deadline=None)
@given(x=batches(), k=st.integers(1, 9))
def test_a_rate_that_divides_takes_every_kth_value_exactly(x: F64, k: int) -> None:
    assert np.array_equal(fixed_rate(x, Fraction(1, k)), x[..., ::k])


@settings(deadline=None)
@given(
    x=batches(),
    up=st.integers(1, 40),
    down=st.integers(1, 40),
    way=st.sampled_from([fixed_rate, polyphase]),
)
def test_a_batch_is_resampled_one_by_one_and_lead_by_lead(x: F64, up: int, down: int, way: Any) -> None:
    together = way(x, Fraction(up, down))
    for sample in range(len(x)):
        for lead in range(x.shape[1]):
            alone = way(x[sample : sample + 1, lead : lead + 1], Fraction(up, down))
            np.testing.assert_allclose(together[sample, lead], alone[0, 0], atol=1e-12 * np.abs(x).max())


@settings(deadline=None)
@given(up=st.integers(1, 60), down=st.integers(1, 60), steps=st.integers(2, 200))
def test_fixed_rate_and_polyphase_keep_straight_lines_at_the_true_rate(up: int, down: int, steps: int) -> None:
    line = (3.0 - 0.25 * np.arange(steps))[None, None]
    ratio = Fraction(up, down)
    for way, length in ((fixed_rate, (steps - 1) * up // down + 1), (polyphase, -(-steps * up // down))):
        found = way(line, ratio)
        assert found.shape == (1, 1, length)
        times = np.arange(length) * down / up
        inside = times <= steps - 1
        np.testing.assert_allclose(found[0, 0, inside], 3.0 - 0.25 * times[inside], atol=1e-12 * steps)


def test_polyphase_takes_out_what_the_new_rate_cannot_carry_and_fixed_rate_does_not() -> None:
    time = np.arange(3600) / 360
    for frequency, kept in ((10.0, True), (100.0, False)):
        tone = np.sin(2 * np.pi * frequency * time)[None, None]
        slow = polyphase(tone, Fraction(1, 3))[0, 0, 100:-100]
        there = np.sin(2 * np.pi * frequency * np.arange(1200) / 120)[100:-100]
        assert np.abs(slow - (there if kept else 0)).max() < 0.01
    assert np.abs(fixed_rate(tone, Fraction(1, 3))).max() > 0.8, "folded back to 20 Hz"


def options(**values: Any) -> Resampling:
    return Resampling.model_validate(values)


@pytest.mark.parametrize(
    ("values", "length", "rate", "centre"),
    [
        ({"method": "none"}, 320, 360.0, 140),
        ({"method": "lttb", "length": 160}, 160, 180.0, 70),
        ({"method": "lttb", "variant": "pylttb", "length": 160}, 160, 180.0, 70),
        ({"method": "interpolate", "length": 80}, 80, 90.0, 35),
        ({"method": "interpolate", "length": 640}, 640, 720.0, 280),
        ({"method": "fixed_rate", "rate_hz": 90.0}, 80, 90.0, 35),
        ({"method": "fixed_rate", "rate_hz": 125.0}, 111, 125.0, 49),
        ({"method": "polyphase", "rate_hz": 125.0}, 112, 125.0, 49),
        ({"method": "polyphase", "rate_hz": 500.0}, 445, 500.0, 194),
    ],
)
def test_rate_length_and_r_peak_follow(values: dict[str, Any], length: int, rate: float, centre: int) -> None:
    time = np.arange(320) / 360
    x = np.exp(-0.5 * ((time - 140 / 360) / 0.012) ** 2)[None, None].repeat(2, axis=0)
    found = resample(making.samples(x, sampling_rate=360.0, centre=140), options(**values))
    assert found.signals.shape == (2, 1, length)
    assert found.about.sampling_rate == pytest.approx(rate)
    assert found.about.centre == centre
    assert abs(int(found.signals[0, 0].argmax()) - centre) <= (1 if values["method"] != "lttb" else 8)
    if values["method"] == "none":
        assert found.signals is x
    assert resample(making.samples(x, sampling_rate=360.0), options(**values)).about.centre is None


def test_rates_that_make_no_sense_are_refused() -> None:
    x = np.zeros((1, 1, 100))
    with pytest.raises(EcganError, match="no sampling rate"):
        resample(making.samples(x), options(method="polyphase", rate_hz=100.0))
    for rate in (0.01, 0.0723, 99_999.0):
        with pytest.raises(EcganError, match="samples at 10 Hz cannot be brought to" if rate > 1 else "at 360 Hz"):
            resample(
                making.samples(x, sampling_rate=10.0 if rate > 1 else 360.0), options(method="fixed_rate", rate_hz=rate)
            )


@pytest.mark.parametrize(
    "values",
    [
        {"method": "lttb"},
        {"method": "polyphase"},
        {"method": "lttb", "length": 3},
        {"method": "none", "length": 160},
        {"method": "interpolate", "length": 160, "rate_hz": 100.0},
        {"method": "fixed_rate", "rate_hz": 100.0, "length": 160},
    ],
)
def test_options_that_do_not_belong_together_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Resampling"):
        options(**values)
