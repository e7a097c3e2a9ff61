"""Conformance checks of models: training, saving, resuming."""

import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ecgan.errors import EcganError
from ecgan.models.base import GenerativeModel
from ecgan.runtime import autocast, device
from ecgan.testing.check import ConformanceError, checks_of, choices, expect, expect_equal, expect_same, with_value
from ecgan.testing.kinds import check_output
from ecgan.testing.subjects import STEPS, ModelSubject, answers, draw, finish
from ecgan.training.resume import Progress, ResumeFile
from ecgan.training.versions import load_version, load_weights, save_version


def a_batch_of_two_trains(subject: ModelSubject) -> None:
    """The smallest batch that the training loop makes works."""
    model = subject.build()
    optimizers = subject.prepare(model)
    check_losses(subject.train(model, optimizers, range(1), count=2))


def losses_are_finite_detached_scalars(subject: ModelSubject) -> None:
    """`train_batch` returns losses by name, ready to be summed up."""
    model = subject.build()
    check_losses(subject.train(model, subject.prepare(model), range(STEPS)))


def check_losses(losses: Any) -> None:
    """Expect named scalar tensors that are detached and finite."""
    expect(
        isinstance(losses, dict) and bool(losses), f"expected train_batch to return losses by name, found {losses!r}"
    )
    for name, loss in losses.items():
        expect(isinstance(loss, Tensor), f"expected the loss {name!r} to be a tensor, found {type(loss).__name__}")
        expect_equal(tuple(loss.shape), (), f"the shape of the loss {name!r}")
        expect(not loss.requires_grad, f"expected the loss {name!r} to be detached, found that it requires gradients")
        expect(bool(torch.isfinite(loss)), f"expected the loss {name!r} to be finite, found {float(loss)}")


def training_in_bfloat16_is_finite(subject: ModelSubject) -> None:
    """`runtime.precision: bf16` trains with finite losses."""
    model = subject.build()
    optimizers = subject.prepare(model)
    with autocast("bf16", device()):
        losses = subject.train(model, optimizers, range(STEPS))
    check_losses(losses)


def every_parameter_has_one_optimizer_and_learns(subject: ModelSubject) -> None:
    """No trainable parameter is forgotten or stepped by two optimizers, and each changes in training."""
    model = subject.build()
    optimizers = subject.prepare(model)
    expect(isinstance(optimizers, dict) and bool(optimizers), f"expected optimizers by name, found {optimizers!r}")
    names = {id(parameter): name for name, parameter in model.named_parameters() if parameter.requires_grad}
    held = [id(p) for optimizer in optimizers.values() for group in optimizer.param_groups for p in group["params"]]
    for key, name in names.items():
        expect_equal(held.count(key), 1, f"the number of optimizers of the parameter {name}")
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    subject.train(model, optimizers, range(STEPS + 1))
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            changed = not torch.equal(parameter.detach(), before[name])
            expect(changed, f"expected training to change the parameter {name}, found it as it was")


def only_optimizers_that_are_due_step(subject: ModelSubject) -> None:
    """`every` names optimizers of the model, and a batch on which some are not due leaves their parameters alone."""
    model = subject.build()
    optimizers = subject.prepare(model)
    expect(not model.every.keys() - optimizers.keys(), f"expected `every` to name optimizers, found {model.every}")
    waiting = {name: opt for name, opt in optimizers.items() if model.every.get(name, 1) > 1}
    held = {id(p) for opt in waiting.values() for group in opt.param_groups for p in group["params"]}
    before = {name: p.detach().clone() for name, p in model.named_parameters() if id(p) in held}
    check_losses(subject.train(model, model.due(optimizers, 1), range(1)))
    after = dict(model.named_parameters())
    expect_same({name: after[name] for name in before}, before, "expected {} to wait for its optimizer, found it moved")


def every_choice_of_an_option_trains(subject: ModelSubject) -> None:
    """Each value of each option with fixed choices is refused in words, or trains and keeps its output range."""
    tried: list[tuple[Any, bool]] = []  # the default of each option among them, which is the same every time
    for path, value in choices(subject.cls.Options):
        options, nested = with_value(subject.options, path, value), "." in path
        if options is None or (options, nested) in tried:
            continue
        tried.append((options, nested))
        try:
            model = subject.build(options=options)
        except EcganError:
            continue
        try:
            check_losses(subject.train(model, subject.prepare(model), range(1)))
            if isinstance(model, GenerativeModel):
                finish(model, subject.beats(model))
                check_output(model, both_sides=not nested)
        except Exception as error:
            raise ConformanceError(f"with {path} = {value!r}: {error}") from error


def saved_weights_give_equal_answers(subject: ModelSubject) -> None:
    """Everything that the model learned is in its weights, the distribution of its latents included."""
    model = subject.trained()
    other = subject.build(seed=77)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_version(folder, "v01", model.state_dict())
        load_weights(other, load_version(folder, "v01"), folder)
    x = subject.beats(model)
    text = "expected {} to be the same after saving and loading, found other numbers"
    expect_same(answers(other.eval(), x), answers(model, x), text)
    if isinstance(model, GenerativeModel) and isinstance(other, GenerativeModel):
        text = "expected the same {} after saving and loading, found others"
        expect_same({"generated latents": draw(other, 5)}, {"generated latents": draw(model, 5)}, text)


def a_rerun_gives_equal_bytes(subject: ModelSubject) -> None:
    """Training again with the same seed gives the same weights, bit for bit."""
    first, second = (subject.trained(seed=4).state_dict() for _ in range(2))
    expect_same(second, first, "expected a rerun to give the same {}, found other bytes")


def a_resumed_training_gives_equal_bytes(subject: ModelSubject) -> None:
    """Training that is taken up from the resume file ends with the weights of one that was not interrupted."""
    model = subject.build()
    optimizers = subject.prepare(model)
    subject.train(model, optimizers, range(2))
    other = subject.build(seed=9)
    others = subject.prepare(other)
    with tempfile.TemporaryDirectory() as name:
        file = ResumeFile(Path(name) / "state.safetensors", "conformance", seconds=0.0)
        file.save(model, optimizers, Progress(epoch=2))
        progress = file.load(other, others)
    expect_equal(progress.epoch, 2, "the epoch in the resume file")
    subject.train(model, optimizers, range(2, 4))
    subject.train(other, others, range(2, 4))
    text = "expected the same {} after taking the training up again, found other bytes"
    expect_same(other.state_dict(), model.state_dict(), text)


CHECKS = checks_of(__name__)
