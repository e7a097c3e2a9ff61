"""What every test may use. Tests compute portably, so that what passes on one processor passes on all.

Those with the mark `native` are about what depends on the processor: tests/pipeline/test_native.py runs them in a
process of their own, natively and as on a processor without AVX-512.
"""

import gc
import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from ecgan.arithmetic import set_arithmetic
from tests import forking

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("ECGAN_DEVICE", None)
NATIVE = os.environ.get("ECGAN_TEST_ARITHMETIC") == "native"
set_arithmetic("native" if NATIVE else "portable")  # before any test imports NumPy or torch
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("search"), derandomize=True)  # one code, one answer
settings.load_profile("same")  # new examples: pytest --hypothesis-profile=search

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background, and in all that it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


def pytest_configure(config: pytest.Config) -> None:
    """Let one process fork for all workers: the libraries are loaded once."""
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        os.environ[forking.SHARED] = str(forking.server())


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Find the tests without looking for garbage, a quarter of that time, and never look for it in what they need."""
    gc.disable()
    try:
        return (yield)
    finally:
        forking.stay()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave tests of native arithmetic to a process that computes natively."""
    skip = pytest.mark.skip(reason="computes natively: tests/pipeline/test_native.py")
    for item in items:
        if item.get_closest_marker("native") and not NATIVE:
            item.add_marker(skip)
