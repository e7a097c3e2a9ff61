"""Stage `preprocess`: `data/<dataset>/raw` → `data/<dataset>/processed`."""

from ecgan.config import Params
from ecgan.config.declaring import reads
from ecgan.errors import EcganError
from ecgan.files import sole_writer
from ecgan.preprocessing.processed import save_processed
from ecgan.registry import DATASETS
from ecgan.runtime import set_threads
from ecgan.samples import About
from ecgan.seals import check_seal
from ecgan.terminal import say
from ecgan.watched import watch_file, watch_part, watch_stage
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
    check_seal(raw, "Run `ecgan fetch` again.")
    with sole_writer(paths.processed(params)) as folder:
        samples = DATASETS.get(params.dataset)().samples(raw, params.preprocess, say)
        return save_processed(folder, params.dataset, samples)
