"""The diffusion model: noise that is mixed in and taken out, with networks of which the answer is known."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ecgan.evaluation.ranking import auroc
from ecgan.models.base import GenerativeModel
from ecgan.models.diffusion import Diffusion, DiffusionOptions, cosine_schedule, noise_factor
from ecgan.testing.toys import scaled, toy_beats

CHANNELS, LENGTH = 2, 64


def build(**options: Any) -> Diffusion:
    torch.manual_seed(0)
    return Diffusion(DiffusionOptions(width=0.25, **options), channels=CHANNELS, length=LENGTH).eval()


def beats(count: int, seed: int = 1, *, abnormal: bool = False) -> Tensor:
    return torch.from_numpy(scaled(toy_beats(count, CHANNELS, LENGTH, seed=seed, abnormal=abnormal), (-1.0, 1.0)))


class Knowing(nn.Module):
    """The best of all networks where every beat is the same one: what is not that beat is noise."""

    def __init__(self, model: Diffusion, beat: Tensor) -> None:
        super().__init__()
        self.steps, self.alpha, self.sigma, self.beat = model.options.steps, model.alpha, model.sigma, beat

    def forward(self, x: Tensor, share: Tensor) -> Tensor:
        t = (share * self.steps).round().long()
        alpha, sigma = self.alpha[t].view(-1, 1, 1), self.sigma[t].view(-1, 1, 1)
        noise = (x - alpha * self.beat) / sigma.clamp(min=1e-6)
        return alpha * noise - sigma * self.beat


class Linear(nn.Module):
    """A network that is linear in what it is given."""

    def forward(self, x: Tensor, share: Tensor) -> Tensor:
        return 0.3 * x.roll(1, dims=2)


def test_the_schedule_leads_from_the_beat_alone_to_noise_alone() -> None:
    alpha, sigma = cosine_schedule(50)
    assert (alpha[0], sigma[0], sigma[50]) == (1, 0, 1)
    assert abs(alpha[50]) < 1e-6
    torch.testing.assert_close(alpha.square() + sigma.square(), torch.ones(51))
    assert (alpha.diff() < 0).all()


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_noise_has_variance_one_and_is_as_smooth_as_asked_for(share: float) -> None:
    factor = noise_factor(64, share, 0.05)
    white = torch.randn(20_000, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    noise = white @ factor.T
    found = noise.T @ noise / len(noise)
    assert (found.diagonal() - 1).abs().max() < 0.06
    beside = found.diagonal(1).mean()
    assert abs(beside - share * np.exp(-1 / (4 * 3.2**2))) < 0.03, "a Gaussian of 0.05 · 64 = 3.2 steps"
    if share:
        kernel = torch.exp(-0.5 * (torch.arange(-16, 17) / 3.2) ** 2).double()
        smooth = nn.functional.conv1d(white[:, None], kernel[None, None])
        smooth = smooth / smooth.std()
        expected = (smooth[:, 0, :-3] * smooth[:, 0, 3:]).mean()
        assert abs(found.diagonal(3).mean() - share * expected) < 0.03, "as white noise behind that Gaussian"


def test_with_a_network_that_knows_the_beat_everything_is_that_beat() -> None:
    model, beat = build(), beats(1)
    model.network = Knowing(model, beat)  # type: ignore[assignment]
    torch.manual_seed(3)
    torch.testing.assert_close(model.decode(model.sample_latents(5)), beat.expand(5, -1, -1), atol=1e-4, rtol=0)
    other = beats(4, abnormal=True)
    torch.testing.assert_close(model.reconstruct(other, 1), beat.expand(4, -1, -1), atol=1e-4, rtol=0)
    scores = model.validation_scores(torch.cat([beat, other]))
    assert scores[0] < 1e-6 < scores[1:].min()


def test_the_noise_of_a_pair_cancels_and_that_of_a_seed_is_its_own() -> None:
    model, x = build(), beats(3)
    model.network = Linear()  # type: ignore[assignment]
    torch.testing.assert_close(model.reconstruct(x, 1), model.reconstruct(x, 2), atol=1e-5, rtol=0)
    curved = build()
    first, again, other = (curved.reconstruct(x, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_latents_are_white_noise_of_the_size_of_a_beat() -> None:
    model = build()
    assert model.prior.size == CHANNELS * LENGTH
    white = torch.randn(4, CHANNELS, LENGTH)
    torch.testing.assert_close(white @ model.factor.T @ model.whitening.T, white, atol=1e-3, rtol=0)
    assert isinstance(model, GenerativeModel)
    assert model.has_encoder


def test_training_teaches_it_what_is_usual() -> None:
    model, x = build(), beats(64)
    normal, labels = beats(48, seed=2), torch.zeros(48, dtype=torch.int64)
    before = model.validation_loss(normal, labels, labels)
    assert before == model.validation_loss(normal, labels, labels), "the same noise at every evaluation"
    optimizers = model.optimizers()
    torch.manual_seed(5)
    for epoch in range(150):
        model.train().train_batch(x, optimizers, epoch)
    model.eval()
    after = model.validation_loss(normal, labels, labels)
    assert after < 0.5 * before
    assert np.isnan(model.validation_loss(normal, labels + 1, labels))
    with torch.no_grad():
        scores = torch.cat([model.validation_scores(part) for part in (normal, beats(48, seed=3, abnormal=True))])
    assert auroc(scores.double().numpy(), np.arange(96) >= 48) > 0.9
