"""Optimizers by name, and a step of one."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from ecgan.arithmetic import square_root
from ecgan.config.options import Options


class OptimizerOptions(Options):
    """One optimizer; each field says which update rules read it, and weight decay is for all of them."""

    name: Literal["adam", "adamw", "adabelief", "rmsprop", "momentum", "sgd"] = Field("adam", description="update rule")
    lr: float = Field(1e-4, gt=0, description="learning rate")
    betas: list[Annotated[float, Field(ge=0, lt=1)]] = Field(
        [0.5, 0.999], min_length=2, max_length=2, description="decay rates of the moments of adam, adamw and adabelief"
    )
    eps: float = Field(
        1e-8, gt=0, description="term added to the denominator; adabelief is published with 1.0e-16, the others 1.0e-8"
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of the rule momentum (sgd has none)")
    dampening: float = Field(0.0, ge=0, le=1, description="dampening of that momentum")
    alpha: float = Field(0.99, ge=0, lt=1, description="decay rate of rmsprop's mean square")
    centered: bool = Field(False, description="whether rmsprop subtracts the squared mean gradient")
    weight_decay: float = Field(
        0.0, ge=0, description="weight decay: decoupled for adamw and adabelief, part of the gradient for the others"
    )


def build_optimizer(options: OptimizerOptions, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer that `options` describes, its steps fused over all parameters where it can be."""
    o, betas = options, (options.betas[0], options.betas[1])
    if o.name == "adam":
        return torch.optim.Adam(parameters, o.lr, betas, o.eps, o.weight_decay, fused=True)
    if o.name == "adamw":
        return torch.optim.AdamW(parameters, o.lr, betas, o.eps, o.weight_decay, fused=True)
    if o.name == "adabelief":
        return AdaBelief(parameters, o.lr, betas, o.eps, o.weight_decay)
    if o.name == "rmsprop":
        return RmsProp(parameters, o.lr, o.alpha, o.eps, o.weight_decay, o.centered)
    momentum, dampening = (o.momentum, o.dampening) if o.name == "momentum" else (0.0, 0.0)
    return torch.optim.SGD(parameters, o.lr, momentum, dampening, o.weight_decay, foreach=True)


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Do one step of an optimizer on a loss, a scalar."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


class _Together(torch.optim.Optimizer):
    """An optimizer that steps all parameters of a group together.

    The square roots of PyTorch's own are not the same on every processor (`square_root`), but for its fused ones.
    """

    moments: ClassVar[tuple[str, ...]]
    """What is kept for each parameter, in its shape, zero at first."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Do one step on every parameter that has a gradient; return what `closure` gives."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._step_group(group)
        return loss

    def _step_group(self, group: dict[str, Any]) -> None:
        """Step those of one age together, which share their bias corrections."""
        ages: dict[int, list[Tensor]] = {}
        for parameter in group["params"]:
            if parameter.grad is not None:
                state = self._state(parameter)
                state["step"] += 1
                ages.setdefault(int(state["step"]), []).append(parameter)
        for age, parameters in ages.items():
            gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]  # all of them
            moments = {name: [self.state[parameter][name] for parameter in parameters] for name in self.moments}
            self._step_tensors(parameters, gradients, moments, age, group)

    def _state(self, parameter: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[parameter]
        if not state:
            state["step"] = torch.tensor(0.0)  # on the CPU: read in every step
            for name in self.moments:
                state[name] = torch.zeros_like(parameter)
        return state

    def _step_tensors(
        self,
        parameters: list[Tensor],
        gradients: list[Tensor],
        moments: dict[str, list[Tensor]],
        age: int,
        group: dict[str, Any],
    ) -> None:
        raise NotImplementedError


class AdaBelief(_Together):
    """Adam with the variance of the gradient around its moving mean in place of its second moment.

    Zhuang et al., "AdaBelief optimizer: adapting stepsizes by the belief in observed gradients", NeurIPS 2020,
    algorithm 2 with bias correction, for step t = 1, 2, … and gradient g:

        m ← β₁ m + (1 − β₁) g
        s ← β₂ s + (1 − β₂) (g − m)² + ε
        θ ← θ − lr · m / (1 − β₁ᵗ) / (√(s / (1 − β₂ᵗ)) + ε)

    Weight decay, which the algorithm does not have, is decoupled as in AdamW: θ ← (1 − lr · decay) θ before the step.

    Args:
        params: Parameters, or groups of them.
        lr: Learning rate.
        betas: β₁ and β₂.
        eps: ε.
        weight_decay: Decoupled weight decay.
    """

    moments = ("mean", "variance")

    def __init__(
        self,
        params: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-16,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def _step_tensors(
        self,
        parameters: list[Tensor],
        gradients: list[Tensor],
        moments: dict[str, list[Tensor]],
        age: int,
        group: dict[str, Any],
    ) -> None:
        lr, (beta1, beta2), eps = group["lr"], group["betas"], group["eps"]
        means, variances = moments["mean"], moments["variance"]
        torch._foreach_mul_(parameters, 1 - lr * group["weight_decay"])
        torch._foreach_lerp_(means, gradients, 1 - beta1)
        surprise = torch._foreach_sub(gradients, means)
        torch._foreach_mul_(variances, beta2)
        torch._foreach_addcmul_(variances, surprise, surprise, 1 - beta2)
        torch._foreach_add_(variances, eps)
        spread = [square_root(one) for one in torch._foreach_div(variances, 1 - beta2**age)]
        torch._foreach_add_(spread, eps)
        torch._foreach_addcdiv_(parameters, means, spread, -lr / (1 - beta1**age))


class RmsProp(_Together):
    """Steps as long as the gradient, divided by its root mean square of late.

    Tieleman and Hinton, "Lecture 6.5 – RMSProp", 2012; centred as in Graves, "Generating sequences with recurrent
    neural networks", 2013, section 4.2. For gradient g, to which weight decay adds decay · θ:

        v ← α v + (1 − α) g²
        m ← α m + (1 − α) g
        θ ← θ − lr · g / (√v + ε), or centred θ ← θ − lr · g / (√(v − m²) + ε)

    Args:
        params: Parameters, or groups of them.
        lr: Learning rate.
        alpha: α.
        eps: ε.
        weight_decay: Weight decay.
        centered: Whether the squared mean is subtracted.
    """

    moments = ("square", "mean")

    def __init__(
        self,
        params: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        centered: bool = False,
    ) -> None:
        defaults = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "centered": centered}
        super().__init__(params, defaults)

    def _step_tensors(
        self,
        parameters: list[Tensor],
        gradients: list[Tensor],
        moments: dict[str, list[Tensor]],
        age: int,
        group: dict[str, Any],
    ) -> None:
        alpha, squares, means = group["alpha"], moments["square"], moments["mean"]
        if group["weight_decay"]:
            gradients = list(torch._foreach_add(gradients, parameters, alpha=group["weight_decay"]))
        torch._foreach_mul_(squares, alpha)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - alpha)
        spread = squares
        if group["centered"]:
            torch._foreach_lerp_(means, gradients, 1 - alpha)
            spread = list(torch._foreach_addcmul(squares, means, means, -1))
            torch._foreach_clamp_min_(spread, 0)  # by rounding it may be a little less
        roots = [square_root(one) for one in spread]
        torch._foreach_add_(roots, group["eps"])
        torch._foreach_addcdiv_(parameters, gradients, roots, -group["lr"])
