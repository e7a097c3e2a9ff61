"""What a process runs on: threads, seeds, device, precision. One function sets them, at the start of a stage."""

import contextlib
import ctypes
import functools
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ecgan.errors import EcganError
from ecgan.terminal import say

if TYPE_CHECKING:
    import torch

S = TypeVar("S")
R = TypeVar("R")

PER_CORE = 16
"""Most processes that are started for each core of the machine."""
_AT_ONCE = 4  # threads
_DEVICES = ("cpu", "cuda")  # torch knows names of more than it has or can compute on
_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
_WORKSPACES = (":4096:8", ":16:8")
_KINDS = ("matmul", "conv", "rnn")  # of operations, each with a precision of its own
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -3, -4, -8  # of malloc.h
_LARGE, _MANY = 16 << 20, 65536  # bytes, and the usual number of such blocks in glibc


def set_threads(threads: int) -> None:
    """Limit OpenMP, BLAS and, once it is imported, torch to `threads`; the count changes the last bits of results."""
    from threadpoolctl import threadpool_limits

    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(threads)  # of libraries not yet loaded
    threadpool_limits(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


@contextlib.contextmanager
def blas_in_one_thread() -> Iterator[None]:
    """Let NumPy's matrix products run in the thread that asks for them: small ones, or several side by side.

    The threads of OpenBLAS wait for their next product by spinning, which costs more than a small product does. What is
    computed is then the same to the last bit, whatever `runtime.threads` says.
    """
    with _blas().limit(limits=1):
        yield


def _alone() -> bool:
    """Whether `set_threads` allows one thread."""
    return os.environ.get("OMP_NUM_THREADS") == "1"


@functools.cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def set_deterministic() -> None:
    """Make torch choose deterministic algorithms, on CUDA as well, and float32 mean float32 there.

    An operation that has no deterministic algorithm on CUDA raises. TensorFloat-32, which rounds the factors of matrix
    products and convolutions to ten bits of mantissa, is off: `runtime.precision` says what is computed in.

    Raises:
        EcganError: `CUBLAS_WORKSPACE_CONFIG` is set to a value with which cuBLAS is not deterministic.
    """
    found = os.environ.setdefault(_CUBLAS, _WORKSPACES[0])  # cuBLAS reads it when CUDA starts
    if found not in _WORKSPACES:
        hint = f"Unset it, or set it to {' or '.join(_WORKSPACES)}."
        raise EcganError(f"{_CUBLAS} is {found!r}, with which cuBLAS gives other results in every run.", hint)
    import torch

    torch.set_deterministic_debug_mode("error")  # use_deterministic_algorithms would load the compiler, half of torch
    # No result depends on memory that nobody wrote to; filling it costs one more write of everything.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False  # it times the algorithms and takes another one each time
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def reuse_memory() -> None:
    """Let freed memory stay with the process, for the next step of training or scoring; in huge pages where allowed.

    A step asks for the same hundreds of megabytes as the one before. The C library would hand them back to the system
    in between, which then clears every page again: up to half of the time of a step. Needs glibc; elsewhere nothing
    changes. Call it before the first tensor is made.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # read by torch at its first allocation
    _mallopt({_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: -1})


def return_large() -> None:
    """Let freed blocks above 16 MB go back to the system after all: a day's arrays are large, each of another size.

    Kept, they would leave holes that nothing fits into, and the process would hold twice of what it needs. Threads take
    theirs from one heap, or each would keep its own.
    """
    _mallopt({_M_MMAP_THRESHOLD: _LARGE, _M_MMAP_MAX: _MANY, _M_ARENA_MAX: 1}, trim=True)


def return_small() -> None:
    """Give freed blocks of any size back to the system, once: what comes next needs others."""
    _mallopt({}, trim=True)


def _mallopt(options: dict[int, int], *, trim: bool = False) -> None:
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        for option, value in options.items():
            library.mallopt(option, value)
        if trim:
            library.malloc_trim(0)


def own_process() -> None:
    """Make a process that is ECGAN's own compute as its stages do: deterministically, in memory that stays."""
    set_deterministic()
    reuse_memory()


@contextlib.contextmanager
def borrowed_process(threads: int) -> Iterator[None]:
    """Compute as the stages do in a process that is somebody else's; afterwards it is as it was before."""
    import torch
    from threadpoolctl import threadpool_limits

    mode, count, config = torch.get_deterministic_debug_mode(), torch.get_num_threads(), os.environ.get(_CUBLAS)
    filled, timed = torch.utils.deterministic.fill_uninitialized_memory, torch.backends.cudnn.benchmark  # type: ignore[attr-defined]
    on = device()
    try:
        with (
            _borrowed_precision(),
            torch.random.fork_rng(devices=[on] if on.type == "cuda" else []),
            threadpool_limits(threads),
        ):
            set_deterministic()
            torch.set_num_threads(threads)
            yield
    finally:
        torch.set_num_threads(count)
        torch.set_deterministic_debug_mode(mode)
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark = timed
        if config is None:
            os.environ.pop(_CUBLAS, None)


@contextlib.contextmanager
def _borrowed_precision() -> Iterator[None]:
    """Compute float32 as float32 for as long as the block lasts, whichever of torch's two ways has said otherwise.

    torch refuses to read by the older way what was set by the newer one, so that each is put back by itself.
    """
    import torch

    places: list[Any] = [torch.backends.cuda.matmul]
    places += [getattr(group, name, None) for group in (torch.backends.cudnn, torch.backends.mkldnn) for name in _KINDS]
    newer = [(place, place.fp32_precision) for place in places if hasattr(place, "fp32_precision")]
    matmul, cudnn = _readable(torch.get_float32_matmul_precision), _readable(lambda: torch.backends.cudnn.allow_tf32)
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        if matmul is not None:
            torch.set_float32_matmul_precision(matmul)
        if cudnn is not None:
            torch.backends.cudnn.allow_tf32 = cudnn
        for place, value in newer:
            place.fp32_precision = value


def _readable(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except RuntimeError:  # it was set the newer way
        return None


def derive_seed(seed: int, *purpose: int | str) -> int:
    """Return a seed of 63 bits for one purpose, such as `("epoch", fold, epoch)`: no two draws share a stream."""
    import hashlib

    digest = hashlib.sha256(repr((seed, *purpose)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def device() -> "torch.device":
    """Return the device that `ECGAN_DEVICE` names (`auto`, `cpu`, `cuda`, `cuda:1`, …; default `auto`).

    Of the processes that `torchrun` starts on a machine each takes a CUDA device of its own.

    Raises:
        EcganError: The name is none, or there are too few devices.
    """
    import torch

    wanted = os.environ.get("ECGAN_DEVICE", "") or "auto"
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        found = torch.device(wanted)
    except RuntimeError:
        found = None
    if found is None or found.type not in _DEVICES:
        raise EcganError(f"ECGAN_DEVICE={wanted!r} is no device.", "Use auto, cpu, cuda or cuda:N.")
    return _cuda_device(found) if found.type == "cuda" else found


def _cuda_device(wanted: "torch.device") -> "torch.device":
    """Return the CUDA device of this process."""
    import torch

    count, processes = torch.cuda.device_count(), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if wanted.index is not None and processes > 1:
        raise EcganError(
            f"ECGAN_DEVICE='{wanted}' names one device for {processes} processes.",
            "Set it to cuda, which gives each its own; CUDA_VISIBLE_DEVICES=0,2 says which there are.",
        )
    if processes > count > 0:
        raise EcganError(
            f"{processes} processes need a CUDA device each, and there are {count}.",
            f"Start {count}, or set ECGAN_DEVICE=cpu.",
        )
    if (wanted.index or 0) >= count:
        hint = "" if count else "torch needs an NVIDIA driver of 580 or newer (CUDA 13); `nvidia-smi` shows yours."
        raise EcganError(f"ECGAN_DEVICE='{wanted}', but {count} CUDA devices are there.", hint)
    return torch.device("cuda", int(os.environ["LOCAL_RANK"])) if processes > 1 else wanted


def workers() -> int:
    """Return how many processes may work side by side: `ECGAN_WORKERS`, by default one a core."""
    cores = os.cpu_count() or 1
    return processes_in("ECGAN_WORKERS", os.environ.get("ECGAN_WORKERS") or str(cores))


def processes_in(variable: str, wanted: str) -> int:
    """Return how many processes the value of a variable of the environment asks for.

    Raises:
        EcganError: It is no number, or of more than this machine bears.
    """
    most = PER_CORE * (os.cpu_count() or 1)
    if not re.fullmatch(r"0*[1-9]\d{0,18}", wanted, re.ASCII):
        raise EcganError(
            f"{variable}={wanted[:40]!r} is no positive number.", f"Set it from 1 to {most}, or leave it out."
        )
    if int(wanted) > most:
        raise EcganError(
            f"{variable}={wanted} is more processes than this machine bears.", f"Set it to {most} at most."
        )
    return int(wanted)


def side_by_side(function: Callable[[S], R], items: Sequence[S]) -> list[R]:
    """Return `function(item)` of each item, in threads: of two leads, say, in arithmetic that lets others run.

    As many run at once as `workers`, four at most: each holds memory of its own. Where `set_threads` allows
    one thread, there are none besides.
    """
    count = 1 if _alone() else min(len(items), workers(), _AT_ONCE)
    if count < 2:
        return [function(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(function, items))


def autocast(precision: str, on: "torch.device") -> "contextlib.AbstractContextManager[object]":
    """Return the context in which forward passes run: bfloat16 where `precision` is `bf16`, else float32.

    A CPU that cannot do what networks do in bfloat16 computes in float32 instead, and says so once.
    """
    import torch

    if precision == "fp32" or (on.type == "cpu" and not cpu_has_bfloat16()):
        return contextlib.nullcontext()
    # The cache of cast weights would outlive an optimizer's step within the context.
    return torch.autocast(on.type, torch.bfloat16, cache_enabled=False)


@functools.cache
def cpu_has_bfloat16() -> bool:
    """Whether the CPU can train in bfloat16 the layers that networks are made of; found out by trying, once.

    oneDNN, which computes them, has recurrent layers in bfloat16 only where there is AVX-512 (or Arm's equivalent).
    Convolutions would still run there, emulated and slower than in float32: so all of a network is float32 then.
    """
    import torch

    with torch.random.fork_rng(devices=[]), torch.inference_mode(mode=False), torch.enable_grad():
        recurrent, layer = torch.nn.LSTM(2, 4, batch_first=True), torch.nn.Conv1d(4, 1, 3)
        try:
            with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
                tried = layer(recurrent(torch.zeros(2, 8, 2))[0].transpose(1, 2))  # (B, L, H) → (B, H, L)
            tried.float().sum().backward()
        except RuntimeError:
            if os.environ.get("RANK", "0") == "0":  # of several processes that train together, one says it
                say("this processor cannot train in bfloat16; float32 takes its place")
            return False
    return True
