"""Strategies: scaling, weights, support vectors; what was learned survives being stored."""

import json

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.svm import SVC

from ecgan.config.options import Options
from ecgan.detection import weighing
from ecgan.detection.base import Detector, State
from ecgan.detection.fitted import fit_detector
from ecgan.detection.scales import NormalScores, Range
from ecgan.detection.strategies.base import supervision
from ecgan.detection.strategies.lambda_grid import STABLE_SAMPLES, LambdaGrid
from ecgan.detection.svm import fit_svm, stratified
from ecgan.detection.thresholds import fit_threshold
from ecgan.detection.weighing import simplex
from ecgan.errors import EcganError
from ecgan.evaluation.ranking import best_cut
from ecgan.registry import STRATEGIES

GRIDS = ["lambda_grid", "lambda_gamma_grid"]
MACHINES = ["svm_lambda", "svm_lambda_gamma"]
CHOICES = ["stable", "best"]


def _half(n=300, seed=0):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.3) * rng.integers(1, 4, n)
    shift = (labels > 0) * 1.2
    return {
        "reconstruction": rng.gamma(2, size=n) + shift,
        "discrimination": rng.gamma(3, size=n) * 40 + 25 * shift,
        "latent": rng.normal(size=n) + 0.5 * shift,
        "smoothed": rng.gamma(2, size=n) + shift,
    }, labels.astype(np.int64)


def _components(name, components):
    return {"distance": components["latent"]} if name == "plain" else components


def _fitted(name, **keywords):
    components, labels = _half()
    strategy = STRATEGIES.get(name)(**keywords)
    strategy.fit(_components(name, components), labels)
    return strategy


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", STRATEGIES.names())
def test_what_was_learned_comes_back_with_the_same_bytes(name, choice):
    first = _fitted(name, choice=choice)
    state = first.state()
    second = STRATEGIES.get(name)()
    second.restore(State(state.arrays, json.loads(json.dumps(state.values))))
    new = _components(name, _half(200, seed=5)[0])
    assert first.score(new).tobytes() == second.score(new).tobytes()
    assert first.parameters() == second.parameters()


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", STRATEGIES.names())
def test_a_sample_has_the_same_score_alone_and_in_company(name, choice):
    strategy = _fitted(name, choice=choice)
    new = _components(name, _half(50, seed=6)[0])
    together = strategy.score(new)
    for i in range(50):
        assert strategy.score({key: values[i : i + 1] for key, values in new.items()})[0] == together[i]


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", [*GRIDS, *MACHINES])
def test_a_broken_state_is_refused(name, choice):
    state = _fitted(name, choice=choice).state()
    for key in state.values:
        with pytest.raises(EcganError, match=key):
            STRATEGIES.get(name)().restore(State(state.arrays, {k: v for k, v in state.values.items() if k != key}))
    for key in state.arrays:
        with pytest.raises(EcganError, match=key):
            STRATEGIES.get(name)().restore(State({k: v for k, v in state.arrays.items() if k != key}, state.values))


@pytest.mark.parametrize("name", [*GRIDS, *MACHINES])
def test_broken_scales_are_refused(name):
    state = _fitted(name, choice="best").state()
    with pytest.raises(EcganError, match="range"):
        STRATEGIES.get(name)().restore(State(state.arrays, {**state.values, "ranges": {"reconstruction": [1]}}))
    state = _fitted(name).state()
    key = "normal_scores/discrimination"
    for broken in (
        state.arrays[key][::-1],
        state.arrays[key][:0],
        state.arrays[key][:, :1],
        state.arrays[key] * [1, 0],
    ):
        with pytest.raises(EcganError, match="normal scores of 'discrimination'"):
            STRATEGIES.get(name)().restore(State({**state.arrays, key: broken}, state.values))


def test_support_vectors_of_the_wrong_width_are_refused():
    two, three = (_fitted(name).state() for name in MACHINES)
    support = {key: two.arrays[key] for key in ("support", "coefficients")}
    with pytest.raises(EcganError, match="support vectors have shape"):
        STRATEGIES.get("svm_lambda_gamma")().restore(State({**three.arrays, **support}, three.values))


