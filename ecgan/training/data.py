"""The tensors that a training run sees."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from ecgan.errors import EcganError


@dataclass(frozen=True)
class TrainingData:
    """Tensors in memory, on the device of the run.

    Attributes:
        train: Training samples, float32 (n, C, L).
        vali: Validation samples of the half that may be fitted on, float32 (m, C, L).
        vali_abnormal: Which of them are abnormal, NumPy bool (m,).
    """

    train: Tensor
    vali: Tensor
    vali_abnormal: NDArray[Any]


def batches(x: Tensor, size: int, seed: int) -> Iterator[Tensor]:
    """Yield shuffled batches of x (n, C, L), taken from the tensor in memory; the short last one is left out.

    Args:
        x: The samples.
        size: Samples in a batch; more than n means one batch of n.
        seed: Seed of the order.

    Raises:
        EcganError: There are fewer than two samples, so that batch normalisation has nothing to normalise.
    """
    count = x.shape[0]
    if count < 2:
        raise EcganError(f"{count} training samples are too few to train on.", "Mend `split` or the dataset.")
    size = min(size, count)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).to(x.device)
    for start in range(0, count - size + 1, size):
        yield x[order[start : start + size]]
