"""A batch that several processes share: each computes its own rows, and all take the same step.

`torchrun` starts the processes and `ecgan.training.joining` joins them. For a process alone everything here gives back
what it is given.

Random numbers are drawn for the whole batch by every process, from the same seed, and each keeps its own rows: the
draws are those of one process with that batch.
"""

import torch
from torch import Tensor, distributed


def processes() -> int:
    """How many processes share a batch."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def process() -> int:
    """Which of them this is: 0, 1, …; 0 is the one that writes."""
    return distributed.get_rank() if processes() > 1 else 0


def whole(count: int) -> int:
    """Rows of the whole batch, of which this process has `count`."""
    return count * processes()


def own(x: Tensor) -> Tensor:
    """The rows of this process (B, …) of something with a row for each sample of the whole batch (B · processes, …)."""
    return x.chunk(processes())[process()]


def share(total: Tensor) -> Tensor:
    """What a weighted mean over own rows is multiplied by, so that its mean over processes is that of the whole batch.

    Args:
        total: The sum of the weights of own rows, a scalar; not differentiated.
    """
    if processes() == 1:
        return torch.ones_like(total)
    everywhere = total.detach().clone()
    distributed.all_reduce(everywhere)
    return total.detach() * processes() / everywhere
