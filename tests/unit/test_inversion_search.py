"""Latent optimisation: criteria by hand, and that every sample is searched for by itself."""

from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ecgan.config import SearchOptions
from ecgan.config.options import Options
from ecgan.errors import EcganError
from ecgan.inversion import search as searching
from ecgan.inversion.criteria import Bandwidth, criterion_named
from ecgan.inversion.descent import draw, prior_starts, search, search_repeatedly
from ecgan.inversion.folding import searchable
from ecgan.models.base import GenerativeModel, Optimizers
from ecgan.models.layers.latents import Prior
from ecgan.models.rgan import Rgan, RganOptions
from ecgan.registry import MODELS

CRITERIA = ["residual", "squared", "cosine", "rbf", "rgan"]
WIDTHS = Bandwidth(signal=2.0, value=0.4)
LENGTH, LATENT = 20, 3


class Toy(GenerativeModel):
    """G(z) = tanh(Wz), no encoder; counts the rows that go through it."""

    name: ClassVar[str] = "toy"
    Options: ClassVar[Any] = Options

    def __init__(self, channels: int = 2, length: int = LENGTH, latent: int = LATENT, kind: str = "normal") -> None:
        super().__init__(Options(), channels=channels, length=length)
        self.prior = Prior(kind, latent)  # type: ignore[arg-type]
        self.linear = nn.Linear(latent, channels * length, bias=False)
        with torch.no_grad():
            generator = torch.Generator().manual_seed(7)
            self.linear.weight.copy_(0.5 * torch.randn(channels * length, latent, generator=generator))
        self.seen: list[int] = []

    @property
    def output_range(self) -> tuple[float, float]:
        return (-1.0, 1.0)

    def optimizers(self) -> Optimizers:
        return {}

    def train_batch(self, x: Tensor, optimizers: Any, epoch: int, labels: Any = None) -> dict[str, Tensor]:
        return {}

    def decode(self, z: Tensor) -> Tensor:
        self.seen.append(len(z))
        return torch.tanh(self.linear(z)).view(-1, self.channels, self.length)


def toy(**sizes: Any) -> Toy:
    model = Toy(**sizes).eval()
    model.requires_grad_(False)
    return model


def run(model: Toy, x: Tensor, start: Tensor, name: str = "rgan", **options: Any) -> searching.Found:
    return search(model, x, start, criterion_named(name, WIDTHS), SearchOptions(**options))


def signals(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 2, LENGTH, generator=torch.Generator().manual_seed(seed)).clamp(-0.9, 0.9)


@pytest.mark.parametrize("name", CRITERIA)
def test_a_criterion_is_zero_where_both_agree_and_grows_with_the_difference(name: str) -> None:
    x = signals(5)
    noise = signals(5, 1)
    values = torch.stack([criterion_named(name, WIDTHS)(x, x + far * noise) for far in (0.0, 0.1, 0.3, 1.0)])
    torch.testing.assert_close(values[0], torch.zeros_like(values[0]), atol=1e-6, rtol=0)
    assert (values.diff(dim=0) > 0).all()


def test_criteria_by_hand() -> None:
    x, y = torch.tensor([[[1.0, 3.0, 2.0]]]), torch.tensor([[[1.0, 1.0, 2.5]]])
    expected = {
        "residual": 2.5 / 3,
        "squared": 4.25 / 3,
        "cosine": 1 - np.corrcoef([1, 3, 2], [1, 1, 2.5])[0, 1],
        "rbf": 1 - np.mean(np.exp(-np.array([0, 4, 0.25]) / (2 * 0.4**2))),
        "rgan": 1 - np.exp(-4.25 / (2 * 2.0**2)),
    }
    for name, value in expected.items():
        assert float(criterion_named(name, WIDTHS)(x, y)) == pytest.approx(value, rel=1e-5), name


def test_the_cosine_criterion_takes_more_than_two_values() -> None:
    x, y = signals(50), signals(50, 1)
    values = criterion_named("cosine", WIDTHS)(x, y)
    assert len(values.unique()) > 40
    assert 0.5 < float(values.mean()) < 1.5
    torch.testing.assert_close(values, criterion_named("cosine", WIDTHS)(3 * x + 1, 0.5 * y - 2), atol=1e-4, rtol=0)


def test_constant_signals_have_a_cosine_and_a_finite_gradient() -> None:
    y = torch.zeros(2, 1, 8, requires_grad=True)
    x = torch.stack([torch.ones(1, 8), torch.linspace(0, 1, 8)[None]])
    values = criterion_named("cosine", WIDTHS)(x, y)
    (gradient,) = torch.autograd.grad(values.sum(), y)
    assert values.tolist() == pytest.approx([0.0, 1.0], abs=1e-3)
    assert gradient.isfinite().all()


