"""The plain GANs: published sizes and defaults, what each step changes, and what the critic may not do."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ecgan.config import Train
from ecgan.errors import EcganError
from ecgan.evaluation.discrepancy import mmd2
from ecgan.models.dcgan import Dcgan, DcganOptions, Gan, GanOptions, gradient_penalty
from ecgan.models.rdcgan import Rdcgan, RdcganOptions
from ecgan.models.rgan import RecurrentDiscriminator, Rgan, RganOptions
from ecgan.runtime import autocast, cpu_has_bfloat16
from ecgan.training.data import TrainingData
from ecgan.training.loop import Run, evaluate, fit
from ecgan.training.resume import ResumeFile

KINDS = [Dcgan, Rgan, Rdcgan]
CONVOLUTIONAL = [Dcgan, Rdcgan]


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def build(cls: type[Gan], channels: int = 1, length: int = 32, **options) -> Gan:
    torch.manual_seed(0)
    return cls(cls.Options(**({"width": 0.125} | options)), channels=channels, length=length)


def beats(count: int, channels: int = 1, length: int = 32, seed: int = 1) -> Tensor:
    """Bumps of one shape at slightly different places, (n, C, L)."""
    generator = torch.Generator().manual_seed(seed)
    place = 0.5 + 0.05 * torch.randn(count, channels, 1, generator=generator)
    return 0.9 * torch.exp(-(((torch.linspace(0, 1, length) - place) / 0.15) ** 2)) - 0.1


def state(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.named_parameters()}


def changed(network: nn.Module, before: dict[str, Tensor]) -> set[str]:
    return {name for name, value in network.named_parameters() if not torch.equal(value, before[name])}


def test_published_sizes_of_dcgan() -> None:
    # transposed convolutions, without bias: Z → 256 → 128 → 64 → 32 → 16 → C, each kernel 4
    convolutions = 4 * (5 * 256 + 256 * 128 + 128 * 64 + 64 * 32 + 32 * 16 + 16 * 1)
    norms = 2 * (256 + 128 + 64 + 32 + 16)
    assert convolutions + norms == 180_256
    assert size(build(Dcgan, length=128, width=1).generator) == 180_256
    # another length than 128: normalisation of the one channel, and a linear layer 128 → L with bias
    assert size(build(Dcgan, length=320, width=1).generator) == 180_256 + 2 * 1 + 128 * 320 + 320
    # C → 16 → 32 → 64 → 128 → 256 → 1 with kernels 5, 5, 3, 3, 3, 4; two parameters a normalised channel
    critic = 5 * 16 + 5 * 16 * 32 + 3 * (32 * 64 + 64 * 128 + 128 * 256) + 4 * 256 * 1
    assert critic == 132_688
    for norm, extra in (("group", 992), ("none", 0)):
        model = build(Dcgan, length=320, width=1, discriminator_norm=norm)
        assert size(model.discriminator) == critic + extra
    assert size(build(Dcgan, length=320, width=1, discriminator_norm="batch", loss="bce").discriminator) == critic + 992


def test_published_sizes_of_rgan_and_rdcgan() -> None:
    # LSTM: four gates on input, state and two biases; linear layer with bias
    generator = 4 * 128 * (5 + 128 + 2) + (128 + 1)
    critic = 4 * 128 * (1 + 128 + 2) + (128 + 1)
    assert (generator, critic) == (69_249, 67_201)
    rgan = build(Rgan, width=1, length=320)
    rdcgan = build(Rdcgan, width=1, length=320, discriminator_norm="group")
    assert (size(rgan.generator), size(rgan.discriminator)) == (generator, critic)
    assert (size(rdcgan.generator), size(rdcgan.discriminator)) == (generator, 132_688 + 992)


@pytest.mark.parametrize(
    ("options", "rounds"), [(DcganOptions, (2, 1)), (RganOptions, (1, 3)), (RdcganOptions, (1, 1))]
)
def test_published_defaults(options: type[GanOptions], rounds: tuple[int, int]) -> None:
    found = options()
    assert (found.latent_size, found.latent, found.batch_size, found.output) == (5, "normal", 64, "tanh")
    assert (found.loss, found.penalty_weight, found.clipping, found.spectral_norm) == ("wasserstein", 10, 0, False)
    assert (found.discriminator_rounds, found.generator_rounds) == rounds
    assert (found.init.name, found.init.std) == ("normal", 0.02)
    for optimizer in (found.generator, found.discriminator):
        assert (optimizer.name, optimizer.lr, optimizer.betas) == ("adam", 1e-4, [0.5, 0.99])


@pytest.mark.parametrize("cls", KINDS)
@pytest.mark.parametrize("channels", [1, 2, 3, 12])
@pytest.mark.parametrize("length", [8, 33, 96, 128, 187])
def test_every_number_of_leads_and_every_length_fits(cls: type[Gan], channels: int, length: int) -> None:
    model = build(cls, channels, length, latent_size=3)
    x = beats(4, channels, length)
    model.train_batch(x, model.optimizers(), 0)
    model.eval()
    assert model.decode(model.sample_latents(5)).shape == (5, channels, length)
    assert model.discriminate(x).shape == model.validation_scores(x).shape == (4,)
    features = model.features(x)
    assert features.shape[0] == 4
    assert features.ndim == 2
    assert not model.has_encoder


@pytest.mark.parametrize("cls", KINDS)
def test_a_discriminator_gives_features_that_differ_between_different_beats(cls: type[Gan]) -> None:
    model = build(cls).eval()
    x = beats(2)
    features = model.features(x)
    assert features.shape[1] > 1
    assert not torch.equal(features[0], features[1])
    assert torch.equal(features, model.features(x))


@pytest.mark.parametrize("cls", KINDS)
@pytest.mark.parametrize("loss", ["wasserstein", "bce"])
def test_a_discriminator_ends_without_a_sigmoid(cls: type[Gan], loss: str) -> None:
    model = build(cls, loss=loss).eval()
    assert not any(isinstance(layer, (nn.Sigmoid, nn.Tanh)) for layer in model.discriminator.modules())
    x = beats(4)
    with torch.no_grad():
        plain = model.discriminate(x)
        model.discriminator.head.weight.mul_(1e4)
        if (bias := model.discriminator.head.bias) is not None:
            bias.zero_()
        torch.testing.assert_close(model.discriminate(x), 1e4 * plain, rtol=1e-3, atol=1e-6)
        model.discriminator.head.weight.mul_(-1)
        torch.testing.assert_close(model.discriminate(x), -1e4 * plain, rtol=1e-3, atol=1e-6)


def test_the_verdict_of_a_recurrent_discriminator_is_the_mean_over_time() -> None:
    model = build(Rgan, length=40)
    x = beats(3, length=40)
    each = model.discriminator.logits(x)
    assert each.shape == (3, 40)
    torch.testing.assert_close(model.discriminate(x), each.sum(dim=1) / 40)
    later = x.clone()
    later[:, :, 30:] += 1
    torch.testing.assert_close(model.discriminator.logits(later)[:, :30], each[:, :30])  # sees nothing ahead of time


@pytest.mark.parametrize("cls", KINDS)
def test_the_score_of_a_beat_does_not_depend_on_the_beats_beside_it(cls: type[Gan]) -> None:
    model = build(cls)
    x = beats(6)
    other = torch.cat([x[:1], 5 * torch.randn(5, 1, 32)])
    for training in (True, False):  # with the default normalisation in training too, as the penalty assumes
        model.train(training)
        for judge in (model.discriminate, model.features):
            torch.testing.assert_close(judge(x)[:1], judge(other)[:1])
            torch.testing.assert_close(judge(x)[:1], judge(x[:1]))


@pytest.mark.parametrize("cls", CONVOLUTIONAL)
def test_with_batch_normalisation_too_once_training_is_over(cls: type[Gan]) -> None:
    model = build(cls, loss="bce", discriminator_norm="batch")
    x = beats(6)
    model.train_batch(x, model.optimizers(), 0)
    model.eval()
    torch.testing.assert_close(model.discriminate(x)[:1], model.discriminate(x[:1]))


@pytest.mark.parametrize("options", [DcganOptions, RdcganOptions])
def test_batch_normalisation_under_a_gradient_penalty_is_refused(options: type[GanOptions]) -> None:
    with pytest.raises(ValueError, match="depends on the other beats") as caught:
        options(discriminator_norm="batch")
    assert "allowed: group, none" in str(caught.value)
    options(discriminator_norm="batch", loss="bce")
    options(discriminator_norm="batch", penalty_weight=0.0, clipping=0.01)


def test_clipping_beside_the_penalty_is_refused() -> None:
    with pytest.raises(ValueError, match="takes the place of the gradient penalty"):
        RganOptions(clipping=0.01)


@pytest.mark.parametrize("cls", KINDS)
def test_latents_are_those_of_a_prior_without_an_encoder(cls: type[Gan]) -> None:
    with pytest.raises(ValueError, match="latent"):
        cls.Options(latent="encoder")
    torch.manual_seed(0)
    uniform = build(cls, latent="uniform").sample_latents(1000)
    assert 0 <= float(uniform.min()) < 0.05 < 0.95 < float(uniform.max()) <= 1
    truncated = build(cls, latent="truncated_normal").sample_latents(1000)
    assert 1.5 < float(truncated.abs().max()) <= 2


@pytest.mark.parametrize("cls", KINDS)
@pytest.mark.parametrize("output", ["tanh", "sigmoid"])
def test_output_stays_in_the_declared_range(cls: type[Gan], output: str) -> None:
    model = build(cls, output=output).eval()
    with torch.no_grad():
        for parameter in model.generator.parameters():
            parameter.mul_(100)
    y = model.decode(100 * torch.randn(8, 5)).detach()
    low, high = model.output_range
    assert low <= float(y.min()) < float(y.max()) <= high
    assert (float(y.min()) < -0.1) == (low < 0)


def test_the_recurrent_generator_gets_the_same_latent_at_every_step() -> None:
    generator = build(Rgan).generator
    inputs: list[Tensor] = []
    generator.recurrence.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    z = torch.randn(3, 5)
    generator(z)
    assert inputs[0].shape == (3, 32, 5)
    assert torch.equal(inputs[0], z[:, None].repeat(1, 32, 1))


@pytest.mark.parametrize("cls", KINDS)
@pytest.mark.parametrize("loss", ["wasserstein", "bce"])
def test_each_step_changes_its_own_network_only(cls: type[Gan], loss: str) -> None:
    model = build(cls, loss=loss, generator_rounds=1)
    x = beats(8)
    optimizers = model.optimizers()
    generator, discriminator = state(model.generator), state(model.discriminator)
    fake = model.decode(model.sample_latents(8))
    model._discriminator_step(x, fake.detach(), optimizers["discriminator"])
    assert changed(model.generator, generator) == set()
    assert changed(model.discriminator, discriminator) >= {"head.weight"}
    discriminator = state(model.discriminator)
    for parameter in model.discriminator.parameters():
        parameter.grad = None
    model._generator_step(fake, optimizers["generator"])
    assert changed(model.discriminator, discriminator) == set()
    assert changed(model.generator, generator)
    assert all(parameter.grad is None for parameter in model.discriminator.parameters())  # nobody would use them
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("cls", KINDS)
@pytest.mark.parametrize("loss", ["wasserstein", "bce"])
def test_every_parameter_learns(cls: type[Gan], loss: str) -> None:
    model = build(cls, loss=loss, length=40)
    before = state(model)
    optimizers = model.optimizers()
    for _ in range(3):
        losses = model.train_batch(beats(8, length=40), optimizers, 0)
    idle = {"discriminator.head.bias"} if loss == "wasserstein" else set()  # cancels out of E[D(x̂)] − E[D(x)]
    assert changed(model, before) | idle >= set(before)
    assert set(losses) == {"discriminator", "generator"} | ({"penalty"} if loss == "wasserstein" else set())
    assert all(not value.requires_grad and value.ndim == 0 for value in losses.values())


@pytest.mark.parametrize("loss", ["wasserstein", "bce"])
def test_the_generator_learns_to_be_taken_for_real(loss: str) -> None:
    model = build(Dcgan, loss=loss, generator={"lr": 1e-3}).train()
    optimizer = model.optimizers()["generator"]
    z = torch.randn(16, 5)
    values = []
    for _ in range(20):
        fake = model.decode(z)
        values.append(float(model.discriminate(fake).detach().mean()))
        model._generator_step(fake, optimizer)
    assert values[-1] > values[0]


@pytest.mark.parametrize("cls", KINDS)
def test_each_network_has_its_own_optimizer_settings(cls: type[Gan]) -> None:
    model = build(cls, generator={"lr": 0.25}, discriminator={"name": "sgd", "lr": 0.5})
    optimizers = model.optimizers()
    assert isinstance(optimizers["discriminator"], torch.optim.SGD)
    for name, lr in (("generator", 0.25), ("discriminator", 0.5)):
        (group,) = optimizers[name].param_groups
        assert group["lr"] == lr
        assert {id(p) for p in group["params"]} == {id(p) for p in getattr(model, name).parameters()}


def test_as_many_steps_as_rounds_with_new_latents_each() -> None:
    model = build(Dcgan, discriminator_rounds=3, generator_rounds=2)
    drawn: list[Tensor] = []
    model.generator.register_forward_pre_hook(lambda _, given: drawn.append(given[0]))
    steps = {"generator": 0, "discriminator": 0}
    optimizers = model.optimizers()
    for name, optimizer in optimizers.items():
        optimizer.register_step_post_hook(lambda *_, name=name: steps.update({name: steps[name] + 1}))
    model.train_batch(beats(4), optimizers, 0)
    assert steps == {"generator": 2, "discriminator": 3}
    assert len(drawn) == 4  # the discriminator's last fakes serve the generator's first step
    assert len({tuple(z.flatten().tolist()) for z in drawn}) == 4


def test_clipping_bounds_every_weight_of_the_discriminator_alone() -> None:
    model = build(Rgan, penalty_weight=0.0, clipping=0.01)
    losses = model.train_batch(beats(8), model.optimizers(), 0)
    assert "penalty" not in losses
    assert all(float(p.detach().abs().max()) <= 0.0100001 for p in model.discriminator.parameters())
    assert max(float(p.detach().abs().max()) for p in model.generator.parameters()) > 0.02


@pytest.mark.parametrize("cls", KINDS)
def test_the_penalty_is_that_of_the_value_the_discriminator_gives(cls: type[Gan]) -> None:
    model = build(cls, penalty_weight=3.0, init={"name": "glorot_normal"})
    x, fake = beats(8), beats(8, seed=2)
    before = copy.deepcopy(model.discriminator)
    torch.manual_seed(5)
    found = model._discriminator_step(x, fake, model.optimizers()["discriminator"])["penalty"]
    torch.manual_seed(5)
    share = torch.rand(8, 1, 1)
    mixed = (share * x + (1 - share) * fake).requires_grad_()
    norms = []
    for index in range(8):  # one beat at a time
        (gradient,) = torch.autograd.grad(before(mixed[index : index + 1]).sum(), mixed)
        norms.append(float(gradient[index].norm()))
    expected = 3 * sum((norm - 1) ** 2 for norm in norms) / 8
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_the_penalty_of_a_linear_critic_by_hand() -> None:
    # D(x) = Σ w·x over 1 × 4 steps with w = 1.5: ‖∇D‖ = 1.5·√4 = 3 everywhere, so (3 − 1)² = 4
    assert float(gradient_penalty(lambda x: 1.5 * x.sum(dim=(1, 2)), torch.rand(3, 1, 4), torch.rand(3, 1, 4))) == 4


def test_the_penalty_through_a_recurrent_critic_has_the_gradient_of_finite_differences() -> None:
    torch.manual_seed(0)
    critic = RecurrentDiscriminator(1, 0.0625, spectral=False).double()
    real, fake = torch.randn(2, 3, 1, 7, dtype=torch.float64)

    def penalty() -> Tensor:
        torch.manual_seed(1)
        share = torch.rand(3, 1, 1).double()
        mixed = (share * real + (1 - share) * fake).requires_grad_()
        (gradient,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
        return (gradient.flatten(1).norm(dim=1) - 1).square().mean()

    penalty().backward()
    for weight in (critic.recurrence.weight_ih_l0, critic.recurrence.weight_hh_l0, critic.head.weight):
        exact = float(weight.grad[0, 0])
        values = []
        for step in (1e-5, -2e-5):
            with torch.no_grad():
                weight[0, 0] += step
            values.append(float(penalty().detach()))
        with torch.no_grad():
            weight[0, 0] += 1e-5
        assert exact == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-4)


def test_the_fused_kernel_gives_the_penalty_and_the_gradients_of_the_plain_one() -> None:
    torch.manual_seed(0)
    critic = RecurrentDiscriminator(2, 0.125, spectral=False)
    real, fake = torch.randn(2, 4, 2, 20)

    def gradients(fused: bool) -> list[Tensor]:
        torch.manual_seed(1)
        with torch.backends.mkldnn.flags(enabled=fused):
            loss = gradient_penalty(critic, real, fake)
            return list(torch.autograd.grad(loss, list(critic.parameters()), allow_unused=True, materialize_grads=True))

    for fused, plain in zip(gradients(True), gradients(False), strict=True):
        torch.testing.assert_close(fused, plain, rtol=1e-4, atol=1e-7)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_penalty_through_a_recurrent_critic_on_a_gpu() -> None:
    model = build(Rgan).cuda()
    losses = model.train_batch(beats(8).cuda(), model.optimizers(), 0)
    assert bool(torch.isfinite(losses["penalty"]))


@pytest.mark.parametrize("cls", KINDS)
def test_latents_can_be_searched_in_evaluation_mode(cls: type[Gan]) -> None:
    model = build(cls).eval()
    z = torch.randn(3, 5, requires_grad=True)
    model.decode(z).square().sum().backward()
    assert z.grad is not None
    assert bool((z.grad != 0).any(dim=1).all())
    x = beats(3).requires_grad_()
    model.discriminate(x).sum().backward()
    assert bool((x.grad != 0).any())


def test_recurrent_layers_keep_what_gradients_need_in_evaluation_mode() -> None:
    model = build(Rgan).eval()
    assert not model.generator.training
    assert model.generator.recurrence.training  # cuDNN has no gradients outside training mode
    assert model.generator.recurrence.dropout == 0


@pytest.mark.parametrize("cls", KINDS)
def test_the_validation_score_is_the_negative_verdict(cls: type[Gan]) -> None:
    model = build(cls).eval()
    torch.testing.assert_close(model.validation_scores(beats(4)), -model.discriminate(beats(4)))


@pytest.mark.parametrize("cls", KINDS)
def test_the_validation_loss_compares_normal_samples_with_generated_ones(cls: type[Gan]) -> None:
    model = build(cls).eval()
    x = torch.cat([beats(20), 100 * torch.randn(9, 1, 32)])
    labels = torch.tensor([0] * 20 + [1] * 9)
    loss = model.validation_loss(x, labels, torch.zeros(29))
    assert loss == model.validation_loss(x[:20], labels[:20], torch.zeros(20))  # abnormal samples do not count
    torch.manual_seed(0)
    fake = model.decode(model.sample_latents(20)).detach()
    assert loss == pytest.approx(mmd2(x[:20], fake), abs=0.1)
    model.decode = lambda z: beats(len(z), seed=9)  # a perfect generator
    assert abs(model.validation_loss(x, labels, torch.zeros(29))) < 0.1 < loss


@pytest.mark.parametrize("count", [600, 40])
def test_the_validation_loss_takes_at_most_512_samples_spread_over_all(count: int, monkeypatch) -> None:
    model = build(Dcgan).eval()
    sets: list[tuple[Tensor, Tensor]] = []
    monkeypatch.setattr("ecgan.models.dcgan.mmd2", lambda x, y: sets.append((x, y)) or 0.0)
    x = torch.arange(float(count))[:, None, None].expand(-1, 1, 32)
    model.validation_loss(x, torch.zeros(count, dtype=torch.int64), torch.zeros(count))
    real, fake = sets[0]
    assert len(real) == len(fake) == min(512, count)
    assert (float(real.min()), float(real.max())) == (0, count - 1)
    assert len(real[:, 0, 0].unique()) == len(real)


def test_the_validation_loss_neither_draws_from_the_global_generator_nor_depends_on_it() -> None:
    model = build(Dcgan).eval()
    x, labels = beats(20), torch.zeros(20, dtype=torch.int64)
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        found.append(model.validation_loss(x, labels, torch.zeros(20)))
        assert torch.equal(before, torch.get_rng_state())
    assert found[0] == found[1]


def test_without_normal_samples_there_is_no_validation_loss() -> None:
    x = beats(3)
    assert build(Dcgan).eval().validation_loss(x, torch.tensor([1, 1, 0]), torch.zeros(3)) != 0  # NaN
    assert torch.isnan(torch.tensor(build(Dcgan).eval().validation_loss(x, torch.ones(3).long(), torch.zeros(3))))


def test_recurrent_generators_are_judged_without_normalisation() -> None:
    assert (DcganOptions().discriminator_norm, RdcganOptions().discriminator_norm) == ("group", "none")


@pytest.mark.parametrize(
    ("cls", "loss", "steps"), [(Dcgan, "wasserstein", 40), (Rgan, "bce", 180), (Rdcgan, "wasserstein", 240)]
)
def test_training_brings_generated_beats_closer_to_real_ones(cls: type[Gan], loss: str, steps: int) -> None:
    fast = {"lr": 2e-3, "betas": [0.5, 0.9]}
    model = build(
        cls, length=16, width=0.25, loss=loss, generator=fast, discriminator=fast, init={"name": "glorot_normal"}
    )
    x, labels = beats(32, length=16), torch.zeros(32, dtype=torch.int64)
    optimizers = model.optimizers()
    values = []
    for step in range(steps + 1):
        if step % 20 == 0:
            values.append(model.eval().validation_loss(x, labels, torch.zeros(32)))
            model.train()
            if values[-1] < 0.6 * values[0]:  # what is kept is the best version
                return
        model.train_batch(x, optimizers, 0)
    raise AssertionError(f"it was {values[0]} and {min(values)} at best")


@pytest.mark.parametrize("cls", KINDS)
def test_an_interrupted_training_continues_to_the_same_weights(cls: type[Gan], tmp_path) -> None:
    x = beats(24)
    data = TrainingData(x, torch.zeros(24).long(), beats(12, seed=4), torch.tensor([0] * 8 + [1] * 4))

    def job(path, epochs: int) -> Run:
        model = build(cls, batch_size=8, spectral_norm=True)
        return Run(model, data, Train(epochs=epochs), 3, "fp32", ResumeFile(path, "same", seconds=0.0))

    whole = job(tmp_path / "whole", 4)
    history = fit(whole, []).history
    fit(job(tmp_path / "cut", 2), [])
    torch.manual_seed(99)
    rest = job(tmp_path / "cut", 4)
    progress = fit(rest, [])
    assert progress.history == history
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, rest.model.state_dict()[name]), name
    assert set(evaluate(rest.model, data)) == {"vali_loss", "vali_auroc", "vali_ap"}


@pytest.mark.native
@pytest.mark.parametrize("cls", KINDS)
def test_bfloat16_gives_nearly_the_losses_of_float32(cls: type[Gan]) -> None:
    def losses(precision: str, seed: int) -> dict[str, float]:
        model = build(cls, init={"name": "glorot_normal"}, generator_rounds=1)
        torch.manual_seed(seed)
        with autocast(precision, torch.device("cpu")):
            return {k: float(v) for k, v in model.train_batch(beats(16, seed=seed), model.optimizers(), 0).items()}

    ratios = []
    for seed in range(12):
        exact, rough = losses("fp32", seed), losses("bf16", seed)
        assert (rough != exact) is cpu_has_bfloat16()
        ratios.append(rough.pop("penalty") / exact.pop("penalty"))
        assert rough == pytest.approx(exact, rel=0.05, abs=0.05)
    # Of one batch it scatters by some 10 %, on every kind of processor: rounding turns rectifiers on and off.
    assert float(np.mean(ratios)) == pytest.approx(1, abs=0.1)
    assert min(ratios) > 0.6
    assert max(ratios) < 1.6


@pytest.mark.parametrize(("cls", "normalised"), [(Dcgan, 5), (Rgan, 1), (Rdcgan, 5)])
def test_spectral_normalisation_is_the_discriminators(cls: type[Gan], normalised: int) -> None:
    model = build(cls, spectral_norm=True)
    assert sum(hasattr(layer, "parametrizations") for layer in model.discriminator.modules()) == normalised
    assert not any(hasattr(layer, "parametrizations") for layer in model.generator.modules())
    if cls is not Rgan:
        assert not hasattr(model.discriminator.head, "parametrizations")
    for _ in range(30):  # power iteration goes on with every use in training
        model.discriminate(beats(2))
    model.eval()
    for layer in model.discriminator.modules():
        if hasattr(layer, "parametrizations"):
            largest = float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2))
            assert largest == pytest.approx(1, abs=0.05)


def test_width_scales_the_hidden_channels() -> None:
    assert size(build(Dcgan, width=0.5).discriminator) < size(build(Dcgan, width=1).discriminator) / 3
    assert build(Rgan, width=0.5).generator.recurrence.hidden_size == 64
    for width in (0.01, 0.3, 0.77, 1.3):  # two groups need even channels
        build(Dcgan, width=width).discriminate(beats(2))


def test_signals_of_another_length_are_refused() -> None:
    with pytest.raises(EcganError, match="32 time steps"):
        build(Rgan).discriminate(beats(2, length=40))
