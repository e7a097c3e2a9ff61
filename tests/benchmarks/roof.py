"""How far a step is from what the machine can do: floating-point operations counted, and the rate of its best GEMM."""

import functools
import math
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

SIZE = 1024
ROUNDS = 20


@functools.cache
def gemm_rate(precision: str, threads: int) -> float:
    """Best GFLOP/s of a product of two matrices, by BLAS and by oneDNN (as a convolution of one step), in this run."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    assert threads == torch.get_num_threads()
    a, b = torch.randn(SIZE, SIZE, dtype=dtype), torch.randn(SIZE, SIZE, dtype=dtype)
    image = a.view(1, SIZE, SIZE, 1).permute(0, 2, 1, 3)  # rows along the height, channels last
    kernel = b.view(SIZE, SIZE, 1, 1)
    seconds = min(_best(lambda: F.linear(a, b)), _best(lambda: F.conv2d(image, kernel)))
    return 2 * SIZE**3 / seconds / 1e9


def _best(product: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        product()
        times.append(time.perf_counter() - start)
    return min(times)


class _Counter(TorchDispatchMode):
    """Adds up what each kernel computes; `FlopCounterMode` itself refuses gradients of a single tensor."""

    flops = 0

    def __torch_dispatch__(self, kernel: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = kernel(*args, **(kwargs or {}))
        formula = FORMULAS.get(kernel._overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=found)
        return found


def gigaflops(step: Callable[[], object]) -> float:
    """GFLOP of the matrix products, convolutions and recurrences of one call; nothing else is counted."""
    with _Counter() as counter:
        step()
    return counter.flops / 1e9


def _lstm(x: Any, w_input: Any, *_: Any, **__: Any) -> int:
    """(L, B, inputs) and weights (4H, inputs): 2 · B · L · 4H · (inputs + H)."""
    gates, inputs = w_input.shape
    return 2 * math.prod(x.shape[:-1]) * gates * (inputs + gates // 4)


def _lstm_backward(x: Any, w_input: Any, *_: Any, **__: Any) -> int:
    return 2 * _lstm(x, w_input)


FORMULAS = flop_registry | {
    torch.ops.aten.mkldnn_rnn_layer: _lstm,
    torch.ops.aten.mkldnn_rnn_layer_backward: _lstm_backward,
}
