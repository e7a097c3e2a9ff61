"""Learning rates over a training run."""

import itertools
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ecgan.training.data import batch_count, batches
from ecgan.training.loop import fit
from ecgan.training.schedule import Schedule, factor

from .test_training import run

NAMES = ("constant", "cosine", "one_cycle")


@given(st.sampled_from(NAMES), st.floats(0, 1, exclude_max=True), st.floats(0, 0.99))
def test_the_factor_never_leaves_zero_to_one(name: str, done: float, warmup: float) -> None:
    assert 0 <= factor(name, done, warmup) <= 1


@pytest.mark.parametrize(
    ("name", "warmup", "expected"),
    [
        ("constant", 0.0, [1, 1, 1, 1]),
        ("constant", 0.5, [0, 0.5, 1, 1]),
        ("cosine", 0.0, [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2]),
        ("cosine", 0.5, [0, 0.5, 1, 0.5]),
        ("one_cycle", 0.0, [0.04, 0.04 + 0.96 * (1 - math.cos(math.pi / 1.2)) / 2, None, None]),
        ("one_cycle", 0.9, [0.04, 0.04 + 0.96 * (1 - math.cos(math.pi / 1.2)) / 2, None, None]),
    ],
)
def test_factors_at_each_quarter(name: str, warmup: float, expected: list[float | None]) -> None:
    for done, value in zip((0, 0.25, 0.5, 0.75), expected, strict=True):
        if value is not None:
            assert factor(name, done, warmup) == pytest.approx(value)


def test_one_cycle_is_pytorchs_but_for_the_middle_of_a_step() -> None:
    """PyTorch's OneCycleLR with a cosine, no third phase and no lowest rate."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    steps = 1000
    reference = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=steps, div_factor=25, final_div_factor=1e9, cycle_momentum=False
    )
    for step in range(steps):
        assert factor("one_cycle", (step + 0.5) / steps) == pytest.approx(optimizer.param_groups[0]["lr"], abs=0.01)
        optimizer.step()
        reference.step()


def rates(name: str, warmup: float, epochs: int, per_epoch: int) -> list[list[float]]:
    """Rates of two optimizers at every step."""
    optimizers = {key: torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr) for key, lr in (("a", 0.5), ("b", 2.0))}
    schedule = Schedule(name, warmup, optimizers, epochs=epochs, per_epoch=per_epoch)
    found = []
    for epoch in range(epochs):
        for index in range(per_epoch):
            schedule.set(epoch, index)
            found.append([optimizer.param_groups[0]["lr"] for optimizer in optimizers.values()])
    return found


def test_each_optimizer_keeps_its_own_rate_and_all_follow_one_curve() -> None:
    found = rates("cosine", 0.0, 4, 5)
    assert [b / a for a, b in found] == pytest.approx([4.0] * 20)
    assert [a for a, _ in found] == sorted((a for a, _ in found), reverse=True)
    assert found[0][0] == pytest.approx(0.5, abs=0.01)
    assert 0 < found[-1][0] < 0.01
    assert rates("cosine", 0.0, 2, 10) == found
    assert rates("constant", 0.0, 2, 3) == [[0.5, 2.0]] * 6


@pytest.mark.parametrize(("count", "size"), [(20, 5), (20, 6), (20, 100), (2, 2)])
def test_as_many_steps_are_planned_as_are_taken(count: int, size: int) -> None:
    assert batch_count(count, size) == len(list(batches(count, size, seed=1)))


def test_training_ends_with_a_rate_near_zero(tmp_path: Path) -> None:
    job = run(tmp_path / "state", schedule="cosine")
    seen: list[float] = []
    step = job.model.train_batch

    def watched(x, optimizers, epoch, labels=None):
        seen.append(optimizers["generator"].param_groups[0]["lr"])
        return step(x, optimizers, epoch, labels)

    job.model.train_batch = watched
    fit(job, [])
    assert len(seen) == 18
    assert seen == sorted(seen, reverse=True)
    full = job.model.options.generator.lr
    assert seen[0] == pytest.approx(full, rel=0.01)
    assert seen[-1] < full / 100


def test_the_discriminator_learns_on_every_second_batch_only(tmp_path: Path) -> None:
    job = run(tmp_path / "state", epochs=1, every=2)
    weight = job.model.discriminator.head.weight
    seen = [weight.detach().clone()]
    step = job.model.train_batch

    def watched(x, optimizers, epoch, labels=None):
        losses = step(x, optimizers, epoch, labels)
        seen.append(weight.detach().clone())
        assert ("discriminator" in losses) == (len(seen) % 2 == 0)
        return losses

    job.model.train_batch = watched
    history = fit(job, []).history
    changed = [not torch.equal(before, after) for before, after in itertools.pairwise(seen)]
    assert changed == [True, False, True]
    assert 1.0 < history[0]["discriminator"] < 2.0  # a mean over the steps that were taken: about 2 log 2 at the start
