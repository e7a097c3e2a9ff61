"""What a score needs is computed once, and nothing else is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ecgan.arrays import F32
from ecgan.detection.base import Detector, Mapping
from ecgan.detection.components import feature_matching, reconstruction_error
from ecgan.detection.fitted import FittedDetector, fit_detector
from ecgan.inversion.base import choose
from ecgan.models.layers.folding import folded
from ecgan.registry import DETECTORS, MODELS
from ecgan.runs.loading import mapping_of
from ecgan.runtime import cpu_has_bfloat16
from tests.making import samples

N = 700  # more than a chunk
STRATEGIES = ("reconstruction", "lambda_grid", "lambda_gamma_grid")


class Counting:
    """A made-up model that counts how many samples go through each of its networks."""

    def __init__(self) -> None:
        self.passed = {"invert": 0, "decode": 0, "features": 0}
        self.calls = 0

    def mapping(self) -> Mapping:
        return Mapping(self.invert, self.decode, self.features)

    def invert(self, x: F32) -> F32:
        self.passed["invert"] += len(x)
        return x[:, :, :3].mean(axis=1) * 2

    def decode(self, z: F32) -> F32:
        self.passed["decode"] += len(z)
        return np.repeat(z[:, None], 2, axis=1).astype(np.float32)

    def features(self, x: F32) -> F32:
        self.passed["features"] += len(x)
        self.calls += 1
        return np.square(x).reshape(len(x), -1)


@pytest.fixture
def counted() -> tuple[Counting, FittedDetector, F32]:
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(N, 2, 3)).astype(np.float32), (np.arange(N) % 3).astype(np.int64)
    model, cls = Counting(), DETECTORS.get("inverse_mapping")
    fitted = fit_detector(cls(cls.Options(), model.mapping()), STRATEGIES, samples(x), samples(x), labels)
    model.passed = dict.fromkeys(model.passed, 0)
    return model, fitted, x


def test_every_network_sees_a_sample_once_and_the_discriminator_sample_and_reconstruction_together(
    counted: tuple[Counting, FittedDetector, F32],
) -> None:
    model, fitted, x = counted
    found = fitted.score(samples(x))
    assert model.passed == {"invert": N, "decode": N, "features": 2 * N}
    y = model.decode(model.invert(x))
    np.testing.assert_allclose(found.components["reconstruction"], reconstruction_error(x, y), rtol=1e-12)
    expected = feature_matching(model.features(x), model.features(y))
    np.testing.assert_allclose(found.components["discrimination"], expected, rtol=1e-12)
    model.calls = 0
    fitted.score(samples(x[:1]))
    assert model.calls == 1


def test_a_strategy_alone_computes_what_it_weighs(counted: tuple[Counting, FittedDetector, F32]) -> None:
    model, fitted, x = counted
    everything = fitted.score(samples(x))
    model.passed = dict.fromkeys(model.passed, 0)
    found = fitted.score(samples(x), "reconstruction")
    assert model.passed == {"invert": N, "decode": N, "features": 0}
    assert set(found.components) == set(found.scores) == set(found.predictions) == {"reconstruction"}
    two = fitted.score(samples(x), "lambda_grid")
    assert set(two.components) == {"reconstruction", "discrimination"}
    three = fitted.score(samples(x), "lambda_gamma_grid")
    assert set(three.components) == {"reconstruction", "discrimination", "latent"}
    for one in (found, two, three):
        for name, scores in one.scores.items():
            np.testing.assert_array_equal(scores, everything.scores[name])
            np.testing.assert_array_equal(one.predictions[name], everything.predictions[name])


class Rebuilding(Counting):
    """A model that reconstructs by itself, with noise from a seed."""

    def mapping(self) -> Mapping:
        return replace(super().mapping(), rebuild=self.rebuild)

    def rebuild(self, x: F32, seed: int) -> F32:
        return (0.9 * x + 0.1 * seed).astype(np.float32)


@pytest.mark.parametrize("seed", [0, 5])
def test_a_model_that_reconstructs_by_itself_is_asked_with_the_seed_of_the_detector(seed: int) -> None:
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(N, 2, 3)).astype(np.float32), (np.arange(N) % 3).astype(np.int64)
    model, cls = Rebuilding(), DETECTORS.get("inverse_mapping")
    fitted = fit_detector(cls(cls.Options(), model.mapping(), seed=seed), STRATEGIES, samples(x), samples(x), labels)
    model.passed = dict.fromkeys(model.passed, 0)
    found = fitted.score(samples(x), "reconstruction")
    assert model.passed == {"invert": 0, "decode": 0, "features": 0}, "no latent is asked for where none counts"
    expected = reconstruction_error(x, model.rebuild(x, seed))
    np.testing.assert_array_equal(found.components["reconstruction"], expected)
    np.testing.assert_array_equal(fitted.score(samples(x)).components["reconstruction"], expected)
    np.testing.assert_array_equal(fitted.detector.reconstruct(samples(x)), model.rebuild(x, seed))


def test_anogan_compares_with_what_the_latent_gives() -> None:
    x = np.random.default_rng(1).normal(size=(20, 2, 3)).astype(np.float32)
    model, cls = Rebuilding(), DETECTORS.get("anogan")
    mapping = replace(model.mapping(), search=lambda x, options, seed: (model.invert(x), np.ones(len(x), np.float32)))
    detector = cls(cls.Options(), mapping)
    detector.fit(samples(x))
    expected = model.decode(model.invert(x))
    np.testing.assert_array_equal(detector.components(samples(x))["reconstruction"], reconstruction_error(x, expected))
    np.testing.assert_array_equal(detector.reconstruct(samples(x)), expected)


def test_latents_alone_decode_nothing(counted: tuple[Counting, FittedDetector, F32]) -> None:
    model, fitted, x = counted
    assert set(fitted.detector.some_components(samples(x), ["latent"])) == {"latent"}
    assert model.passed == {"invert": N, "decode": 0, "features": 0}


def test_a_detector_that_computes_all_at_once_gives_what_is_asked_for() -> None:
    cls = DETECTORS.get("knn")
    detector: Detector = cls(cls.Options(), seed=0)
    x = np.random.default_rng(0).normal(size=(40, 1, 4)).astype(np.float32)
    detector.fit(samples(x))
    assert set(detector.some_components(samples(x), ["distance"])) == {"distance"}
    assert detector.some_components(samples(x), ["none of these"]) == {}


def trained(name: str) -> Any:
    cls = MODELS.get(name)
    torch.manual_seed(0)
    model = cls(cls.Options(width=0.25, latent_size=8), channels=1, length=96).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model.requires_grad_(False)


@pytest.mark.native
@pytest.mark.parametrize("name", ["aegan", "vaegan", "autoencoder"])
def test_bf16_changes_scores_a_little_and_folding_less(name: str, tmp_path: Path) -> None:
    model = trained(name)
    x = np.random.default_rng(2).random((300, 1, 96), dtype=np.float32)
    cls = DETECTORS.get("inverse_mapping")
    found = []
    for network, precision in ((model, "fp32"), (folded(model), "fp32"), (folded(model), "bf16")):
        mapping = mapping_of(network, choose("encoder", network, precision=precision), 128, precision)
        assert mapping.decode(mapping.invert(x)).dtype == np.float32
        detector = cls(cls.Options(), mapping)
        detector.fit(samples(x))
        found.append(detector.components(samples(x)))
    z = np.ones((2, 8), dtype=np.float32)
    quick_decode, half_decode = (mapping_of(model, choose("encoder", model), 4, p).decode(z) for p in ("fp32", "bf16"))
    differs = cpu_has_bfloat16()
    assert np.array_equal(quick_decode, half_decode) is not differs, "computed in the precision that is asked for"
    np.testing.assert_allclose(half_decode, quick_decode, atol=0.05)
    plain, quick, half = found
    for component in ("reconstruction", *(["discrimination"] if name != "autoencoder" else [])):
        np.testing.assert_allclose(quick[component], plain[component], rtol=1e-3, atol=1e-8)
        assert np.array_equal(half[component], quick[component]) is not differs
        np.testing.assert_allclose(half[component], quick[component], rtol=0.1, atol=1e-6)
        assert np.corrcoef(half[component], quick[component])[0, 1] > 0.98
