"""The tensors that a training run sees."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ecgan.errors import EcganError


@dataclass(frozen=True)
class TrainingData:
    """Tensors in memory, on the device of the run.

    Attributes:
        train: Training samples, float32 (n, C, L).
        train_labels: Their class ids, int64 (n,); only classifiers see them.
        vali: Validation samples of the half that may be fitted on, float32 (m, C, L).
        vali_labels: Their class ids, int64 (m,); 0 is normal.
    """

    train: Tensor
    train_labels: Tensor
    vali: Tensor
    vali_labels: Tensor


def batch_count(count: int, size: int) -> int:
    """How many batches an epoch of `batches` has."""
    return count // min(size, count)


def batches(count: int, size: int, seed: int) -> Iterator[Tensor]:
    """Yield the indices of shuffled batches, int64 (size,); the short last one is left out.

    Args:
        count: n, the number of samples.
        size: Samples in a batch; more than n means one batch of n.
        seed: Seed of the order.

    Raises:
        EcganError: There are fewer than two samples, so that batch normalisation has nothing to normalise.
    """
    if count < 2:
        raise EcganError(f"{count} training samples are too few to train on.", "Mend `split` or the dataset.")
    size = min(size, count)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    for start in range(0, count - size + 1, size):
        yield order[start : start + size]
