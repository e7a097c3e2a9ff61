"""Fréchet distance: its closed form, and what it does to shifted, scaled and equal sets."""

import numpy as np
import pytest
import torch

from ecgan.errors import EcganError
from ecgan.evaluation.frechet import frechet_distance
from ecgan.generation.features import frechet_in_features, require_features
from ecgan.models.cnn import Cnn, CnnOptions
from ecgan.models.layers.initialisation import InitOptions
from ecgan.models.rnn import Rnn


def whitened(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    """Points whose mean is 0 and whose covariance is exactly the identity."""
    x = rng.normal(size=(count, size))
    x -= x.mean(axis=0)
    root = np.linalg.cholesky(np.cov(x, rowvar=False))
    return np.linalg.solve(root, x.T).T


def test_equal_sets_have_none_whatever_their_order() -> None:
    x = np.random.default_rng(0).normal(size=(50, 8))
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-9)


def test_shifted_and_scaled_normal_distributions_have_that_of_the_closed_form() -> None:
    rng = np.random.default_rng(1)
    x, y = whitened(rng, 80, 5), whitened(rng, 60, 5)
    shift = np.array([1.0, -2.0, 0.0, 0.5, 0.0])
    assert frechet_distance(x, y) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, y + shift) == pytest.approx(5.25, rel=1e-9)
    assert frechet_distance(x, 3 * y) == pytest.approx(5 * (3 - 1) ** 2, rel=1e-9)  # Σ (σ_x − σ_y)²
    spread = np.diag([1.0, 2.0, 3.0, 4.0, 5.0])
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    assert frechet_distance(x @ turn, y @ spread @ turn) == pytest.approx(0 + 1 + 4 + 9 + 16, rel=1e-9)


def test_is_symmetric_and_does_not_notice_a_rotation() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(40, 6)), rng.normal(size=(30, 6)) * 2 + 1
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    found = frechet_distance(x, y)
    assert found > 1
    assert frechet_distance(y, x) == pytest.approx(found, rel=1e-9)
    assert frechet_distance(x @ turn, y @ turn) == pytest.approx(found, rel=1e-9)


def test_fewer_points_than_dimensions_give_a_number() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4, 10))
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(x, x + 1) == pytest.approx(10, rel=1e-6)


@pytest.mark.parametrize("shapes", [((1, 3), (4, 3)), ((4, 3), (4, 2)), ((4, 3, 1), (4, 3, 1))])
def test_sets_that_cannot_be_compared_are_refused(shapes: tuple) -> None:
    with pytest.raises(EcganError, match="two sets"):
        frechet_distance(*(np.zeros(shape) for shape in shapes))


def test_features_are_what_the_logits_are_made_of() -> None:
    torch.manual_seed(0)
    model = Cnn(CnnOptions(width=0.125), channels=1, length=64, classes=3).eval()
    x = torch.randn(5, 1, 64)
    with torch.no_grad():
        found = model.features(x)
        body = model.network.body(x)
    assert found.shape == (5, body.shape[1])
    assert torch.allclose(found, body.mean(dim=-1))
    assert torch.allclose(model.network.head(body).flatten(1), model.logits(x))


def test_signals_like_real_ones_are_near_in_features_and_others_far() -> None:
    torch.manual_seed(0)
    options = CnnOptions(width=0.125, init=InitOptions(name="glorot_normal"))
    model = Cnn(options, channels=1, length=64, classes=3).eval()
    real, other, near = torch.randn(3, 300, 1, 64).unbind()
    found = frechet_in_features(model, real, near, other[:200])
    assert found["frechet_signals"] == 200
    assert found["frechet"] == pytest.approx(found["frechet_real"], rel=0.5)
    far = frechet_in_features(model, real, near + 5, other[:200])
    assert far["frechet"] > 10 * found["frechet"]
    assert far["frechet_real"] == found["frechet_real"]


def test_a_model_without_features_is_refused() -> None:
    with pytest.raises(EcganError, match="rnn"):
        require_features(Rnn(Rnn.Options(width=0.125), channels=1, length=64, classes=2))
