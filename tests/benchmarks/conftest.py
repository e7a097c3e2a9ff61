"""What holds for every benchmark: its threads, and the form that tables are made from."""

from pathlib import Path

import pytest

from ecgan.runtime import set_threads

HERE = Path(__file__).parent
THREADS = 2
"""Of torch, BLAS and OpenMP, so that results compare."""


@pytest.fixture(autouse=True)
def _two_threads(benchmark) -> None:
    """Set the threads of whatever the benchmark has imported; after `benchmark`, which skips under `make test`."""
    set_threads(THREADS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a benchmark that no table could show."""
    for item in items:
        ways = item.callspec.params if hasattr(item, "callspec") else ()
        if item.path.parent == HERE and "way" not in ways:
            raise pytest.UsageError(f"{item.nodeid}: a benchmark has a parameter `way`; see CONTRIBUTING.md")
