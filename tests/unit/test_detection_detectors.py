"""The detectors: what they compute, what they refuse, and that what they learned survives being stored."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from ecgan.detection.base import Mapping, State
from ecgan.detection.components import mode_of_norms
from ecgan.errors import EcganError
from ecgan.registry import DETECTORS
from ecgan.testing.toys import toy_beats
from tests.making import samples

CLASSICAL = ["knn", "nearest_shape", "pca", "kmeans", "lof", "isolation_forest", "ocsvm"]


def _waves(n, seed, *, leads=2, length=24):
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 2 * np.pi, length)
    phase, height = rng.normal(size=(2, n, leads, 1))
    return (height * np.sin(time + phase) + 0.1 * rng.normal(size=(n, leads, length))).astype(np.float32)


def _mapping(*, features=True):
    basis = np.random.default_rng(9).normal(size=(48, 5)).astype(np.float32) / 7

    def invert(x):
        return x.reshape(len(x), 48) @ basis

    return Mapping(
        invert=invert,
        decode=lambda z: (z @ basis.T).reshape(len(z), 2, 24),
        features=(lambda x: np.tanh(x.reshape(len(x), -1))) if features else None,
        search=lambda x, options, seed: (invert(x), np.linalg.norm(invert(x), axis=1)),
    )


def _refuse(*_):
    raise EcganError("a classifier reconstructs nothing.")


def _classifier():
    weights = np.random.default_rng(8).normal(size=(48, 2)).astype(np.float32)
    # what is far from zero belongs to one of the classes 1 and 2
    return Mapping(
        _refuse,
        _refuse,
        logits=lambda x: np.hstack(
            [np.full((len(x), 1), 3, np.float32), np.abs(x.reshape(len(x), -1) @ weights) / 9],
        ),
    )


def _build(name, mapping=None, **options):
    cls = DETECTORS.get(name)
    if mapping is None and cls.needs_model:
        mapping = _classifier() if cls.classifies else _mapping()
    return cls(cls.Options(**options), mapping)


@pytest.fixture(params=[name for name in DETECTORS.names() if not DETECTORS.get(name).context])
def name(request):
    return request.param


def test_components_are_float64_one_a_sample(name):
    detector = _build(name)
    detector.fit(samples(_waves(120, 0)))
    found = detector.components(samples(_waves(17, 1)))
    assert found
    assert all(values.dtype == np.float64 and values.shape == (17,) for values in found.values())


def test_what_was_learned_comes_back_with_the_same_bytes(name):
    first = _build(name)
    first.fit(samples(_waves(120, 0)))
    second = _build(name)
    second.restore(first.state())
    x = _waves(300, 1)
    before, after = first.components(samples(x)), second.components(samples(x))
    assert {k: v.tobytes() for k, v in before.items()} == {k: v.tobytes() for k, v in after.items()}


def test_abnormal_samples_get_higher_components(name):
    detector = _build(name)
    detector.fit(samples(_waves(200, 0)))
    strange = _waves(40, 2) + 6 * np.random.default_rng(3).normal(size=(40, 2, 24)).astype(np.float32)
    usual, unusual = detector.components(samples(_waves(40, 1))), detector.components(samples(strange))
    assert all(np.median(unusual[key]) > np.median(usual[key]) for key in usual)


def test_scoring_before_fitting_is_refused(name):
    with pytest.raises(EcganError, match="has not been fitted"):
        _build(name).components(samples(_waves(3, 0)))


def test_an_empty_state_is_refused(name):
    with pytest.raises(EcganError, match="lacks"):
        _build(name).restore(State())


def test_no_samples_give_no_components(name):
    detector = _build(name)
    detector.fit(samples(_waves(120, 0)))
    assert all(values.shape == (0,) for values in detector.components(samples(_waves(0, 1))).values())


@pytest.mark.parametrize("k", [1, 5, 40])
def test_knn_is_the_mean_distance_to_the_k_nearest(k):
    train, x = _waves(131, 0), _waves(600, 1)
    detector = _build("knn", neighbours=k)
    detector.fit(samples(train))
    searcher = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(train.reshape(131, -1).astype(np.float64))
    distances, _ = searcher.kneighbors(x.reshape(600, -1).astype(np.float64))
    np.testing.assert_allclose(detector.components(samples(x))["distance"], distances.mean(axis=1), rtol=1e-9)


def test_knn_of_as_many_neighbours_as_samples():
    detector = _build("knn", neighbours=3)
    detector.fit(samples(np.float32([[[0.0]], [[3.0]], [[6.0]]])))
    assert detector.components(samples(np.float32([[[0.0]]])))["distance"].tolist() == [3.0]


def test_knn_is_exact_far_from_the_origin():
    train, x = _waves(100, 0) + 1000, _waves(20, 1) + 1000
    detector = _build("knn")
    detector.fit(samples(train))
    gaps = x.astype(np.float64)[:, None] - train.astype(np.float64)[None]
    distances = np.sort(np.sqrt((gaps**2).sum(axis=(2, 3))), axis=1)[:, :5].mean(axis=1)
    np.testing.assert_allclose(detector.components(samples(x))["distance"], distances, rtol=1e-12)


def test_knn_scores_a_beat_alone_as_in_company():
    detector = _build("knn")
    detector.fit(samples(_waves(500, 0)))
    x = _waves(300, 1)
    alone = [detector.components(samples(x[i : i + 1]))["distance"][0] for i in range(0, 300, 7)]
    assert alone == detector.components(samples(x))["distance"][::7].tolist()


def test_knn_wants_enough_training_samples():
    with pytest.raises(EcganError, match="neighbours is 5, and there are 3"):
        _build("knn").fit(samples(_waves(3, 0)))


def test_nearest_shape_is_the_distance_of_smoothed_shapes_and_sizes():
    train, x = _waves(50, 0), _waves(20, 1)

    def points(signals):
        spread = signals.std(axis=2, keepdims=True)
        shape = gaussian_filter1d((signals - signals.mean(axis=2, keepdims=True)) / spread, 0.1 * x.shape[2], axis=2)
        every = round(0.06 * x.shape[2])
        both = np.concatenate([shape[:, :, ::every], 3 * np.log(spread + 0.05)], axis=2)
        return both.reshape(len(signals), -1)

    detector = _build("nearest_shape", share=0.1, size=3.0)
    detector.fit(samples(train))
    gaps = points(x.astype(np.float64))[:, None] - points(train.astype(np.float64))[None]
    expected = np.sqrt((gaps**2).sum(axis=2)).min(axis=1)
    np.testing.assert_allclose(detector.components(samples(x))["distance"], expected, rtol=1e-4, atol=1e-5)


def test_nearest_shape_looks_past_what_is_fast_and_where_the_line_is():
    train = toy_beats(200, 1, 128)
    x = toy_beats(50, 1, 128, seed=1)
    fast = np.float32(0.02) * np.sin(np.arange(128, dtype=np.float32) * 2.5)
    wide = np.repeat(x, 2, axis=2)[:, :, 64:192]
    detector = _build("nearest_shape")
    detector.fit(samples(train))
    plain, moved, fuzzy, other = (
        detector.components(samples(x))["distance"] for x in (x, x + np.float32(0.3), x + fast, wide)
    )
    np.testing.assert_allclose(moved, plain, atol=1e-3)
    assert np.median(fuzzy) < np.median(other)


def test_pca_is_the_residual_of_scikit_learns_components():
    train, x = _waves(150, 0), _waves(40, 1)
    detector = _build("pca", components=6)
    detector.fit(samples(train))
    flat, other = (a.reshape(len(a), -1).astype(np.float64) for a in (train, x))
    model = PCA(6, svd_solver="full").fit(flat)
    residual = other - model.inverse_transform(model.transform(other))
    np.testing.assert_allclose(detector.components(samples(x))["reconstruction"], (residual**2).mean(axis=1), rtol=1e-9)


def test_pca_components_are_turned_the_same_way():
    detector = _build("pca", components=4)
    detector.fit(samples(_waves(150, 0)))
    basis = detector.state().arrays["basis"]
    assert (basis[np.abs(basis).argmax(axis=0), range(4)] > 0).all()
    np.testing.assert_allclose(basis.T @ basis, np.eye(4), atol=1e-12)


def test_pca_must_leave_a_residual():
    with pytest.raises(EcganError, match=r"detectors\.pca\.components is 10"):
        _build("pca").fit(samples(_waves(10, 0)))


@pytest.mark.parametrize("classical", CLASSICAL)
def test_samples_of_another_shape_are_refused(classical):
    detector = _build(classical)
    detector.fit(samples(_waves(120, 0)))
    with pytest.raises(EcganError, match=r"\(1, 48\)"):
        detector.components(samples(_waves(3, 0).reshape(3, 1, 48)))


@pytest.mark.parametrize("classical", CLASSICAL)
def test_samples_with_nan_are_refused_with_their_number(classical):
    detector = _build(classical)
    detector.fit(samples(_waves(120, 0)))
    x = _waves(6, 1)
    x[2, 0, 3] = np.nan
    with pytest.raises(EcganError, match="1 of 6 samples"):
        detector.components(samples(x))


def test_inverse_mapping_learns_the_mode_from_the_training_samples():
    detector = _build("inverse_mapping")
    train, x = _waves(400, 0), _waves(10, 1)
    detector.fit(samples(train))
    norms = np.linalg.norm(_mapping().invert(train).astype(np.float64), axis=1)
    expected = np.linalg.norm(_mapping().invert(x).astype(np.float64), axis=1) - mode_of_norms(norms)
    np.testing.assert_allclose(detector.components(samples(x))["latent"], expected, rtol=1e-12)


def test_inverse_mapping_needs_a_model():
    cls = DETECTORS.get("inverse_mapping")
    with pytest.raises(EcganError, match="none was given"):
        cls(cls.Options()).fit(samples(_waves(3, 0)))


def test_a_model_without_features_leaves_the_reconstruction_error():
    assert _build("inverse_mapping", _mapping(features=False)).available_strategies() == ("reconstruction", "smoothed")
    assert "svm_lambda_gamma" in _build("inverse_mapping").available_strategies()


def test_a_broken_state_is_refused():
    detector = _build("inverse_mapping")
    for value in (None, "2", True, float("nan")):
        with pytest.raises(EcganError, match="latent_mode"):
            detector.restore(State(values={"latent_mode": value}))
    with pytest.raises(EcganError, match="expected 3 dimensions of float32"):
        _build("knn").restore(State(arrays={"reference": np.zeros((9, 4))}))
    with pytest.raises(EcganError, match="the stored mean has 6 values"):
        _build("pca").restore(State(arrays={"mean": np.zeros((2, 3)), "basis": np.zeros((5, 2))}))


def test_detection_and_evaluation_do_without_torch():
    code = (
        "import sys; from ecgan.registry import DETECTORS; DETECTORS.names();"
        "import ecgan.detection.fitted, ecgan.evaluation.summary, ecgan.evaluation.curves, ecgan.evaluation.tables;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
