"""The components R, D and Z: their formulas, their precision, their chunks."""

import numpy as np
import pytest

from ecgan.detection import components as parts
from ecgan.detection.base import Mapping
from ecgan.errors import EcganError
from tests.making import samples


def test_reconstruction_error_is_the_mean_over_leads_and_time():
    x = np.array([[[1, 2], [3, 4]], [[0, 0], [0, 0]]], dtype=np.float32)
    x_hat = np.array([[[1, 0], [3, 1]], [[0, 0], [0, 2]]], dtype=np.float32)
    error = parts.reconstruction_error(x, x_hat)
    assert error.tolist() == [(4 + 9) / 4, 4 / 4]
    assert error.dtype == np.float64


def test_feature_matching_is_the_mean_over_features():
    assert parts.feature_matching(np.float32([[1, 1, 4]]), np.float32([[1, 0, 2]])).tolist() == [5 / 3]


def test_errors_are_summed_in_float64():
    x = np.full((1, 1, 4096), 1e4, dtype=np.float32)
    x[0, 0, 0] = 1e4 + 1
    assert parts.reconstruction_error(x, np.full_like(x, 1e4))[0] == 1 / 4096


def test_latent_deviation_is_signed():
    z = np.float32([[3, 4], [0, 1]])
    assert parts.latent_deviation(z, 2.0).tolist() == [3.0, -1.0]


def test_a_reconstruction_of_another_shape_is_not_broadcast():
    with pytest.raises(ValueError, match="shapes differ"):
        parts.reconstruction_error(np.zeros((4, 1, 8), np.float32), np.zeros((1, 1, 8), np.float32))


def test_mode_is_the_centre_of_the_fullest_of_fifty_bins():
    norms = np.array([0.0, 5.0, *[2.13, 2.14, 2.15], *[4.01, 4.02]])  # bins of width 0.1: 21 is the fullest
    assert parts.mode_of_norms(norms) == pytest.approx(2.15)


def test_mode_of_equal_norms_is_that_norm():
    assert parts.mode_of_norms(np.full(7, 1.25)) == 1.25
    assert parts.mode_of_norms(np.array([3.0])) == 3.0
    assert parts.mode_of_norms(np.array([0.0, 5e-324])) == 0.0  # no 50 bins fit in between


def test_mode_of_a_normal_latent_is_near_that_of_the_chi_distribution():
    z = np.random.default_rng(0).normal(size=(60_000, 6)).astype(np.float32)
    assert parts.mode_of_norms(parts.latent_norm(z)) == pytest.approx(np.sqrt(5), abs=0.15)


def _mapping(*, features=True, seen=None):
    def decode(z):
        if seen is not None:
            seen.append(len(z))
        return np.repeat(z[:, None, :], 4, axis=2)[:, :, :8]

    return Mapping(invert=lambda x: x[:, 0, :2], decode=decode, features=(lambda x: x[:, 0, ::2]) if features else None)


def test_chunks_give_the_same_bytes_as_one_piece(monkeypatch):
    x = np.random.default_rng(1).normal(size=(23, 1, 8)).astype(np.float32)
    z = x[:, 0, :2]
    whole = parts.model_components(samples(x), z, _mapping(), 1.0)
    seen = []
    monkeypatch.setattr(parts.chunks, "__defaults__", (5,))
    pieces = parts.model_components(samples(x), z, _mapping(seen=seen), 1.0)
    assert seen == [5, 5, 5, 5, 3]
    assert {k: v.tobytes() for k, v in whole.items()} == {k: v.tobytes() for k, v in pieces.items()}
    assert set(whole) == {"reconstruction", "discrimination", "latent"}
    assert all(v.dtype == np.float64 and v.shape == (23,) for v in whole.values())


def test_without_features_there_is_no_discrimination():
    x = np.zeros((3, 1, 8), np.float32)
    assert set(parts.model_components(samples(x), x[:, 0, :2], _mapping(features=False), 0.0)) == {
        "reconstruction",
        "latent",
    }


def test_a_model_that_diverged_is_refused_with_the_count():
    x = np.zeros((5, 1, 8), np.float32)
    x[[1, 3], 0, 0] = np.nan
    with pytest.raises(EcganError, match="2 of 5 samples") as caught:
        parts.model_components(samples(x), x[:, 0, :2], _mapping(), 0.0)
    assert "diverged" in caught.value.hint


def _judging(logits):
    """A model that reconstructs zeros, of which the discriminator thinks `logits`."""
    return Mapping(
        invert=lambda x: x[:, 0, :2],
        decode=lambda z: np.zeros((len(z), 1, 8), np.float32),
        discriminate=lambda x: np.float32(logits)[: len(x)],
    )


def test_target_value_is_the_probability_of_not_being_real():
    x = np.ones((3, 1, 8), np.float32)
    found = parts.model_components(samples(x), x[:, 0, :2], _judging([0.0, np.log(3), -np.log(3)]), 0.0, "target_value")
    np.testing.assert_allclose(found["discrimination"], [0.5, 0.25, 0.75], rtol=1e-6)


def test_log_is_higher_the_less_real_a_reconstruction_looks():
    x = np.ones((3, 1, 8), np.float32)
    found = parts.model_components(samples(x), x[:, 0, :2], _judging([0.0, np.log(3), -np.log(3)]), 0.0, "log")
    np.testing.assert_allclose(found["discrimination"], -np.log([0.5, 0.75, 0.25]), rtol=1e-6)


@pytest.mark.parametrize("kind", ["target_value", "log"])
def test_the_values_of_a_critic_are_no_trouble_however_large(kind):
    x = np.ones((4, 1, 8), np.float32)
    found = parts.model_components(samples(x), x[:, 0, :2], _judging([3000.0, 20.0, -20.0, -3000.0]), 0.0, kind)
    values = found["discrimination"]
    assert np.isfinite(values).all()
    assert values[0] == 0.0
    assert (np.diff(values) >= 0).all()
    assert values[1] > 0


@pytest.mark.parametrize("kind", ["target_value", "log"])
def test_the_discriminator_judges_the_reconstruction_and_not_the_sample(kind):
    seen = []
    mapping = Mapping(
        invert=lambda x: x[:, 0, :2],
        decode=lambda z: np.full((len(z), 1, 8), 7, np.float32),
        discriminate=lambda x: (seen.append(float(x.mean())), np.zeros(len(x), np.float32))[1],
    )
    parts.model_components(samples(np.ones((2, 1, 8), np.float32)), np.zeros((2, 2), np.float32), mapping, 0.0, kind)
    assert seen == [7.0]


def test_what_a_model_gives_depends_on_how_it_judges():
    both = ("reconstruction", "discrimination", "latent")
    assert parts.component_names(_mapping(), "feature_matching") == both
    assert parts.component_names(_mapping(), "log") == ("reconstruction", "latent")
    assert parts.component_names(_judging([0.0]), "feature_matching") == ("reconstruction", "latent")
    assert parts.component_names(_judging([0.0]), "target_value") == both
