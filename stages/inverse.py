"""Stage `inverse`: a trained model → its inverse mapping x ↦ z, `models/…/<run>/inverse/fold_<k>`."""

from pathlib import Path

from ecgan.config import Inverse, Params, Runtime
from ecgan.config.declaring import reads
from ecgan.files import sole_writer
from ecgan.inversion.base import Inversion, choose, save_inversion
from ecgan.preprocessing.processed import load_processed
from ecgan.registry import MODELS
from ecgan.runs.layout import part
from ecgan.runs.loading import load_trained
from ecgan.runtime import derive_seed, own_process, set_threads
from ecgan.watched import watch_inversion, watch_part, watch_stage
from stages import paths


@reads("inverse", "experiment dataset runtime inverse detect.version")
def run(params: Params, model: str, fold: int, version: str | None = None) -> Inversion:
    """Make the inverse mapping of one model of the pipeline and one fold."""
    set_threads(params.runtime.threads)
    watch_stage("inverse")
    watch_part(MODELS, model)
    watch_inversion(params.inverse.method)
    return invert(
        paths.run(params, model),
        fold,
        version or params.detect.version,
        params.inverse,
        paths.processed(params),
        runtime=params.runtime,
    )


def invert(folder: Path, fold: int, version: str, options: Inverse, processed: Path, *, runtime: Runtime) -> Inversion:
    """Make the inverse mapping of one fold of any run.

    Args:
        folder: The run's folder.
        fold: Which fold.
        version: `best`, `latest` or `v12`.
        options: The section `inverse`.
        processed: The dataset that the run was trained on.
        runtime: Seed and precision.
    """
    own_process()
    trained = load_trained(folder, fold, version)
    seed = derive_seed(runtime.seed, "inverse", trained.model.name, fold)
    inversion = choose(options.method, trained.model, options, seed=seed, precision=runtime.precision)
    data = load_processed(processed)
    trained.fold.check_data(data.sha256)
    trained.fold.check_size(len(data))
    inversion.fit(trained.tensor(data[trained.fold.train]))
    with sole_writer(part(folder, "inverse", fold)) as out:
        save_inversion(out, inversion, trained.version)
    return inversion
