"""Command `trace`: a number of the results → where it came from. No stage of the pipeline."""

import contextlib
from pathlib import Path
from typing import Any

from ecgan.errors import EcganError
from ecgan.files import read_json
from ecgan.provenance.numbers import find_number, number_in
from ecgan.provenance.tracing import LOCK, project_lock, trace

SAID = ("commit", "data_sha256", "parameters_sha256", "behaviour")
"""What a row of the paper's tables says of how it was made."""


def run(metric: str, method: str, params: Path, fold: int | None = None, strategy: str | None = None) -> dict[str, Any]:
    """Trace a number; see `ecgan.provenance.numbers.find_number` for its names.

    Where `method` is a JSON file of results, such as a row of the paper's tables, it is the number of that name in it,
    by the `dvc.lock` and the parameters beside which it lies; `row` is then what the file says of itself.

    Raises:
        EcganError: There is no such number here, or no stage that wrote it.
    """
    file = Path(method).absolute()
    if file.suffix == ".json" and file.is_file():
        if fold is not None or strategy is not None:
            raise EcganError(
                f"{method} holds one number {metric}.", "Leave --fold and --strategy out, or name a model."
            )
        return _of_file(metric, file, params)
    lock = project_lock()
    return trace(find_number(metric, method, fold, strategy), lock, params)


def _of_file(metric: str, file: Path, params: Path) -> dict[str, Any]:
    project = next((folder for folder in file.parents if (folder / LOCK).is_file()), None)
    if project is None:
        raise EcganError(f"there is no {LOCK} above {file.name}: nobody says how it was made.", "Name another file.")
    with contextlib.chdir(project):
        found = trace(number_in(file.relative_to(project), metric), project_lock(), params)
    says = read_json(file)
    return found | {"row": {key: says[key] for key in SAID if key in says}}
