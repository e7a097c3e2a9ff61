"""Losses: small functions of tensors that models add up. Logits are values before a sigmoid.

Each returns a scalar unless it says otherwise, and lets gradients flow into whatever it is given; a caller that trains
one network against another detaches what is not to learn.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgan.sharing import draw

DIFFERENCE = 0.01  # ε of central differences, the norm of a whole sample, where the slope is at most one
_TINY = 1e-30  # a sample without a gradient has no direction


def generator_bce(fake_logit: Tensor) -> Tensor:
    """Non-saturating loss of a generator, −log D(G(z)): binary cross-entropy of fakes against the target 1.

    Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, section 3.

    Args:
        fake_logit: The discriminator's logits of generated samples, (B,), attached to the generator.
    """
    return F.softplus(-fake_logit).mean()  # softplus(−l) = −log sigmoid(l)


def two_component_bce(real_logit: Tensor, fake_logit: Tensor) -> Tensor:
    """Loss of a discriminator, BCE(D(x), 1) + BCE(D(x̂), 0) (Goodfellow et al. 2014, equation 1).

    Args:
        real_logit: Its logits of real samples, (B,).
        fake_logit: Its logits of generated samples, (B',).
    """
    # softplus(−l) is BCE with target 1, softplus(l) with target 0, for a logit l
    return F.softplus(-real_logit).mean() + F.softplus(fake_logit).mean()


def wasserstein_generator(fake: Tensor) -> Tensor:
    """−E[D(x̂)]: loss of a generator (Arjovsky et al., "Wasserstein GAN", ICML 2017, algorithm 1).

    Args:
        fake: The critic's values of generated samples, (B,), without a sigmoid.
    """
    return -fake.mean()


def wasserstein_critic(real: Tensor, fake: Tensor) -> Tensor:
    """E[D(x̂)] − E[D(x)]: loss of a critic (Arjovsky et al. 2017, algorithm 1), without penalty.

    Args:
        real: Its values of real samples, (B,), without a sigmoid.
        fake: Its values of generated samples, (B',).
    """
    return fake.mean() - real.mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """E[(‖∇D(αx + (1 − α)x̂)‖₂ − 1)²] (Gulrajani et al., "Improved training of Wasserstein GANs", NeurIPS 2017, eq. 3).

    The norm is that of each sample's gradient over all channels and time steps; α is drawn from U(0, 1) for each
    sample. Gradients flow into the critic only.

    Args:
        critic: Maps (B, C, L) to values of any shape that begins with B; values of one sample are added up.
        real: Real samples (B, C, L).
        fake: Generated samples of the same shape.
    """
    mixed = _between(real, fake)
    with torch.backends.cudnn.flags(enabled=False):  # cuDNN's recurrent layers cannot be differentiated twice
        (gradient,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
    norms: Tensor = torch.linalg.vector_norm(gradient.flatten(1).float(), dim=1)  # (B, C, L) → (B,)
    return (norms - 1).square().mean()


def directional_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """`gradient_penalty` by first derivatives alone, for critics that fused kernels compute, such as an LSTM.

    With g = ∇D(x̃) and û = g / ‖g‖ held fast, ∂(‖g‖ − 1)²/∂θ = 2 (‖g‖ − 1) · ∂/∂θ ∂D/∂û, for the derivative along û of
    D is ‖g‖, and turning û does not lengthen it. That derivative is taken as the central difference
    (D(x̃ + εû) − D(x̃ − εû)) / 2ε. The value is exact, the gradient of the critic's parameters up to ε² and rounding,
    about 1e-4 of it. In float32 whatever the precision, and so must the backward pass be: differences of bfloat16 hold
    nothing.

    Args:
        critic: Maps (B, C, L) to values of any shape that begins with B; values of one sample are added up.
        real: Real samples (B, C, L).
        fake: Generated samples of the same shape.
    """
    mixed = _between(real, fake)
    with torch.autocast(mixed.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(critic(mixed).sum(), mixed)
        norms: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)  # (B, C, L) → (B,)
        length = DIFFERENCE / norms.clamp(min=1)  # of the step: the steeper, the shorter
        step = gradient * (length / norms.clamp(min=_TINY)).reshape(-1, *(1 for _ in real.shape[1:]))
        ahead, behind = critic(torch.cat([mixed.detach() + step, mixed.detach() - step])).chunk(2)
    slopes = (ahead - behind).flatten(1).sum(dim=1) if ahead.ndim > 1 else ahead - behind
    pull = ((norms - 1) * slopes / length).mean()  # its gradient is that of the penalty
    return pull + ((norms - 1).square().mean() - pull).detach()


def _between(real: Tensor, fake: Tensor) -> Tensor:
    """Return αx + (1 − α)x̂ (B, C, L) with α of each sample from U(0, 1), a leaf that gradients are asked of."""
    ones = [1 for _ in real.shape[1:]]
    share = draw(lambda count: torch.rand(count, *ones), real).to(real)  # on the CPU, the same on every device
    mixed: Tensor = share * real + (1 - share) * fake
    return mixed.detach().requires_grad_()


def clip_weights(module: nn.Module, bound: float) -> None:
    """Restrict every parameter to [−bound, bound] in place, after a critic's step (Arjovsky et al. 2017, algorithm 1).

    Raises:
        ValueError: The bound is not positive; a network of zeros learns nothing.
    """
    if bound <= 0:
        raise ValueError(f"a bound of {bound} leaves no weights")
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.clamp_(-bound, bound)


def feature_matching(f_fake: Tensor, f_real: Tensor) -> Tensor:
    """Mean squared difference of a discriminator's features of x̂ and x, both (B, F).

    Pairwise feature matching, Zhou et al., "BeatGAN", IJCAI 2019. The features of the real samples are a
    target: no gradient flows into them.
    """
    return F.mse_loss(f_fake, f_real.detach())


def reconstruction(logits: Tensor, x: Tensor, output: Literal["tanh", "sigmoid"]) -> tuple[Tensor, Tensor]:
    """Apply a decoder's last activation and compare with the input.

    Args:
        logits: What a decoder gives before its last activation, (B, C, L).
        x: The input, in (−1, 1) for tanh and in (0, 1) for sigmoid.
        output: The activation.

    Returns:
        The reconstruction (B, C, L) and its loss, averaged over samples, channels and time: the squared error for
        tanh, the binary cross-entropy for sigmoid.
    """
    if output == "sigmoid":
        return torch.sigmoid(logits), F.binary_cross_entropy_with_logits(logits, x)
    fake = torch.tanh(logits)
    return fake, F.mse_loss(fake, x)


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, 1)) = −½ Σ (1 + log σ² − μ² − σ²), summed over Z and averaged over the batch.

    Kingma and Welling, "Auto-encoding variational Bayes", ICLR 2014, appendix B.

    Args:
        mean: μ (B, Z).
        log_variance: log σ² (B, Z).
    """
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum() / mean.shape[0]


def kl_weight(epoch: int, warmup: int, anneal: int) -> float:
    """w(t) for epoch t = 0, 1, …: 0 during the warm-up, then (t − warmup + 1) / anneal up to 1."""
    if epoch < warmup:
        return 0.0
    return min(1.0, (epoch - warmup + 1) / anneal) if anneal else 1.0


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """Weights that let every class count the same: n / (K' · n_k), with K' the number of classes that occur.

    Args:
        labels: Class ids (n,), int64.
        classes: K.

    Returns:
        float32 (K,); a class that does not occur has weight 0. Their mean over the samples is 1.
    """
    counts = torch.bincount(labels, minlength=classes).float()
    present = counts > 0
    weights = len(labels) / (present.sum() * counts.clamp(min=1))
    return torch.where(present, weights, 0.0)


def cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """−Σ w_y log softmax(l)_y / Σ w_y: cross-entropy of classes, each sample weighted by its class.

    Args:
        logits: (B, K).
        labels: Class ids (B,), int64.
        weights: Weights of the classes (K,), as `class_weights` gives them; None counts samples alike.
    """
    return F.cross_entropy(logits, labels, weights)
