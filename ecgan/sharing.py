"""A batch that several processes share: each computes its own rows, and all take the same step.

`torchrun` starts the processes and `ecgan.training.joining` joins them. For a process alone everything here gives back
what it is given.

Models and losses need `draw` and `over_batch` of this, and otherwise do as if there were one process.
"""

from collections.abc import Callable

from torch import Tensor, distributed


def processes() -> int:
    """How many processes share a batch."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def process() -> int:
    """Which of them this is: 0, 1, …; 0 is the one that writes."""
    return distributed.get_rank() if processes() > 1 else 0


def own(x: Tensor) -> Tensor:
    """The rows of this process (B, …) of something with a row for each sample of the whole batch (B · processes, …)."""
    return x.chunk(processes())[process()]


def draw(make: Callable[[int], Tensor], x: Tensor) -> Tensor:
    """Draw random numbers for every sample of a batch, on the device of the batch.

    Every process draws for the whole batch, from the same seed, and keeps its own rows: together they draw what one
    process would.

    Args:
        make: Draws for so many samples, (count, …).
        x: The batch (B, …), of which only the size and the device count.

    Returns:
        Random numbers (B, …).
    """
    return own(make(len(x) * processes())).to(x.device)


def over_batch(mean: Tensor, weight: Tensor) -> Tensor:
    """Return a weighted mean over a batch as that over all rows of it, of which other processes may have some.

    Args:
        mean: The weighted mean over the rows at hand, a scalar.
        weight: The sum of their weights, a scalar; not differentiated.
    """
    if processes() == 1:
        return mean
    everywhere = weight.detach().clone()
    distributed.all_reduce(everywhere)
    return mean * (weight.detach() * processes() / everywhere)