def test_reconstruction_is_the_reconstruction_error():
    components, _ = _half()
    assert _fitted("reconstruction").score(components).tobytes() == components["reconstruction"].tobytes()


def test_plain_wants_one_component():
    with pytest.raises(EcganError, match="only component"):
        STRATEGIES.get("plain")().score({"a": np.zeros(1), "b": np.zeros(1)})


def test_plain_takes_the_total_that_a_detector_makes_itself() -> None:
    found = STRATEGIES.get("plain")().score({"a": np.zeros(2), "total": np.array([3.0, 4.0]), "b": np.ones(2)})
    assert found.tolist() == [3.0, 4.0]


def test_ranges_are_those_of_the_fit_half_and_nothing_is_clipped():
    strategy = LambdaGrid(choice="best")
    strategy.fit({"reconstruction": np.array([2.0, 4.0]), "discrimination": np.array([5.0, 5.0])}, np.array([0, 1]))
    assert strategy.parameters() == {"lambda": 1.0}
    new = {"reconstruction": np.array([0.0, 3.0, 8.0]), "discrimination": np.zeros(3)}
    assert strategy.score(new).tolist() == [-1.0, 0.5, 3.0]


def test_a_constant_component_only_loses_its_offset():
    assert Range(5.0, 5.0).apply(np.array([5.0, 6.0])).tolist() == [0.0, 1.0]
    assert np.isfinite(Range(0.0, 1e-300).apply(np.array([1.0]))).all()
    assert np.isfinite(Range(1.0, np.nextafter(1.0, 2.0)).apply(np.array([7.0]))).all()


