"""The gradient penalty by first derivatives against the same by second derivatives, its slow reference."""

import pytest
import torch
from torch import Tensor, nn

from ecgan.models.dcgan import gradient_penalty
from ecgan.models.rgan import RecurrentDiscriminator, Rgan, RganOptions, directional_penalty
from ecgan.runtime import autocast


def critic(std: float, length: int = 48, channels: int = 2, *, spectral: bool = False) -> RecurrentDiscriminator:
    torch.manual_seed(0)
    made = RecurrentDiscriminator(channels, 0.25, spectral=spectral)
    with torch.no_grad():
        for name, weight in made.named_parameters():
            weight.normal_(0, std if "weight" in name or "original" in name else 0.01)
    return made


def beats(count: int = 8, channels: int = 2, length: int = 48) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    place = 0.5 + 0.05 * torch.randn(count, channels, 1, generator=generator)
    real = 0.9 * torch.exp(-(((torch.linspace(0, 1, length) - place) / 0.05) ** 2)) - 0.1
    return real, 0.1 * torch.randn(count, channels, length, generator=generator)


def found(penalty, network: nn.Module, real: Tensor, fake: Tensor) -> tuple[float, Tensor]:
    """Value and gradient of all weights, one after the other."""
    torch.manual_seed(5)  # the same shares of real and fake
    loss = penalty(network, real, fake)
    weights = list(network.parameters())
    gradients = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
    return float(loss.detach()), torch.cat([gradient.flatten().double() for gradient in gradients])


@pytest.mark.parametrize("std", [0.02, 0.1, 0.3, 0.4])
def test_value_and_gradients_are_those_of_the_double_backward(std: float) -> None:
    network = critic(std)
    exact, reference = found(gradient_penalty, network, *beats())
    value, gradient = found(directional_penalty, network, *beats())
    assert value == pytest.approx(exact, rel=1e-5)
    assert float((gradient - reference).norm() / reference.norm()) < 1e-3
    assert float(torch.cosine_similarity(gradient, reference, dim=0)) > 0.999999


def test_in_double_precision_the_error_is_that_of_the_difference_alone() -> None:
    network = critic(0.3).double()
    real, fake = (x.double() for x in beats())
    _, reference = found(gradient_penalty, network, real, fake)
    _, gradient = found(directional_penalty, network, real, fake)
    assert float((gradient - reference).norm() / reference.norm()) < 1e-4


def test_also_of_a_trained_critic() -> None:
    torch.manual_seed(0)
    model = Rgan(RganOptions(width=0.25, discriminator={"lr": 1e-2}), channels=2, length=48)
    optimizer = model.optimizers()["discriminator"]
    real, fake = beats(32)
    for _ in range(200):
        model._discriminator_step(real, fake, optimizer)
    exact, reference = found(gradient_penalty, model.discriminator, real, fake)
    value, gradient = found(directional_penalty, model.discriminator, real, fake)
    assert exact < 0.5  # slopes are near one
    assert value == pytest.approx(exact, rel=1e-4)
    assert float((gradient - reference).norm() / reference.norm()) < 1e-2


@pytest.mark.parametrize("factor", [0.1, 20.0])
def test_it_pulls_slopes_that_are_too_steep_down_and_flat_ones_up(factor: float) -> None:
    network = critic(0.3)
    with torch.no_grad():
        network.head.weight.mul_(factor)
    optimizer = torch.optim.Adam(network.parameters(), 0.003)
    real, fake = beats()
    values = []
    for _ in range(150):
        loss = directional_penalty(network, real, fake)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(float(loss.detach()))
    assert min(values) < 0.5 * values[0]


@pytest.mark.native
def test_a_step_in_bfloat16_has_the_penalty_of_single_precision() -> None:
    gradients = []
    for precision in ("fp32", "bf16"):
        torch.manual_seed(0)
        options = RganOptions(width=0.25, penalty_weight=1e4, init={"name": "glorot_normal"})
        model = Rgan(options, channels=2, length=48)
        with autocast(precision, torch.device("cpu")):
            losses = model._discriminator_step(*beats(), model.optimizers()["discriminator"])
        weights = [weight for name, weight in model.discriminator.named_parameters() if name != "head.bias"]
        gradients.append((losses["penalty"], torch.cat([weight.grad.flatten() for weight in weights])))
    (exact, reference), (value, gradient) = gradients
    assert float(value) == float(exact)
    assert float((gradient - reference).norm() / reference.norm()) < 1e-3


def test_a_critic_without_any_slope_gives_one_and_no_gradient() -> None:
    network = critic(0.3)
    nn.init.zeros_(network.head.weight)
    value, gradient = found(directional_penalty, network, *beats())
    assert value == 1
    assert bool(gradient.isfinite().all())


def test_values_of_each_time_step_are_added_up() -> None:
    network = critic(0.3)
    exact, reference = found(lambda n, x, y: gradient_penalty(n.logits, x, y), network, *beats())
    value, gradient = found(lambda n, x, y: directional_penalty(n.logits, x, y), network, *beats())
    assert value == pytest.approx(exact, rel=1e-5)
    torch.testing.assert_close(gradient, reference, rtol=1e-2, atol=1e-3 * float(reference.abs().max()))


def test_steps_of_rgan_end_with_the_weights_of_the_double_backward(monkeypatch) -> None:
    trained = []
    for penalty in (directional_penalty, gradient_penalty):
        monkeypatch.setattr("ecgan.models.rgan.directional_penalty", penalty)
        torch.manual_seed(0)
        init = {"name": "glorot_normal"}
        model = Rgan(RganOptions(width=0.125, init=init, discriminator={"lr": 1e-3}), channels=1, length=40)
        optimizers = model.optimizers()
        for _ in range(5):
            losses = model.train_batch(0.5 * torch.randn(8, 1, 40), optimizers, 0)
        trained.append((model.state_dict(), losses))
    (ours, losses), (reference, expected) = trained
    del reference["discriminator.head.bias"]  # a constant, which no loss of a critic sees
    for name, weight in reference.items():
        torch.testing.assert_close(ours[name], weight, rtol=1e-3, atol=2e-5)
    for name in ("discriminator", "penalty"):
        torch.testing.assert_close(losses[name], expected[name], rtol=1e-3, atol=1e-5)
