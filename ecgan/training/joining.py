"""Several processes that train one model: started by `torchrun`, joined here; imports nothing heavy when alone.

`torchrun` (torch.distributed.run) starts the same command several times and ends all when one fails.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ecgan.errors import Interrupted
from ecgan.runtime import processes_in

if TYPE_CHECKING:
    import torch

LONGEST_WAIT = timedelta(hours=2)  # of the others, while process 0 evaluates or writes
VARIABLE = "ECGAN_PROCESSES"


@contextlib.contextmanager
def together(*arguments: str, **options: Any) -> Iterator[None]:
    """Run the block in as many processes as `ECGAN_PROCESSES` says, or as `torchrun` has started.

    Args:
        arguments: The command and its arguments, with which `torchrun` is to start it.
        options: Its options: None is left out, a list is one option an item.
    """
    words = [
        word
        for name, value in options.items()
        for item in (value if isinstance(value, list) else [value])
        if item is not None
        for word in (f"--{name}", str(item))
    ]
    as_torchrun([*arguments, *words])
    with joined():
        yield


def as_torchrun(arguments: Sequence[str]) -> None:
    """Be `torchrun` with as many processes as `ECGAN_PROCESSES` says, each of which runs `ecgan` with `arguments`.

    Nothing happens where it is 1 or not set, or where `torchrun` is at work already; else the process ends with it.

    Raises:
        EcganError: It is no number, or of more than this machine bears.
    """
    wanted = processes_in(VARIABLE, os.environ.get(VARIABLE) or "1")
    if wanted == 1 or "TORCHELASTIC_RUN_ID" in os.environ:
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # `runtime.threads` is set later; torchrun would warn of nothing
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.run import main

    try:
        main(["--standalone", "--nproc-per-node", str(wanted), "-m", "ecgan", *arguments])
    except (SignalException, KeyboardInterrupt) as error:  # which the processes have told of
        sys.exit(128 + getattr(error, "sigval", signal.SIGINT))
    sys.exit(0)


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """Join the processes that `torchrun` started, if it did, for as long as the block lasts.

    Whatever ends one process ends all, with a status that is not 0; only the first that fails says why.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ or int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    from torch import distributed
    from torch.distributed.rendezvous import rendezvous

    store, rank, size = next(rendezvous("env://"))
    try:
        on = _device()
        backend = "nccl" if on.type == "cuda" else "gloo"
        distributed.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=LONGEST_WAIT)
        yield
    except Interrupted as error:  # by the user, or by torchrun as another process has failed
        if rank == 0 and not _failures(store, 0):
            raise
        sys.exit(128 + error.number)
    except BaseException:
        if _failures(store, 1) == 1:
            raise
        sys.exit(1)
    distributed.destroy_process_group()


def _device() -> "torch.device":
    """Return the device of this process, and make it the current one, which nccl asks for."""
    import torch

    from ecgan.runtime import device

    on = device()
    if on.index is not None:  # else it is the current one
        torch.cuda.set_device(on)
    return on


def _failures(store: Any, more: int) -> int:
    """How many processes have failed, with so many more; the store is torchrun's, and outlives the processes."""
    try:
        return int(store.add("ecgan: failed", more))
    except RuntimeError:  # torchrun itself is gone
        return more
