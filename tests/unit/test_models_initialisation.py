"""Initial weights by name."""

import math

import pytest
import torch
from torch import nn

from ecgan.models.aegan import Aegan, AeganOptions
from ecgan.models.autoencoder import Autoencoder, AutoencoderOptions
from ecgan.models.layers.initialisation import InitOptions, initialise

FAN_IN, FAN_OUT = 40 * 4, 60 * 4
DEVIATIONS = {
    "glorot_normal": math.sqrt(2 / (FAN_IN + FAN_OUT)),
    "glorot_uniform": math.sqrt(2 / (FAN_IN + FAN_OUT)),
    "he_normal": math.sqrt(2 / FAN_IN),
    "he_uniform": math.sqrt(2 / FAN_IN),
    "normal": 0.3,
    "uniform": 0.7 / math.sqrt(3),
}


@pytest.mark.parametrize("name", DEVIATIONS)
def test_each_name_gives_its_distribution(name: str) -> None:
    torch.manual_seed(0)
    layer = nn.Conv1d(40, 60, 4)
    initialise(layer, InitOptions(name=name, std=0.3, bound=0.7))
    weight = layer.weight.detach().flatten().double()
    assert float(weight.mean()) == pytest.approx(0, abs=0.02)
    assert float(weight.std()) == pytest.approx(DEVIATIONS[name], rel=0.03)
    bound = math.sqrt(3) * DEVIATIONS[name]
    if "uniform" in name:
        assert 0.97 * bound < float(weight.abs().max()) <= bound
    else:
        assert float(weight.abs().max()) > 1.5 * bound  # tails
    assert not layer.bias.detach().any()


@pytest.mark.parametrize("name", DEVIATIONS)
@pytest.mark.parametrize("spectral", [False, True])
def test_the_option_reaches_every_layer_of_a_model(name: str, spectral: bool) -> None:
    def build(**init) -> Aegan:
        torch.manual_seed(0)
        options = AeganOptions(width=0.25, init=init, spectral_norm=spectral, encoder_spectral_norm=spectral)
        return Aegan(options, channels=2, length=64)

    one, other = build(name=name, std=0.5, bound=0.5), build(name="normal", std=1e-4)
    for (key, value), reference in zip(one.named_parameters(), other.parameters(), strict=True):
        if value.ndim > 1:
            assert float(value.detach().std()) > 50 * float(reference.detach().std()), key


def test_batch_normalisation_and_biases_start_as_published() -> None:
    torch.manual_seed(0)
    model = Autoencoder(AutoencoderOptions(init={"name": "he_normal"}), channels=1, length=32)
    weights = torch.cat([m.weight.detach() for m in model.modules() if isinstance(m, nn.BatchNorm1d)])
    assert float(weights.mean()) == pytest.approx(1, abs=0.005)
    assert float(weights.std()) == pytest.approx(0.02, rel=0.1)
    assert not any(bool(value.detach().any()) for key, value in model.named_parameters() if key.endswith("bias"))


def test_gates_of_a_recurrent_layer_are_matrices_of_their_own() -> None:
    torch.manual_seed(0)
    layer = nn.LSTM(96, 160, num_layers=2)
    initialise(layer, InitOptions())
    expected = {
        "weight_ih_l0": math.sqrt(2 / (96 + 160)),
        "weight_hh_l0": math.sqrt(2 / 320),
        "weight_ih_l1": math.sqrt(2 / 320),
        "weight_hh_l1": math.sqrt(2 / 320),
    }
    for name, deviation in expected.items():
        assert float(getattr(layer, name).detach().std()) == pytest.approx(deviation, rel=0.03)
    assert not any(bool(value.detach().any()) for key, value in layer.named_parameters() if key.startswith("bias"))


def test_the_seed_decides() -> None:
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return Autoencoder(AutoencoderOptions(width=0.25), channels=1, length=32).encoder.head.weight.detach()

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))
