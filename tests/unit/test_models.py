"""The models: published sizes, losses, and what a user may rely on."""

import pytest
import torch
from torch import nn

from ecgan.errors import EcganError
from ecgan.models.aegan import Aegan, AeganOptions, Decoder, Discriminator
from ecgan.models.layers.convolutions import Encoder
from ecgan.models.vaegan import Vaegan, VaeganOptions, VariationalEncoder, kl_divergence
from ecgan.runtime import autocast


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("length", "latent", "encoder", "decoder", "discriminator"),
    [(160, 6, 713_728, 713_792, 700_928), (320, 50, 954_368, 954_432, 703_488)],
)
def test_published_parameter_counts(length, latent, encoder, decoder, discriminator) -> None:
    assert size(Encoder(1, length, latent, 1.0, "batch")) == encoder
    assert size(Decoder(1, length, latent, 1.0, "batch", "tanh")) == decoder
    assert size(Discriminator(1, length, 1.0, "batch", spectral=False)) == discriminator


def test_published_parameter_counts_without_batch_norm_and_of_the_variational_encoder() -> None:
    assert size(Discriminator(1, 160, 1.0, "none", spectral=True)) == 699_008
    assert size(VariationalEncoder(1, 160, 6, 1.0, "batch")) == 715_788


def test_defaults_are_what_was_found_to_be_quick() -> None:
    """docs/tuning.md; the published values are in the presets."""
    aegan, vaegan = AeganOptions(), VaeganOptions()
    for options in (aegan, vaegan):
        assert (options.width, options.latent_size, options.batch_size) == (0.25, 10, 128)
        assert (options.discriminator_norm, options.spectral_norm, options.norm) == ("none", True, "batch")
        assert (options.discriminator_rounds, options.generator_rounds, options.discriminator_every) == (1, 1, 4)
        for optimizer, lr in ((options.generator, 5e-3), (options.discriminator, 5e-4)):
            assert (optimizer.name, optimizer.lr, optimizer.betas) == ("adam", lr, [0.5, 0.999])
        assert options.output == "tanh"
    assert (vaegan.kl_beta, vaegan.kl_warmup, vaegan.kl_anneal) == (1e-4, 0, 0)


@pytest.mark.parametrize("build", [lambda **o: (Aegan, AeganOptions(**o)), lambda **o: (Vaegan, VaeganOptions(**o))])
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("length", [32, 320])
def test_shapes(build, channels, length) -> None:
    cls, options = build(width=0.125, latent_size=4)
    model = cls(options, channels=channels, length=length).eval()
    x = torch.rand(3, channels, length)
    z = model.encode(x)
    assert z.shape == (3, 4)
    assert model.decode(z).shape == x.shape
    assert model.features(x).shape[0] == 3
    assert model.validation_scores(x).shape == (3,)


@pytest.mark.parametrize("length", [1, 8, 31])
def test_a_length_that_does_not_fit_is_refused_with_those_that_do(length) -> None:
    with pytest.raises(EcganError, match=f"beats of {length} time steps do not fit .* at least 32") as caught:
        Aegan(AeganOptions(), channels=1, length=length)
    assert "32 or more" in caught.value.hint


def test_only_the_inner_convolutions_of_the_discriminator_are_spectrally_normalised() -> None:
    discriminator = Discriminator(1, 64, 0.25, "none", spectral=True)
    layers = [layer for layer in discriminator.body if isinstance(layer, nn.Conv1d)]
    assert [hasattr(layer, "parametrizations") for layer in layers] == [False, True, True, True, True]
    assert not hasattr(discriminator.head, "parametrizations")


@pytest.mark.parametrize("output", ["tanh", "sigmoid"])
def test_output_stays_in_the_declared_range(output) -> None:
    model = Aegan(AeganOptions(width=0.125, output=output), channels=1, length=32).eval()
    y = model.decode(100 * torch.randn(8, model.options.latent_size))
    low, high = model.output_range
    assert low <= float(y.detach().min()) <= float(y.detach().max()) <= high


