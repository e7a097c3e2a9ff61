"""Metrics of generated signals: what they are computed from, and that training does not notice them."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ecgan.config import Generation, Options, Train
from ecgan.generation import classifying
from ecgan.generation.classifying import RealParts, classification_metrics
from ecgan.generation.monitor import Monitor
from ecgan.generation.sampling import BATCH, generate, generated_batches, own_random_numbers, prior_fitted_to
from ecgan.models.aegan import Aegan, AeganOptions
from ecgan.models.base import GenerativeModel
from ecgan.models.layers.latents import Prior
from ecgan.training.data import TrainingData
from ecgan.training.loop import Run, fit
from ecgan.training.resume import ResumeFile

LENGTH = 16


class Shifted(GenerativeModel):
    """Generates noise around `level`; its encoder and decoder reconstruct every signal without error."""

    name = "shifted"
    Options = Options

    def __init__(self, level: float = 0.0, kind: str = "normal") -> None:
        super().__init__(Options(), channels=1, length=LENGTH)
        self.level = nn.Parameter(torch.tensor(level))
        self.prior = Prior(kind, LENGTH)  # type: ignore[arg-type]

    output_range = None

    def optimizers(self) -> dict:
        return {}

    def train_batch(self, x: Tensor, optimizers: dict, epoch: int, labels: Tensor | None = None) -> dict:
        return {}

    def decode(self, z: Tensor) -> Tensor:
        return z[:, None] + self.level

    def encode(self, x: Tensor) -> Tensor:
        return x[:, 0] - self.level


def parts(sizes: tuple[int, int, int, int] = (60, 40, 50, 40), gap: float = 2.0) -> RealParts:
    rng = np.random.default_rng(0)
    shifts = (0.0, gap, 0.0, gap)
    made = [
        (rng.normal(size=(n, 1, LENGTH)) + shift).astype(np.float32) for n, shift in zip(sizes, shifts, strict=True)
    ]
    return RealParts(*made)


def monitor(model: GenerativeModel, real: RealParts | None = None, **options) -> Monitor:
    every = options.pop("evaluate_every", 1)
    settings = Train(evaluate_every=every, generation=Generation(**{"metrics": ["mmd", "tstr", "trts"]} | options))
    real = parts() if real is None else real
    return Monitor(model, torch.from_numpy(real.train_normal), real, settings, seed=1)


def by_hand(x: np.ndarray, y: np.ndarray, sigma: float) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return math.exp(-float(((a - b).astype(np.float64) ** 2).sum()) / (2 * sigma**2))

    m, n = len(x), len(y)
    within = [sum(kernel(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j) for s in (x, y)]
    between = sum(kernel(a, b) for a in x for b in y)
    return within[0] / (m * (m - 1)) + within[1] / (n * (n - 1)) - 2 * between / (m * n)


def test_the_discrepancy_is_that_of_real_and_generated_signals_and_not_of_reconstructions() -> None:
    near, far = (monitor(Shifted(level)).columns(1) for level in (0.0, 3.0))  # both reconstruct without error
    assert abs(near["vali_mmd_median"]) < 0.02
    assert abs(near["vali_mmd_fixed"]) < 0.02
    assert far["vali_mmd_median"] > 0.5
    assert far["vali_mmd_fixed"] > 0.5


def test_the_discrepancy_by_hand() -> None:
    real = parts((30, 8, 12, 8))
    watched = monitor(Shifted(0.7), real)
    found = watched.final()
    count = 2 * max(len(real.test_normal), len(real.train_normal))
    generated = generate(watched.model, count, _seed_of_final(watched)).numpy()[: len(real.test_normal)]
    x = real.test_normal.reshape(len(real.test_normal), -1)
    distances = [float(np.linalg.norm(x[i] - x[j])) for i in range(len(x)) for j in range(i)]
    assert found["bandwidth_median"] == pytest.approx(np.median(distances), rel=1e-5)
    for name, sigma in (("mmd_median", float(np.median(distances))), ("mmd_fixed", 5.0)):
        assert found[name] == pytest.approx(by_hand(x, generated.reshape(len(generated), -1), sigma), abs=1e-6)
        train = real.train_normal[: len(x)].reshape(len(x), -1)
        assert found[f"{name}_real"] == pytest.approx(by_hand(x, train, sigma), abs=1e-6)


def _seed_of_final(watched: Monitor) -> int:
    from ecgan.runtime import derive_seed

    return derive_seed(watched.seed, "generation")


def test_what_cannot_be_told_apart_is_not_told_apart() -> None:
    """Abnormal signals of the tests that had been learned from would be recognised."""
    found = classification_metrics(parts((200, 200, 200, 200), gap=0.0), noise(400), "random_forest", seed=0)
    for name in ("real", "tstr", "trts"):
        assert abs(found[name]["auroc"] - 0.5) < 0.1, name


def noise(count: int, level: float = 0.0) -> np.ndarray:
    return (np.random.default_rng(9).normal(size=(count, 1, LENGTH)) + level).astype(np.float32)


def test_sets_are_equally_large_and_share_no_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    learned, tested = [], []
    fitted, judged = classifying._fitted, classifying._judged
    monkeypatch.setattr(
        classifying,
        "_fitted",
        lambda c, normal, abnormal, s: learned.append((normal, abnormal)) or fitted(c, normal, abnormal, s),
    )
    monkeypatch.setattr(
        classifying,
        "_judged",
        lambda f, normal, abnormal: tested.append((normal, abnormal)) or judged(f, normal, abnormal),
    )
    real = parts((300, 30, 90, 20))
    found = classification_metrics(real, noise(600), "random_forest", seed=0)
    assert (found["trained"], found["tested"]) == (30, 20)
    assert {(len(normal), len(abnormal)) for normal, abnormal in learned} == {(30, 30)}
    assert {(len(normal), len(abnormal)) for normal, abnormal in tested} == {(20, 20)}
    seen = {row.tobytes() for sets in learned for part in sets for row in part}
    unseen = {row.tobytes() for sets in tested for part in sets for row in part}
    assert not seen & unseen
    own = {name: {row.tobytes() for row in part} for name, part in vars(real).items()}
    assert all({row.tobytes() for row in abnormal} <= own["train_abnormal"] for _, abnormal in learned)
    assert all({row.tobytes() for row in abnormal} <= own["test_abnormal"] for _, abnormal in tested)


@pytest.mark.parametrize("classifier", ["random_forest", "logistic_regression"])
def test_a_good_generator_is_worth_as_much_as_real_signals_and_a_bad_one_is_not(classifier: str) -> None:
    real = parts((200, 200, 200, 200), gap=1.0)
    good = classification_metrics(real, noise(400), classifier, seed=0)
    assert good["tstr"]["ratio"] > 0.9
    assert good["trts"]["ratio"] > 0.9
    bad = classification_metrics(real, noise(400, level=1.0), classifier, seed=0)  # like the abnormal ones
    assert bad["tstr"]["ratio"] < 0.8
    assert bad["trts"]["f1_weighted"] < 0.6
    assert bad["real"] == good["real"]


def test_ratios_and_metrics_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    class Level:
        """Calls everything above a level abnormal: the mean of the normal signals that it learned from, plus one."""

        def fit(self, x: np.ndarray, rows: np.ndarray) -> "Level":
            self.level = float(x[~rows].mean()) + 1
            return self

        def predict_proba(self, x: np.ndarray) -> np.ndarray:
            above = (x.mean(axis=1) > self.level).astype(float)
            return np.column_stack([1 - above, above])

    monkeypatch.setattr(classifying, "_forest", lambda seed: Level())
    flat = [np.full((6, 1, LENGTH), value, dtype=np.float32) for value in (0.0, 2.0, 0.0, 2.0)]
    flat[3][:3] = 0.5  # three abnormal test signals lie below every level
    found = classification_metrics(
        RealParts(*flat), np.full((12, 1, LENGTH), 5.0, dtype=np.float32), "random_forest", 0
    )
    assert found["real"]["precision"] == 1.0
    assert found["real"]["recall"] == 0.5
    assert found["real"]["f1_abnormal"] == pytest.approx(2 / 3)
    assert found["real"]["f1_weighted"] == pytest.approx((2 / 3 + 12 / 15) / 2)
    assert found["real"]["accuracy"] == 0.75
    assert found["real"]["auroc"] == 0.75
    assert found["tstr"]["recall"] == 0.0  # nothing is above the level of the generated ones
    assert found["tstr"]["accuracy"] == 0.5
    assert found["tstr"]["ratio"] == pytest.approx(found["tstr"]["f1_weighted"] / found["real"]["f1_weighted"])
    assert found["trts"]["recall"] == 0.5  # the generated ones, at 5, are taken for abnormal
    assert found["trts"]["precision"] == pytest.approx(3 / 9)


def test_too_few_signals_have_no_value() -> None:
    found = classification_metrics(parts((60, 4, 50, 40)), noise(120), "random_forest", seed=0)
    assert found["trained"] == 4
    assert all(math.isnan(value) for name in ("real", "tstr", "trts") for value in found[name].values())
    lonely = monitor(Shifted(), parts((60, 40, 1, 40))).final()
    assert math.isnan(lonely["mmd_median"])


def test_random_numbers_and_prior_stay_as_they_were() -> None:
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002 - the global one is what must stay
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    model = Shifted(0.5, kind="encoder")
    kept = {key: value.clone() for key, value in model.state_dict().items()}
    watched = monitor(model, classify_every=1)
    watched.columns(1)
    watched.final()
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    for key, value in model.state_dict().items():
        assert torch.equal(value, kept[key]), key


def test_a_prior_of_latents_is_fitted_before_it_is_drawn_from() -> None:
    """The prior's stored mean is 0, the latents' is −3: unfitted, the model would generate around 3."""
    found = monitor(Shifted(3.0, kind="encoder")).columns(1)
    assert abs(found["vali_mmd_median"]) < 0.05
    model = Shifted(3.0, kind="encoder")
    with prior_fitted_to(model, torch.zeros(10, 1, LENGTH)):
        assert float(model.prior.mean.mean()) == pytest.approx(-3.0)
    assert float(model.prior.mean.mean()) == 0.0


@pytest.mark.parametrize(
    ("options", "mmd", "tstr"),
    [
        ({}, [1, 2, 3, 4, 5, 6], []),
        ({"every": 2}, [2, 4, 6], []),
        ({"every": 0}, [], []),
        ({"classify_every": 3}, [1, 2, 3, 4, 5, 6], [3, 6]),
        ({"every": 1, "evaluate_every": 2}, [2, 4, 6], []),
        ({"every": 2, "evaluate_every": 2}, [4], []),
        ({"metrics": ["tstr"], "classify_every": 2}, [], [2, 4, 6]),
        ({"metrics": []}, [], []),
    ],
)
def test_the_schedule(options: dict, mmd: list[int], tstr: list[int]) -> None:
    options = dict(options)
    step = options.get("evaluate_every", 1)
    watched = monitor(Shifted(), **options)
    found = {epoch: watched.columns(epoch) for epoch in range(step, 7, step)}
    assert [epoch for epoch, row in found.items() if "vali_mmd_median" in row] == mmd
    assert [epoch for epoch, row in found.items() if "vali_tstr_auroc" in row] == tstr
    trts = tstr if "trts" in watched.options.generation.metrics else []
    assert [epoch for epoch, row in found.items() if "vali_trts_f1_weighted" in row] == trts


def test_metrics_that_are_not_asked_for_are_not_given() -> None:
    assert set(monitor(Shifted(), metrics=[]).final()) == set()
    only = monitor(Shifted(), metrics=["trts"]).final()
    assert "trts" in only
    assert "tstr" not in only
    assert "mmd_median" not in only


class Copying(Shifted):
    """Generates what it was trained on."""

    def decode(self, z: Tensor) -> Tensor:
        return torch.from_numpy(parts().train_normal)[torch.arange(len(z)) % 60]


def test_a_generator_that_copies_its_training_signals_is_found_and_an_honest_one_is_not() -> None:
    honest, copying = (
        monitor(model, metrics=["memorisation"]).final()["memorisation"] for model in (Shifted(), Copying())
    )
    assert honest["nearer"] == pytest.approx(0.5, abs=0.2)
    assert honest["p"] > 0.001
    assert (copying["ratio"], copying["nearer"], copying["authentic"]) == (0, 1, 0)
    assert copying["p"] < 1e-10
    assert honest["authentic_real"] == copying["authentic_real"]
    assert "memorisation" not in monitor(Shifted(), parts((60, 40, 0, 40)), metrics=["memorisation"]).final()


def test_the_cost_is_bounded_by_the_number_of_samples() -> None:
    asked = []
    model = Shifted()
    decode = model.decode
    model.decode = lambda z: asked.append(len(z)) or decode(z)  # type: ignore[method-assign]
    real = parts((2000, 900, 900, 900)).reduced(32, seed=0)
    assert {len(part) for part in vars(real).values()} == {32}
    monitor(model, real).columns(1)
    assert sum(asked) == 32


def test_generated_signals_depend_on_the_seed_alone() -> None:
    model = Shifted()
    x = generate(model, BATCH + 7, seed=3)
    assert len(x) == BATCH + 7
    assert torch.equal(generate(model, 7, seed=3), x[:7])
    assert not torch.equal(generate(model, 7, seed=4), x[:7])
    assert not torch.equal(x[BATCH:], x[:7]), "every batch needs latents of its own"
    assert [len(batch) for batch in generated_batches(model, 2 * BATCH, seed=0)] == [BATCH, BATCH]
    torch.manual_seed(1)
    state = torch.get_rng_state()
    with own_random_numbers(7):
        torch.rand(5)
    assert torch.equal(torch.get_rng_state(), state)


def trained(
    path: Path, measured: bool, stop_after: int | None = None, seed: int = 3
) -> tuple[Run, list[dict[str, float]]]:
    torch.manual_seed(seed)
    model = Aegan(AeganOptions(width=0.125, latent_size=4, batch_size=8), channels=1, length=32)
    time = torch.linspace(0, 6.28, 32)
    normal, abnormal = (torch.sin(k * time + torch.arange(n)[:, None, None] * 0.1) for k, n in ((1, 50), (3, 20)))
    vali, labels = torch.cat([normal[30:40], abnormal[:10]]), torch.tensor([0] * 10 + [1] * 10)
    data = TrainingData(normal[:30], torch.zeros(30, dtype=torch.int64), vali, labels)
    options = Train(epochs=5, generation=Generation(metrics=["mmd", "tstr", "trts"], classify_every=2))
    real = RealParts(*(x.numpy() for x in (normal[:30], abnormal[:10], normal[40:], abnormal[10:])))
    watched = Monitor(model, data.train, real, options, seed=3)
    resume = ResumeFile(path, "same", seconds=0.0)
    run = Run(model, data, options, 3, "fp32", resume, None, watched.columns if measured else None)
    if stop_after is not None:
        save = resume.save

        def dying(model, optimizers, progress):
            save(model, optimizers, progress)
            if progress.epoch == stop_after:
                raise KeyboardInterrupt

        resume.save = dying
        with pytest.raises(KeyboardInterrupt):
            fit(run, [])
        return run, []
    return run, fit(run, []).history


def test_training_gives_the_same_bytes_with_metrics_and_without(tmp_path: Path) -> None:
    (plain, history), (watched, longer) = trained(tmp_path / "a", False), trained(tmp_path / "b", True)
    for key, value in plain.model.state_dict().items():
        assert torch.equal(value, watched.model.state_dict()[key]), key
    assert [{key: row[key] for key in history[0]} for row in longer] == history
    assert "vali_mmd_fixed" in longer[0]
    assert "vali_tstr_f1_weighted" in longer[1]
    assert "vali_tstr_f1_weighted" not in longer[0]


def test_a_resumed_training_has_the_same_history_of_metrics(tmp_path: Path) -> None:
    _, whole = trained(tmp_path / "whole", True)
    trained(tmp_path / "cut", True, stop_after=3)
    assert trained(tmp_path / "cut", True, seed=99)[1] == whole


def test_parts_are_drawn_without_repetition_and_by_seed() -> None:
    real = replace(parts((50, 5, 50, 50)))
    one, other = real.reduced(20, seed=1), real.reduced(20, seed=2)
    assert len(np.unique(one.train_normal[:, 0, 0])) == 20
    assert len(one.train_abnormal) == 5
    assert not np.array_equal(one.train_normal, other.train_normal)
    assert np.array_equal(one.train_normal, real.reduced(20, seed=1).train_normal)