@pytest.mark.parametrize("last", [5.0, np.nextafter(5.0, 6.0)])
def test_the_normal_scores_of_a_constant_component_tell_its_sides_apart(last):
    found = NormalScores.learn(np.array([5.0, 5.0, last])).apply(np.array([-1e300, 4.0, 5.0, 6.0, 1e300]))
    assert abs(found[2]) < 1e-12
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize("n", [3, 101, 5001])
def test_normal_scores_are_normal_whatever_the_component(n):
    values = np.exp(6 * np.random.default_rng(0).normal(size=n))
    found = np.sort(NormalScores.learn(values).apply(values))
    expected = norm.ppf(np.arange(1, n + 1) / (n + 1))
    np.testing.assert_allclose(found, expected, atol=0.05)
    np.testing.assert_allclose(found[[0, n // 2, -1]], expected[[0, n // 2, -1]], atol=1e-9)


def test_one_outlier_moves_normal_scores_little_and_ranges_much():
    values = np.random.default_rng(0).gamma(2, size=500)
    outlier = np.append(values, 1e4)
    moved = [
        np.abs(scale.learn(values).apply(values) - scale.learn(outlier).apply(values))
        for scale in (NormalScores, Range)
    ]
    assert np.median(moved[0]) < 0.01
    assert np.median(moved[1]) > 0.1


def test_beyond_what_was_seen_normal_scores_go_on_rising_but_not_far():
    values = np.random.default_rng(0).gamma(2, size=500)
    scale = NormalScores.learn(values)
    found = scale.apply(np.array([-1e9, -1.0, values.min(), values.max(), 40.0, 41.0, 1e9]))
    assert (np.diff(found) > 0).all()
    assert found[-1] - found[3] < 1 > found[2] - found[0]


def test_lambda_grid_finds_the_component_that_tells():
    labels = np.array([0, 0, 0, 1, 1, 1])
    told, noise = np.arange(6.0), np.array([3.0, 1.0, 5.0, 2.0, 0.0, 4.0])
    strategy = LambdaGrid(choice="best")
    strategy.fit({"reconstruction": noise, "discrimination": told}, labels)
    score = strategy.score({"reconstruction": noise, "discrimination": told})
    assert score[labels == 1].min() > score[labels == 0].max()


@pytest.mark.parametrize("told", ["reconstruction", "discrimination", "latent"])
def test_lambda_gamma_grid_fits_both_weights_to_the_component_that_tells(told):
    labels = np.array([0, 0, 0, 1, 1, 1])
    noise = np.array([3.0, 1.0, 5.0, 2.0, 0.0, 4.0])
    components = {"reconstruction": noise, "discrimination": noise[::-1], "latent": np.roll(noise, 2)}
    components[told] = np.arange(6.0)
    strategy = STRATEGIES.get("lambda_gamma_grid")(choice="best")
    strategy.fit(components, labels)
    score = strategy.score(components)
    assert score[labels == 1].min() > score[labels == 0].max()
    weights = strategy.parameters()
    weights["rest"] = 1 - weights["lambda"] - weights["gamma"]
    assert list(weights.values())[["reconstruction", "discrimination", "latent"].index(told)] > 0


def test_the_reconstruction_error_has_a_threshold_of_its_own():
    class Given(Detector):
        name = "given"
        strategies = ("reconstruction", "lambda_grid")

        def fit(self, train):
            pass

        def components(self, x):
            return components

        def state(self):
            return State()

        def restore(self, state):
            pass

    components, labels = _half()
    fitted = fit_detector(Given(Options()), Given.strategies, None, labels, labels)
    alone = fit_threshold(components["reconstruction"], labels, "best_f1")
    assert fitted.thresholds["reconstruction"] == alone
    assert fitted.thresholds["lambda_grid"] != alone


@pytest.mark.parametrize("choice", CHOICES)
def test_of_equally_good_weights_lambda_is_the_largest(choice):
    same = np.arange(6.0)
    components = {"reconstruction": same, "discrimination": same, "latent": same}
    for name, expected in (("lambda_grid", {"lambda": 1.0}), ("lambda_gamma_grid", {"lambda": 1.0, "gamma": 0.0})):
        strategy = STRATEGIES.get(name)(choice=choice)
        strategy.fit(components, np.array([0, 0, 0, 1, 1, 1]))
        assert strategy.parameters() == expected


def _told_by(strength, n=400):
    """R tells by 1 standard deviation, D and Z by `strength`."""
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1], n // 2)
    parts = {"reconstruction": 1.0, "discrimination": strength, "latent": strength}
    return {name: rng.normal(size=n) + by * labels for name, by in parts.items()}, labels


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize(("strength", "alone"), [(0.0, True), (0.2, True), (1.0, False), (2.0, False)])
def test_weights_leave_reconstruction_alone_only_for_what_is_more_than_chance(name, strength, alone):
    components, labels = _told_by(strength)
    strategy = STRATEGIES.get(name)(choice="stable")
    strategy.fit(components, labels)
    assert (strategy.parameters()["lambda"] == 1) == alone


@pytest.mark.parametrize("name", GRIDS)
def test_with_a_single_abnormal_sample_reconstruction_counts_alone(name):
    components, labels = _half(50)
    labels[:] = 0
    labels[np.argmax(components["discrimination"])] = 1
    strategy = STRATEGIES.get(name)(choice="stable")
    strategy.fit(components, labels)
    assert strategy.parameters()["lambda"] == 1


def test_lambda_one_ranks_as_reconstruction_does_beyond_the_fit_half_too():
    components, labels = _told_by(0.0)
    strategy = LambdaGrid(choice="stable")
    strategy.fit(components, labels)
    new = {name: 5 * values for name, values in _told_by(0.0, 1000)[0].items()}
    assert strategy.parameters() == {"lambda": 1.0}
    assert np.argsort(strategy.score(new)).tolist() == np.argsort(new["reconstruction"]).tolist()


@pytest.mark.parametrize("name", [*GRIDS, *MACHINES])
def test_a_stable_choice_of_many_samples_is_the_same_each_time(name):
    components, labels = _half(2 * STABLE_SAMPLES)
    first, second = (STRATEGIES.get(name)(seed=5, svm_samples=500) for _ in range(2))
    for strategy in (first, second):
        strategy.fit(components, labels)
    assert first.score(components).tobytes() == second.score(components).tobytes()
    assert first.parameters() == second.parameters()


@pytest.mark.parametrize("name", MACHINES)
def test_a_stable_machine_does_not_look_at_how_many_are_abnormal(name):
    components, labels = _half(4000)
    fewer = (labels == 0) | (np.arange(4000) % 10 == 0)
    scores = []
    for rows in (np.full(4000, True), fewer):
        strategy = STRATEGIES.get(name)(choice="stable")
        strategy.fit({key: values[rows] for key, values in components.items()}, labels[rows])
        scores.append(strategy.score(components) > 0)
    assert (scores[0] != scores[1]).mean() < 0.1


def test_few_of_the_weights_are_sorted(monkeypatch):
    tried = []
    monkeypatch.setattr(weighing, "best_cut", lambda scores, abnormal: tried.append(1) or best_cut(scores, abnormal))
    components, labels = _half(20_000)
    STRATEGIES.get("lambda_gamma_grid")(choice="best").fit(components, labels)
    assert 0 < len(tried) < len(simplex(3)) / 10


def test_the_simplex_is_complete_and_contains_the_lambda_grid():
    pairs, triples = simplex(2), simplex(3)
    assert len(pairs) == len(set(pairs)) == 50
    assert len(triples) == len(set(triples)) == 50 * 51 // 2
    assert {(first, second, 0.0) for first, second in pairs} <= set(triples)
    assert all(min(row) >= 0 and abs(sum(row) - 1) < 1e-15 for row in triples)
    assert pairs[0] == (1.0, 0.0)
    assert pairs[-1] == (0.0, 1.0)


@pytest.mark.parametrize("name", [*GRIDS, *MACHINES])
@pytest.mark.parametrize(("label", "missing"), [(0, "no abnormal"), (1, "no normal")])
def test_a_half_with_one_kind_only_is_refused(name, label, missing):
    components, labels = _half()
    with pytest.raises(EcganError, match=missing) as caught:
        STRATEGIES.get(name)().fit(components, np.full_like(labels, label))
    assert name in caught.value.message
    assert "reconstruction" in caught.value.hint


@pytest.mark.parametrize("name", MACHINES)
def test_the_machine_is_that_of_scikit_learn(name):
    components, labels = _half()
    strategy = STRATEGIES.get(name)(choice="best")
    strategy.fit(components, labels)
    new = _half(500, seed=8)[0]
    ends = {key: (components[key].min(), components[key].max()) for key in strategy.needs}

    def points(source):
        return np.stack([(source[key] - low) / (high - low) for key, (low, high) in ends.items()], axis=1)

    reference = SVC(C=1.0, kernel="rbf", gamma="scale").fit(points(components), labels != 0)
    np.testing.assert_allclose(strategy.score(new), reference.decision_function(points(new)), rtol=0, atol=1e-9)
    assert (strategy.score(new) > 0).tolist() == reference.predict(points(new)).tolist()


def test_blocks_of_the_machine_change_nothing(monkeypatch):
    components, labels = _half()
    x = np.stack([components["reconstruction"], components["latent"]], axis=1)
    machine = fit_svm(x, labels != 0, samples=1000, seed=0)
    whole = machine.decision(x)
    monkeypatch.setattr("ecgan.detection.svm._BLOCK_VALUES", 7 * len(machine.support))
    assert machine.decision(x).tobytes() == whole.tobytes()


def test_the_machine_learns_from_no_more_samples_than_asked():
    assert _fitted("svm_lambda", svm_samples=60).parameters()["support_vectors"] <= 60
    same, other = (_fitted("svm_lambda", svm_samples=60, seed=s).state().arrays["support"] for s in (0, 1))
    assert _fitted("svm_lambda", svm_samples=60, seed=0).state().arrays["support"].tobytes() == same.tobytes()
    assert same.tobytes() != other.tobytes()


@pytest.mark.parametrize("abnormal", [1, 20, 100, 199])
def test_the_draw_keeps_the_classes_in_proportion(abnormal):
    which = np.arange(200) < abnormal
    rows = stratified(which, 50, np.random.default_rng(0))
    assert len(rows) == len(set(rows.tolist())) == 50
    assert which[rows].sum() == np.clip(abnormal / 4, 1, 49).round()


def test_supervision_says_what_abnormal_labels_were_used_for():
    assert supervision("reconstruction", "loss") == "U"
    assert supervision("plain", None) == "U"
    assert supervision("reconstruction", "auroc") == "S"
    assert supervision("reconstruction", "ap") == "S"
    assert all(supervision(name, "loss") == "S" for name in [*GRIDS, *MACHINES])
    with pytest.raises(EcganError, match="did you mean 'lambda_grid'"):
        supervision("lambda_grit", "loss")