@pytest.mark.parametrize(("cls", "options"), [(Aegan, AeganOptions), (Vaegan, VaeganOptions)])
def test_training_lowers_the_reconstruction_error_and_trains_every_network(cls, options) -> None:
    torch.manual_seed(0)
    fast = {"lr": 2e-3}
    model = cls(options(width=0.125, latent_size=6, generator=fast, discriminator=fast), channels=1, length=32)
    time = torch.linspace(0, 6.28, 32)
    x = torch.sin(time + torch.linspace(0, 3, 32)[:, None])[:, None] * 0.8
    before = {name: value.clone() for name, value in model.named_parameters()}
    optimizers = model.optimizers()
    model.eval()
    start = float(model.validation_scores(x).detach().mean())
    model.train()
    for epoch in range(150):
        losses = model.train_batch(x, optimizers, epoch)
    model.eval()
    assert float(model.validation_scores(x).detach().mean()) < start / 3
    assert all(not loss.requires_grad and loss.ndim == 0 for loss in losses.values())
    unchanged = [name for name, value in model.named_parameters() if torch.equal(value, before[name])]
    assert unchanged == []
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_generator_step_leaves_the_discriminator_alone_and_the_other_way_round() -> None:
    torch.manual_seed(0)
    model = Aegan(AeganOptions(width=0.125, discriminator={"lr": 1e-30}), channels=1, length=32)
    x = torch.rand(8, 1, 32)
    before = [p.clone() for p in model.discriminator.parameters()]
    model.train_batch(x, model.optimizers(), 0)
    for old, new in zip(before, model.discriminator.parameters(), strict=True):
        torch.testing.assert_close(old, new)


def test_each_optimizer_has_its_own_settings() -> None:
    model = Aegan(AeganOptions(width=0.125, discriminator={"name": "sgd", "lr": 0.5}), channels=1, length=32)
    optimizers = model.optimizers()
    assert isinstance(optimizers["generator"], torch.optim.Adam)
    assert isinstance(optimizers["discriminator"], torch.optim.SGD)
    assert optimizers["discriminator"].param_groups[0]["lr"] == 0.5
    inside = {id(p) for group in optimizers["generator"].param_groups for p in group["params"]}
    assert inside == {id(p) for part in (model.encoder, model.decoder) for p in part.parameters()}


def test_vaegan_encodes_to_the_mean_every_time() -> None:
    model = Vaegan(VaeganOptions(width=0.125), channels=1, length=32).eval()
    x = torch.rand(4, 1, 32)
    assert torch.equal(model.encode(x), model.encode(x))
    assert torch.equal(model.encode(x), model.encoder(x)[0])


def test_kl_term_pulls_the_latent_to_the_prior() -> None:
    def spread(beta: float) -> float:
        torch.manual_seed(1)
        model = Vaegan(
            VaeganOptions(width=0.125, latent_size=4, kl_beta=beta, generator={"lr": 5e-3}), channels=1, length=32
        )
        optimizers = model.optimizers()
        x = torch.rand(32, 1, 32)
        for epoch in range(60):
            model.train_batch(x, optimizers, epoch)
        mean, log_variance = model.eval().encoder(x)
        return float(kl_divergence(mean, log_variance).detach())

    assert spread(1.0) < spread(0.0) / 5


@pytest.mark.native
def test_several_steps_on_a_batch_in_bfloat16_use_the_weights_of_the_step_before() -> None:
    def losses(rounds: int) -> float:
        torch.manual_seed(0)
        options = AeganOptions(width=0.125, generator_rounds=rounds, generator={"lr": 1e-2})
        model = Aegan(options, channels=1, length=32)
        x = torch.rand(16, 1, 32)
        with autocast("bf16", torch.device("cpu")):
            return float(model.train_batch(x, model.optimizers(), 0)["reconstruction"])

    assert losses(6) < 0.8 * losses(1)


@pytest.mark.parametrize("betas", [[0.5, 1.0], [-0.1, 0.9], [0.5]])
def test_decay_rates_outside_their_range_are_refused(betas: list[float]) -> None:
    with pytest.raises(ValueError, match="betas"):
        AeganOptions(generator={"betas": betas})
