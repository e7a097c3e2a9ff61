"""Training steps against plain ones, in which nothing is shared or left out: the same losses and weights."""

import pytest
import torch
from torch import nn

from ecgan.models.layers.convolutions import Convolutions
from ecgan.registry import MODELS
from tests.unfused import unfused_optimizers, unfused_step

CASES = {
    "aegan": {"norm": "group"},  # running statistics would see the second pass of the reference
    "vaegan": {"norm": "group", "kl_beta": 0.1},
    "autoencoder": {},
    "vae": {},
    "dcgan": {"norm": "group"},
    "rgan": {"init": {"name": "glorot_normal"}},
    "rdcgan": {},
    "cnn": {},
    "rnn": {},
}


@pytest.mark.parametrize("name", list(CASES))
def test_a_step_is_the_plain_one(name: str) -> None:
    cls, found = MODELS.get(name), []
    small = (
        {"width": 0.125, "spectral_norm": False} if "spectral_norm" in cls.Options.model_fields else {"width": 0.125}
    )
    for ours in (True, False):
        torch.manual_seed(0)
        model = cls(cls.Options(**small, **CASES[name]), channels=2, length=64, classes=3).train()
        optimizers = model.optimizers() if ours else unfused_optimizers(model)
        labels = torch.arange(12) % 3 if model.classifies else None
        for seed in range(4):
            torch.manual_seed(seed)
            x = 0.5 * torch.randn(12, 2, 64)
            if ours:
                losses = {key: float(loss) for key, loss in model.train_batch(x, optimizers, 0, labels).items()}
            else:
                losses = unfused_step(model, x, optimizers, labels)
        found.append((losses, model.state_dict()))
    (ours_losses, ours_weights), (losses, weights) = found
    constant = "discriminator.head.bias" if name == "rgan" else ""  # no loss of a critic sees it
    for key, weight in weights.items():
        if key != constant:
            torch.testing.assert_close(ours_weights[key], weight, rtol=1e-3, atol=2e-5, msg=key)
    for key in losses.keys() - ({"generator"} if constant else set()):
        assert ours_losses[key] == pytest.approx(losses[key], rel=1e-3, abs=1e-5)


def layers() -> list[nn.Module]:
    spectral = nn.utils.parametrizations.spectral_norm(nn.Conv1d(6, 4, 3, 2, 1))
    return [
        nn.Conv1d(1, 6, 4, 2, 1, bias=False),
        nn.BatchNorm1d(6),
        nn.LeakyReLU(0.2, inplace=True),
        spectral,
        nn.GroupNorm(2, 4),
        nn.ReLU(inplace=True),
        nn.ConvTranspose1d(4, 3, 4, 2, 1, output_padding=1),
        nn.BatchNorm1d(3),
    ]


@pytest.mark.parametrize("training", [True, False])
def test_channels_last_is_the_same_function_with_the_same_weights_and_gradients(training: bool) -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(*layers()).train(training)
    ours = Convolutions(*layers()).train(training)
    ours.load_state_dict(plain.state_dict())
    x = torch.randn(5, 1, 33)
    gradients = []
    for network in (plain, ours):
        given = x.clone().requires_grad_()
        y = network(given)
        y.square().sum().backward()
        gradients.append([y, given.grad, *(p.grad for p in network.parameters()), *network.buffers()])
    assert gradients[1][0].shape == gradients[0][0].shape == (5, 3, 17)
    for mine, theirs in zip(gradients[1], gradients[0], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4)


def test_one_step_and_one_channel_do_not_hide_the_layout() -> None:
    seen = []
    network = Convolutions(nn.ConvTranspose1d(7, 6, 4), nn.ReLU(), nn.Conv1d(6, 5, 2))
    network[1].register_forward_hook(lambda _, __, y: seen.append(y.is_contiguous(memory_format=torch.channels_last)))
    network(torch.randn(3, 7, 1))
    assert seen == [True]
