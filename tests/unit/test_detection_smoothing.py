"""The component S: smoothing, units of what is normal, storage."""

import math

import numpy as np
import pytest

from ecgan.detection.base import Mapping, State
from ecgan.detection.smoothing import SmoothedError, smoothed
from ecgan.errors import EcganError
from ecgan.evaluation.ranking import auroc
from ecgan.registry import DETECTORS
from tests.making import samples


def residuals(count: int, seed: int, channels: int = 2, length: int = 50) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, channels, length)).astype(np.float32)


def test_smoothing_is_a_convolution_with_a_gaussian() -> None:
    """Against a sum written out, with the sample mirrored at its ends."""
    r, sigma = residuals(2, 0).astype(np.float64), 0.04 * 50
    reach = round(4 * sigma)
    weights = np.array([math.exp(-0.5 * (k / sigma) ** 2) for k in range(-reach, reach + 1)])
    padded = np.pad(r, ((0, 0), (0, 0), (reach, reach)), mode="symmetric")
    expected = np.zeros_like(r)
    for k, weight in enumerate(weights / weights.sum()):
        expected += weight * padded[:, :, k : k + 50]
    np.testing.assert_allclose(smoothed(r, 0.04), expected, rtol=1e-12, atol=1e-14)
    assert smoothed(r, 0.0) is r


def test_each_time_step_counts_in_units_of_its_normal_error() -> None:
    train = np.zeros((4, 1, 2), np.float32)
    made = np.float32([[[1, 10]], [[-1, 10]], [[1, -10]], [[-1, -10]]])
    error = SmoothedError.learn(train, made, 0.0)
    assert error.scale.tolist() == [[1.0, 100.0]]
    x = np.float32([[[3, 0]], [[0, 30]], [[0, 3]]])
    assert error.measure(x, np.zeros_like(x)).tolist() == pytest.approx([4.5, 4.5, 0.045])


def test_normal_samples_score_one_on_average_and_chunks_do_not_matter() -> None:
    x = residuals(5000, 1)
    error = SmoothedError.learn(x, np.zeros_like(x), 0.04)
    scores = error.measure(x, np.zeros_like(x))
    assert scores.dtype == np.float64
    assert scores.mean() == pytest.approx(1.0)
    whole = np.square(smoothed(x.astype(np.float64), 0.04)).mean(axis=0)
    np.testing.assert_allclose(error.scale, whole, rtol=1e-12)


def test_a_slow_error_stands_out_from_noise_that_hides_it() -> None:
    noise, other = residuals(400, 2), residuals(400, 3)
    shifted = other + 0.6 * np.exp(-0.5 * ((np.arange(50) - 25) / 8) ** 2).astype(np.float32)
    labels = np.repeat([False, True], 400)
    both = np.concatenate([noise, shifted])
    found = {
        share: auroc(SmoothedError.learn(noise, np.zeros_like(noise), share).measure(both, np.zeros_like(both)), labels)
        for share in (0.0, 0.08)
    }
    assert found[0.0] < 0.75
    assert found[0.08] > 0.9


def test_a_perfect_reconstruction_of_training_leaves_finite_scores() -> None:
    x = residuals(3, 4)
    error = SmoothedError.learn(x, x, 0.04)
    assert np.isfinite(error.measure(x, x + 1)).all()
    partly = x.copy()
    partly[:, 0] += 1
    assert np.isfinite(SmoothedError.learn(x, partly, 0.04).measure(x, x + 1)).all()


def test_it_is_stored_and_taken_back_and_what_is_broken_is_refused() -> None:
    x = residuals(9, 5)
    error = SmoothedError.learn(x, np.zeros_like(x), 0.04)
    again = SmoothedError.restored(error.state(), 0.04)
    assert (again.measure(x, x * 0) == error.measure(x, x * 0)).all()
    with pytest.raises(EcganError, match="lacks the array 'smoothed_scale'"):
        SmoothedError.restored(State(), 0.04)
    with pytest.raises(EcganError, match="not positive"):
        SmoothedError.restored(State(arrays={"smoothed_scale": np.array([[1.0, 0.0]])}), 0.04)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_the_detector_smooths_as_its_parameters_say(share: float) -> None:
    """S of the detector is S of x and what the model makes of it; the scale is that of training samples."""
    mapping = Mapping(
        invert=lambda x: x.mean(axis=2), decode=lambda z: np.repeat(z[:, :, None], 50, axis=2).astype(np.float32)
    )
    cls = DETECTORS.get("inverse_mapping")
    detector = cls(cls.Options(smoothing=share), mapping)
    train, x = residuals(60, 6), residuals(7, 7)
    detector.fit(samples(train))
    expected = SmoothedError.learn(train, mapping.decode(mapping.invert(train)), share)
    np.testing.assert_allclose(
        detector.components(samples(x))["smoothed"], expected.measure(x, mapping.decode(mapping.invert(x))), rtol=1e-6
    )
