"""Stage `preprocess`: `data/<dataset>/raw` → `data/<dataset>/processed`."""

import shutil
from pathlib import Path

from ecgan.config import Params
from ecgan.config.declaring import reads
from ecgan.datasets.shards import Work, write_dataset
from ecgan.errors import EcganError
from ecgan.files import sole_writer
from ecgan.registry import DATASETS
from ecgan.runtime import set_threads
from ecgan.samples import About
from ecgan.seals import check_seal
from ecgan.terminal import say
from ecgan.watched import code, watch_file, watch_part, watch_stage
from stages import paths


@reads("preprocess", "experiment.data_dir dataset runtime.threads runtime.arithmetic preprocess")
def run(params: Params) -> About:
    """Turn the raw files into samples and write them, rounded."""
    set_threads(params.runtime.threads)
    watch_stage("preprocess")
    watch_file("preprocess", params.preprocess)
    watch_part(DATASETS, params.dataset)
    raw = paths.raw(params)
    if not raw.is_dir():
        raise EcganError(f"there are no raw files in {raw}.", "Run `ecgan fetch` first.")
    digests = check_seal(raw, "Run `ecgan fetch` again.")
    place, files = paths.shards(params), code(Path(__file__), DATASETS, params.dataset)
    with sole_writer(paths.processed(params)) as folder:
        work = Work(DATASETS.get(params.dataset)(), raw, params.preprocess, place, digests, files)
        about = write_dataset(folder, work, say)
    shutil.rmtree(place, ignore_errors=True)  # now that all is in its place
    return about
