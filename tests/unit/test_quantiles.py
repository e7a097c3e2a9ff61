"""Quantiles of finite numbers: those of NumPy, to the last bit."""

import numpy as np
import pytest

from ecgan.quantiles import median, quantiles

SHAPES = [(1, 1), (1, 3), (2, 5), (7, 4), (12, 320), (501, 2)]


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_median_is_numpys(shape: tuple[int, int], kind: type, axis: int) -> None:
    values = np.random.default_rng(1).normal(size=shape).astype(kind)
    found, expected = median(values, axis), np.median(values, axis=axis)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shape", SHAPES)
def test_quantiles_are_numpys(shape: tuple[int, int], axis: int) -> None:
    values, shares = np.random.default_rng(2).normal(size=shape), [0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0]
    np.testing.assert_array_equal(quantiles(values, shares, axis), np.quantile(values, shares, axis=axis))


def test_values_are_left_in_their_order() -> None:
    values = np.array([3.0, 1.0, 2.0])
    assert float(median(values)) == 2.0
    assert values.tolist() == [3.0, 1.0, 2.0]
