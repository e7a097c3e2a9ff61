"""The tensors that a training run sees."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ecgan.arrays import F32
from ecgan.errors import EcganError
from ecgan.runtime import device
from ecgan.scratch import contiguous

RESIDENT = 0.5  # of a device's free memory; networks, gradients and activations need the rest


def fits(size: int, on: torch.device) -> bool:
    """Whether so many bytes of samples may lie on the device as a whole."""
    return on.type != "cuda" or size <= RESIDENT * torch.cuda.mem_get_info(on)[0]


def to_tensor(x: F32) -> Tensor:
    """Turn signals (n, C, L) into a tensor on the run's device; on the CPU where they do not fit there."""
    tensor, on = torch.from_numpy(contiguous(x)), device()
    return tensor.to(on) if fits(tensor.nbytes, on) else tensor


def moved(x: Tensor, on: torch.device) -> Tensor:
    """Return x on the device; to CUDA through pinned memory, so that nobody waits for the copy."""
    if on.type != "cuda" or x.device.type == "cuda":
        return x.to(on)
    return x.pin_memory().to(on, non_blocking=True)


@dataclass(frozen=True)
class TrainingData:
    """Tensors on the device of the run; training samples that do not fit there are on the CPU, and stream.

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

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return training samples (B, C, L) and class ids (B,) on the run's device, of `rows` (B,) on the CPU."""
        on = self.train_labels.device
        x = self.train[moved(rows, self.train.device)]
        return moved(x, on), self.train_labels[moved(rows, on)]


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
