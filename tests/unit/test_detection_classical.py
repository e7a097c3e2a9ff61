"""The classical detectors against scikit-learn's own values, and what they refuse."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

from ecgan.detection.base import Mapping, State
from ecgan.detection.classical import drawn
from ecgan.detection.detectors.isolation_forest import mean_path
from ecgan.detection.neighbours import Neighbours
from ecgan.errors import EcganError
from ecgan.registry import DETECTORS
from ecgan.runtime import derive_seed
from tests.making import samples

SEED = 4
NEW = ["kmeans", "lof", "isolation_forest", "ocsvm"]


def _waves(n, seed, *, leads=2, length=20, offset=0.0):
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 2 * np.pi, length)
    phase, height = rng.normal(size=(2, n, leads, 1))
    return (offset + height * np.sin(time + phase) + 0.1 * rng.normal(size=(n, leads, length))).astype(np.float32)


def _fitted(name, train, **options):
    cls = DETECTORS.get(name)
    detector = cls(cls.Options(**options), seed=SEED)
    detector.fit(samples(train))
    return detector


def _score(detector, x):
    (values,) = detector.components(samples(x)).values()
    return values


def _flat(x):
    return x.reshape(len(x), -1).astype(np.float64)


@pytest.fixture(params=[(300, 0.0), (300, 50.0)], ids=["around zero", "far from zero"])
def data(request):
    n, offset = request.param
    return _waves(n, 0, offset=offset), _waves(200, 1, offset=offset)


def test_kmeans_is_the_distance_to_the_nearest_centroid(data):
    train, x = data
    detector = _fitted("kmeans", train, clusters=7, starts=2)
    model = KMeans(7, n_init=2, random_state=derive_seed(SEED, "kmeans") % 2**32, algorithm="lloyd").fit(_flat(train))
    np.testing.assert_allclose(_score(detector, x), model.transform(_flat(x)).min(axis=1), rtol=1e-6)


@pytest.mark.parametrize("k", [1, 5, 20])
def test_lof_is_that_of_scikit_learn(data, k):
    train, x = data
    model = LocalOutlierFactor(n_neighbors=k, novelty=True, algorithm="brute").fit(_flat(train))
    np.testing.assert_allclose(
        _score(_fitted("lof", train, neighbours=k), x), -model.score_samples(_flat(x)), rtol=1e-5
    )


def test_lof_of_training_samples_that_lie_on_top_of_each_other_is_that_of_scikit_learn():
    train = np.repeat(_waves(30, 0), 4, axis=0)
    x = np.concatenate([_waves(20, 1), train[:8]])
    model = LocalOutlierFactor(n_neighbors=3, novelty=True, algorithm="brute").fit(_flat(train))
    found, expected = _score(_fitted("lof", train, neighbours=3), x), -model.score_samples(_flat(x))
    # distances of zero come out as 0 here and as rounding errors there, so that only the order of size is comparable
    assert np.isfinite(found).all()
    assert ((found > 100) == (expected > 100)).all()
    np.testing.assert_allclose(found[-8:], 1.0)


@pytest.mark.parametrize("options", [{}, {"trees": 13, "samples": 50}, {"trees": 5, "samples": 1000}])
def test_isolation_forest_is_that_of_scikit_learn(data, options):
    train, x = data
    size = min(options.get("samples", 256), len(train))
    seed = derive_seed(SEED, "isolation_forest") % 2**32
    model = IsolationForest(n_estimators=options.get("trees", 100), max_samples=size, random_state=seed)
    expected = -model.fit(_flat(train).astype(np.float32)).score_samples(_flat(x).astype(np.float32))
    np.testing.assert_allclose(_score(_fitted("isolation_forest", train, **options), x), expected, rtol=1e-12)


def test_mean_path_by_hand():
    assert mean_path(np.array([0, 1, 2])).tolist() == [0.0, 0.0, 1.0]
    # 2 H(3) - 2 * 3 / 4 with the harmonic number by ln(3) + 0.5772..., equation 1 of the paper
    assert mean_path(np.array([4]))[0] == pytest.approx(2 * (np.log(3) + 0.5772156649) - 1.5)


@pytest.mark.parametrize("options", [{}, {"nu": 0.5}, {"gamma": 0.3}])
def test_ocsvm_is_the_negative_decision_function(data, options):
    train, x = data
    flat = _flat(train)
    gamma = options.get("gamma", 1 / (flat.shape[1] * flat.var()))
    model = OneClassSVM(nu=options.get("nu", 0.05), gamma=gamma).fit(flat)
    expected = -model.decision_function(_flat(x))
    np.testing.assert_allclose(_score(_fitted("ocsvm", train, **options), x), expected, rtol=1e-9, atol=1e-9)


def test_nu_is_about_the_share_of_training_samples_outside():
    train = _waves(400, 0)
    for nu in (0.05, 0.3):
        assert (_score(_fitted("ocsvm", train, nu=nu), train) > 0).mean() == pytest.approx(nu, abs=0.04)


@pytest.mark.parametrize("name", NEW)
def test_a_beat_is_scored_alone_as_in_company(name):
    detector = _fitted(name, _waves(300, 0))
    x = _waves(200, 1)
    together = _score(detector, x)
    assert [_score(detector, x[i : i + 1])[0] for i in range(0, 200, 9)] == together[::9].tolist()
    assert _score(detector, x[::-1])[::-1].tolist() == together.tolist()


@pytest.mark.parametrize("name", NEW)
def test_the_same_seed_learns_the_same_and_the_state_is_small(name):
    train = _waves(300, 0)
    first, second = _fitted(name, train).state(), _fitted(name, train).state()
    assert first.values == second.values
    assert {k: v.tobytes() for k, v in first.arrays.items()} == {k: v.tobytes() for k, v in second.arrays.items()}
    assert sum(array.nbytes for array in first.arrays.values()) < 2 * train.nbytes + 2**21


@pytest.mark.parametrize("name", ["kmeans", "lof", "ocsvm"])
def test_more_training_samples_than_asked_for_are_drawn_by_the_seed(name):
    train, x = _waves(300, 0), _waves(50, 1)
    chosen = drawn(train, 80, derive_seed(SEED, "samples"))
    assert len(chosen) == 80
    assert np.isin(_flat(chosen)[:, 0], _flat(train)[:, 0]).all()
    assert _score(_fitted(name, train, samples=80), x).tolist() == _score(_fitted(name, chosen), x).tolist()
    cls = DETECTORS.get(name)
    other = cls(cls.Options(samples=80), seed=SEED + 1)
    other.fit(samples(train))
    assert _score(other, x).tolist() != _score(_fitted(name, train, samples=80), x).tolist()


@pytest.mark.parametrize(
    ("name", "count", "words"),
    [
        ("kmeans", 15, r"detectors\.kmeans\.clusters is 16, and there are 15 training samples"),
        ("lof", 20, r"detectors\.lof\.neighbours is 20, and there are 20 training samples"),
        ("isolation_forest", 1, "at least two training samples, and there are 1"),
        ("ocsvm", 1, "at least two training samples, and there are 1"),
    ],
)
def test_too_few_training_samples_are_one_sentence(name, count, words):
    with pytest.raises(EcganError, match=words):
        _fitted(name, _waves(count, 0))
    _fitted(name, _waves(count + 1, 0))


@pytest.mark.parametrize("name", NEW)
def test_training_samples_that_are_not_finite_are_refused(name):
    train = _waves(30, 0)
    train[[3, 7], 1, 2] = np.nan
    with pytest.raises(EcganError, match="2 of 30 samples"):
        _fitted(name, train)


def _broken(name, **changes):
    state = _fitted(name, _waves(60, 0)).state()
    arrays = {k: v for k, v in (state.arrays | changes.pop("arrays", {})).items() if v is not None}
    return State(arrays, state.values | changes)


BROKEN = [
    ("kmeans", {"shape": [2, 0]}),
    ("kmeans", {"shape": "2x20"}),
    ("kmeans", {"arrays": {"centroids": np.zeros((16, 39))}}),
    ("kmeans", {"arrays": {"centroids": np.full((16, 40), np.nan)}}),
    ("lof", {"arrays": {"reach": np.zeros(59)}}),
    ("lof", {"arrays": {"reference": np.zeros((60, 41), np.float32)}}),
    ("lof", {"arrays": {"reference": np.zeros((9, 40), np.float32)}}),
    ("isolation_forest", {"depth": 10**9}),
    ("isolation_forest", {"usual_path": 0.0}),
    ("isolation_forest", {"arrays": {"roots": np.array([10**6], np.int32)}}),
    ("isolation_forest", {"arrays": {"roots": np.array([], np.int32)}}),
    ("isolation_forest", {"arrays": {"left": None}}),
    ("ocsvm", {"gamma": None}),
    ("ocsvm", {"arrays": {"coefficients": np.zeros(1)}}),
    ("ocsvm", {"arrays": {"support": np.zeros((5, 39))}}),
]


@pytest.mark.parametrize(("name", "changes"), BROKEN)
def test_a_state_that_does_not_hang_together_is_refused(name, changes):
    cls = DETECTORS.get(name)
    with pytest.raises(EcganError, match=r"stored|there are 9 training samples"):
        cls(cls.Options()).restore(_broken(name, **changes))


@pytest.mark.parametrize("key", ["left", "right", "feature"])
@pytest.mark.parametrize("value", [-1, 10**6])
def test_a_tree_that_points_outside_is_refused(key, value):
    state = _fitted("isolation_forest", _waves(60, 0)).state()
    state.arrays[key] = state.arrays[key].copy()
    state.arrays[key][3] = value
    cls = DETECTORS.get("isolation_forest")
    with pytest.raises(EcganError, match="do not hang together"):
        cls(cls.Options()).restore(state)


def test_log_odds_are_those_of_the_probabilities_even_where_they_vanish():
    logits = np.float32([[0, 0, 0], [3, 1, -2], [-2000, 1500, 1499], [3000, -3000, 2990]])
    cls = DETECTORS.get("argmax")
    detector = cls(cls.Options(), Mapping(None, None, logits=lambda x: logits[: len(x)]))
    x = np.zeros((4, 1, 8), np.float32)
    detector.fit(samples(x))
    odds = detector.components(samples(x))["log_odds"]
    probability = log_softmax(logits.astype(np.float64), axis=1)
    np.testing.assert_allclose(odds, np.logaddexp(probability[:, 1], probability[:, 2]) - probability[:, 0])
    assert odds[0] == pytest.approx(np.log(2))
    assert detector.classify(samples(x)).tolist() == [0, 0, 1, 0]
    assert detector.reconstruct(x) is None


def test_a_classifier_that_diverged_is_named():
    logits = np.float32([[0, np.nan], [0, 1], [np.inf, np.inf]])
    cls = DETECTORS.get("argmax")
    detector = cls(cls.Options(), Mapping(None, None, logits=lambda x: logits[: len(x)]))
    detector.fit(samples(np.zeros((3, 1, 8), np.float32)))
    with pytest.raises(EcganError, match="'log_odds' is not a finite number for 2 of 3 samples"):
        detector.components(samples(np.zeros((3, 1, 8), np.float32)))


def test_neighbours_that_float32_cannot_tell_apart_are_found():
    rng = np.random.default_rng(0)
    for _ in range(40):
        near = rng.normal(size=(6, 24))
        near /= np.linalg.norm(near, axis=1, keepdims=True)  # all at distance 1 but for rounding
        rows = np.concatenate([near, 5 * rng.normal(size=(120, 24))])[rng.permutation(126)].astype(np.float32)
        exact = np.linalg.norm(rows.astype(np.float64), axis=1)
        distances, indices = Neighbours(rows).nearest(np.zeros((1, 24), np.float32), 3)
        assert indices[0].tolist() == np.argsort(exact, kind="stable")[:3].tolist()
        np.testing.assert_allclose(distances[0], np.sort(exact)[:3], rtol=1e-12)
