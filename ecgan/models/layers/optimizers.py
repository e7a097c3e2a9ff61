"""Optimizers by name, and a step of one."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

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
        return torch.optim.RMSprop(parameters, o.lr, o.alpha, o.eps, o.weight_decay, centered=o.centered, foreach=True)
    momentum, dampening = (o.momentum, o.dampening) if o.name == "momentum" else (0.0, 0.0)
    return torch.optim.SGD(parameters, o.lr, momentum, dampening, o.weight_decay, foreach=True)


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Do one step of an optimizer on a loss, a scalar."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


class AdaBelief(torch.optim.Optimizer):
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

    def __init__(
        self,
        params: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-16,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

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
        """Step all parameters of a group together; those of one age share their bias corrections."""
        ages: dict[int, list[Tensor]] = {}
        for parameter in group["params"]:
            if parameter.grad is not None:
                state = self._state(parameter)
                state["step"] += 1
                ages.setdefault(int(state["step"]), []).append(parameter)
        for age, parameters in ages.items():
            self._step_tensors(parameters, age, group)

    def _state(self, parameter: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[parameter]
        if not state:
            state["step"] = torch.tensor(0.0)  # on the CPU: read in every step
            state["mean"] = torch.zeros_like(parameter)
            state["variance"] = torch.zeros_like(parameter)
        return state

    def _step_tensors(self, parameters: list[Tensor], age: int, group: dict[str, Any]) -> None:
        lr, (beta1, beta2), eps = group["lr"], group["betas"], group["eps"]
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]  # all of them
        means = [self.state[parameter]["mean"] for parameter in parameters]
        variances = [self.state[parameter]["variance"] for parameter in parameters]
        torch._foreach_mul_(parameters, 1 - lr * group["weight_decay"])
        torch._foreach_lerp_(means, gradients, 1 - beta1)
        surprise = torch._foreach_sub(gradients, means)
        torch._foreach_mul_(variances, beta2)
        torch._foreach_addcmul_(variances, surprise, surprise, 1 - beta2)
        torch._foreach_add_(variances, eps)
        spread = torch._foreach_div(variances, 1 - beta2**age)
        torch._foreach_sqrt_(spread)
        torch._foreach_add_(spread, eps)
        torch._foreach_addcdiv_(parameters, means, spread, -lr / (1 - beta1**age))
