"""Learning rates over a training run: a factor on each optimizer's own rate, for every step.

The factor depends on nothing but the number of the step, so that a training that is taken up again, or that several
processes share, goes on along the same curve. What counts is steps of the whole batch, which processes take together.
"""

import math
from typing import Literal

import torch

ScheduleName = Literal["constant", "cosine", "one_cycle"]

RISE, START = 0.3, 1 / 25  # of one_cycle: share of the steps that the rate rises, and where it begins


def factor(name: ScheduleName, done: float, warmup: float = 0.0) -> float:
    """Factor on the learning rate.

    - `constant`: 1;
    - `cosine`: ½(1 + cos πt), from 1 down to 0 (Loshchilov and Hutter, "SGDR", ICLR 2017, equation 5, no restarts);
    - `one_cycle`: up from 1/25 to 1 in the first 30 % and down to 0 in the rest, both along a cosine (Smith and
      Topin, "Super-convergence", 2018, in one cosine for each leg; momentum stays).

    Args:
        name: The schedule.
        done: Share of all steps that are done before this one, 0 ≤ done < 1.
        warmup: Share of all steps in which the factor of `constant` and `cosine` rises to 1 in a straight line.
    """
    if name == "one_cycle":
        warmup = RISE
    if done < warmup:
        risen = done / warmup
        return START + (1 - START) * (1 - math.cos(math.pi * risen)) / 2 if name == "one_cycle" else risen
    if name == "constant":
        return 1.0
    return (1 + math.cos(math.pi * (done - warmup) / (1 - warmup))) / 2


class Schedule:
    """Sets the learning rates of optimizers before each step: a factor on those that they have now, see `factor`."""

    def __init__(
        self,
        name: ScheduleName,
        warmup: float,
        optimizers: dict[str, torch.optim.Optimizer],
        *,
        epochs: int,
        per_epoch: int,
    ) -> None:
        self.name = name
        self.warmup = warmup
        self.steps = epochs * per_epoch
        self.per_epoch = per_epoch
        self._groups = [
            (group, float(group["lr"])) for optimizer in optimizers.values() for group in optimizer.param_groups
        ]

    def set(self, epoch: int, index: int) -> None:
        """Set the rates for step `index` of an epoch, both counted from 0."""
        if self.name == "constant" and not self.warmup:
            return
        # The middle of the step, so that neither its first nor its last is without effect.
        done = (epoch * self.per_epoch + index + 0.5) / self.steps
        for group, rate in self._groups:
            group["lr"] = rate * factor(self.name, done, self.warmup)
