"""Two trained runs: every tensor, every number of JSON, parameters, and the last row of the history."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.comparing.compared import Compared, compare_arrays, compare_json, paired
from ecgan.config.reading import read_document
from ecgan.errors import EcganError
from ecgan.evaluation.result import read_results
from ecgan.files import read_json
from ecgan.reporting.tables import records
from ecgan.runs.layout import PARTS
from ecgan.seals import NAME as SEAL

_AGAIN = "Name a run's folder."
_MARKS = ("model.safetensors", "versions.json", "inverse.json", "detector.json")
"""Files of which every run has one at least."""


def run_files(folder: Path) -> dict[str, Path]:
    """Return the files of a run, or of any part of one or several, by their path inside the folder.

    Those of `train` come first, then those of `inverse` and `detect`. A folder without a run has none.
    """
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if _reader(path) and path.is_file()}
    if not any(path.name in _MARKS for path in found.values()):
        return {}
    return {name: found[name] for name in sorted(found, key=lambda name: (_stage(name), name))}


def compare_runs(old: Path, new: Path) -> list[Compared]:
    """Set two runs' folders, or any parts of them, side by side, in the order of the pipeline.

    Raises:
        EcganError: A file is broken.
    """
    first, second = run_files(old), run_files(new)
    both, found = paired("", first, second)
    found = [Compared(item.what, "the file", item.old, item.new, agrees=False) for item in found]
    for name in both:
        found += compare_files(first[name], second[name], name)
    return sorted(found, key=lambda item: _stage(item.where))


def compare_files(old: Path, new: Path, where: str) -> list[Compared]:
    """Set two files of a run side by side: `.safetensors`, `.json`, `.yml` or `history.csv`; `where` names them."""
    if old.suffix == ".safetensors":
        return compare_tensors(old, new, where)
    read = _reader(old)
    if read is None:
        raise EcganError(f"{old} is no file of a run.", _AGAIN)
    return compare_json(where, read(old), read(new))


def compare_tensors(old: Path, new: Path, where: str = "") -> list[Compared]:
    """Set the tensors of two safetensors files side by side, in the order of the first; `where` names the files."""
    first, second = read_tensors(old), read_tensors(new)
    both, found = paired(where, first, second)
    return [compare_arrays(where, name, first[name], second[name]) for name in both] + found


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Read a safetensors file; short floats come as float32."""
    from ecgan.training.versions import read_weights

    def widened(tensor: Any) -> Any:
        return tensor.float() if tensor.is_floating_point() and tensor.element_size() < 4 else tensor

    return {name: np.asarray(widened(tensor)) for name, tensor in read_weights(path).items()}


def _reader(path: Path) -> Callable[[Path], Any] | None:
    if path.name == SEAL:
        return None
    if path.name == "history.csv":
        return _last_row
    return {".safetensors": read_tensors, ".json": read_json, ".yml": _parameters}.get(path.suffix)


def _last_row(path: Path) -> dict[str, Any]:
    rows = records(read_results(path, ["epoch"]).tail(1))
    return {key: None if value != value else value for row in rows for key, value in row.items()}


def _parameters(path: Path) -> dict[str, Any]:
    return read_document(path, hint=_AGAIN).data


def _stage(name: str) -> int:
    """Return the place in the pipeline of the part that a file belongs to."""
    parts = Path(name).parts
    return next((place for place, stage in enumerate(PARTS) if stage in parts), len(PARTS))
