"""How models start: priors fitted to all samples, spectral norm in force, He's variance, critics that are bounded."""

import math

import pytest
import torch
from torch import nn

from ecgan.models.aegan import Aegan, AeganOptions
from ecgan.models.dcgan import Dcgan, DcganOptions
from ecgan.models.layers.initialisation import InitOptions, draw, initialise
from ecgan.models.layers.latents import spread
from ecgan.models.rgan import RganOptions
from ecgan.models.vaegan import VariationalEncoder


@pytest.mark.parametrize("count", [5000, 8000, 8191, 100_000])
def test_the_prior_is_fitted_to_samples_from_the_first_to_the_last(count: int) -> None:
    model = Aegan(AeganOptions(width=0.0625, latent_size=1), channels=1, length=32).eval()
    model.encode = lambda x: x[:, :1, 0]  # the first value is the latent
    x = torch.linspace(0, 1, count)[:, None, None].expand(-1, 1, 32)
    model.fit_prior(x)
    assert float(model.prior.mean) == pytest.approx(0.5, abs=1e-3)
    assert float(model.prior.factor.abs()) == pytest.approx(math.sqrt(1 / 12), rel=1e-2)


def test_spread_takes_all_of_few_and_both_ends_of_many() -> None:
    assert spread(5, 10).tolist() == [0, 1, 2, 3, 4]
    rows = spread(8000, 4096)
    assert len(rows.unique()) == 4096
    assert (int(rows[0]), int(rows[-1])) == (0, 7999)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Aegan(AeganOptions(), channels=1, length=96),
        lambda: Dcgan(DcganOptions(spectral_norm=True), channels=2, length=96),
    ],
)
def test_spectral_norm_holds_before_the_first_step(build) -> None:
    torch.manual_seed(0)
    model = build().eval()
    normalised = [layer for layer in model.discriminator.modules() if hasattr(layer, "parametrizations")]
    assert normalised
    for layer in normalised:
        largest = float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2))
        assert 0.99 < largest < 1.15  # the power iteration comes from below, and slowly for random weights


@pytest.mark.parametrize("name", ["he_normal", "he_uniform"])
def test_he_counts_what_flows_into_a_transposed_convolution(name: str) -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose1d(512, 32, 4)
    initialise(layer, InitOptions(name=name))
    assert float(layer.weight.detach().std()) == pytest.approx(math.sqrt(2 / (512 * 4)), rel=0.03)
    weight = torch.empty(32, 512, 4)
    draw(weight, InitOptions(name=name))
    assert float(weight.std()) == pytest.approx(math.sqrt(2 / (512 * 4)), rel=0.03)


@pytest.mark.parametrize("cls", [DcganOptions, RganOptions])
def test_a_wasserstein_critic_without_any_bound_is_refused(cls) -> None:
    with pytest.raises(ValueError, match="nothing bounds the slope"):
        cls(penalty_weight=0.0)
    for bound in ({"clipping": 0.01}, {"spectral_norm": True}, {"loss": "bce"}):
        assert cls(penalty_weight=0.0, **bound)


@pytest.mark.parametrize("norm", ["group", "none"])
def test_no_batch_norm_is_left_where_another_norm_is_asked_for(norm: str) -> None:
    dcgan = Dcgan(DcganOptions(norm=norm), channels=1, length=96)
    variational = VariationalEncoder(1, 96, 4, 0.25, norm)
    assert not [layer for part in (dcgan, variational) for layer in part.modules() if isinstance(layer, nn.BatchNorm1d)]
    assert dcgan.decode(torch.randn(2, 5)).shape == (2, 1, 96)
