"""What holds for all scores: agreement with scikit-learn, with slow references, and under reordering."""

import warnings
from unittest import mock

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from ecgan.detection import weighing
from ecgan.detection.components import mode_of_norms
from ecgan.detection.detectors.knn import Knn, KnnOptions
from ecgan.detection.scales import NormalScores, Range
from ecgan.detection.thresholds import fit_threshold
from ecgan.detection.weighing import best_weights, simplex, stable_weights, weighted_sum
from ecgan.evaluation.curves import pr_frame, roc_frame
from ecgan.evaluation.labels import label_metrics
from ecgan.evaluation.ranking import auroc, average_precision, best_cut, placements
from ecgan.registry import STRATEGIES
from tests.making import samples

coarse = st.integers(-4, 4).map(float)
fine = st.floats(-1e6, 1e6, allow_subnormal=False)


@st.composite
def scored(draw, *, minimum=2, values=coarse | fine):
    """Scores with many ties, and labels with both classes."""
    n = draw(st.integers(minimum, 40))
    scores = draw(hnp.arrays(np.float64, n, elements=values))
    labels = draw(hnp.arrays(np.int64, n, elements=st.integers(0, 3)))
    labels[draw(st.integers(0, n - 1))] = 2
    if (labels != 0).all():
        labels[(np.flatnonzero(labels == 2)[0] + 1) % n] = 0
    return scores, labels


@st.composite
def weighted(draw):
    scores, labels = draw(scored())
    weights = draw(hnp.arrays(np.float64, len(scores), elements=st.integers(0, 5).map(float) | st.floats(0.1, 10)))
    weights[np.argmax(labels != 0)] = 1.0
    weights[np.argmax(labels == 0)] = 1.0
    return scores, labels, weights


@st.composite
def halves(draw, names=("reconstruction", "discrimination")):
    scores, labels = draw(scored(minimum=3))
    others = {key: draw(hnp.arrays(np.float64, len(scores), elements=coarse | st.floats(-10, 10))) for key in names[1:]}
    return {names[0]: scores, **others}, labels


@given(scored())
@settings(deadline=None)
def test_auroc_and_average_precision_are_those_of_scikit_learn(case):
    scores, labels = case
    np.testing.assert_allclose(auroc(scores, labels != 0), oracle.roc_auc_score(labels != 0, scores), rtol=1e-12)
    np.testing.assert_allclose(
        average_precision(scores, labels != 0), oracle.average_precision_score(labels != 0, scores), rtol=1e-12
    )


@given(weighted())
@settings(deadline=None)
def test_weighted_auroc_and_average_precision_are_those_of_scikit_learn(case):
    scores, labels, weights = case
    abnormal = labels != 0
    expected = oracle.roc_auc_score(abnormal, scores, sample_weight=weights)
    np.testing.assert_allclose(auroc(scores, abnormal, weights), expected, rtol=1e-9, atol=1e-12)
    expected = oracle.average_precision_score(abnormal, scores, sample_weight=weights)
    np.testing.assert_allclose(average_precision(scores, abnormal, weights), expected, rtol=1e-9)


@given(scored(values=coarse))
@settings(deadline=None)
def test_monotone_transforms_leave_the_ranking_alone(case):
    scores, labels = case
    for transformed in (np.exp(scores), scores**3, 5 * scores - 2):
        assert auroc(transformed, labels != 0) == auroc(scores, labels != 0)
        assert average_precision(transformed, labels != 0) == average_precision(scores, labels != 0)


@given(scored(values=coarse))
@settings(deadline=None)
def test_reversed_scores_have_the_complementary_auroc(case):
    scores, labels = case
    np.testing.assert_allclose(auroc(-scores, labels != 0), 1 - auroc(scores, labels != 0), atol=1e-12)


