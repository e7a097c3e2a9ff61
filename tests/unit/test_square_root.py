"""Square roots that are the same on every processor."""

from typing import Any

import numpy as np
import pytest
import torch

from ecgan.arithmetic import square_root


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_square_roots_are_the_nearest_numbers_that_there_are(kind: type[np.floating[Any]]) -> None:
    whole = np.uint32 if kind is np.float32 else np.uint64
    infinite = int(np.array(np.inf, kind).view(whole))
    draws = np.random.default_rng(0).integers(0, infinite, 100_000, dtype=whole).view(kind)  # of every size
    x = np.concatenate([draws, np.array([0, np.inf, np.nan, np.finfo(kind).smallest_subnormal], kind)])
    with np.errstate(invalid="ignore"):
        expected = np.sqrt(x)
    np.testing.assert_array_equal(square_root(torch.from_numpy(x)).numpy(), expected)


def test_square_roots_keep_shape_and_order_and_leave_what_they_are_of() -> None:
    x = torch.arange(12.0).reshape(3, 4).square()
    kept = x.clone()
    assert torch.equal(square_root(x.T), torch.arange(12.0).reshape(3, 4).T)
    assert torch.equal(square_root(x.requires_grad_()), torch.arange(12.0).reshape(3, 4))
    assert not square_root(x).requires_grad
    assert torch.equal(x.detach(), kept)
    assert float(square_root(torch.tensor(9.0))) == 3
