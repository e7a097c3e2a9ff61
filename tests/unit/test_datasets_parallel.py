"""Work in several processes: an interruption ends them."""

import multiprocessing
import os
import signal
import threading
import time

import pytest

from ecgan.datasets.parallel import each
from ecgan.errors import Interrupted
from ecgan.terminal import interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_workers_at_once(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    monkeypatch.setenv("ECGAN_WORKERS", "2")

    def work() -> None:
        with interruptible():
            each(time.sleep, [30.0] * 200, "sleeping")

    threading.Timer(1.0, os.kill, (os.getpid(), number)).start()
    start = time.monotonic()
    with pytest.raises(Interrupted):
        work()
    assert time.monotonic() - start < 20
    assert multiprocessing.active_children() == []