def test_rgan_tells_far_signals_apart() -> None:
    x = torch.zeros(1, 1, 8)
    far, farther = (criterion_named("rgan", WIDTHS)(x, x + value) for value in (4.2, 4.3))  # 6σ away
    assert float(far) < float(farther)


@pytest.mark.parametrize("name", CRITERIA)
def test_a_criterion_of_a_sample_does_not_depend_on_its_batch(name: str) -> None:
    x, y = signals(6), signals(6, 1)
    criterion = criterion_named(name, WIDTHS)
    alone = torch.cat([criterion(x[i : i + 1], y[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(criterion(x, y), alone)


def test_bandwidths_are_medians_over_training_samples() -> None:
    train = torch.tensor([0.0, 1.0, 3.0, 7.0]).view(4, 1, 1).expand(4, 1, 4)
    found = Bandwidth.of(train)
    assert found.signal == pytest.approx(2 * np.median([1, 3, 7, 2, 6, 4]))
    assert found.value == 3.0  # |0 − 3| and |1 − 7|: the lower median
    with pytest.raises(EcganError, match="too few"):
        Bandwidth.of(train[:1])


def test_bandwidths_of_samples_that_are_all_alike_are_no_zero() -> None:
    found = Bandwidth.of(torch.ones(5, 1, 4))
    assert found.signal > 0
    assert found.value > 0


@pytest.mark.parametrize("name", CRITERIA)
def test_a_search_finds_the_latent_of_what_the_model_generated(name: str) -> None:
    model = toy()
    z = 0.5 * draw(model, 12, 3)
    start = torch.full((12, LATENT), 0.1)
    found = run(model, model.decode(z), start, name, iterations=400, epsilon=0, adapt_lr=False)
    assert (found.loss < 0.01).all()
    if name == "cosine":
        return  # it does not see how high a signal is
    torch.testing.assert_close(found.z, z, atol=0.03, rtol=0)
    assert (found.path >= 0.9 * (z - start).norm(dim=1)).all()  # the straight way is the shortest


def test_a_sample_is_searched_for_by_itself() -> None:
    model, x = toy(), signals(30)
    start = prior_starts(model, x, criterion_named("rgan", WIDTHS), 8, 1)
    options = {"iterations": 60, "epsilon": 0.2, "lr_threshold": 0.35, "lr": 0.05}
    together = run(model, x, start, **options)
    for size, order in ((1, torch.arange(30)), (4, torch.arange(29, -1, -1)), (30, torch.randperm(30))):
        other = run(model, x[order], start[order], batch_size=size, **options)
        torch.testing.assert_close(other.z, together.z[order], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(other.path, together.path[order], atol=1e-4, rtol=1e-4)


def test_a_hopeless_neighbour_does_not_keep_a_sample_going() -> None:
    model = toy()
    easy = model.decode(torch.full((1, LATENT), 0.2))
    hopeless = 50 * torch.ones(1, 2, LENGTH)
    options = {"iterations": 50, "epsilon": 0.02, "name": "squared"}
    alone = run(model, easy, torch.zeros(1, LATENT), **options)
    both = run(model, torch.cat([easy, hopeless]), torch.zeros(2, LATENT), **options)
    torch.testing.assert_close(both.z[:1], alone.z)
    torch.testing.assert_close(both.path[:1], alone.path)
    assert float(alone.loss) < 0.02


def test_a_sample_that_is_done_does_no_further_work() -> None:
    model = toy()
    x = torch.cat([model.decode(torch.zeros(40, LATENT)), signals(8)])
    model.seen.clear()
    run(model, x, torch.zeros(48, LATENT), iterations=20, epsilon=1e-3, batch_size=48)
    assert model.seen == [48] + [8] * 20  # forty begin where they belong


def test_finished_samples_make_room_for_others() -> None:
    model = toy()
    x = torch.cat([model.decode(torch.zeros(40, LATENT)), signals(8)])
    model.seen.clear()
    run(model, x, torch.zeros(48, LATENT), iterations=20, epsilon=1e-3, batch_size=8)
    assert model.seen == [8] * 26  # five batches done at once, one that takes 20 steps


def test_the_learning_rate_falls_for_the_samples_that_are_near() -> None:
    model = toy()
    x = torch.cat([model.decode(torch.full((1, LATENT), 0.05)), signals(1)])
    options = {"iterations": 1, "epsilon": 0, "lr": 0.1, "lr_threshold": 0.1, "name": "squared"}
    start = torch.zeros(2, LATENT)
    steps = run(model, x, start, **options).path / run(model, x, start, adapt_lr=False, **options).path
    assert steps.tolist() == pytest.approx([0.1, 1.0])


def test_the_best_latent_is_kept_and_not_the_last() -> None:
    model, x = toy(), signals(6)
    wild = run(model, x, torch.zeros(6, LATENT), "squared", iterations=40, epsilon=0, lr=5.0)
    begin = criterion_named("squared", WIDTHS)(x, model.decode(torch.zeros(6, LATENT)))
    assert (wild.loss <= begin).all()
    torch.testing.assert_close(criterion_named("squared", WIDTHS)(x, model.decode(wild.z)).double(), wild.loss)


def test_more_steps_are_never_worse() -> None:
    model, x = toy(), signals(9)
    losses = [run(model, x, torch.zeros(9, LATENT), iterations=n, epsilon=0).loss for n in (1, 10, 100)]
    assert (losses[1] <= losses[0]).all()
    assert (losses[2] <= losses[1]).all()


def test_runs_keep_one_latent_a_sample_the_best_of_all_runs() -> None:
    model, x = toy(), signals(7)
    criterion = criterion_named("rgan", WIDTHS)
    losses = []
    for runs in (1, 3):
        options = SearchOptions(iterations=3, epsilon=0, starts=1, runs=runs)
        found = search_repeatedly(model, x, None, criterion, options, seed=5)
        assert found.z.shape == (7, LATENT)
        assert found.path.shape == (7,)
        losses.append(found.loss)
    assert (losses[1] <= losses[0]).all()
    assert (losses[1] < losses[0]).any()


def test_starting_points_do_not_depend_on_order_or_number_of_samples() -> None:
    model, x = toy(), signals(20)
    criterion = criterion_named("residual", WIDTHS)
    chosen = prior_starts(model, x, criterion, 16, 4)
    assert torch.equal(prior_starts(model, x[[17, 3]], criterion, 16, 4), chosen[[17, 3]])
    assert not torch.equal(prior_starts(model, x, criterion, 16, 5), chosen)
    latents = draw(model, 16, 4)
    losses = torch.stack([criterion(x, model.decode(z[None]).expand_as(x)) for z in latents])
    assert torch.equal(chosen, latents[losses.argmin(dim=0)])


def test_draws_leave_other_draws_alone() -> None:
    model = toy()
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    draw(model, 5, 9)
    assert torch.equal(torch.rand(3), expected)


def test_a_search_needs_no_gradient_of_weights_and_leaves_the_mode_alone() -> None:
    model = toy()
    with torch.inference_mode():
        found = run(model, signals(3), torch.zeros(3, LATENT), iterations=5)
    assert not found.z.is_inference()
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not model.training


def test_progress_counts_every_sample_once() -> None:
    told: list[int] = []
    options = SearchOptions(iterations=2, epsilon=0, runs=2, batch_size=4)
    search_repeatedly(toy(), signals(10), None, criterion_named("rgan", WIDTHS), options, seed=0, tell=told.append)
    assert told == sorted(told)
    assert told[0] == 0


def test_no_samples_are_found_at_once() -> None:
    assert run(toy(), signals(0), torch.zeros(0, LATENT)).z.shape == (0, LATENT)


@pytest.mark.parametrize("name", ["aegan", "vaegan", "dcgan", "rgan", "rdcgan"])
def test_a_folded_generator_is_the_same_function(name: str) -> None:
    cls = MODELS.get(name)
    torch.manual_seed(3)
    model = cls(cls.Options(width=0.25, latent_size=4), channels=2, length=96)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        for _ in range(20):
            model.decode(torch.randn(64, 4))  # statistics of batch norm
    model.eval().requires_grad_(False)
    results = []
    for generator in (model, searchable(model)):
        z = torch.linspace(-1, 1, 12).view(3, 4).requires_grad_()
        y = generator.decode(z)
        (gradient,) = torch.autograd.grad((y * torch.linspace(0, 1, 96)).sum(), z)
        results.append((y.detach(), gradient))
    assert results[0][0].std() > 0
    assert results[0][1].abs().max() > 0
    torch.testing.assert_close(results[1][0], results[0][0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(results[1][1], results[0][1], atol=1e-4, rtol=1e-3)


@pytest.mark.native
def test_bf16_searches_as_well() -> None:
    cls = MODELS.get("rgan")
    torch.manual_seed(3)
    model = cls(cls.Options(width=0.25, latent_size=4), channels=1, length=40)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)
    model = searchable(model)
    x = model.decode(draw(model, 5, 0))
    z = torch.zeros(5, 4)
    options = SearchOptions(iterations=60, epsilon=0, lr=0.05)
    criterion = criterion_named("squared", WIDTHS)
    full, half = (search(model, x, z, criterion, options, precision=precision) for precision in ("fp32", "bf16"))
    begin = criterion(x, model.decode(z)).double()
    assert (full.loss < 0.5 * begin).all()
    assert (half.loss < 0.6 * begin).all()


def test_a_way_back_through_an_overwritten_buffer_is_refused() -> None:
    model = searchable(Rgan(RganOptions(width=0.0625, latent_size=3), channels=1, length=16))
    z = torch.randn(4, 3, requires_grad=True)
    first = model.decode(z)
    model.decode(torch.randn(4, 3, requires_grad=True))
    with pytest.raises(RuntimeError, match="another forward pass"):
        first.sum().backward()
