"""Command `crate`: a run of the pipeline → `ro-crate-metadata.json` and `croissant.json`. No stage of the pipeline."""

from importlib.metadata import version
from pathlib import Path

from ecgan.config import Params
from ecgan.files import write_json
from ecgan.provenance import crate, croissant
from ecgan.provenance.here import commit_of
from ecgan.provenance.tracing import LOCK, project_lock
from ecgan.registry import DATASETS
from stages import paths


def run(params: Params) -> list[str]:
    """Describe what `dvc.lock` tells of, in the project's folder; return what to tell the user.

    Raises:
        EcganError: The package rocrate is missing, or an output is not here or not what `dvc.lock` says.
    """
    lock = project_lock()
    card = DATASETS.get(params.dataset).card
    source = croissant.Source(card.title, card.source, card.licence)
    date = commit_of(str(LOCK)).date
    data = croissant.describe(paths.processed(params), paths.folds(params), source, version("ecgan"), date)
    write_json(Path(croissant.FILE), data)
    raw = {"path": paths.raw(params).as_posix(), **vars(source)}
    found = crate.describe(lock, raw, [croissant.FILE])
    write_json(Path(crate.FILE), found)
    return [
        f"wrote {crate.FILE}: {len(lock):,} stages, {len(found['@graph']):,} things (Provenance Run Crate 0.5)",
        f"wrote {croissant.FILE}: {len(data['distribution'])} files (Croissant 1.1)",
    ]
