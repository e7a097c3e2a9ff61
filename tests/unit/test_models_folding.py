"""Folded networks: the same function, without batch norm, spectral norm and transposed convolutions."""

from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from ecgan.inversion.network import InverseNetwork
from ecgan.models.layers.folding import folded
from ecgan.registry import MODELS

SWITCHES = {
    "norm": ("batch", "group", "none"),
    "discriminator_norm": ("batch", "group", "none"),
    "spectral_norm": (True, False),
    "encoder_spectral_norm": (True, False),
    "output": ("tanh", "sigmoid"),
}


def lived_in(network: nn.Module, x: Tensor, seed: int) -> nn.Module:
    """The network with weights, statistics and spectral norms that differ from those of a fresh one."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.3, 3)
    return network.eval()


def build(name: str, data: st.DataObject) -> Any:
    cls = MODELS.get(name)
    options: dict[str, Any] = {"width": 0.125}
    if "latent_size" in cls.Options.model_fields:
        options["latent_size"] = 3
    if "loss" in cls.Options.model_fields:
        options |= {"loss": "bce"}  # allows every norm
    if "sampling_steps" in cls.Options.model_fields:
        options["sampling_steps"] = 2
    for key, values in SWITCHES.items():
        if key in cls.Options.model_fields:
            options[key] = data.draw(st.sampled_from(values), label=key)
    size = {"channels": data.draw(st.integers(1, 3)), "length": data.draw(st.integers(32, 131)), "classes": 4}
    return cls(cls.Options(**options), **size)


def results(model: Any, x: Tensor, z: Tensor) -> list[Tensor]:
    if model.classifies:
        return [model.logits(x)]
    found = [model.decode(z), model.reconstruct(x), model.features(x), model.discriminate(x)]
    return [one for one in [*found, model.encode(x) if model.has_encoder else None] if one is not None]


@pytest.mark.parametrize("name", [name for name in MODELS.names() if MODELS.get(name).__module__.startswith("ecgan.")])
@settings(max_examples=12, deadline=None)
@given(data=st.data(), seed=st.integers(0, 1000))
def test_a_folded_model_gives_the_same(name: str, data: st.DataObject, seed: int) -> None:
    model = build(name, data)
    x = torch.rand(3, model.channels + model.conditions, model.length, generator=torch.Generator().manual_seed(seed))
    lived_in(model, x, seed)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    z = torch.randn(3, 3 if model.classifies else model.prior.size)
    with torch.no_grad():
        expected = results(model, x, z)
        quick = folded(model)
        found = results(quick, x, z)
        again = results(model, x, z)
    assert len(found) == len(expected)
    for one, other, same in zip(expected, found, again, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-5 * float(one.abs().max()) + 1e-7)
        assert torch.equal(one, same), "the original was changed"
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    for module in quick.modules():
        assert not parametrize.is_parametrized(module)
        assert not isinstance(module, nn.BatchNorm1d)
    assert not any(parameter.requires_grad for parameter in quick.parameters())
    assert not quick.training


@settings(max_examples=40, deadline=None)
@example(kernel=4, stride=2, padding=1, odd=1, steps=1, bias=True, groups=1, norm=True)
@example(kernel=4, stride=2, padding=1, odd=0, steps=1, bias=False, groups=1, norm=False)
@example(kernel=4, stride=2, padding=1, odd=0, steps=5, bias=True, groups=2, norm=True)
@example(kernel=5, stride=1, padding=0, odd=0, steps=1, bias=True, groups=1, norm=True)
@given(
    kernel=st.integers(1, 5),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    odd=st.integers(0, 1),
    steps=st.integers(1, 9),
    bias=st.booleans(),
    groups=st.sampled_from([1, 2]),
    norm=st.booleans(),
)
def test_transposed_convolutions_of_every_kind(
    kernel: int, stride: int, padding: int, odd: int, steps: int, bias: bool, groups: int, norm: bool
) -> None:
    padding, odd = min(padding, (kernel - 1) // 2), min(odd, stride - 1)
    layer = nn.ConvTranspose1d(4, 6, kernel, stride, padding, output_padding=odd, bias=bias, groups=groups)
    network = nn.Sequential(layer, nn.BatchNorm1d(6)) if norm else nn.Sequential(layer)
    x = torch.randn(2, 4, steps)
    lived_in(network, x, 0)
    with torch.no_grad():
        torch.testing.assert_close(folded(network)(x), network(x), rtol=1e-4, atol=1e-5)


def test_gradients_of_the_input_pass_through() -> None:
    network = nn.Sequential(nn.ConvTranspose1d(3, 4, 5), nn.ReLU(), nn.ConvTranspose1d(4, 2, 4, 2, 1, output_padding=1))
    gradients = []
    for one in (network, folded(network)):
        x = torch.linspace(-1, 1, 6).view(2, 3, 1).requires_grad_()
        gradients += torch.autograd.grad(one(x).square().sum(), x)
    torch.testing.assert_close(gradients[1], gradients[0])


def test_the_inverse_network_and_parametrised_weights() -> None:
    x = torch.rand(4, 2, 77)
    network = lived_in(InverseNetwork(2, 77, 5), x, 1)
    network.scale.uniform_(0.5, 2)
    bounded = lived_in(nn.Sequential(nn.Flatten(), spectral_norm(nn.Linear(154, 3))), x, 2)
    with torch.no_grad():
        for one in (network, bounded):
            torch.testing.assert_close(folded(one)(x), one(x), rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(folded(folded(one))(x), one(x), rtol=1e-4, atol=1e-5)


def test_a_batch_norm_that_looks_at_the_batch_stays() -> None:
    network = nn.Sequential(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2, track_running_stats=False)).eval()
    x = torch.randn(5, 1, 9)
    torch.testing.assert_close(folded(network)(x), network(x))
    assert isinstance(folded(network)[1], nn.BatchNorm1d)
