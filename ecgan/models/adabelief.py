"""AdaBelief, an optimizer.

Zhuang et al., "AdaBelief optimizer: adapting stepsizes by the belief in observed gradients", NeurIPS 2020, algorithm 2
with bias correction, for step t = 1, 2, … and gradient g:

    m ← β₁ m + (1 − β₁) g
    s ← β₂ s + (1 − β₂) (g − m)² + ε
    θ ← θ − lr · m / (1 − β₁ᵗ) / (√(s / (1 − β₂ᵗ)) + ε)

Weight decay, which the algorithm does not have, is decoupled as in AdamW: θ ← (1 − lr · decay) θ before the step.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn


class AdaBelief(torch.optim.Optimizer):
    """Adam with the variance of the gradient around its moving mean in place of its second moment.

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
