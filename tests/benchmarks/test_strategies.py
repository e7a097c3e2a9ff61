"""Strategies fitted on validation points: weights by the best F1, and the radial SVM."""

import numpy as np
import pytest

from ecgan.detection.strategies import lambda_grid
from ecgan.detection.strategies.base import SVM_SAMPLES
from ecgan.detection.weighing import simplex, weighted_sum
from ecgan.evaluation.ranking import auroc, best_cut
from ecgan.registry import STRATEGIES

POINTS = 20_000
MANY = 60_000


def components(points: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Components of normal and abnormal beats that overlap as those of a trained model do."""
    rng = np.random.default_rng(0)
    labels = (rng.random(points) < 0.12).astype(np.int64)
    found = {
        "reconstruction": rng.lognormal(-4.0 + 1.1 * labels, 0.6),
        "discrimination": rng.lognormal(-2.0 + 0.7 * labels, 0.5),
        "latent": np.abs(rng.normal(0.0, 1.0 + labels)),
    }
    return found, labels


def loop(strategy, scaled, abnormal: np.ndarray) -> tuple[float, ...]:
    """The weights with the best F1, tried one after the other."""
    f1 = {weights: best_cut(weighted_sum(weights, scaled), abnormal).f1 for weights in simplex(len(strategy.needs))}
    return max(f1, key=f1.__getitem__)  # the first of the best


@pytest.mark.parametrize("way", ["ours", "reference: a loop over weights"])
@pytest.mark.parametrize("points", [POINTS, MANY])
@pytest.mark.parametrize("name", ["lambda_grid", "lambda_gamma_grid"])
def test_grid(benchmark, name: str, points: int, way: str) -> None:
    benchmark.group = f"{name}, {points:,} points"
    found, labels = components(points)
    strategy = STRATEGIES.get(name)(choice="best")
    strategy.fit(found, labels)
    scaled = [(v - v.min()) / (v.max() - v.min()) for v in (found[need] for need in strategy.needs)]
    if way == "ours":
        benchmark.pedantic(strategy.fit, (found, labels), rounds=3)
    else:
        expected = benchmark.pedantic(loop, (strategy, scaled, labels != 0), rounds=1)
        assert tuple(strategy.parameters().values()) == expected[:-1]


@pytest.mark.benchmark(group=f"lambda_gamma_grid, stable, {MANY:,} points")
@pytest.mark.parametrize("way", ["ours", "reference: compares on all points"])
def test_stable_grid(benchmark, monkeypatch, way: str) -> None:
    found, labels = components(MANY)
    strategy = STRATEGIES.get("lambda_gamma_grid")(choice="stable")
    monkeypatch.setattr(lambda_grid, "STABLE_SAMPLES", lambda_grid.STABLE_SAMPLES if way == "ours" else MANY)
    benchmark.pedantic(strategy.fit, (found, labels), rounds=3 if way == "ours" else 1)
    benchmark.extra_info["AUROC"] = round(auroc(strategy.score(found), labels != 0), 4)


@pytest.mark.benchmark(group=f"svm_lambda_gamma, {MANY:,} points")
@pytest.mark.parametrize("way", ["ours", "reference: learns from all points"])
def test_svm(benchmark, way: str) -> None:
    found, labels = components(MANY)
    samples = SVM_SAMPLES if way == "ours" else MANY
    strategy = STRATEGIES.get("svm_lambda_gamma")(svm_samples=samples)
    benchmark.pedantic(strategy.fit, (found, labels), rounds=1, warmup_rounds=way == "ours")
    assert auroc(strategy.score(found), labels != 0) > 0.8


@pytest.mark.benchmark(group=f"svm_lambda_gamma, decisions on {POINTS:,} points")
@pytest.mark.parametrize("way", ["ours", "reference: a loop over points"])
def test_decisions(benchmark, way: str) -> None:
    found, labels = components(POINTS)
    strategy = STRATEGIES.get("svm_lambda_gamma")()
    strategy.fit(found, labels)

    def loop() -> np.ndarray:
        rows = ({name: values[i : i + 1] for name, values in found.items()} for i in range(POINTS))
        return np.concatenate([strategy.score(row) for row in rows])

    scores = benchmark.pedantic(loop if way != "ours" else strategy.score, () if way != "ours" else (found,), rounds=1)
    assert scores.tobytes() == strategy.score(found).tobytes()
