"""Transformations map into their range, come back, and learn from nothing but training data."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ecgan.preprocessing.transformations import (
    TRANSFORMATIONS,
    fit_transformation,
    make_transformation,
    restore_transformation,
)

quick = settings(deadline=None, max_examples=60)
NAMES = st.sampled_from(sorted(TRANSFORMATIONS))
RANGES = st.sampled_from([None, (0.0, 1.0), (-1.0, 1.0), (-3.0, 0.5)])


def signals(least=1):
    values = st.floats(-1e3, 1e3, width=32)
    return st.tuples(st.integers(least, 6), st.integers(1, 3), st.integers(1, 7)).flatmap(
        lambda shape: hnp.arrays(np.float32, shape, elements=values)
    )


def fitted(name, target, x):
    transformation = make_transformation(name, target)
    transformation.fit(x)
    return transformation


@quick
@given(signals(), NAMES, RANGES)
def test_what_is_transformed_comes_back(x, name, target):
    transformation = fitted(name, target, x)
    y = transformation.transform(x)
    back = transformation.invert(y, x)
    assert y.dtype == back.dtype == np.float32
    assert back.shape == x.shape
    assert y.shape == (len(x), transformation.channels(x.shape[1]), x.shape[2])
    assert len(transformation.channel_names([f"lead {c}" for c in range(x.shape[1])])) == y.shape[1]
    span = float(x.max() - x.min())
    exactness = 1e-4 if name == "whitening" else 1e-6  # an inverse of a matrix
    np.testing.assert_allclose(back, x, atol=exactness * (span + np.abs(x).max()) + 1e-12, rtol=10 * exactness)


@quick
@given(signals(), st.sampled_from(["minmax", "individual"]), RANGES)
def test_training_data_fill_the_target_range(x, name, target):
    low, high = target or (0.0, 1.0)
    y = fitted(name, target, x).transform(x)
    axes = (0, 2) if name == "minmax" else 2
    constant = x.min(axis=axes) == x.max(axis=axes)
    np.testing.assert_allclose(y.min(axis=axes), np.where(constant, (low + high) / 2, low), atol=1e-6)
    np.testing.assert_allclose(y.max(axis=axes), np.where(constant, (low + high) / 2, high), atol=1e-6)


@quick
@given(signals(2))
def test_standard_has_mean_0_and_deviation_1(x):
    y = fitted("standard", None, x).transform(x).astype(np.float64)
    for lead in range(x.shape[1]):
        if np.ptp(x[:, lead].astype(np.float64)) > 1e-3 * (1 + np.abs(x[:, lead]).max()):
            assert abs(y[:, lead].mean()) < 1e-4
            assert abs(y[:, lead].std() - 1) < 1e-3
        elif x[:, lead].min() == x[:, lead].max():
            assert (y[:, lead] == 0).all()


@quick
@given(signals(), signals(), NAMES)
def test_a_sample_is_transformed_alone_as_among_others(x, other, name):
    other = np.resize(other, (3, *x.shape[1:])).astype(np.float32)
    transformation = fitted(name, None, x)
    together = transformation.transform(np.concatenate([x, other]))
    for index in range(len(x)):
        alone = transformation.transform(x[index : index + 1])[0]
        if name == "whitening":  # products of matrices are rounded otherwise than of vectors
            np.testing.assert_allclose(alone, together[index], rtol=1e-6, atol=1e-6 * (1 + np.abs(together).max()))
        else:
            assert np.array_equal(alone, together[index])


@quick
@given(signals(), NAMES, RANGES)
def test_the_state_goes_through_json_to_the_same_bytes(x, name, target):
    transformation = fitted(name, target, x)
    again = restore_transformation(json.loads(json.dumps(transformation.state())))
    y = transformation.transform(x)
    assert np.array_equal(again.transform(x), y)
    assert np.array_equal(again.invert(y, x), transformation.invert(y, x))


@quick
@given(signals(2), st.sampled_from(["minmax", "individual", "whitening", "fourier"]), RANGES)
def test_data_scaled_to_a_range_pass_its_check(x, name, target):
    assert fit_transformation(name, x, target).name == name


def test_blocks_make_no_difference(monkeypatch):
    x = np.random.default_rng(0).normal(size=(50, 2, 9)).astype(np.float32)
    whole = {name: fitted(name, (-1, 1), x) for name in TRANSFORMATIONS}
    expected = {name: one.transform(x) for name, one in whole.items()}
    monkeypatch.setattr("ecgan.preprocessing.transformations.base.BLOCK", 7)
    for name in TRANSFORMATIONS:
        one = fitted(name, (-1, 1), x)
        np.testing.assert_allclose(one.transform(x), expected[name], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(one.invert(expected[name], x), x, rtol=1e-4, atol=1e-5)


def test_a_reconstruction_is_scaled_like_its_own_beat():
    like = np.array([[[0.0, 2.0]], [[10.0, 30.0]]], dtype=np.float32)
    y = np.full((2, 1, 2), 0.5, dtype=np.float32)
    back = make_transformation("individual", (0.0, 1.0)).invert(y, like)
    assert back[:, 0, 0].tolist() == [1.0, 20.0]
    with pytest.raises(Exception, match="cannot be scaled like"):
        make_transformation("individual").invert(y, like[:1])
