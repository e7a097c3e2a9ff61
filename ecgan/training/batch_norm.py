"""Batch normalisation over a batch that several processes share.

Torch's `SyncBatchNorm` does the same, on CUDA only; this one works wherever `torch.distributed` does.
"""

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.autograd.function import once_differentiable

from ecgan.training.exchanging import exchange


class SharedBatchNorm1d(nn.BatchNorm1d):
    """`nn.BatchNorm1d` whose mean and variance are those of the rows of all processes, which have equally many.

    In evaluation mode, and where running statistics are not kept, it is what it derives from.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """Normalise (B, C), (B, C, L) or, as `ecgan.models.layers.convolutions` has them, (B, C, 1, L)."""
        if not self.training:
            return super().forward(input)
        y, mean, variance = _Normalise.apply(input, self.weight, self.bias, self.eps)  # type: ignore[no-untyped-call]
        self._keep(mean, variance, input.numel() // input.shape[1] * distributed.get_world_size())
        normalised: Tensor = y
        return normalised

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 (torch's name)
        """Take any number of axes: torch asks this in evaluation mode and refuses four."""

    @torch.no_grad()
    def _keep(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Take mean and unbiased variance of `count` values a channel into the running statistics."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        weight = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, weight)
        self.running_var.lerp_(variance * (count / max(1, count - 1)), weight)


def share_batch_norm(module: nn.Module) -> None:
    """Let every `nn.BatchNorm1d` within take its statistics from all processes; parameters and names stay."""
    for layer in module.modules():
        if type(layer) is nn.BatchNorm1d:
            layer.__class__ = SharedBatchNorm1d  # optimizers and state_dict know its tensors already


class _Normalise(torch.autograd.Function):
    """x (B, C, …) → (x − μ) / √(σ² + ε) · weight + bias (B, C, …), μ (C,) and σ² (C,), each over all processes."""

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Any:
        axes = [axis for axis in range(x.ndim) if axis != 1]
        mean, variance = _statistics(x.float(), axes)
        slope = torch.rsqrt(variance + eps)
        normalised = (x.float() - _per_channel(mean, x)) * _per_channel(slope, x)
        context.save_for_backward(normalised, slope, weight)
        context.axes = axes
        context.mark_non_differentiable(mean, variance)
        y = normalised
        if weight is not None and bias is not None:
            y = torch.addcmul(_per_channel(bias, x), normalised, _per_channel(weight, x))
        return y.to(x.dtype), mean, variance

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        """Ioffe and Szegedy, "Batch normalization", ICML 2015, section 3; sums over the batch are over all processes.

        The gradients of weight and bias are those of own rows, as every parameter's: the step averages them.
        """
        normalised, slope, weight = context.saved_tensors
        g = gradient.float()
        sums = torch.stack([g.sum(context.axes), (g * normalised).sum(context.axes)])  # (2, C)
        own_bias, own_weight = sums.clone() if weight is not None else (None, None)
        exchange(distributed.all_reduce, sums)
        means = sums * (g.shape[1] / g.numel() / distributed.get_world_size())
        x = g - _per_channel(means[0], g) - normalised * _per_channel(means[1], g)
        x *= _per_channel(slope if weight is None else slope * weight, g)
        return x.to(gradient.dtype), own_weight, own_bias, None


def _statistics(x: Tensor, axes: list[int]) -> tuple[Tensor, Tensor]:
    """Mean and biased variance (C,) over all processes, which have equally many rows."""
    variance, mean = torch.var_mean(x, axes, correction=0)
    every = x.new_zeros(distributed.get_world_size(), 2, len(mean))
    every[distributed.get_rank()] = torch.stack([mean, variance])
    exchange(distributed.all_reduce, every)
    means, variances = every.unbind(1)
    mean = means.mean(0)
    return mean, variances.mean(0) + (means - mean).square().mean(0)


def _per_channel(values: Tensor, like: Tensor) -> Tensor:
    """(C,) → (1, C, 1), to go with (B, C, L); (1, C) for (B, C)."""
    return values.view(1, -1, *(1 for _ in like.shape[2:]))
