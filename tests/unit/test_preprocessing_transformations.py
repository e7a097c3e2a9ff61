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
X = RNG.normal(size=(30, 20, 2)).astype(np.float32) * 3


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
    check_range(transformation, np.full((2, 3, 1), 0.5, np.float32), (0.0, 1.0))
    for value in (-0.1, 1.1):
        with pytest.raises(EcganError, match="can only produce"):
            check_range(transformation, np.full((2, 3, 1), value, np.float32), (0.0, 1.0))


def test_new_samples_beyond_the_training_range_are_not_clipped():
    transformation = fit_transformation("minmax", np.array([[[0.0], [2.0]]], np.float32), (0.0, 1.0))
    assert transformation.apply(np.array([[[4.0], [-2.0]]], np.float32)).ravel().tolist() == [2.0, -1.0]


def test_leads_are_scaled_each_by_its_own_range():
    x = np.stack([np.linspace(0, 1, 5), np.linspace(-50, 50, 5)], axis=1)[None].astype(np.float32)
    y = fit_transformation("minmax", x, (-1.0, 1.0)).apply(x)
    assert np.allclose(y[..., 0], y[..., 1])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_data_that_are_not_finite_are_refused(bad):
    x = X.copy()
    x[-1, 3, 1] = bad
    for name in TRANSFORMATIONS:
        with pytest.raises(EcganError, match="NaN or infinity"):
            make_transformation(name).fit(x)


def test_wrong_shapes_and_unfitted_transformations_are_refused():
    with pytest.raises(EcganError, match=r"expected \(n, L, C\)"):
        make_transformation("minmax").fit(X[0])
    with pytest.raises(EcganError, match="was not fitted"):
        make_transformation("standard").apply(X)
    with pytest.raises(EcganError, match="learned on 2 leads"):
        fit_transformation("minmax", X).apply(X[:, :, :1])
    with pytest.raises(EcganError, match="there is no transformation 'fourier'"):
        make_transformation("fourier")


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


@pytest.mark.parametrize("state", [None, [], {}, {"name": "none", "target": [0, 1], "low": [1]}, {"name": "minmax"}])
def test_what_is_no_state_is_refused(state):
    with pytest.raises(EcganError, match="cannot be used"):
        restore_transformation(state)


def test_memory_stays_near_the_result():
    x = np.zeros((20_000, 100, 1), dtype=np.float32)
    x[:, 50] = 1
    transformation = fit_transformation("individual", x, (-1.0, 1.0))
    tracemalloc.start()
    transformation.apply(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * x.nbytes
