"""The detector `anogan`: on plain GANs and encoder models, with every strategy, stored and taken back."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ecgan.config import Inverse, NetworkOptions
from ecgan.detection.base import F32, Mapping, State
from ecgan.detection.detectors.anogan import Anogan, AnoganOptions
from ecgan.detection.fitted import fit_detector, load_detector, save_detector
from ecgan.errors import EcganError
from ecgan.inversion.base import choose
from ecgan.registry import DETECTORS, MODELS
from ecgan.runs.loading import mapping_of
from tests.making import samples

EVERY = ("reconstruction", "smoothed", "lambda_grid", "lambda_gamma_grid", "svm_lambda", "svm_lambda_gamma")


def beats(count: int, seed: int = 0, height: float = 0.3) -> F32:
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, 40)
    centre = rng.normal(0.4, 0.03, (count, 1, 1))
    return (height * np.exp(-(((time - centre) / 0.1) ** 2)) + rng.normal(0, 0.01, (count, 1, 40))).astype(np.float32)


def trained(name: str) -> Mapping:
    """An untrained model of the name, with an inverse mapping that learned a little."""
    cls = MODELS.get(name)
    torch.manual_seed(0)
    model = cls(cls.Options(width=0.125, latent_size=3), channels=1, length=40).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if key.startswith("generator.recurrence"):
                parameter.mul_(15)
    options = Inverse(network=NetworkOptions(steps=5, evaluate_every=5, batch_size=8))
    inversion = choose("auto", model, options)
    inversion.fit(torch.from_numpy(beats(30)))
    return mapping_of(model, inversion, 16)


def build(mapping: Mapping, **options: Any) -> Anogan:
    return Anogan(AnoganOptions(iterations=8, lr=0.05, starts=8, **options), mapping, seed=3)


@pytest.mark.parametrize("kind", ["feature_matching", "target_value", "log"])
@pytest.mark.parametrize("name", ["dcgan", "rgan", "rdcgan", "aegan"])
def test_every_strategy_works_on_gans_with_and_without_an_encoder(name: str, kind: str, tmp_path: Path) -> None:
    mapping = trained(name)
    detector = build(mapping, discrimination=kind)
    assert detector.available_strategies() == EVERY
    vali = np.concatenate([beats(16, 1), beats(8, 2, height=-0.4)])
    labels = np.repeat([0, 1], [16, 8])
    fitted = fit_detector(detector, EVERY, samples(beats(30)), samples(vali), labels)
    scored = fitted.score(samples(vali))
    assert set(scored.scores) == set(EVERY)
    assert set(scored.components) == {"reconstruction", "smoothed", "discrimination", "latent", "path_length"}
    assert not all(scored.predictions["reconstruction"])
    save_detector(tmp_path, fitted)
    again = load_detector(tmp_path, mapping).score(samples(vali))
    assert {key: value.tobytes() for key, value in again.scores.items()} == {
        key: value.tobytes() for key, value in scored.scores.items()
    }


@pytest.mark.parametrize(("start", "runs"), [("prior", 1), ("prior", 3), ("mapping", 2)])
def test_a_sample_scores_alone_as_in_company(start: str, runs: int) -> None:
    detector = build(trained("rgan"), start=start, runs=runs)
    detector.fit(samples(beats(20)))
    x = beats(15, 4)
    together = detector.components(samples(x))
    some = detector.components(samples(x[[11, 2]]))
    for key, values in together.items():
        np.testing.assert_allclose(some[key], values[[11, 2]], rtol=1e-3, atol=1e-5, err_msg=key)


def test_runs_give_one_score_a_sample_and_never_a_worse_reconstruction() -> None:
    mapping = trained("rgan")
    errors = []
    for runs in (1, 4):
        detector = build(mapping, start="prior", runs=runs, criterion="squared", epsilon=0)
        detector.fit(samples(beats(20)))
        found = detector.components(samples(beats(9, 4)))
        assert all(values.shape == (9,) for values in found.values())
        errors.append(found["reconstruction"])
    assert (errors[1] <= errors[0] + 1e-9).all()


def test_the_reconstruction_is_that_of_the_search() -> None:
    mapping = trained("rgan")
    detector = build(mapping)
    x = beats(5, 4)
    assert mapping.search is not None
    z, _ = mapping.search(x, detector.options, 3)
    np.testing.assert_array_equal(detector.reconstruct(samples(x)), mapping.decode(z))


def test_the_path_stands_beside_the_components() -> None:
    def search(x: F32, options: Any, seed: int) -> tuple[F32, F32]:
        return x[:, 0, :2], np.arange(len(x), dtype=np.float32)

    mapping = Mapping(lambda x: x[:, 0, :2], lambda z: np.zeros((len(z), 1, 40), np.float32), search=search)
    detector = build(mapping)
    detector.fit(samples(beats(20)))
    found = detector.components(samples(beats(4)))
    assert found["path_length"].tolist() == [0, 1, 2, 3]
    assert set(found) == {"reconstruction", "smoothed", "latent", "path_length"}
    assert detector.available_strategies() == ("reconstruction", "smoothed")


def test_few_training_samples_are_searched_for() -> None:
    seen: list[int] = []

    def search(x: F32, options: Any, seed: int) -> tuple[F32, F32]:
        seen.append(len(x))
        return x[:, 0, :2], np.zeros(len(x), np.float32)

    mapping = Mapping(lambda x: x[:, 0, :2], lambda z: np.zeros((len(z), 1, 40), np.float32), search=search)
    build(mapping).fit(samples(beats(3000)))
    assert seen == [256]


def test_what_it_cannot_score_is_refused_in_a_sentence() -> None:
    mapping = trained("rgan")
    with pytest.raises(EcganError, match="has not been fitted"):
        build(mapping).components(samples(beats(2)))
    with pytest.raises(EcganError, match="lacks"):
        build(mapping).restore(State())
    with pytest.raises(EcganError, match="no training samples"):
        build(mapping).fit(samples(beats(0)))

    def refuse(x: F32) -> F32:
        raise AssertionError

    for name in ("anogan", "inverse_mapping"):
        cls = DETECTORS.get(name)
        with pytest.raises(EcganError, match="a classifier makes none") as caught:
            cls(cls.Options(), Mapping(refuse, refuse, logits=refuse)).fit(samples(beats(3)))
        assert "argmax" in caught.value.hint
    with pytest.raises(EcganError, match="none was given"):
        Anogan(AnoganOptions()).fit(samples(beats(3)))


def test_it_is_imported_without_torch() -> None:
    code = "import ecgan.detection.detectors.anogan, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
