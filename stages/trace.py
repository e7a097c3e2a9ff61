"""Command `trace`: a number of the results → where it came from. No stage of the pipeline."""

from pathlib import Path
from typing import Any

from ecgan.provenance.numbers import find_number
from ecgan.provenance.tracing import project_lock, trace


def run(metric: str, method: str, params: Path, fold: int | None = None, strategy: str | None = None) -> dict[str, Any]:
    """Trace a number; see `ecgan.provenance.numbers.find_number` for its names.

    Raises:
        EcganError: There is no such number here, or no stage that wrote it.
    """
    lock = project_lock()
    return trace(find_number(metric, method, fold, strategy), lock, params)
