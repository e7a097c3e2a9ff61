"""Losses against their equations, and where their gradients go."""

import numpy as np
import pytest
import torch
from torch import nn

from ecgan.models.aegan import reconstruction
from ecgan.models.cnn import class_weights
from ecgan.models.dcgan import discriminator_loss, generator_loss, gradient_penalty
from ecgan.models.vaegan import kl_divergence, kl_weight

REAL, FAKE = torch.tensor([2.0, -0.5, 0.3]), torch.tensor([-1.0, 0.25])


def sigmoid(values: torch.Tensor) -> np.ndarray:
    return 1 / (1 + np.exp(-values.double().numpy()))


def test_discriminator_and_generator_cross_entropy() -> None:
    expected = -np.log(sigmoid(REAL)).mean() - np.log(1 - sigmoid(FAKE)).mean()
    assert float(discriminator_loss("bce", REAL, FAKE)) == pytest.approx(expected, rel=1e-6)
    assert float(generator_loss("bce", FAKE)) == pytest.approx(-np.log(sigmoid(FAKE)).mean(), rel=1e-6)


def test_the_generator_learns_through_its_loss_even_where_it_is_found_out() -> None:
    generator = nn.Linear(2, 1)
    logit = generator(torch.randn(8, 2)) - 30  # the discriminator is certain that these are fakes
    loss = generator_loss("bce", logit)
    loss.backward()
    assert float(loss.detach()) > 20
    assert float(generator.bias.grad) == pytest.approx(-1, rel=1e-3)  # more like real data lowers the loss
    assert float(generator.weight.grad.abs().sum()) > 0.1


def test_wasserstein_losses_take_values_as_they_are() -> None:
    assert float(discriminator_loss("wasserstein", 100 * REAL, 100 * FAKE)) == pytest.approx(100 * (-0.375 - 0.6))
    assert float(generator_loss("wasserstein", 100 * FAKE)) == pytest.approx(37.5)


def test_gradient_penalty_of_a_linear_critic() -> None:
    weight = torch.tensor([[1.0, 2.0], [0.0, -2.0]], requires_grad=True)  # norm 3 at every sample
    real, fake = torch.randn(5, 2, 2), torch.randn(5, 2, 2, requires_grad=True)
    loss = gradient_penalty(lambda x: (x * weight).sum(dim=(1, 2)), real, fake)
    assert float(loss.detach()) == pytest.approx((3 - 1) ** 2, rel=1e-6)
    loss.backward()
    torch.testing.assert_close(weight.grad, 2 * (3 - 1) * weight.detach() / 3)
    assert fake.grad is None


def test_gradient_penalty_looks_between_real_and_fake_with_a_share_of_each_sample() -> None:
    torch.manual_seed(0)
    seen = []

    def critic(x: torch.Tensor) -> torch.Tensor:
        seen.append(x.detach())
        return 0.5 * x.square().sum(dim=(1, 2))  # the gradient is x itself

    real, fake = torch.full((400, 2, 3), 3.0), torch.full((400, 2, 3), 1.0)
    penalty = gradient_penalty(critic, real, fake)
    share = (seen[0] - 1) / 2
    assert torch.equal(share, share[:, :1, :1].expand_as(share))
    assert 0 <= float(share.min()) < 0.02
    assert 0.98 < float(share.max()) <= 1
    assert float(share.mean()) == pytest.approx(0.5, abs=0.05)
    norms = seen[0].flatten(1).double().norm(dim=1)
    assert float(penalty.detach()) == pytest.approx(float((norms - 1).square().mean()), rel=1e-5)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(2, 4, batch_first=True), nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(x.transpose(1, 2))[0])  # one value a step


@pytest.mark.parametrize(
    "critic",
    [
        Recurrent(),
        nn.Sequential(nn.Conv1d(2, 4, 4, 2, 1), nn.BatchNorm1d(4), nn.LeakyReLU(0.2, inplace=True), nn.Conv1d(4, 1, 4)),
        nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv1d(2, 4, 4)), nn.AdaptiveAvgPool1d(1)),
    ],
    ids=["recurrent", "convolutions", "spectral norm"],
)
def test_gradient_penalty_trains_any_critic(critic: nn.Module) -> None:
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(critic.parameters(), 0.02)
    losses = []
    for _ in range(150):
        loss = gradient_penalty(critic, torch.randn(16, 2, 8), torch.randn(16, 2, 8))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-10:]) < 0.3 * losses[0]


def test_gradient_penalty_of_a_critic_that_is_flat_somewhere_is_finite() -> None:
    critic = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU())
    nn.init.constant_(critic[1].bias, -100.0)
    loss = gradient_penalty(critic, torch.rand(2, 1, 4), torch.rand(2, 1, 4))
    loss.backward()
    assert float(loss.detach()) == 1
    assert bool(critic[1].weight.grad.isfinite().all())


def test_reconstruction_is_the_mean_error_of_what_the_decoder_shows() -> None:
    logits, x = torch.randn(3, 2, 4), torch.rand(3, 2, 4)
    fake, loss = reconstruction(logits, x, "tanh")
    assert torch.equal(fake, torch.tanh(logits))
    assert float(loss) == pytest.approx(float((fake - x).square().mean()), rel=1e-6)
    fake, loss = reconstruction(logits, x, "sigmoid")
    assert torch.equal(fake, torch.sigmoid(logits))
    p, t = fake.double(), x.double()
    assert float(loss) == pytest.approx(float(-(t * p.log() + (1 - t) * (1 - p).log()).mean()), rel=1e-6)


def test_kl_divergence_of_known_gaussians() -> None:
    mean, log_variance = torch.tensor([[0.0, 0.0], [1.0, 0.0]]), torch.log(torch.tensor([[1.0, 1.0], [1.0, 4.0]]))
    # first sample equals the prior; second: ½·1² + ½(4 − 1 − ln 4)
    expected = (0 + 0.5 + 0.5 * (4 - 1 - np.log(4))) / 2
    assert float(kl_divergence(mean, log_variance)) == pytest.approx(expected, rel=1e-6)


def test_kl_weight_counts_epochs() -> None:
    assert [kl_weight(epoch, 2, 4) for epoch in range(8)] == [0, 0, 0.25, 0.5, 0.75, 1, 1, 1]
    assert [kl_weight(epoch, 0, 0) for epoch in range(2)] == [1, 1]


def test_class_weights_let_every_class_count_the_same() -> None:
    labels = torch.tensor([0] * 90 + [1] * 9 + [3])
    weights = class_weights(labels, 5)
    torch.testing.assert_close(weights, torch.tensor([100 / 270, 100 / 27, 0, 100 / 3, 0]))
    per_class = [float(weights[labels[labels == k]].sum()) for k in (0, 1, 3)]
    assert per_class == pytest.approx([100 / 3] * 3)
