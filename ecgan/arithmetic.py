"""The arithmetic of a process: the same bits on every x86-64 processor with AVX2, or as fast as this one allows.

Numerical libraries choose their kernels by the processor, and kernels add in different orders. Which of them they may
choose from they read in the environment, when they are loaded or first used: so it is set here, before that.
"""

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ecgan.errors import EcganError

if TYPE_CHECKING:
    from torch import Tensor

Arithmetic = Literal["portable", "native"]

PORTABLE = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels, and the functions of sleef in them
    "MKL_CBWR": "COMPATIBLE",  # MKL, in torch: products, transforms, functions of vectors; AVX2 would mean Intel only
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # oneDNN, in torch: convolutions, recurrent and linear layers
    "ONEDNN_DEFAULT_FPMATH_MODE": "STRICT",
    "NPY_DISABLE_CPU_FEATURES": (  # NumPy: all above AVX2, as 2.0 to 2.3 and as later versions name it
        "AVX512F AVX512CD AVX512_KNL AVX512_KNM AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4"
    ),
    "OPENBLAS_CORETYPE": "Haswell",  # OpenBLAS, in NumPy and in SciPy, whose BLAS scikit-learn uses
    "NUMBA_CPU_NAME": "haswell",  # what UMAP is compiled for
    "NUMBA_CPU_FEATURES": "+avx2,+fma",
}
LIBRARIES = ("numpy", "scipy", "sklearn", "torch", "numba")
_PROCESSORS = Path("/proc/cpuinfo")


def set_arithmetic(wanted: Arithmetic) -> None:
    """Make this process and its children compute portably, or leave them as they are.

    Portable arithmetic is that of x86-64 processors with AVX2. On others (Arm) nothing is set; results there are the
    same from run to run, and differ from these in the last bits. On a GPU it governs what the CPU computes.

    Args:
        wanted: `runtime.arithmetic`.

    Raises:
        EcganError: A numerical library has been loaded already, without that; or this x86-64 processor lacks AVX2.
    """
    if not _is_to_be_set(wanted):
        return
    if not has_avx2():
        raise EcganError(
            "portable arithmetic needs a processor with AVX2, which this one lacks.",
            "Set runtime.arithmetic to native; results then agree within the tolerance that the report states.",
        )
    if loaded := _loaded():
        raise EcganError(
            f"arithmetic cannot become portable any more: {', '.join(loaded)} was loaded before it was set.",
            "Call ecgan.arithmetic.set_arithmetic('portable') before these are imported, start the `ecgan` command"
            " instead, or set runtime.arithmetic to native.",
        )
    os.environ.update(PORTABLE)


def begin_again(wanted: Arithmetic) -> None:
    """Start this command once more, portably, where that is wanted and a library has been loaded already.

    For commands that learn what is wanted only after they loaded one: clients of remote stores bring NumPy along.
    """
    if _is_to_be_set(wanted) and _loaded() and has_avx2():
        sys.stderr.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | PORTABLE)  # noqa: S606 (no shell)


def _is_to_be_set(wanted: Arithmetic) -> bool:
    return wanted == "portable" and platform.machine().lower() in ("x86_64", "amd64") and not is_portable()


def _loaded() -> list[str]:
    return [name for name in LIBRARIES if name in sys.modules]


def is_portable() -> bool:
    """Whether the environment asks for portable arithmetic, of libraries that are loaded from now on at the latest."""
    return all(os.environ.get(name) == value for name, value in PORTABLE.items())


def has_avx2() -> bool:
    """Whether this x86-64 processor has AVX2; taken for granted where the system does not list what it has."""
    try:
        listed = _PROCESSORS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return " avx2" in listed


def square_root(x: "Tensor") -> "Tensor":
    """Return √x without a gradient, the same bits on every processor: the nearest number there is.

    On a CPU torch asks MKL, whose portable kernel begins with the processor's own estimate (the instruction RSQRTPS),
    for which Intel and AMD have different tables. Every sixth result is off by a unit in the last place, and on the
    processor it depends which. Of other functions that the pipeline calls this is not so
    (`tests/contracts/test_portable_functions.py`).
    """
    if x.device.type != "cpu":
        return x.detach().sqrt()
    import numpy as np
    import torch

    root = torch.empty_like(x, requires_grad=False)
    np.sqrt(x.detach().numpy(), out=root.numpy())
    return root
