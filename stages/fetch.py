"""Stage `fetch`: the dataset's source → `data/<dataset>/raw`."""

from pathlib import Path

from ecgan.config import Params
from ecgan.files import sole_writer
from ecgan.registry import DATASETS
from stages import paths


def run(params: Params) -> Path:
    """Fetch or simulate the raw files; finished, verified files are kept."""
    with sole_writer(paths.raw(params), clear=False) as raw:
        DATASETS.get(params.dataset)().fetch(raw, params.fetch, seed=params.runtime.seed)
        return raw
