"""The maximum mean discrepancy between two sets of signals."""

import math

import numpy as np
import pytest
import torch

from ecgan.errors import EcganError
from ecgan.evaluation.discrepancy import median_distance, mmd2


def naive(x: np.ndarray, y: np.ndarray, sigma: float) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return math.exp(-float(((a - b) ** 2).sum()) / (2 * sigma**2))

    def within(a: np.ndarray) -> float:
        pairs = [kernel(a[i], a[j]) for i in range(len(a)) for j in range(len(a)) if i != j]
        return sum(pairs) / len(pairs)

    between = [kernel(a, b) for a in x for b in y]
    return within(x) + within(y) - 2 * sum(between) / len(between)


@pytest.mark.parametrize("sigma", [0.7, 5.0])
def test_equals_a_loop_over_all_pairs(sigma: float) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(7, 2, 5, generator=generator)
    y = torch.randn(9, 2, 5, generator=generator) + 0.5
    assert mmd2(x, y, sigma) == pytest.approx(naive(x.double().numpy(), y.double().numpy(), sigma), abs=1e-12)


def test_two_points_in_each_set_by_hand() -> None:
    # distances: 2 within x, 0 within y, 1 between all; k = exp(-d² / 2)
    x, y = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [1.0]])
    assert mmd2(x, y, 1.0) == pytest.approx(math.exp(-2) + 1 - 2 * math.exp(-0.5), abs=1e-12)


def test_has_no_bias_and_is_not_cut_off_at_zero() -> None:
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randn(400, 2, 8, 3, generator=generator)
    values = np.array([mmd2(x, y, 1.5) for x, y in drawn])
    assert (values < 0).mean() > 0.3
    assert abs(values.mean()) < 3 * values.std() / math.sqrt(len(values))


def test_grows_with_the_difference() -> None:
    generator = torch.Generator().manual_seed(2)
    x, y = torch.randn(2, 100, 1, 16, generator=generator)
    near, far = mmd2(x, y + 0.2), mmd2(x, y + 1.0)
    assert mmd2(x, y) < near < far


def test_the_usual_bandwidth_is_the_median_distance_in_the_reference_whatever_it_is_compared_with() -> None:
    x = torch.tensor([[0.0], [1.0], [3.0]])  # distances 1, 2, 3
    assert median_distance(x) == 2
    y = torch.tensor([[100.0], [200.0], [400.0]])
    assert mmd2(x, y) == mmd2(x, y, 2.0)
    many = torch.randn(30, 2, 4, generator=torch.Generator().manual_seed(3))
    pairs = [float((many[i] - many[j]).norm()) for i in range(30) for j in range(i)]
    assert median_distance(many) == pytest.approx(float(np.median(pairs)), rel=1e-6)


def test_equal_signals_give_numbers() -> None:
    same = torch.ones(4, 1, 8)
    assert mmd2(same, same.clone()) == 0
    assert mmd2(same, same + 1) > 0
    mostly = torch.cat([same, torch.zeros(1, 1, 8)])  # six of ten pairs coincide
    assert median_distance(mostly) == pytest.approx(0.4 * math.sqrt(8))


@pytest.mark.parametrize(("m", "n", "length"), [(1, 4, 3), (4, 1, 3), (4, 4, 2)])
def test_sets_that_cannot_be_compared_are_refused(m: int, n: int, length: int) -> None:
    with pytest.raises(EcganError, match="two sets"):
        mmd2(torch.zeros(m, 1, 3), torch.zeros(n, 1, length))


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan])
def test_a_bandwidth_that_is_not_positive_is_refused(sigma: float) -> None:
    with pytest.raises(EcganError, match="bandwidth"):
        mmd2(torch.rand(4, 3), torch.rand(4, 3), sigma)
