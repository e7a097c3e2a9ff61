"""Models with encoder and decoder: published sizes, losses, normalisation, latents, lengths."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from ecgan.models.aegan import Aegan, AeganOptions
from ecgan.models.autoencoder import Autoencoder, AutoencoderOptions
from ecgan.models.base import GenerativeModel
from ecgan.models.vae import Vae, VaeOptions
from ecgan.models.vaegan import Vaegan, VaeganOptions, kl_divergence
from ecgan.registry import MODELS

ALL = [(Aegan, AeganOptions), (Vaegan, VaeganOptions), (Autoencoder, AutoencoderOptions), (Vae, VaeOptions)]
PLAIN = ALL[2:]
NAMES = [cls.__name__ for cls, _ in ALL]


def build(cls, options, *, length: int = 32, channels: int = 1, **settings) -> GenerativeModel:
    torch.manual_seed(0)
    return cls(options(**({"width": 0.125, "latent_size": 4} | settings)), channels=channels, length=length)


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def waves(count: int = 32, length: int = 32) -> torch.Tensor:
    time = torch.linspace(0, 6.28, length)
    return torch.sin(time + torch.linspace(0, 3, count)[:, None])[:, None] * 0.8


# --- sizes and defaults


def test_names() -> None:
    assert MODELS.get("vae") is MODELS.get("variational_autoencoder") is Vae
    assert MODELS.get("autoencoder") is Autoencoder


@pytest.mark.parametrize(
    ("cls", "options", "length", "encoder", "decoder"),
    [
        (Autoencoder, AutoencoderOptions, 160, 711_168, 711_232),
        (Autoencoder, AutoencoderOptions, 320, 724_000 - 32, 724_000 + 32),
        (Vae, VaeOptions, 160, 715_626, 711_232),
        (Vae, VaeOptions, 320, 716_426, 724_000 + 32),
    ],
)
def test_golden_parameter_counts(cls, options, length, encoder, decoder) -> None:
    model = cls(options(width=1.0, latent_size=5), channels=1, length=length)
    assert (size(model.encoder), size(model.decoder)) == (encoder, decoder)
    assert size(model) == encoder + decoder


@pytest.mark.parametrize("options", [AutoencoderOptions(), VaeOptions()])
def test_defaults_are_what_was_found_to_be_quick(options) -> None:
    """docs/tuning.md; the published values are in the presets."""
    assert (options.width, options.latent_size, options.batch_size) == (0.25, 10, 128)
    assert (options.output, options.norm) == ("tanh", "batch")
    o = options.optimizer
    assert (o.name, o.lr, o.betas) == ("adam", 5e-3, [0.5, 0.999])
    assert options.init.name == "glorot_normal"
    assert not options.encoder_spectral_norm


def test_course_of_the_divergence() -> None:
    options = VaeOptions()
    assert (options.kl_beta, options.kl_warmup, options.kl_anneal) == (1e-4, 0, 0)
    assert (options.latent, VaeganOptions().latent) == ("normal", "normal")
    assert VaeganOptions().kl_beta == options.kl_beta


# --- losses and training


@pytest.mark.parametrize("output", ["tanh", "sigmoid"])
@pytest.mark.parametrize(("cls", "options"), PLAIN)
def test_the_reported_loss_is_the_mean_over_samples_channels_and_time(cls, options, output) -> None:
    model = build(cls, options, output=output, channels=2, **({"kl_beta": 0.0} if cls is Vae else {}))
    x = torch.rand(8, 2, 32)
    torch.manual_seed(1)
    fake = model.reconstructed(x, 0)[0].detach().double().numpy()
    torch.manual_seed(1)
    loss = float(model.train_batch(x, model.optimizers(), 0)["reconstruction"])
    real = x.double().numpy()
    squared = ((fake - real) ** 2).mean()
    entropy = -(real * np.log(fake) + (1 - real) * np.log(1 - fake)).mean() if output == "sigmoid" else None
    assert loss == pytest.approx(squared if output == "tanh" else entropy, rel=1e-5)


@pytest.mark.parametrize(("cls", "options"), [(Vae, VaeOptions), (Vaegan, VaeganOptions)])
def test_the_divergence_is_summed_over_latents_and_weighed_by_beta(cls, options) -> None:
    model = build(cls, options, kl_beta=0.25)
    x = torch.rand(8, 1, 32)
    mean, log_variance = model.encoder(x)
    expected = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(dim=1).mean()
    assert float(model.reconstructed(x, 0)[1]["kl"].detach()) == pytest.approx(
        0.25 * float(expected.detach()), rel=1e-5
    )


def test_vae_and_vaegan_weigh_the_same_terms_the_same() -> None:
    vae, vaegan = build(Vae, VaeOptions, kl_beta=0.1), build(Vaegan, VaeganOptions, kl_beta=0.1)
    vae.load_state_dict({k: v for k, v in vaegan.state_dict().items() if not k.startswith("discriminator")})
    x, terms = torch.rand(8, 1, 32), []
    for model in (vae, vaegan):
        torch.manual_seed(2)
        terms.append({name: float(term.detach()) for name, term in model.reconstructed(x, 0)[1].items()})
    assert terms[0] == terms[1]


@pytest.mark.parametrize(("cls", "options"), [(Vae, VaeOptions), (Vaegan, VaeganOptions)])
def test_latents_are_drawn_from_the_posterior_of_their_sample(cls, options, monkeypatch) -> None:
    model, drawn = build(cls, options), []
    mean, variance = torch.tensor([3.0, 0.0, -1.0, 0.0]), torch.tensor([1e-8, 0.09, 4.0, 1.0])
    posterior = (mean.expand(4000, 4), variance.log().expand(4000, 4))
    monkeypatch.setattr(model.encoder, "forward", lambda _: posterior)
    monkeypatch.setattr(model.decoder, "logits", lambda z: drawn.append(z) or torch.zeros(4000, 1, 32))
    model.reconstructed(torch.zeros(4000, 1, 32), 0)
    torch.testing.assert_close(drawn[0].mean(dim=0), mean, rtol=0.1, atol=0.1)
    torch.testing.assert_close(drawn[0].std(dim=0), variance.sqrt(), rtol=0.1, atol=1e-3)


def test_what_the_optimizer_of_the_vae_sees_is_beta_times_divergence_plus_reconstruction() -> None:
    model = build(Vae, VaeOptions, kl_beta=0.1, optimizer={"name": "sgd", "lr": 1.0})
    x = torch.rand(8, 1, 32)
    torch.manual_seed(3)
    sum(model.reconstructed(x, 0)[1].values()).backward()
    gradients = {name: value.grad.clone() for name, value in model.named_parameters()}
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    torch.manual_seed(3)
    model.train_batch(x, model.optimizers(), 0)
    for name, value in model.named_parameters():
        torch.testing.assert_close(value.detach(), before[name] - gradients[name], rtol=1e-5, atol=1e-6)


def test_the_divergence_does_not_swamp_the_reconstruction_of_the_vae() -> None:
    model = build(Vae, VaeOptions, kl_beta=1e-4, optimizer={"lr": 3e-3})
    x, optimizers = waves(), model.optimizers()
    for epoch in range(200):
        model.train_batch(x, optimizers, epoch)
    model.eval()
    with torch.no_grad():
        z = model.encode(x)
        explained = 1 - float((model.decode(z) - x).var() / x.var())
    assert explained > 0.9
    assert float(z.std(dim=0).max()) > 0.5  # the latent still tells samples apart


@pytest.mark.parametrize(("cls", "options"), [(Vae, VaeOptions), (Vaegan, VaeganOptions)])
def test_the_warm_up_counts_epochs_however_many_batches_they_have(cls, options) -> None:
    model = build(cls, options, kl_beta=1.0, kl_warmup=2, kl_anneal=2)
    optimizers, x = model.optimizers(), torch.rand(8, 1, 32)
    for epoch, share in enumerate([0, 0, 0.5, 1, 1]):
        for _ in range(3):
            mean, log_variance = model.encoder(x)
            divergence = float(kl_divergence(mean, log_variance).detach())
            assert float(model.train_batch(x, optimizers, epoch)["kl"]) == pytest.approx(share * divergence, rel=1e-4)


@pytest.mark.parametrize("norm", ["batch", "group", "none"])
@pytest.mark.parametrize(("cls", "options"), PLAIN)
def test_training_lowers_the_error_and_moves_every_parameter(cls, options, norm) -> None:
    model = build(cls, options, norm=norm, optimizer={"lr": 3e-3}, latent_size=6)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    x, optimizers = waves(), model.optimizers()
    start = last = float(model.eval().validation_scores(x).detach().mean())
    for epoch in range(150):
        losses = model.train().train_batch(x, optimizers, epoch)
        if epoch % 10 == 9 and (last := float(model.eval().validation_scores(x).detach().mean())) < start / 3:
            break
    assert last < start / 3
    assert all(not loss.requires_grad and loss.ndim == 0 for loss in losses.values())
    assert [name for name, value in model.named_parameters() if torch.equal(value, before[name])] == []


@pytest.mark.parametrize(("cls", "options"), PLAIN)
def test_one_optimizer_with_its_settings_holds_every_parameter(cls, options) -> None:
    model = build(cls, options, optimizer={"name": "adabelief", "lr": 2e-4, "eps": 1e-16})
    (optimizer,) = model.optimizers().values()
    assert optimizer.param_groups[0]["eps"] == 1e-16
    inside = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    assert inside == {id(parameter) for parameter in model.parameters()}


@pytest.mark.parametrize(("cls", "options"), ALL, ids=NAMES)
def test_scoring_leaves_the_statistics_of_batch_normalisation_alone(cls, options) -> None:
    model = build(cls, options).eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    x = 5 * torch.rand(16, 1, 32)
    model.validation_scores(x)
    if model.discriminate(x) is not None:
        model.features(x)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize(("cls", "options"), PLAIN)
def test_scores_do_not_depend_on_chance(cls, options) -> None:
    model, x = build(cls, options).eval(), waves()
    assert torch.equal(model.validation_scores(x), model.validation_scores(x))
    assert model.features(x) is None
    assert model.discriminate(x) is None


# --- normalisation, latents


@pytest.mark.parametrize(("cls", "options"), ALL, ids=NAMES)
def test_spectral_norm_of_the_encoder_covers_its_inner_convolutions(cls, options) -> None:
    for spectral in (False, True):
        model = build(cls, options, encoder_spectral_norm=spectral)
        layers = [layer for layer in model.encoder.body if isinstance(layer, nn.Conv1d)]
        assert [hasattr(layer, "parametrizations") for layer in layers] == [False] + 4 * [spectral]
        x = torch.rand(8, 1, 32)
        optimizers = model.optimizers()
        for epoch in range(20):
            model.train_batch(x, optimizers, epoch)
        largest = [float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)) for layer in layers]
        assert all(value == pytest.approx(1, abs=0.1) for value in largest[1:]) == spectral


@pytest.mark.parametrize(("norm", "kind"), [("batch", nn.BatchNorm1d), ("group", nn.GroupNorm), ("none", nn.Identity)])
@pytest.mark.parametrize(("cls", "options"), ALL, ids=NAMES)
def test_normalisation_of_encoder_and_decoder(cls, options, norm, kind) -> None:
    model = build(cls, options, norm=norm)
    for network, count in ((model.encoder.body, 4), (model.decoder.body, 5)):
        found = [layer for layer in network if isinstance(layer, (nn.BatchNorm1d, nn.GroupNorm, nn.Identity))]
        assert [type(layer) for layer in found] == count * [kind]


@pytest.mark.parametrize("latent", ["normal", "truncated_normal", "uniform", "encoder"])
@pytest.mark.parametrize(("cls", "options"), ALL, ids=NAMES)
def test_every_model_draws_from_every_prior(cls, options, latent) -> None:
    model = build(cls, options, latent=latent).eval()
    x = waves(200)
    model.fit_prior(x)
    z = model.sample_latents(5000).double()
    assert z.shape == (5000, 4)
    low, high = float(z.min()), float(z.max())
    if latent == "encoder":
        latents = model.encode(x).detach().double()
        torch.testing.assert_close(z.mean(dim=0), latents.mean(dim=0), rtol=0.1, atol=0.05)
        torch.testing.assert_close(z.T.cov(), latents.T.cov(), rtol=0.1, atol=0.05)
    elif latent == "uniform":
        assert 0 <= low < 0.01
        assert 0.99 < high <= 1
    else:
        assert float(z.mean()) == pytest.approx(0, abs=0.05)
        deviation = 1.0 if latent == "normal" else math.sqrt(0.7737)  # variance of N(0, 1) within ±2
        assert float(z.std()) == pytest.approx(deviation, abs=0.03)
        assert (high > 2) == (low < -2) == (latent == "normal")


# --- lengths


@pytest.mark.parametrize("length", [33, 47, 63, 100, 187, 250, 1023])
@pytest.mark.parametrize(("cls", "options"), ALL, ids=NAMES)
def test_any_length_works_with_the_parameters_of_the_multiple_of_32_below(cls, options, length) -> None:
    model = build(cls, options, length=length, channels=2)
    assert size(model) == size(build(cls, options, length=length // 32 * 32, channels=2))
    x = torch.rand(4, 2, length)
    for epoch in range(2):
        losses = model.train_batch(x, model.optimizers(), epoch)
    assert all(math.isfinite(float(loss)) for loss in losses.values())
    assert model.eval().decode(model.encode(x)).shape == x.shape


@pytest.mark.parametrize("length", [33, 63, 187, 250, 255])
def test_no_time_step_is_lost_on_the_way(length: int) -> None:
    model = build(Aegan, AeganOptions, length=length, norm="none").eval()
    x = torch.rand(16, 1, length, requires_grad=True)
    model.encode(x).square().sum().backward()
    assert bool((x.grad.abs().sum(dim=(0, 1)) > 0).all())
    x.grad = None
    model.discriminate(x).square().sum().backward()
    assert bool((x.grad.abs().sum(dim=(0, 1)) > 0).all())
    z = torch.randn(16, 4, requires_grad=True)
    y = model.decode(z)
    for step in (0, 1, length // 2, length - 2, length - 1):
        (gradient,) = torch.autograd.grad(y[:, 0, step].sum(), z, retain_graph=True)
        assert float(gradient.abs().sum()) > 0


@pytest.mark.parametrize("length", [32, 64, 160, 320])
def test_multiples_of_32_get_the_published_layers(length: int) -> None:
    model = build(Aegan, AeganOptions, length=length)
    layers = [layer for layer in model.decoder.body if isinstance(layer, nn.ConvTranspose1d)]
    kernels = [(layer.kernel_size, layer.stride, layer.padding, layer.output_padding) for layer in layers]
    assert kernels == [((length // 32,), (1,), (0,), (0,))] + 5 * [((4,), (2,), (1,), (0,))]
    for network in (model.encoder, model.discriminator):
        assert network.head.kernel_size == (length // 32,)


@pytest.mark.parametrize("length", [187, 250])
def test_a_length_that_does_not_divide_learns_as_well(length: int) -> None:
    model = build(Autoencoder, AutoencoderOptions, length=length, optimizer={"lr": 3e-3})
    x, optimizers = waves(length=length), model.optimizers()
    for epoch in range(120):
        model.train_batch(x, optimizers, epoch)
    assert float(model.eval().validation_scores(x).detach().mean()) < 0.1 * float(x.var())
