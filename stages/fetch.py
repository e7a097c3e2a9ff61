"""Stage `fetch`: the dataset's source → `data/<dataset>/raw`."""

from pathlib import Path

from ecgan.config import Params
from ecgan.config.declaring import reads
from ecgan.errors import Interrupted
from ecgan.files import sole_writer
from ecgan.registry import DATASETS
from ecgan.seals import seal
from ecgan.watched import watch_file, watch_part, watch_stage
from stages import paths


@reads("fetch", "experiment.data_dir dataset runtime.seed runtime.arithmetic fetch")
def run(params: Params) -> Path:
    """Fetch or simulate the raw files; finished, verified files are kept. The folder is sealed."""
    watch_stage("fetch")
    watch_file("fetch", params.fetch)
    watch_part(DATASETS, params.dataset)
    try:
        with sole_writer(paths.raw(params), clear=False) as raw:
            DATASETS.get(params.dataset)().fetch(raw, params.fetch, seed=params.runtime.seed)
            seal(raw)
            return raw
    except Interrupted as error:
        error.add_note("What has come so far is kept; the same command goes on there.")
        raise
