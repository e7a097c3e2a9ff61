"""What a process runs on: memory that stays, determinism without its costs."""

import os
import platform
import subprocess
import sys

import pytest

from tests import forking
from tests.conftest import ROOT

FAULTS = """
import resource, sys
from ecgan.runtime import reuse_memory, set_deterministic
set_deterministic()
if sys.argv[1] == "reused":
    reuse_memory()
import torch
def step():
    torch.zeros(8 << 20).add_(1)  # 32 MB
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
DETERMINISTIC = """
import torch
from ecgan.runtime import set_deterministic
set_deterministic()
assert torch.are_deterministic_algorithms_enabled()
x = torch.full((1 << 16,), 3.0)
del x
print(bool(torch.empty(1 << 16).isnan().any()))
"""


def run(code: str, *arguments: str) -> str:
    fresh = {name: value for name, value in os.environ.items() if name != "THP_MEM_ALLOC_ENABLE"}  # other tests set it
    command = [sys.executable, "-c", code, *arguments]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=fresh)
    return found.stdout.strip()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_memory_of_one_step_serves_the_next() -> None:
    cleared, reused = int(run(FAULTS, "plain")), int(run(FAULTS, "reused"))  # pages that the system had to clear
    assert cleared > 80_000  # ten steps of 8,192 pages of 4 KB
    assert reused < cleared / 5  # none, but for what the system takes back from a busy machine


def test_determinism_does_not_write_to_memory_that_is_about_to_be_written_to() -> None:
    assert run(DETERMINISTIC) == "False"


PRECISION = """
import torch
from ecgan.runtime import borrowed_process
def state():
    places = [torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.mkldnn.matmul]
    found = [place.fp32_precision for place in places]
    for read in (torch.get_float32_matmul_precision, lambda: torch.backends.cudnn.allow_tf32):
        try:
            found.append(read())
        except RuntimeError:
            found.append("not to be read the older way")
    return found
{change}
before = state()
with borrowed_process(1):
    assert torch.get_float32_matmul_precision() == "highest"
assert state() == before, (before, state())
"""


@pytest.mark.parametrize(
    "change",
    [
        "",
        "torch.set_float32_matmul_precision('medium')",
        "torch.backends.cuda.matmul.allow_tf32 = True",
        "torch.backends.cuda.matmul.fp32_precision = 'tf32'; torch.backends.mkldnn.matmul.fp32_precision = 'bf16'",
    ],
)
def test_a_borrowed_process_gets_its_precision_back(change: str) -> None:
    code = PRECISION.replace("{change}", change)
    done = forking.run([sys.executable, "-c", code], ROOT, dict(os.environ))
    assert done.returncode == 0, done.stderr
