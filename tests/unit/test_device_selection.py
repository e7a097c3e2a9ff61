"""Which device a process takes, and what is deterministic there; without CUDA, as torch is told what there is."""

import subprocess
import sys

import pytest
import torch

from ecgan.errors import EcganError
from ecgan.models.dcgan import gradient_penalty
from ecgan.runtime import autocast, cpu_has_bfloat16, device, set_deterministic


def machine(patch: pytest.MonkeyPatch, devices: int, wanted: str = "", rank: int = 0, processes: int = 1) -> None:
    """A machine with so many CUDA devices; the process is one of several that torchrun started, if there are."""
    patch.setattr(torch.cuda, "device_count", lambda: devices)
    patch.setattr(torch.cuda, "is_available", lambda: devices > 0)
    patch.setenv("ECGAN_DEVICE", wanted)
    if processes > 1:
        patch.setenv("LOCAL_RANK", str(rank))
        patch.setenv("LOCAL_WORLD_SIZE", str(processes))


@pytest.mark.parametrize(
    ("devices", "wanted", "found"),
    [
        (0, "", "cpu"),
        (0, "auto", "cpu"),
        (1, "", "cuda"),
        (2, "auto", "cuda"),
        (2, "cpu", "cpu"),
        (2, "cuda", "cuda"),
        (2, "cuda:0", "cuda:0"),
        (2, "cuda:1", "cuda:1"),
    ],
)
def test_the_device_of_one_process(monkeypatch: pytest.MonkeyPatch, devices: int, wanted: str, found: str) -> None:
    machine(monkeypatch, devices, wanted)
    assert device() == torch.device(found)


@pytest.mark.parametrize("wanted", ["", "auto", "cuda"])
def test_each_process_of_torchrun_takes_a_device_of_its_own(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    found = []
    for rank in range(3):
        machine(monkeypatch, 4, wanted, rank, processes=3)
        found.append(str(device()))
    assert found == ["cuda:0", "cuda:1", "cuda:2"]


@pytest.mark.parametrize(("devices", "wanted"), [(0, ""), (2, "cpu")])
def test_processes_share_the_processor_where_nothing_else_is_wanted(
    monkeypatch: pytest.MonkeyPatch, devices: int, wanted: str
) -> None:
    machine(monkeypatch, devices, wanted, rank=1, processes=2)
    assert device() == torch.device("cpu")


@pytest.mark.parametrize(
    ("devices", "wanted", "processes", "message", "hint"),
    [
        (0, "cuda", 1, "0 CUDA devices", "580"),
        (1, "cuda:1", 1, "1 CUDA devices", ""),
        (2, "cuda:1", 2, "one device for 2 processes", "CUDA_VISIBLE_DEVICES"),
        (2, "auto", 3, "3 processes need a CUDA device each, and there are 2", "ECGAN_DEVICE=cpu"),
        (0, "cuda", 2, "0 CUDA devices", "580"),
        (1, "cuda:-1", 1, "is no device", "cuda:N"),
    ],
)
def test_a_device_that_is_not_there_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, devices: int, wanted: str, processes: int, message: str, hint: str
) -> None:
    machine(monkeypatch, devices, wanted, 0, processes)
    with pytest.raises(EcganError, match=message) as caught:
        device()
    assert hint in caught.value.hint


SETTINGS = """
import os, torch
from ecgan.runtime import set_deterministic
torch.backends.cudnn.benchmark = True
set_deterministic()
print(os.environ["CUBLAS_WORKSPACE_CONFIG"], torch.get_deterministic_debug_mode(), torch.backends.cudnn.benchmark)
print(torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.cuda.is_initialized())
"""


def test_cuda_is_made_deterministic_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    quiet = ["-W", "error", "-W", "ignore::ImportWarning"]  # NumPy tells of names of features that it does not know
    command = [sys.executable, *quiet, "-c", SETTINGS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [":4096:8", "2", "False", "False", "False", "False"]


@pytest.mark.parametrize("value", [":4096:8", ":16:8"])
def test_a_deterministic_workspace_of_the_user_stays(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", value)
    set_deterministic()


def test_a_workspace_with_which_cublas_is_not_deterministic_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":0:0")
    with pytest.raises(EcganError, match="':0:0'") as caught:
        set_deterministic()
    assert ":4096:8" in caught.value.hint


def test_the_gradient_penalty_leaves_float32_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """It switches cuDNN off for a moment, by a context of torch that has a default for TensorFloat-32 too."""
    set_deterministic()
    seen = []

    def critic(x: torch.Tensor) -> torch.Tensor:
        seen.append((torch.backends.cudnn.enabled, torch.backends.cuda.matmul.allow_tf32))
        return x.sum(dim=(1, 2))

    gradient_penalty(critic, torch.ones(2, 1, 4), torch.zeros(2, 1, 4))
    assert seen == [(False, False)]
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == (False, False)


@pytest.mark.native
@pytest.mark.parametrize(("precision", "expected"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
@pytest.mark.parametrize("on", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_what_is_computed_in(precision: str, expected: torch.dtype, on: str) -> None:
    if on == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    if on == "cpu" and not cpu_has_bfloat16():
        expected = torch.float32
    layer = torch.nn.Linear(3, 2).to(on)
    with autocast(precision, torch.device(on)):
        assert layer(torch.ones(1, 3, device=on)).dtype == expected
    assert layer(torch.ones(1, 3, device=on)).dtype == torch.float32
