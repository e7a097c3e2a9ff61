"""Conformance checks of models: parameters, sizes, scores, devices."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ecgan.errors import EcganError
from ecgan.models.base import ClassifierModel, GenerativeModel
from ecgan.runtime import device
from ecgan.testing.check import (
    ConformanceError,
    check_options,
    checks_of,
    expect,
    expect_close,
    expect_equal,
    expect_refusal,
    expect_same,
    written_params,
)
from ecgan.testing.subjects import LENGTHS, SAMPLES, ModelSubject, answers, array


def options_have_defaults_and_descriptions(subject: ModelSubject) -> None:
    """Every parameter is explained in the file that `ecgan init` writes."""
    check_options(subject.cls.Options, "Options")
    expect(isinstance(subject.options.batch_size, int), "expected Options to have a whole number `batch_size`")


def init_writes_a_valid_file(subject: ModelSubject) -> None:
    """The overrides of other sections fit the schema, so that `ecgan init -m NAME` works."""
    models = written_params("ecgsyn", subject.cls.name).models
    expect_equal(models, [subject.cls.name], "the list of models in the file")


def leads_and_lengths_are_built_or_refused(subject: ModelSubject) -> None:
    """One to three leads of any usual length work, or the refusal names a length that does."""
    for length in LENGTHS:
        for channels in (1, 2, 3):
            try:
                model = subject.build(channels=channels, length=length)
            except EcganError as error:
                _names_a_length_that_fits(subject, error, channels, length)
                continue
            scores = answers(model.eval(), subject.beats(model, 3))["validation_scores"]
            expect_equal(tuple(scores.shape), (3,), f"the shape of three scores for {channels} leads of {length} steps")


def _names_a_length_that_fits(subject: ModelSubject, error: EcganError, channels: int, length: int) -> None:
    text = f"{error.message} {error.hint}"
    for word in sorted({int(word) for word in text.replace(",", " ").replace(".", " ").split() if word.isdigit()}):
        if word != length and word > 8:
            try:
                subject.build(channels=channels, length=word)
            except EcganError:
                continue
            return
    raise ConformanceError(f"expected the refusal of {length} time steps to name a length that fits, found: {text}")


def one_sample_works(subject: ModelSubject) -> None:
    """In evaluation mode one sample is enough, whatever normalisation the networks have."""
    model = subject.trained()
    for name, value in answers(model, subject.beats(model)[:1]).items():
        expect_equal(value.shape[0], 1, f"the first dimension of {name} of one sample")
        expect(
            bool(torch.isfinite(value).all()),
            f"expected {name} of one sample to be finite, found {value.flatten()[:3]}",
        )


def scores_have_shape_and_are_finite(subject: ModelSubject) -> None:
    """`validation_scores` gives one finite number a sample, `validation_loss` one finite number."""
    model = subject.trained()
    x, labels = subject.beats(model), subject.labels(model)
    scores = answers(model, x)["validation_scores"]
    expect_equal(tuple(scores.shape), (SAMPLES,), "the shape of validation_scores")
    expect(scores.is_floating_point(), f"expected validation_scores to be floating point, found {scores.dtype}")
    expect(bool(torch.isfinite(scores).all()), f"expected finite validation_scores, found {scores.tolist()}")
    with torch.no_grad():
        loss = model.validation_loss(x, labels, scores)
    expect(isinstance(loss, float), f"expected validation_loss to be a float, found {type(loss).__name__}")
    expect(bool(np.isfinite(loss)), f"expected a finite validation_loss, found {loss}")


def answers_keep_the_order_of_samples(subject: ModelSubject) -> None:
    """Samples in another order get the same answers in that order."""
    model = subject.trained()
    x = subject.beats(model)
    order = torch.from_numpy(np.random.default_rng(3).permutation(SAMPLES)).to(x.device)
    plain, permuted = answers(model, x), answers(model, x[order])
    for name, value in plain.items():
        expect_close(array(permuted[name]), array(value[order]), f"{name} of permuted samples to be permuted alike")


def answers_do_not_depend_on_neighbours(subject: ModelSubject) -> None:
    """What the model says of a sample is the same whatever is scored beside it."""
    model = subject.trained()
    x = subject.beats(model)
    together, alone = answers(model, x), [answers(model, x[i : i + 1]) for i in range(SAMPLES)]
    for name, value in together.items():
        each = np.concatenate([array(part[name]) for part in alone])
        expect_close(each, array(value), f"{name} of a sample by itself to be that in a batch")


def answers_are_not_drawn_at_random(subject: ModelSubject) -> None:
    """In evaluation mode no answer depends on the state of a random number generator."""
    model = subject.trained()
    x = subject.beats(model)
    first, second = answers(model, x, seed=5), answers(model, x, seed=6)
    expect_same(second, first, "expected {} to be the same twice, found it drawn at random")


def evaluation_changes_nothing(subject: ModelSubject) -> None:
    """Scoring leaves the weights and the statistics of every layer as they are."""
    model = subject.trained()
    x = subject.beats(model)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    answers(model, x)
    expect_same(model.state_dict(), before, "expected scoring to leave {} as it is, found it changed")


def other_shapes_are_refused(subject: ModelSubject) -> None:
    """Samples with other leads or of another length are refused before anything is computed."""
    model = subject.trained()
    x = subject.beats(model)
    wrong = {
        "one lead too few": x[:, :1],
        "samples that are too short": x[..., :-4],
        "a single sample without its batch dimension": x[0],
    }
    methods: list[Callable[[Tensor], Any]] = [model.validation_scores]
    methods += [model.logits] if isinstance(model, ClassifierModel) else []
    if isinstance(model, GenerativeModel):
        methods += [model.encode] if model.has_encoder else []
        perhaps = (model.reconstruct, model.features, model.discriminate)
        methods += [method for method in perhaps if method(x) is not None]
    for method in methods:
        for what, value in wrong.items():
            expect_refusal(lambda m=method, v=value: m(v), (EcganError,), f"{what} in {method.__name__}")  # type: ignore[misc]


def networks_follow_the_device(subject: ModelSubject) -> None:
    """Nothing is bound to one device; tried on `ECGAN_DEVICE` and on torch's device without data, "meta"."""
    model = subject.trained()
    for name, tensor in model.state_dict().items():
        expect_equal(tensor.device.type, device().type, f"the device of {name} after moving the model")
    x = subject.beats(model).to("meta")
    model.to("meta")
    _try_device(lambda: model.validation_scores(x))
    if isinstance(model, GenerativeModel):
        z = model.sample_latents(4).to("meta") if model.prior.kind != "encoder" else x.new_zeros(4, model.prior.size)
        _try_device(lambda: model.decode(z))
    labels = subject.labels(model).to("meta") if model.classifies else None
    _try_device(lambda: model.train().train_batch(x, model.optimizers(), 0, labels))


def _try_device(call: Callable[[], Any]) -> None:
    """Expect no mixture of devices; what the device "meta" cannot do otherwise says nothing."""
    signs = ("is not on the expected device", "to be on the same device")
    try:
        call()
    except Exception as error:
        if any(sign in str(error) for sign in signs):
            raise ConformanceError(f"expected every tensor on the model's device, found: {error}") from error


CHECKS = checks_of(__name__)
