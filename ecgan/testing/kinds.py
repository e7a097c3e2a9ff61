"""Conformance checks of generative models and of classifiers."""

import torch

from ecgan.errors import EcganError
from ecgan.models.base import ClassifierModel, GenerativeModel
from ecgan.runtime import device
from ecgan.testing.check import expect, expect_close, expect_equal, expect_refusal
from ecgan.testing.subjects import SAMPLES, ModelSubject, array, draw


def _generative(subject: ModelSubject, *, trained: bool = False) -> GenerativeModel:
    model = subject.trained() if trained else subject.build().eval()
    assert isinstance(model, GenerativeModel)
    return model


def decoded_latents_have_the_shape_of_samples(subject: ModelSubject) -> None:
    """Generated samples are (n, C, L), finite and within `output_range`, one of them as well."""
    model = _generative(subject)
    check_output(model)
    with torch.no_grad():
        one = model.decode(draw(model, 1).to(device()))
    expect_equal(tuple(one.shape), (1, model.channels, model.length), "the shape of one decoded latent")


def encoded_samples_have_the_shape_of_latents(subject: ModelSubject) -> None:
    """An encoder gives (n, Z), finite, what `decode` takes."""
    model = _generative(subject)
    if not model.has_encoder:
        return
    with torch.no_grad():
        z = model.encode(subject.beats(model))
        expect_equal(tuple(z.shape), (SAMPLES, model.prior.size), "the shape of encoded samples")
        expect(bool(torch.isfinite(z).all()), "expected finite latents, found NaN or infinity")
        shape = tuple(model.decode(z).shape)
    expect_equal(shape, (SAMPLES, model.channels, model.length), "the shape of reconstructions")


def reconstructions_have_the_shape_of_samples(subject: ModelSubject) -> None:
    """A model that reconstructs otherwise than by a latent gives (n, C, L), finite, the same for the same seed."""
    model, seed = _generative(subject, trained=True), 3
    x = subject.beats(model)
    state = torch.get_rng_state()
    with torch.no_grad():
        first, second = model.reconstruct(x, seed), model.reconstruct(x, seed)
    if first is None or second is None:
        expect(not model.conditions, "expected a model with conditions to reconstruct by `reconstruct`, found None")
        return
    untouched = torch.equal(torch.get_rng_state(), state)
    expect(untouched, "expected reconstruct to draw from its seed alone, found that it drew from torch's generator")
    expect_equal(tuple(first.shape), (SAMPLES, model.channels, model.length), "the shape of reconstructions")
    expect(bool(torch.isfinite(first).all()), "expected finite reconstructions, found NaN or infinity")
    expect(torch.equal(first, second), "expected the same reconstructions from the same seed, found others")


def features_and_logits_have_one_row_a_sample(subject: ModelSubject) -> None:
    """`features` gives (n, F) and `discriminate` (n,); a model without a discriminator gives None for both."""
    model = _generative(subject)
    with torch.no_grad():
        features, logits = model.features(subject.beats(model)), model.discriminate(subject.beats(model))
    if features is not None:
        expect_equal((features.ndim, len(features)), (2, SAMPLES), "dimensions and rows of features")
        expect(bool(torch.isfinite(features).all()), "expected finite features, found NaN or infinity")
    if logits is not None:
        expect_equal(tuple(logits.shape), (SAMPLES,), "the shape of discriminate")
        expect(bool(torch.isfinite(logits).all()), "expected finite values of discriminate, found NaN or infinity")


def generation_is_seeded(subject: ModelSubject) -> None:
    """The same seed generates the same samples, another seed others."""
    model = _generative(subject, trained=True)
    first, second, other = draw(model, 6, seed=1), draw(model, 6, seed=1), draw(model, 6, seed=2)
    expect_equal(tuple(first.shape), (6, model.prior.size), "the shape of drawn latents")
    expect(torch.equal(first, second), "expected the same latents from the same seed, found others")
    expect(not torch.equal(first, other), "expected other latents from another seed, found the same")
    with torch.no_grad():
        one, two = model.decode(first.to(device())), model.decode(first.to(device()))
    expect(torch.equal(one, two), "expected the same samples from the same latents, found others")


def latents_of_another_size_are_refused(subject: ModelSubject) -> None:
    """`decode` refuses latents that are not (n, Z)."""
    model = _generative(subject)
    z = torch.zeros(4, model.prior.size + 1, device=device())
    expect_refusal(lambda: model.decode(z), (EcganError, ValueError, RuntimeError), "latents of another size")


def check_output(model: GenerativeModel, count: int = 64, *, both_sides: bool = True) -> None:
    """Expect generated samples of the right shape within the range and, if asked, on both sides of its middle."""
    with torch.no_grad():
        y = model.decode(draw(model, count).to(device()))
    expect_equal(tuple(y.shape), (count, model.channels, model.length), "the shape of decoded latents")
    expect(bool(torch.isfinite(y).all()), "expected decoded latents to be finite, found NaN or infinity")
    if model.output_range is None:
        return
    low, high = model.output_range
    least, most = float(y.min()), float(y.max())
    slack = 1e-5 * (high - low)
    within = low - slack <= least and most <= high + slack
    expect(within, f"expected output within output_range {(low, high)}, found values from {least:.4g} to {most:.4g}")
    around = least <= (low + high) / 2 <= most or not both_sides
    text = f"expected output on both sides of the middle of output_range {(low, high)}, found {least:.4g} to {most:.4g}"
    expect(around, text)


def logits_have_one_column_a_class(subject: ModelSubject) -> None:
    """`logits` gives (n, K) for any number of classes, and `validation_scores` their abnormal log-odds."""
    for classes in (2, 3, 5):
        model = subject.trained(classes=classes)
        assert isinstance(model, ClassifierModel)
        x = subject.beats(model)
        with torch.no_grad():
            logits, scores = model.logits(x), model.validation_scores(x)
        expect_equal(tuple(logits.shape), (SAMPLES, classes), f"the shape of logits for {classes} classes")
        expect(bool(torch.isfinite(logits).all()), "expected finite logits, found NaN or infinity")
        odds = logits[:, 1:].logsumexp(dim=1) - logits[:, 0]
        expect_close(array(scores), array(odds), "validation_scores to be the abnormal log-odds")


def a_class_without_training_samples_is_no_problem(subject: ModelSubject) -> None:
    """A class that the training set lacks has finite logits, and training stays finite."""
    model = subject.build(classes=5)
    assert isinstance(model, ClassifierModel)
    labels = subject.labels(model).clamp(max=1)
    model.begin(labels)
    losses = model.train().train_batch(subject.beats(model), model.optimizers(), 0, labels)
    for name, loss in losses.items():
        expect(bool(torch.isfinite(loss)), f"expected the loss {name!r} to be finite, found {float(loss)}")
    with torch.no_grad():
        logits = model.eval().logits(subject.beats(model))
    expect(bool(torch.isfinite(logits).all()), "expected finite logits, found NaN or infinity")


GENERATIVE = (
    decoded_latents_have_the_shape_of_samples,
    encoded_samples_have_the_shape_of_latents,
    reconstructions_have_the_shape_of_samples,
    features_and_logits_have_one_row_a_sample,
    generation_is_seeded,
    latents_of_another_size_are_refused,
)
CLASSIFIERS = (logits_have_one_column_a_class, a_class_without_training_samples_is_no_problem)
