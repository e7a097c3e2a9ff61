"""A training step of each kind of model as it is written down: the slow reference of `train_batch`.

Every pass is made where it is needed, real and fake apart; gradients reach every weight; optimizers go from weight to
weight; every loss is read at once; the gradient penalty is differentiated twice.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ecgan.models.aegan import Aegan
from ecgan.models.base import Model
from ecgan.models.dcgan import Gan, discriminator_loss, generator_loss, gradient_penalty

Optimizers = dict[str, torch.optim.Optimizer]


def unfused_optimizers(model: Model) -> Optimizers:
    """The model's optimizers, each a loop over its weights."""
    optimizers = model.optimizers()
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group.update(fused=False, foreach=False)
    return optimizers


def unfused_step(model: Any, x: Tensor, optimizers: Optimizers, labels: Tensor | None = None) -> dict[str, float]:
    """One step on a batch x (B, C, L); random numbers are drawn in the order of `train_batch`."""
    if isinstance(model, Aegan):
        return _adversarial(model, x, optimizers)
    if isinstance(model, Gan):
        return _gan(model, x, optimizers)
    return {name: float(loss) for name, loss in model.train_batch(x, optimizers, 0, labels).items()}


def _adversarial(model: Aegan, x: Tensor, optimizers: Optimizers) -> dict[str, float]:
    state = torch.get_rng_state()
    fake, _ = model.reconstructed(x, 0)
    adversarial = discriminator_loss("bce", model.discriminator(x), model.discriminator(fake))
    _descend(model, adversarial, optimizers["discriminator"])
    torch.set_rng_state(state)  # the same draw from the posterior
    fake, terms = model.reconstructed(x, 0)
    matching = F.mse_loss(model.discriminator.features(fake), model.discriminator.features(x).detach())
    terms["features"] = model.options.feature_weight * matching
    _descend(model, torch.stack(list(terms.values())).sum(), optimizers["generator"])
    return {"discriminator": adversarial.item()} | {name: term.item() for name, term in terms.items()}


def _gan(model: Gan, x: Tensor, optimizers: Optimizers) -> dict[str, float]:
    o = model.options
    for _ in range(o.discriminator_rounds):
        z = model.sample_latents(len(x))
        fake = model.decode(z)
        critic = discriminator_loss("wasserstein", model.discriminator.logits(x), model.discriminator.logits(fake))
        penalty = o.penalty_weight * gradient_penalty(model.discriminator, x, fake.detach())
        _descend(model, critic + penalty, optimizers["discriminator"])
    for step in range(o.generator_rounds):
        z = model.sample_latents(len(x)) if step else z
        loss = generator_loss("wasserstein", model.discriminator.logits(model.decode(z)))
        _descend(model, loss, optimizers["generator"])
    return {"discriminator": critic.item(), "penalty": penalty.item(), "generator": loss.item()}


def _descend(model: Model, loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
    model.zero_grad()
    loss.backward()
    optimizer.step()
