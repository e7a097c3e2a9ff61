"""Transformations refuse what a model could not learn from, and stored ones are checked."""

import tracemalloc
from typing import get_args

import numpy as np
import pytest

from ecgan.config import Train
from ecgan.errors import EcganError
from ecgan.preprocessing.transformations import (
    TRANSFORMATIONS,
    check_range,
    fit_transformation,
    make_transformation,
    restore_transformation,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 2, 20)).astype(np.float32) * 3


def test_the_schema_offers_the_transformations_that_there_are():
    assert get_args(Train.model_fields["transformation"].annotation) == tuple(TRANSFORMATIONS)


@pytest.mark.parametrize("name", ["none", "standard"])
def test_data_that_a_bounded_model_cannot_produce_are_refused(name):
    with pytest.raises(
        EcganError, match=rf"from -1 to 1, but with the transformation '{name}' .* reach from -\d"
    ) as caught:
        fit_transformation(name, X, (-1.0, 1.0))
    assert "individual or minmax" in caught.value.hint
    assert "without bounds" in caught.value.hint
    fit_transformation(name, X, None)


def test_data_on_one_side_of_the_range_are_refused_too():
    transformation = make_transformation("none")
    check_range(transformation, np.full((2, 1, 3), 0.5, np.float32), (0.0, 1.0))
    for value in (-0.1, 1.1):
        with pytest.raises(EcganError, match="can only produce"):
            check_range(transformation, np.full((2, 1, 3), value, np.float32), (0.0, 1.0))


def test_new_samples_beyond_the_training_range_are_not_clipped():
    transformation = fit_transformation("minmax", np.array([[[0.0, 2.0]]], np.float32), (0.0, 1.0))
    assert transformation.transform(np.array([[[4.0, -2.0]]], np.float32)).ravel().tolist() == [2.0, -1.0]


def test_leads_are_scaled_each_by_its_own_range():
    x = np.stack([np.linspace(0, 1, 5), np.linspace(-50, 50, 5)])[None].astype(np.float32)
    y = fit_transformation("minmax", x, (-1.0, 1.0)).transform(x)
    assert np.allclose(y[:, 0], y[:, 1])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_data_that_are_not_finite_are_refused(bad):
    x = X.copy()
    x[-1, 1, 3] = bad
    for name in TRANSFORMATIONS:
        with pytest.raises(EcganError, match="NaN or infinity"):
            make_transformation(name).fit(x)


def test_wrong_shapes_and_unfitted_transformations_are_refused():
    with pytest.raises(EcganError, match=r"expected \(n, C, L\)"):
        make_transformation("minmax").fit(X[0])
    with pytest.raises(EcganError, match="was not fitted"):
        make_transformation("standard").transform(X)
    with pytest.raises(EcganError, match="learned on 2 leads"):
        fit_transformation("minmax", X).transform(X[:, :1])
    with pytest.raises(EcganError, match="there is no transformation 'wavelet'"):
        make_transformation("wavelet")
    for name in ("fourier", "whitening"):
        with pytest.raises(EcganError, match="was not fitted"):
            make_transformation(name).transform(X)
        with pytest.raises(EcganError, match=rf"{name}' was learned on .*2 leads, the samples have shape"):
            fit_transformation(name, X).transform(X[:, :1])
    with pytest.raises(EcganError, match="learned on 20 time steps"):
        fit_transformation("whitening", X).transform(X[..., :10])


def good_state() -> dict:
    return fit_transformation("minmax", X).state()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"name": ["none"]},
        {"low": None},
        {"low": [1.0]},
        {"low": [float("nan"), 1.0]},
        {"low": [True, False]},
        {"low": ["1", "2"]},
        {"target": [1.0]},
        {"target": [1.0, 0.0]},
        {"extra": [1.0]},
    ],
)
def test_a_broken_state_is_refused(change):
    restore_transformation(good_state())
    with pytest.raises(EcganError, match="the stored transformation cannot be used"):
        restore_transformation(good_state() | change)


@pytest.mark.parametrize("name", ["whitening", "fourier"])
@pytest.mark.parametrize("key", ["mean", "matrix", "low", "high"])
def test_broken_states_of_whitening_and_fourier_are_refused(name, key):
    state = fit_transformation(name, X).state()
    if key not in state:
        return
    for value in (state[key][:-1], [], [*state[key], 1.0], None):
        with pytest.raises(EcganError, match="cannot be used"):
            restore_transformation(state | {key: value})
    with pytest.raises(EcganError, match="cannot be used"):
        restore_transformation({k: v for k, v in state.items() if k != key})


def test_a_spectrum_has_two_values_a_lead():
    state = fit_transformation("fourier", X).state()
    with pytest.raises(EcganError, match="cannot be used"):
        restore_transformation(state | {key: state[key][:-1] for key in ("low", "high")})


def test_a_stored_whitening_without_an_inverse_is_one_sentence():
    state = fit_transformation("whitening", X).state()
    again = restore_transformation(state | {"matrix": [0.0] * len(state["matrix"])})
    with pytest.raises(EcganError, match="cannot be inverted"):
        again.invert(again.transform(X), X)