@given(scored(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_samples_does_not_matter(case, random):
    scores, labels = case
    order = list(range(len(scores)))
    random.shuffle(order)
    moved, relabelled = scores[order], labels[order]
    assert auroc(moved, relabelled != 0) == auroc(scores, labels != 0)
    assert average_precision(moved, relabelled != 0) == average_precision(scores, labels != 0)
    for method in ("best_f1", "quantile"):
        assert fit_threshold(moved, relabelled, method) == fit_threshold(scores, labels, method)


@given(
    halves(("reconstruction", "discrimination", "latent")),
    st.randoms(use_true_random=False),
    st.sampled_from(["stable", "best"]),
)
@settings(max_examples=15, deadline=None)
def test_weights_do_not_depend_on_the_order_of_samples(case, random, choice):
    components, labels = case
    order = list(range(len(labels)))
    random.shuffle(order)
    for name in ("lambda_grid", "lambda_gamma_grid"):
        first, second = STRATEGIES.get(name)(choice=choice), STRATEGIES.get(name)(choice=choice)
        first.fit(components, labels)
        second.fit({key: values[order] for key, values in components.items()}, labels[order])
        assert first.parameters() == second.parameters()
        assert first.score(components).tobytes() == second.score(components).tobytes()


@given(scored(), st.sampled_from(["best_f1", "quantile"]))
@settings(deadline=None)
def test_decisions_are_monotone_in_the_score(case, method):
    scores, labels = case
    predicted = fit_threshold(scores, labels, method).predict(scores)
    if predicted.any() and not predicted.all():
        assert scores[predicted].min() > scores[~predicted].max()


def _f1(predicted, abnormal):
    hits = int((predicted & abnormal).sum())
    return 2 * hits / (int(predicted.sum()) + int(abnormal.sum()))


@given(scored(values=coarse | fine | st.floats(1, 1 + 1e-14)))
@settings(deadline=None)
def test_best_f1_equals_brute_force_over_all_thresholds(case):
    scores, labels = case
    abnormal = labels != 0
    by_value = {value: _f1(scores >= value, abnormal) for value in scores}
    best = max(by_value.values())
    chosen = fit_threshold(scores, labels, "best_f1").predict(scores)
    assert _f1(chosen, abnormal) == best
    assert chosen.tolist() == (scores >= max(v for v, f1 in by_value.items() if f1 == best)).tolist()


@given(scored(), st.floats(0.01, 1.0))
@settings(deadline=None)
def test_the_quantile_leaves_at_least_its_share_below_and_no_more_than_needed(case, quantile):
    scores, labels = case
    normal = scores[labels == 0]
    threshold = fit_threshold(scores, labels, "quantile", quantile=quantile)
    below = (~threshold.predict(normal)).sum()
    assert below >= quantile * len(normal) - 1e-6
    highest_below = np.sort(normal)[below - 1]
    assert (normal < highest_below).sum() < quantile * len(normal)


@given(halves())
@settings(max_examples=40, deadline=None)
def test_the_lambda_grid_equals_a_plain_double_loop(case):
    components, labels = case
    abnormal = labels != 0
    first, second = (Range.learn(v).apply(v) for v in components.values())
    best, chosen = -1.0, None
    for step in range(50):  # rising λ: a later one of equal F1 takes its place
        weight, rest = step / 49, (49 - step) / 49
        combined = weight * first + rest * second
        f1 = max(_f1(combined >= value, abnormal) for value in combined)
        if f1 >= best:
            best, chosen = f1, weight
    strategy = STRATEGIES.get("lambda_grid")(choice="best")
    strategy.fit(components, labels)
    assert strategy.parameters() == {"lambda": chosen}
    assert best_cut(strategy.score(components), abnormal).f1 == best


@given(halves(("reconstruction", "discrimination", "latent")))
@settings(max_examples=15, deadline=None)
def test_three_components_are_never_worse_on_the_fit_half_than_two(case):
    components, labels = case
    found = []
    for name in ("lambda_grid", "lambda_gamma_grid"):
        strategy = STRATEGIES.get(name)(choice="best")
        strategy.fit(components, labels)
        found.append(best_cut(strategy.score(components), labels != 0).f1)
    assert found[1] >= found[0]


def one_after_the_other(parts, abnormal):
    """The slow reference of `best_weights`: every weight's scores are sorted."""
    best, found = -1.0, ()
    for weights in simplex(len(parts)):
        f1 = best_cut(weighted_sum(weights, parts), abnormal).f1
        if f1 > best:
            best, found = f1, weights
    return found


@st.composite
def components(draw):
    """Two or three components between 0 and 1, many of them equal, and labels with both classes."""
    scores, labels = draw(scored())
    count, values = draw(st.sampled_from([2, 3])), st.integers(0, 4).map(lambda k: k / 4) | st.floats(0, 1)
    parts = [draw(hnp.arrays(np.float64, len(scores), elements=values)) for _ in range(count)]
    return parts, labels != 0


@given(components(), st.sampled_from([1, 3, 1024]))
@settings(max_examples=25, deadline=None)
def test_the_best_weights_are_those_of_a_loop_over_all(drawn, bins):
    with mock.patch.object(weighing, "_BINS", bins):
        assert best_weights(*drawn) == one_after_the_other(*drawn)


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3]), st.sampled_from([1, 2, 4]))
@settings(max_examples=10, deadline=None)
def test_the_best_weights_are_those_of_a_loop_where_samples_are_many(seed, count, decimals):
    rng = np.random.default_rng(seed)
    abnormal = rng.random(3000) < rng.choice([0.01, 0.2, 0.9])
    abnormal[:2] = True, False
    parts = [np.round(rng.random(3000) ** 3 * 0.7 + 0.3 * abnormal * rng.random(), decimals) for _ in range(count)]
    with mock.patch.object(weighing, "_ROWS", 700):
        assert best_weights(parts, abnormal) == one_after_the_other(parts, abnormal)


