"""Stage `split`: `data/<dataset>/processed` → `data/<dataset>/folds`."""

from ecgan.config import Params
from ecgan.config.declaring import reads
from ecgan.files import sole_writer
from ecgan.preprocessing.processed import load_processed
from ecgan.protocols.folds import Fold, save_fold
from ecgan.protocols.making import make_folds
from ecgan.registry import DATASETS, PROTOCOLS
from ecgan.seals import seal
from ecgan.watched import watch_file, watch_part, watch_stage
from stages import paths


@reads(
    "split",
    "experiment.data_dir dataset runtime.seed runtime.arithmetic",
    "split: protocol k test_share vali_share train_on source",
)
def run(params: Params) -> list[Fold]:
    """Make all folds of the protocol and write one JSON file each."""
    watch_stage("split")
    watch_file("split", params.split)
    watch_part(DATASETS, params.dataset)
    watch_part(PROTOCOLS, params.split.protocol)
    data = load_processed(paths.processed(params))
    sets = DATASETS.get(params.dataset)().evaluation_sets()
    folds = make_folds(data, params.split, params.runtime.seed, evaluation_sets=sets)
    with sole_writer(paths.folds(params)) as folder:
        for fold in folds:
            save_fold(folder / f"fold_{fold.index}.json", fold)
        seal(folder)
    return folds