def test_whitening_of_long_samples_is_refused():
    with pytest.raises(EcganError, match=r"1,025 time steps needs a matrix of 1,050,625 numbers") as caught:
        fit_transformation("whitening", np.zeros((2, 1, 1025), np.float32))
    assert "preprocess.resampling" in caught.value.hint


def correlated(count: int = 4000) -> np.ndarray:
    """Two leads (n, 2, 16) whose time steps go together, with an offset, in different sizes."""
    steps = RNG.normal(size=(count, 2, 16)).cumsum(axis=2) * [[1.0], [40.0]] + [[0.3], [-7.0]]
    return steps.astype(np.float32)


def test_whitened_time_steps_have_mean_0_variance_1_and_no_correlation():
    x = correlated()
    whitening = fit_transformation("whitening", x)
    y = whitening.transform(x).astype(np.float64)
    assert np.abs(y.mean(axis=0)).max() < 1e-4
    for lead in range(2):
        assert np.abs(np.cov(y[:, lead].T, bias=True) - np.eye(16)).max() < 0.02  # but for the regularisation
    other = whitening.transform(x[:10] + np.float32(1.0))
    assert np.abs(other - y[:10]).max() > 0.05  # the mean is that of the training data, not of what is transformed


def test_whitening_changes_as_little_as_whitening_can():
    x = correlated()
    y = fit_transformation("whitening", x).transform(x)
    for lead in range(2):
        together = (x[:, lead] - x[:, lead].mean(axis=0)).T @ y[:, lead] / len(x)
        np.testing.assert_allclose(together, together.T, rtol=1e-2, atol=2e-2 * np.abs(together).max())  # ZCA, not PCA
        assert (np.diag(together) > 0).all()


@pytest.mark.parametrize("name", ["whitening", "fourier"])
def test_they_fill_the_range_of_a_bounded_model(name):
    x = correlated(200)
    for low, high in ((-1.0, 1.0), (0.0, 1.0)):
        y = fit_transformation(name, x, (low, high)).transform(x)
        channels = [y[:, channel] for channel in range(y.shape[1])]
        assert [one.min() for one in channels] == pytest.approx([low] * len(channels), abs=1e-5)
        assert [one.max() for one in channels] == pytest.approx([high] * len(channels), abs=1e-5)


def test_whitening_is_not_scaled_for_a_model_without_bounds():
    y = fit_transformation("whitening", correlated()).transform(correlated())
    assert y.min() < -3
    assert y.max() > 3


def test_the_spectrum_of_a_tone_is_where_it_belongs_in_its_own_lead():
    time = np.arange(64) / 64
    x = np.zeros((3, 2, 64), np.float32)
    x[0, 0] = np.cos(2 * np.pi * 5 * time)
    x[0, 1] = np.cos(2 * np.pi * 11 * time)
    x[1, 0] = np.sin(2 * np.pi * 3 * time)
    x[1, 1] = np.sin(2 * np.pi * 9 * time)
    fourier = fit_transformation("fourier", x)
    assert fourier.channels(2) == 4
    assert fourier.channel_names(["I", "II"]) == ["I real", "I imaginary", "II real", "II imaginary"]
    y = fourier.transform(x)
    assert y.shape == (3, 4, 64)
    moved = np.abs(y - y[2]) > 1e-3  # the third sample is 0 everywhere
    assert np.argwhere(moved[0].T).tolist() == [[5, 0], [11, 2], [53, 2], [59, 0]]
    assert np.argwhere(moved[1].T).tolist() == [[3, 1], [9, 3], [55, 3], [61, 1]]
    assert not moved[2].any()


def test_a_part_that_is_nothing_but_rounding_is_not_blown_up():
    x = np.repeat(np.array([0.1, 0.7, -1.3], np.float32), 12).reshape(3, 1, 12)  # constant samples: no imaginary part
    y = fit_transformation("fourier", x, (-1.0, 1.0)).transform(x)
    assert (y[:, 1] == 0).all()


def test_coefficients_of_no_real_signal_come_back_as_the_nearest_real_one():
    x = correlated(50)
    fourier = fit_transformation("fourier", x)
    y = fourier.transform(x) + RNG.normal(0, 0.01, (50, 4, 16)).astype(np.float32)
    back = fourier.invert(y, x)
    assert back.shape == x.shape
    again = fourier.invert(fourier.transform(back), x)
    np.testing.assert_allclose(again, back, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", sorted(TRANSFORMATIONS))
def test_fitting_again_gives_the_same_bytes(name):
    x = correlated(500)
    first, second = (fit_transformation(name, x, None) for _ in range(2))
    assert first.state() == second.state()
    assert first.transform(x).tobytes() == second.transform(x).tobytes()


@pytest.mark.parametrize("state", [None, [], {}, {"name": "none", "target": [0, 1], "low": [1]}, {"name": "minmax"}])
def test_what_is_no_state_is_refused(state):
    with pytest.raises(EcganError, match="cannot be used"):
        restore_transformation(state)


def test_memory_stays_near_the_result():
    x = np.zeros((20_000, 1, 100), dtype=np.float32)
    x[..., 50] = 1
    transformation = fit_transformation("individual", x, (-1.0, 1.0))
    tracemalloc.start()
    transformation.transform(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * x.nbytes