def placed(scores, abnormal):
    """The slow reference of `placements`: all pairs, equal ones as one half."""
    hits, alarms = scores[abnormal][:, None], scores[~abnormal][None, :]
    right = (hits > alarms) + (hits == alarms) / 2
    return right.sum(axis=1), right.sum(axis=0)


@given(scored(minimum=4), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_placements_are_those_of_all_pairs_and_give_auroc_and_its_error(case, random):
    scores, labels = case
    abnormal = labels != 0
    other = scores.copy()
    random.shuffle(other)
    first, second = placements(scores, abnormal), placements(other, abnormal)
    (hits, alarms), (more, others) = placed(scores, abnormal), placed(other, abnormal)
    assert (first.abnormal.tolist(), first.normal.tolist()) == (hits.tolist(), alarms.tolist())
    np.testing.assert_allclose(first.area, auroc(scores, abnormal), rtol=1e-12)
    m, n = len(hits), len(alarms)
    if min(m, n) < 2:
        assert first.error_of_difference(second) == np.inf
    else:  # DeLong et al. 1988, equation 8 with the contrast (1, -1)
        variance = np.var((hits - more) / n, ddof=1) / m + np.var((alarms - others) / m, ddof=1) / n
        np.testing.assert_allclose(first.error_of_difference(second), np.sqrt(variance), rtol=1e-9, atol=1e-12)


@given(components())
@settings(max_examples=20, deadline=None)
def test_stable_weights_are_the_first_within_one_standard_error(drawn):
    parts, abnormal = drawn
    found = [placements(weighted_sum(weights, parts), abnormal) for weights in simplex(len(parts))]
    best = max(found, key=lambda one: one.area)
    near = [best.area - one.area <= one.error_of_difference(best) for one in found]
    assert stable_weights(parts, abnormal) == simplex(len(parts))[near.index(True)]


@pytest.mark.parametrize("share", [0.05, 0.3])
@pytest.mark.parametrize("name", ["lambda_grid", "lambda_gamma_grid", "svm_lambda", "svm_lambda_gamma"])
def test_rounding_of_the_components_changes_the_order_of_stable_scores_hardly_at_all(name, share):
    """Fixed draws: where two weights are as good to the last bit, rounding may take the next step of the grid."""
    places = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        labels = (rng.random(300) < share).astype(np.int64)
        labels[:2] = 0, 1
        found = {part: rng.lognormal(1.2 * labels, 1.0) for part in ("reconstruction", "discrimination", "latent")}
        moved = {part: values * (1 + 1e-6 * rng.normal(size=300)) for part, values in found.items()}
        orders = []
        for parts in (found, moved):
            strategy = STRATEGIES.get(name)()
            strategy.fit(parts, labels)
            orders.append(strategy.score(found).argsort().argsort())
        places.append(np.abs(orders[0] - orders[1]).mean())
        assert abs(auroc(orders[0] * 1.0, labels != 0) - auroc(orders[1] * 1.0, labels != 0)) < 0.01
    assert np.mean(places) < 0.1  # places of 300; `choice: best` moves those of an SVM by 1.7 at 5 %


@given(hnp.arrays(np.float64, st.integers(2, 600), elements=coarse | st.floats(-1e6, 1e6)), st.randoms())
@settings(deadline=None)
def test_normal_scores_rise_with_the_values(values, random):
    scale = NormalScores.learn(values)
    new = np.sort(np.append(values, [random.uniform(-2e6, 2e6) for _ in range(20)]))
    scores = scale.apply(new)
    assert (np.diff(scores) >= -1e-12).all()
    assert np.isfinite(scores).all()


@given(st.sampled_from(simplex(3)), hnp.arrays(np.float64, (3, 6), elements=st.floats(0, 1)))
@settings(deadline=None)
def test_weighted_sums_stay_between_their_parts(weights, parts):
    total = weighted_sum(weights, list(parts))
    assert (total <= parts.max(axis=0) + 1e-12).all()
    assert (total >= parts.min(axis=0) - 1e-12).all()


@given(scored(values=coarse))
@settings(deadline=None)
def test_label_metrics_are_those_of_scikit_learn(case):
    scores, labels = case
    predicted, abnormal = scores > 0, labels != 0
    found = label_metrics(predicted, abnormal)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "f1_abnormal": oracle.f1_score(abnormal, predicted, zero_division=0),
            "f1_weighted": oracle.f1_score(abnormal, predicted, average="weighted", zero_division=0),
            "mcc": oracle.matthews_corrcoef(abnormal, predicted),
            "sensitivity": oracle.recall_score(abnormal, predicted),
            "specificity": oracle.recall_score(~abnormal, ~predicted),
            "ppv": oracle.precision_score(abnormal, predicted, zero_division=np.nan),
            "accuracy": oracle.accuracy_score(abnormal, predicted),
        }
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-12, err_msg=name)


