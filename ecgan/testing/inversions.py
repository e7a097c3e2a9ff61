"""Conformance checks of inverse mappings."""

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ecgan.config.inverse import Inverse
from ecgan.config.options import Options
from ecgan.files import read_json
from ecgan.inversion.base import FILE, Inversion, save_inversion
from ecgan.models.base import ClassifierModel, GenerativeModel, Model, Optimizers
from ecgan.models.layers.latents import Prior
from ecgan.runtime import device
from ecgan.testing.check import ConformanceError, Subject, checks_of, expect, expect_close, expect_equal, expect_same
from ecgan.testing.subjects import array
from ecgan.testing.toys import toy_beats

CHANNELS, LENGTH, LATENT, SAMPLES, TRAIN = 2, 48, 3, 12, 40
QUICK = {
    "network": {"steps": 4, "evaluate_every": 2, "batch_size": 8},
    "search": {"iterations": 4, "starts": 4},
}


class _Generator(GenerativeModel):
    """A linear model of toy beats."""

    name = "toy"
    title = "toy"
    Options = Options

    def __init__(self) -> None:
        super().__init__(Options(), channels=CHANNELS, length=LENGTH)
        self.prior = Prior("normal", LATENT)
        self.decoder = nn.Linear(LATENT, CHANNELS * LENGTH)

    @property
    def output_range(self) -> None:
        return None

    def optimizers(self) -> Optimizers:
        return {}

    def train_batch(self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None) -> Any:
        return {}

    def decode(self, z: Tensor) -> Tensor:
        y: Tensor = self.decoder(z)
        return y.view(-1, CHANNELS, LENGTH)


class _Autoencoder(_Generator):
    """The same with an encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(CHANNELS * LENGTH, LATENT)

    def encode(self, x: Tensor) -> Tensor:
        z: Tensor = self.encoder(x.flatten(1))
        return z


class _Classifier(ClassifierModel):
    """What has no latents."""

    name = "toy"
    title = "toy"
    Options = Options

    def __init__(self) -> None:
        super().__init__(Options(), channels=CHANNELS, length=LENGTH)

    def optimizers(self) -> Optimizers:
        return {}

    def train_batch(self, x: Tensor, optimizers: Optimizers, epoch: int, labels: Tensor | None = None) -> Any:
        return {}

    def logits(self, x: Tensor) -> Tensor:
        return x.mean(dim=(1, 2))[:, None].repeat(1, 2)


class InversionSubject(Subject[Inversion]):
    """An inverse mapping under test, with values of the section `inverse`."""

    def model(self) -> GenerativeModel:
        """The first of two toy models, without an encoder and with one, that the mapping suits."""
        for cls in (_Generator, _Autoencoder):
            torch.manual_seed(0)
            model = cls().to(device())
            if self.cls.suits(model):
                return model
        raise ConformanceError("expected it to suit a generative model with or without an encoder, found neither")

    def build(self, model: Model, seed: int = 0) -> Inversion:
        """Return a fresh mapping of a model."""
        return self.cls(model, Inverse.model_validate(QUICK | self.given), seed=seed)

    def fitted(self, model: Model, seed: int = 0) -> Inversion:
        """Return a mapping that has learned from normal toy beats."""
        inversion = self.build(model, seed)
        inversion.fit(beats(TRAIN, seed=1))
        return inversion


def beats(count: int = SAMPLES, seed: int = 2) -> Tensor:
    """Return toy beats (count, C, L)."""
    return torch.from_numpy(toy_beats(count, CHANNELS, LENGTH, seed=seed)).to(device())


def it_says_what_it_is(subject: InversionSubject) -> None:
    """`ecgan list inversions` shows the title."""
    title = getattr(subject.cls, "title", "")
    expect(isinstance(title, str) and bool(title.strip()), f"expected a title, found {title!r}")


def classifiers_do_not_suit(subject: InversionSubject) -> None:
    """A classifier has no latents."""
    expect(not subject.cls.suits(_Classifier()), "expected a classifier not to suit, found that it does")


def latents_have_one_row_a_sample(subject: InversionSubject) -> None:
    """`invert` gives finite float32 latents (n, Z) that `decode` takes, of one sample as of several."""
    model = subject.model()
    inversion = subject.fitted(model)
    for count in (1, SAMPLES):
        z = inversion.invert(beats(count), 5)
        expect_equal((tuple(z.shape), str(z.dtype)), ((count, LATENT), "torch.float32"), "shape and type of latents")
        expect(bool(torch.isfinite(z).all()), "expected finite latents, found NaN or infinity")


def latents_do_not_depend_on_neighbours(subject: InversionSubject) -> None:
    """A sample by itself, or among others in another order, has the latent that it has among them."""
    inversion, x = subject.fitted(subject.model()), beats()
    together = array(inversion.invert(x))
    alone = torch.cat([inversion.invert(x[i : i + 1]) for i in range(len(x))])
    expect_close(array(alone), together, "the latent of a sample by itself to be that among others")
    expect_close(array(inversion.invert(x.flip(0))), together[::-1], "latents in the order of the samples")


def a_rerun_gives_equal_bytes(subject: InversionSubject) -> None:
    """The same seed gives the same latents, whatever torch's generator was at, and leaves that as it was."""
    results = []
    for state in (1, 2):
        model = subject.model()
        torch.manual_seed(state)
        before = torch.get_rng_state()
        results.append(subject.fitted(model, seed=7).invert(beats()))
        expect(torch.equal(torch.get_rng_state(), before), "expected it to draw from its seed, found torch's generator")
    expect(torch.equal(*results), "expected a rerun to give the same latents, found others")


def the_model_is_left_as_it_is(subject: InversionSubject) -> None:
    """Neither fitting nor inverting changes the model's weights."""
    model = subject.model()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    subject.fitted(model).invert(beats())
    expect_same(model.state_dict(), before, "expected the model's {} to be left as it is, found it changed")


def a_saved_mapping_gives_equal_bytes(subject: InversionSubject) -> None:
    """Everything that was learned is in the files: saved and loaded, the latents are the same bytes."""
    model = subject.model()
    inversion = subject.fitted(model, seed=7)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_inversion(folder, inversion, "v01")
        stored = read_json(folder / FILE)
        expect_equal(stored["method"], subject.cls.name, f"the method that {FILE} names")
        other = subject.cls(model)
        other.restore(folder, stored)
    same = torch.equal(other.invert(beats()), inversion.invert(beats()))
    expect(same, "expected the same latents after saving and loading, found others")


CHECKS = checks_of(__name__)
