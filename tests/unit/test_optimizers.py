"""Update rules against loops over single numbers, and what a resumed training needs of them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import nn

from ecgan.errors import EcganError
from ecgan.models.autoencoder import Autoencoder, AutoencoderOptions
from ecgan.models.layers.optimizers import AdaBelief, OptimizerOptions, build_optimizer
from ecgan.training.resume import Progress, ResumeFile

STEPS = 6


def gradients(size: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(STEPS, size)) * np.array([1e-3, 1.0, 30.0, 0.2])[:size]


def adam(o: OptimizerOptions, theta: float, grads: np.ndarray) -> float:
    m = v = 0.0
    for t, raw in enumerate(grads, start=1):
        g = raw
        if o.name == "adam":
            g = raw + o.weight_decay * theta
        else:
            theta -= o.lr * o.weight_decay * theta
        m = o.betas[0] * m + (1 - o.betas[0]) * g
        v = o.betas[1] * v + (1 - o.betas[1]) * g * g
        theta -= o.lr * (m / (1 - o.betas[0] ** t)) / (np.sqrt(v / (1 - o.betas[1] ** t)) + o.eps)
    return theta


def adabelief(o: OptimizerOptions, theta: float, grads: np.ndarray) -> float:
    m = s = 0.0
    for t, g in enumerate(grads, start=1):
        theta *= 1 - o.lr * o.weight_decay
        m = o.betas[0] * m + (1 - o.betas[0]) * g
        s = o.betas[1] * s + (1 - o.betas[1]) * (g - m) ** 2 + o.eps
        corrected = m / (1 - o.betas[0] ** t), s / (1 - o.betas[1] ** t)
        theta -= o.lr * corrected[0] / (np.sqrt(corrected[1]) + o.eps)
    return theta


def rmsprop(o: OptimizerOptions, theta: float, grads: np.ndarray) -> float:
    square = mean = 0.0
    for raw in grads:
        g = raw + o.weight_decay * theta
        square = o.alpha * square + (1 - o.alpha) * g * g
        mean = o.alpha * mean + (1 - o.alpha) * g
        spread = square - mean**2 if o.centered else square
        theta -= o.lr * g / (np.sqrt(spread) + o.eps)
    return theta


def sgd(o: OptimizerOptions, theta: float, grads: np.ndarray) -> float:
    velocity = 0.0
    for t, raw in enumerate(grads):
        g = raw + o.weight_decay * theta
        if o.name == "momentum":
            velocity = g if t == 0 else o.momentum * velocity + (1 - o.dampening) * g
            g = velocity
        theta -= o.lr * g
    return theta


RULES = [
    (adam, {"name": "adam"}),
    (adam, {"name": "adam", "betas": [0.3, 0.8], "eps": 0.1, "weight_decay": 0.2}),
    (adam, {"name": "adamw", "betas": [0.3, 0.8], "weight_decay": 0.2}),
    (adabelief, {"name": "adabelief", "eps": 1e-16, "betas": [0.9, 0.999]}),
    (adabelief, {"name": "adabelief", "eps": 1e-3, "betas": [0.5, 0.9], "weight_decay": 0.3}),
    (rmsprop, {"name": "rmsprop"}),
    (rmsprop, {"name": "rmsprop", "alpha": 0.7, "eps": 0.05, "centered": True, "weight_decay": 0.1}),
    (sgd, {"name": "sgd", "weight_decay": 0.1}),
    (sgd, {"name": "momentum"}),
    (sgd, {"name": "momentum", "momentum": 0.6, "dampening": 0.3, "weight_decay": 0.1}),
]


@pytest.mark.parametrize(("rule", "settings"), RULES, ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_each_rule_follows_its_equations_with_all_of_its_settings(rule, settings) -> None:
    options = OptimizerOptions(**({"lr": 0.05} | settings))
    start, grads = np.array([1.0, -2.0, 3.0, 0.5]), gradients(4)
    tensors = [nn.Parameter(torch.tensor(start[:1])), nn.Parameter(torch.tensor(start[1:]).reshape(1, 3))]  # float64
    optimizer = build_optimizer(options, tensors)
    for row in torch.tensor(grads):
        tensors[0].grad, tensors[1].grad = row[:1].clone(), row[1:].reshape(1, 3).clone()
        optimizer.step()
    found = torch.cat([tensor.detach().flatten() for tensor in tensors]).numpy()
    expected = [rule(options, theta, grads[:, index]) for index, theta in enumerate(start)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_published_settings_of_adabelief_and_defaults() -> None:
    published = OptimizerOptions(name="adabelief", lr=2e-4, betas=[0.5, 0.99], eps=1e-16)
    group = build_optimizer(published, [nn.Parameter(torch.zeros(1))]).param_groups[0]
    assert (group["lr"], group["betas"], group["eps"]) == (2e-4, (0.5, 0.99), 1e-16)
    defaults = OptimizerOptions()
    assert (defaults.name, defaults.lr, defaults.eps) == ("adam", 1e-4, 1e-8)
    assert (defaults.betas, defaults.momentum, defaults.dampening) == ([0.5, 0.999], 0.9, 0.0)


def test_adabelief_leaves_parameters_without_gradient_alone_and_counts_their_steps_apart() -> None:
    one, two = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = AdaBelief([one, two], lr=0.1, weight_decay=0.5)
    for _ in range(3):
        one.grad = torch.ones(2)
        optimizer.step()
    assert torch.equal(two.detach(), torch.ones(2))
    late = nn.Parameter(torch.ones(2))
    fresh = AdaBelief([late], lr=0.1, weight_decay=0.5)
    two.grad, late.grad = torch.full((2,), 0.3), torch.full((2,), 0.3)
    optimizer.step()
    fresh.step()
    assert torch.equal(two.detach(), late.detach())


def test_adabelief_minimises_and_returns_what_the_closure_gives() -> None:
    x = nn.Parameter(torch.tensor([3.0, -4.0]))
    optimizer = AdaBelief([x], lr=0.05)

    def closure() -> float:
        optimizer.zero_grad()
        loss = (x - torch.tensor([1.0, 2.0])).square().sum()
        loss.backward()
        return float(loss.detach())

    losses = [optimizer.step(closure) for _ in range(400)]
    assert losses[0] == pytest.approx(40)
    assert losses[-1] < 1e-3


@pytest.mark.parametrize("name", ["adam", "adamw", "adabelief", "rmsprop", "momentum", "sgd"])
def test_a_resumed_training_takes_the_same_steps(tmp_path: Path, name: str) -> None:
    def start(seed: int) -> tuple[Autoencoder, dict[str, torch.optim.Optimizer]]:
        torch.manual_seed(seed)
        options = AutoencoderOptions(width=0.125, optimizer={"name": name, "lr": 1e-3, "centered": True})
        model = Autoencoder(options, channels=1, length=32)
        return model, model.optimizers()

    x = torch.rand(8, 1, 32, generator=torch.Generator().manual_seed(0))
    model, optimizers = start(0)
    for epoch in range(3):
        model.train_batch(x, optimizers, epoch)
    ResumeFile(tmp_path / "state", "same", seconds=0.0).save(model, optimizers, Progress(epoch=3))
    again, restored = start(1)
    assert ResumeFile(tmp_path / "state", "same").load(again, restored).epoch == 3
    for epoch in range(3, 6):
        model.train_batch(x, optimizers, epoch)
        again.train_batch(x, restored, epoch)
    for key, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), key


def test_a_damaged_state_of_a_training_is_no_fresh_start_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "state"
    metadata = {"fingerprint": "same", "progress": '{"epoch": 3}'}
    path.write_bytes(save({"model.of_another": torch.zeros(3)}, metadata))
    model = torch.nn.Linear(2, 2)
    with pytest.raises(EcganError, match="interrupted training") as caught:
        ResumeFile(path, "same").load(model, {})  # type: ignore[arg-type]
    assert "Remove the file" in caught.value.hint
    assert ResumeFile(path, "another").load(model, {}).epoch == 0  # type: ignore[arg-type]