@given(scored())
@settings(deadline=None)
def test_curves_are_monotone_or_bounded_and_end_where_they_must(case):
    scores, labels = case
    roc = roc_frame({"a": scores}, labels != 0)["a"].to_numpy()
    pr = pr_frame({"a": scores}, labels != 0)["a"].to_numpy()
    assert (np.diff(roc) >= -1e-12).all()
    assert roc[-1] == 1.0
    assert ((pr >= 0) & (pr <= 1)).all()
    lowest_hit = scores >= scores[labels != 0].min()
    np.testing.assert_allclose(pr[-1], (labels != 0).sum() / lowest_hit.sum())


@given(hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1e6)))
@settings(deadline=None)
def test_the_mode_lies_among_the_norms(norms):
    assert norms.min() <= mode_of_norms(norms) <= norms.max()


@given(st.integers(1, 200), st.integers(1, 20), st.integers(1, 6), st.integers(0, 10_000), st.booleans())
@settings(max_examples=40, deadline=None)
def test_knn_equals_all_distances_sorted(training, count, k, seed, coarsely):
    rng = np.random.default_rng(seed)
    train, x = (rng.normal(size=(n, 1, 5)).astype(np.float32) for n in (max(training, k), count))
    if coarsely:
        train, x = np.round(train), np.round(x)  # with ties
    detector = Knn(KnnOptions(neighbours=k))
    detector.fit(samples(train))
    gaps = x[:, None].astype(np.float64) - train[None]
    distances = np.sort(np.sqrt((gaps**2).sum(axis=(2, 3))), axis=1)[:, :k]
    np.testing.assert_allclose(detector.components(samples(x))["distance"], distances.mean(axis=1), rtol=1e-7)
