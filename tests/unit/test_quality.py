"""Noise and dead leads of beats."""

import numpy as np
import pytest

from ecgan.ecg import quality

RATE, CENTRE, LENGTH = 360.0, 140, 320


def beats(count: int = 40, seed: int = 0) -> np.ndarray:
    """Beats of two leads, (n, 2, L), with a QRS, a T wave and a little noise."""
    time = (np.arange(LENGTH) - CENTRE) / RATE
    shape = np.exp(-0.5 * (time / 0.012) ** 2) + 0.3 * np.exp(-0.5 * ((time - 0.28) / 0.04) ** 2)
    rng = np.random.default_rng(seed)
    return shape * [[1.0], [0.4]] + rng.normal(0, 0.004, (count, 2, LENGTH))


def test_noise_is_in_units_of_the_usual_and_gain_does_not_matter() -> None:
    x, usual = beats(), np.arange(20)
    x[30, 1] += np.random.default_rng(1).normal(0, 0.04, LENGTH)
    found = quality.noise(x, usual, CENTRE, RATE)
    assert found.shape == (40, 2)
    assert 8 < found[30, 1] < 12
    assert np.delete(found.ravel(), 61).max() < 1.5
    np.testing.assert_allclose(quality.noise(x * [[7.0], [-0.1]] + 3, usual, CENTRE, RATE), found, rtol=1e-6)


def test_the_qrs_of_a_neighbour_is_no_noise() -> None:
    x = beats()
    x[5, :, :60] += x[4, :, CENTRE - 30 : CENTRE + 30]
    assert quality.noise(x, np.arange(20), CENTRE, RATE)[5].max() < 1.5


def test_short_samples_have_no_noise_to_speak_of() -> None:
    assert (quality.noise(beats()[:, :, CENTRE - 20 : CENTRE + 20], np.arange(20), 20, RATE) == 1).all()


@pytest.mark.parametrize("change", ["flat", "saturated", "nearly flat"])
def test_a_lead_without_ecg_is_dead(change: str) -> None:
    x = beats()
    if change == "flat":
        x[7, 0] = 0.3
    elif change == "saturated":
        x[7, 0] = np.minimum(x[7, 0] + 3.0, 3.0)
    else:
        x[7, 0] *= 0.01
    found = quality.dead(x, np.arange(20))
    assert found[7].tolist() == [True, False]
    assert found.sum() == 1


def test_a_lead_that_is_flat_in_all_beats_is_dead() -> None:
    x = beats()
    x[:, 1] = 0.0
    assert quality.dead(x, np.arange(20)).tolist() == [[False, True]] * 40
    assert np.isfinite(quality.noise(x, np.arange(20), CENTRE, RATE)).all()
