"""The classifiers: sizes, class weights, and what training and validation do with rare and absent classes."""

import math

import pytest
import torch
from torch import Tensor, nn

from ecgan.config import Train, load_params, render_params
from ecgan.errors import EcganError
from ecgan.models.cnn import ClassifierOptions, Cnn, CnnOptions, NetworkClassifier
from ecgan.models.rnn import Rnn
from ecgan.runtime import autocast, cpu_has_bfloat16
from ecgan.training.data import TrainingData
from ecgan.training.loop import Run, fit
from ecgan.training.resume import ResumeFile

KINDS = [Cnn, Rnn]


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def build(
    cls: type[NetworkClassifier], channels: int = 1, length: int = 32, classes: int = 3, **options
) -> NetworkClassifier:
    torch.manual_seed(0)
    return cls(cls.Options(**({"width": 0.125} | options)), channels=channels, length=length, classes=classes)


def toys(count: int, classes: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Sines of 1, 2, … periods, (n, 1, 32), and how many fewer one that is."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % classes
    phase = torch.rand(count, 1, generator=generator)
    x = torch.sin(6.28 * (labels + 1)[:, None] * torch.linspace(0, 1, 32) + phase)
    return x[:, None], labels


def test_published_sizes_of_cnn() -> None:
    # convolutions with kernel 4 and without bias, C → 32 → 64 → 128 → 256 → 512; two parameters a normalised channel;
    # then one convolution 512 → 5 over the 10 steps that are left of 320. Nothing else: every parameter is used.
    convolutions = 4 * (1 * 32 + 32 * 64 + 64 * 128 + 128 * 256 + 256 * 512)
    norms = 2 * (64 + 128 + 256 + 512)
    assert size(build(Cnn, 1, 320, 5, width=1)) == convolutions + norms + 512 * 5 * 10 == 723_968


def test_published_sizes_of_rnn() -> None:
    # four gates of 128 on the input, the state and two biases; linear layer 128 → 5 with bias
    assert size(build(Rnn, 1, 320, 5, width=1)) == 4 * 128 * (1 + 128 + 2) + 128 * 5 + 5 == 67_717


@pytest.mark.parametrize("options", [CnnOptions(), ClassifierOptions()])
def test_published_defaults(options) -> None:
    assert (options.optimizer.name, options.optimizer.lr, options.optimizer.betas) == ("adam", 1e-4, [0.5, 0.99])
    assert (options.init.name, options.init.std, options.batch_size) == ("normal", 0.02, 64)


@pytest.mark.parametrize("name", ["cnn", "rnn"])
def test_init_writes_a_file_that_trains_on_all_classes(name: str, tmp_path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(render_params("ecgsyn", [name]), encoding="utf-8")
    params = load_params(path)
    assert (params.split.protocol, params.split.train_on) == ("stratified", "all")
    assert (params.detect.detector, params.detect.strategies) == ("argmax", ["plain"])


@pytest.mark.parametrize("cls", KINDS)
@pytest.mark.parametrize("channels", [1, 2, 3, 12])
@pytest.mark.parametrize("length", [32, 33, 63, 187])
def test_every_number_of_leads_and_every_length_from_32_on_fits(cls, channels: int, length: int) -> None:
    model = build(cls, channels, length, classes=4)
    x, labels = torch.rand(5, channels, length), torch.tensor([0, 1, 2, 3, 0])
    model.train_batch(x, model.optimizers(), 0, labels)
    model.eval()
    assert model.logits(x).shape == (5, 4)
    assert model.validation_scores(x).shape == (5,)
    torch.testing.assert_close(model.logits(x)[:1], model.logits(x[:1]))


def test_shorter_beats() -> None:
    with pytest.raises(EcganError, match="at least 32"):
        build(Cnn, length=31)
    assert build(Rnn, length=5).logits(torch.rand(2, 1, 5)).shape == (2, 3)


@pytest.mark.parametrize("cls", KINDS)
def test_every_parameter_is_used(cls) -> None:
    model = build(cls)
    x, labels = toys(30)
    model.begin(labels)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizers = model.optimizers()
    for _ in range(3):
        model.train_batch(x, optimizers, 0, labels)
    assert [name for name, value in model.named_parameters() if torch.equal(value, before[name])] == []


@pytest.mark.parametrize("cls", KINDS)
def test_the_score_is_the_log_odds_of_any_abnormal_class(cls) -> None:
    model = build(cls).eval()
    x, _ = toys(6)
    share = model.logits(x).softmax(dim=1)
    torch.testing.assert_close(model.validation_scores(x), (share[:, 1:].sum(dim=1) / share[:, 0]).log())


def test_balanced_weights_count_every_class_of_the_training_data_the_same() -> None:
    model = build(Cnn)
    labels = torch.tensor([0] * 6 + [1] * 3 + [2])
    model.begin(labels)
    torch.testing.assert_close(model.class_weight, torch.tensor([10 / 18, 10 / 9, 10 / 3]))
    totals = torch.bincount(labels).float() * model.class_weight
    torch.testing.assert_close(totals, torch.full((3,), 10 / 3))


def test_a_class_that_training_does_not_hold_has_weight_zero_and_makes_nothing_infinite() -> None:
    model = build(Cnn, classes=5)
    x, labels = toys(20, 2)
    labels *= 3  # classes 0 and 3 of 5
    model.begin(labels)
    torch.testing.assert_close(model.class_weight, torch.tensor([1.0, 0, 0, 1, 0]))
    loss = model.train_batch(x, model.optimizers(), 0, labels)["cross_entropy"]
    assert bool(torch.isfinite(loss))
    assert all(bool(torch.isfinite(value).all()) for value in model.state_dict().values())
    model.eval()
    with_unknown = torch.cat([labels[:-1], torch.tensor([4])])
    loss = model.validation_loss(x, with_unknown, torch.zeros(20))
    assert loss == pytest.approx(model.validation_loss(x[:-1], labels[:-1], torch.zeros(19)), rel=1e-5)


@pytest.mark.parametrize("cls", KINDS)
def test_without_class_weights_every_beat_counts_the_same(cls) -> None:
    x, labels = toys(12)
    labels = (labels == 1).long()
    model = build(cls, class_weights="none")
    model.begin(labels)
    assert torch.equal(model.class_weight, torch.ones(3))
    model.eval()
    expected = -model.logits(x).log_softmax(dim=1)[range(12), labels].mean()
    assert model.validation_loss(x, labels, torch.zeros(12)) == pytest.approx(float(expected.detach()), rel=1e-5)


@pytest.mark.parametrize("cls", KINDS)
def test_the_validation_loss_sees_all_classes_and_their_weights(cls) -> None:
    model = build(cls, init={"name": "glorot_normal"})
    x, labels = toys(12)
    model.begin(torch.tensor([0, 0, 0, 1, 1, 2]))
    model.eval()
    each = -model.logits(x).log_softmax(dim=1)[range(12), labels].detach()
    weights = model.class_weight[labels]
    expected = float((each * weights).sum() / weights.sum())
    assert model.validation_loss(x, labels, torch.zeros(12)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("labels", "message"), [([0, 0, 0], "one class only"), ([0, 1, 3], "a label is 3"), ([-1, 0, 1], "a label is -1")]
)
def test_labels_that_nothing_can_be_learned_from_are_refused(labels: list[int], message: str) -> None:
    with pytest.raises(EcganError, match=message):
        build(Cnn).begin(torch.tensor(labels))


@pytest.mark.parametrize("cls", KINDS)
def test_training_separates_classes(cls) -> None:
    model = build(cls, init={"name": "glorot_normal"}, optimizer={"lr": 1e-2, "betas": [0.9, 0.99]}, width=0.25)
    x, labels = toys(60)
    model.begin(labels)
    optimizers = model.optimizers()
    model.train()
    for epoch in range(60):
        model.train_batch(x, optimizers, epoch, labels)
    model.eval()
    new, expected = toys(30, seed=7)
    assert float((model.logits(new).argmax(dim=1) == expected).float().mean()) > 0.9
    scores = model.validation_scores(new)
    assert float(scores[expected == 0].max().detach()) < float(scores[expected != 0].min().detach())


def test_the_rare_class_is_not_given_up() -> None:
    """With 2 of 62 beats in a class, and only the weights to make up for it."""

    def loss_of_the_rare(choice: str) -> float:
        model = build(Rnn, init={"name": "glorot_normal"}, class_weights=choice, optimizer={"lr": 3e-3}, classes=2)
        x, labels = toys(120, 2)
        keep = torch.cat([torch.where(labels == 0)[0], torch.where(labels == 1)[0][:2]])
        x, labels = x[keep], labels[keep]
        model.begin(labels)
        optimizers = model.optimizers()
        for _ in range(15):
            model.train_batch(x, optimizers, 0, labels)
        new, expected = toys(20, 2, seed=5)
        return float(nn.functional.cross_entropy(model.logits(new)[expected == 1], expected[expected == 1]).detach())

    assert loss_of_the_rare("balanced") < 0.5 * loss_of_the_rare("none")


@pytest.mark.parametrize("cls", KINDS)
def test_an_interrupted_training_continues_to_the_same_weights(cls, tmp_path) -> None:
    x, labels = toys(30)
    data = TrainingData(x, labels, *toys(12, seed=3))

    def job(path, epochs: int) -> Run:
        model = build(cls, batch_size=8)
        return Run(model, data, Train(epochs=epochs), 3, "fp32", ResumeFile(path, "same", seconds=0.0))

    whole = job(tmp_path / "whole", 4)
    history = fit(whole, []).history
    fit(job(tmp_path / "cut", 2), [])
    torch.manual_seed(99)
    rest = job(tmp_path / "cut", 4)
    assert fit(rest, []).history == history
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, rest.model.state_dict()[name]), name
    assert all(math.isfinite(row["vali_loss"]) for row in history)


def test_class_weights_are_stored_with_the_model() -> None:
    model = build(Cnn)
    model.begin(torch.tensor([0, 0, 0, 1, 2]))
    restored = build(Cnn)
    restored.load_state_dict(model.state_dict())
    assert torch.equal(restored.class_weight, model.class_weight)
    assert not torch.equal(restored.class_weight, torch.ones(3))


@pytest.mark.native
@pytest.mark.parametrize("cls", KINDS)
def test_bfloat16_gives_nearly_the_loss_of_float32(cls) -> None:
    x, labels = toys(30)

    def loss(precision: str) -> float:
        model = build(cls, init={"name": "glorot_normal"})
        with autocast(precision, torch.device("cpu")):
            return float(model.train_batch(x, model.optimizers(), 0, labels)["cross_entropy"])

    assert loss("bf16") == pytest.approx(loss("fp32"), rel=0.02)
    assert (loss("bf16") != loss("fp32")) is cpu_has_bfloat16()
