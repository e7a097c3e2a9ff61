"""Work that is done on a cluster: Dask `distributed`, of the extra `cluster`.

Whoever can reach an unprotected scheduler can run code on its workers, and these on the client: a cluster is trusted,
and TLS keeps others out. What `local:N` starts has certificates of its own, made for it.
"""

import asyncio
import contextlib
import logging
import os
import re
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import CancelledError
from functools import partial
from multiprocessing import resource_tracker
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self

import ecgan
from ecgan.arithmetic import is_portable
from ecgan.engines.base import ATTEMPTS, LostError
from ecgan.errors import EcganError, first_line, needed
from ecgan.runtime import PER_CORE, set_threads
from ecgan.terminal import deferred

_AHEAD = 3
"""Items that are under way for each thread of the cluster: one, and those that wait beside it."""
_LEAST = 32
"""So many are under way at least: a cluster that grows with its work sees that there is some."""
_RECOUNT = 10.0  # seconds
_PATIENCE = 1.0  # seconds between looks whether the scheduler is still there
_AGAIN = "The scheduler ended, or cannot be reached any more; the same command goes on, `ecgan score` with --resume."


class _Sent:
    """An item that was sent to the cluster."""

    def __init__(self, future: Any, cluster: "Cluster") -> None:
        self.future, self.cluster = future, cluster

    def result(self) -> Any:
        """What came of it."""
        with self.cluster.reached():
            return self.future.result()


class Cluster:
    """Workers behind a scheduler.

    Args:
        address: `tcp://HOST:PORT` or `tls://HOST:PORT` of a scheduler, whose certificates are those of Dask's own
            configuration (`distributed.comm.tls`); or `local:N`, which starts N workers here.

    Raises:
        EcganError: The address is none, the extra is missing, or no scheduler answers.
    """

    def __init__(self, address: str) -> None:
        match = re.fullmatch(r"local:([1-9]\d*)|((?:tcp|tls)://\S+)", address)
        if match is None:
            raise EcganError(
                f"{address!r} is no cluster.", "Write local:N (N workers here), tcp://HOST:PORT or tls://HOST:PORT."
            )
        if match[1] and int(match[1]) > (most := PER_CORE * (os.cpu_count() or 1)):
            raise EcganError(f"{address} is more workers than this machine bears.", f"Take local:{most} at most.")
        self._distributed = needed("distributed", "cluster", "a cluster")
        for name in ("distributed.client", "distributed.scheduler"):  # what a user must know is said otherwise
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._done: SimpleQueue[_Sent] = SimpleQueue()
        self._threads, self._counted = 0, -_RECOUNT
        self._local = self._start(int(match[1])) if match[1] else None
        if self._local is None:
            self._knock(address)
        self._client = self._distributed.Client(self._local or address, set_as_default=False)

    def _knock(self, address: str) -> None:
        """See that a scheduler answers, before a client is made that waits for one without end."""

        async def knock() -> None:
            keys = self._distributed.Security().get_connection_args("client")
            await (await self._distributed.comm.connect(address, **keys)).close()

        try:
            asyncio.run(knock())
        except TypeError as error:  # what Dask says without certificates
            hint = "Name them in Dask's configuration, distributed.comm.tls, or by variables; see docs/archives.md."
            raise EcganError(f"{address} needs certificates, and none are named.", hint) from error
        except (OSError, ValueError) as error:
            hint = "Start it (`dask scheduler`), and workers (`python -m ecgan.engines.worker`); see docs/archives.md."
            raise EcganError(f"no scheduler answers at {address}: {first_line(error)}", hint) from error

    def _start(self, workers: int) -> Any:
        """Start a scheduler and workers here, which nobody else on this machine can use."""
        dask = needed("dask", "cluster", "a cluster")
        resource_tracker.ensure_running()  # which would let signals in again as it begins
        settings = {"scheduler.allowed-failures": ATTEMPTS - 1, "logging.distributed": "critical"}
        with (
            dask.config.set({f"distributed.{name}": value for name, value in settings.items()}),
            deferred(),  # Ctrl-C, which a terminal sends to all, is for this process alone
        ):
            return self._distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address=None,
                protocol="tls",
                security=self._distributed.Security.temporary(),
                silence_logs="CRITICAL",
            )

    @property
    def room(self) -> int:
        """How many items may be under way; workers that come are counted from time to time."""
        if time.monotonic() > self._counted + _RECOUNT:
            with self.reached():
                self._threads, self._counted = sum(self._client.nthreads().values()), time.monotonic()
        return max(_LEAST, _AHEAD * self._threads)

    @contextlib.contextmanager
    def reached(self) -> Iterator[None]:
        """Say in a sentence that the scheduler or a worker is gone.

        Raises:
            EcganError: The scheduler is.
            LostError: Workers were killed over the same item, or over others that they were given beside it.
        """
        dask = self._distributed
        try:
            yield
        except dask.KilledWorker as error:
            many = "workers of the cluster were killed several times with the same work; memory may be short."
            raise LostError(many, "Give workers more memory, or one thread each: --nthreads 1.") from error
        except (dask.client.FutureCancelledError, dask.comm.CommClosedError, CancelledError) as error:
            raise EcganError("the cluster is gone.", _AGAIN) from error

    def submit(self, work: Callable[[Any], Any], item: Any) -> _Sent:
        """Send an item."""
        with self.reached():
            sent = _Sent(self._client.submit(partial(_at_worker, work, _kind()), item, pure=False), self)
        sent.future.add_done_callback(lambda future: self._done.put(sent))
        return sent

    def finished(self, handles: Collection[Any]) -> Collection[Any]:
        """Wait until one is done."""
        while True:
            try:
                done = self._done.get(timeout=_PATIENCE)
            except Empty:
                if self._client.status != "running":
                    raise EcganError("the cluster is gone.", _AGAIN) from None
            else:
                if done in handles:
                    return [done]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close(timeout=5)
        if self._local is not None:
            self._local.close(timeout=5)


def _kind() -> tuple[str, bool]:
    """What must be the same at a worker, or its bytes would be others: version and arithmetic."""
    return ecgan.__version__, is_portable()


def _at_worker(work: Callable[[Any], Any], kind: tuple[str, bool], item: Any) -> Any:
    """Work on an item, in one thread, with the arithmetic of the client."""
    version, portable = kind
    if version != ecgan.__version__:
        raise EcganError(
            f"a worker has ECGAN {ecgan.__version__}, and {version} was asked for.", "Install the same everywhere."
        )
    if portable and not is_portable():
        raise EcganError(
            "a worker does not compute portably, as the model was trained.",
            "Start workers with `python -m ecgan.engines.worker ADDRESS`, which sets that before anything is loaded.",
        )
    os.environ["ECGAN_WORKERS"] = "1"
    set_threads(1)
    return work(item)
