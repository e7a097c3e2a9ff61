"""The moving average of the weights."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ecgan.training.averaging import Average
from ecgan.training.loop import fit

from .test_training import assert_equal, run, weights


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(spectral_norm(nn.Linear(3, 4)), nn.BatchNorm1d(4))


def drift(model: nn.Module, step: int) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(step)))
    model(torch.randn(8, 3, generator=torch.Generator().manual_seed(step + 100)))  # moves the running statistics


@pytest.mark.parametrize("decay", [0.3, 0.9])
def test_it_is_the_recursion_written_out(decay: float) -> None:
    model = network()
    average = Average(decay, model, {})
    expected = {key: value.clone() for key, value in model.state_dict().items()}
    for step in range(60):
        drift(model, step)
        average.update(step)
        rate = min(decay, (1 + step) / (10 + step))
        for key, value in model.state_dict().items():
            expected[key] = rate * expected[key] + (1 - rate) * value
    assert {"1.running_mean", "1.running_var", "1.weight", "0.bias"} <= average.weights.keys()
    for key, value in average.weights.items():
        torch.testing.assert_close(value, expected[key], rtol=1e-4, atol=1e-5)


def test_power_iteration_and_counters_are_not_averaged() -> None:
    model = network()
    average = Average(0.9, model, {})
    for step in range(3):
        drift(model, step)
        average.update(step)
    own = {key: value.clone() for key, value in model.state_dict().items()}
    with average.applied():
        inside = {key: value.clone() for key, value in model.state_dict().items()}
    assert_equal(own, dict(model.state_dict()))
    for key in ("1.num_batches_tracked", "0.parametrizations.weight.0._u", "0.parametrizations.weight.0._v"):
        assert torch.equal(inside[key], own[key])
    assert not torch.equal(inside["1.running_var"], own["1.running_var"])
    assert not torch.equal(inside["1.weight"], own["1.weight"])


def test_switched_off_it_holds_and_changes_nothing() -> None:
    model = network()
    average = Average(0.0, model, {})
    before = {key: value.clone() for key, value in model.state_dict().items()}
    average.update(0)
    with average.applied():
        assert_equal(before, dict(model.state_dict()))
    average.apply()
    assert average.weights == {}
    assert_equal(before, dict(model.state_dict()))


def test_training_goes_on_from_its_own_weights_and_ends_with_the_average(tmp_path: Path) -> None:
    """What is trained is the same with and without; what is kept is the average of it."""
    plain, averaged = run(tmp_path / "a"), run(tmp_path / "b", ema=0.9)
    without, with_ = fit(plain, []), fit(averaged, [])
    for one, other in zip(without.history, with_.history, strict=True):
        assert one["reconstruction"] == other["reconstruction"]
        assert one["discriminator"] == other["discriminator"]
    assert without.history[-1]["vali_loss"] != with_.history[-1]["vali_loss"]
    ends = weights(averaged)
    for key, value in with_.average.items():
        assert torch.equal(ends[key], value)
    if with_.best_epoch == with_.epoch:
        assert_equal(ends, with_.best)
