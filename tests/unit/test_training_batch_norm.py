"""Shared batch normalisation where the other process is gone; what it computes is tested with two processes."""

from typing import NoReturn

import pytest
import torch
from torch import Tensor, nn

from ecgan.errors import EcganError
from ecgan.training import batch_norm


def gone(_: Tensor) -> NoReturn:
    raise RuntimeError("Connection closed by peer")


def test_a_process_that_has_ended_is_said_to_have(monkeypatch: pytest.MonkeyPatch) -> None:
    network = nn.Sequential(nn.BatchNorm1d(3))
    batch_norm.share_batch_norm(network)
    monkeypatch.setattr(batch_norm.distributed, "get_world_size", lambda: 1)
    monkeypatch.setattr(batch_norm.distributed, "get_rank", lambda: 0)
    monkeypatch.setattr(batch_norm.distributed, "all_reduce", lambda _: None)
    loss = network(torch.randn(4, 3, requires_grad=True)).square().sum()
    monkeypatch.setattr(batch_norm.distributed, "all_reduce", gone)
    with pytest.raises(EcganError, match="another process"):
        loss.backward()
    with pytest.raises(EcganError, match="another process"):
        network(torch.randn(4, 3))
