"""References to trained runs: where one lies, which fold and version are meant. Nothing heavy is loaded."""

import re
from dataclasses import dataclass
from pathlib import Path

from ecgan.errors import EcganError
from ecgan.publishing.layout import FOLDER, SCHEME, find_published
from ecgan.remotes import SCHEMES, fetch, is_remote


@dataclass(frozen=True)
class Reference:
    """`[scheme:]<run path>[/fold_<k>][:<version>]`, taken apart.

    Attributes:
        text: The reference as it was written.
        folder: The run's folder here; that of the copy where the run lies elsewhere.
        fold: The fold, or None for every fold.
        version: `best`, `latest` or `v12`.
    """

    text: str
    folder: Path
    fold: int | None
    version: str


def parse_reference(text: str, models: Path = Path("models")) -> Reference:
    """Read a model reference, `[scheme:]<run path>[/fold_<k>][:<version>]`.

    Args:
        text: The reference. `entity/project/run` is also looked for below `models`; `published:NAME` is a published
            model; a run elsewhere (`s3://…` and other URLs, `wandb:…`, `mlflow:…`) is copied into `.ecgan/cache` first.
        models: Folder of the runs here.

    Raises:
        EcganError: It is no reference, or there is no such run.
    """
    match = re.fullmatch(r"(?P<path>.+?)(?:/fold_(?P<fold>\d+))?/?(?::(?P<version>best|latest|v\d+))?", text)
    if match is None:
        raise EcganError(f"{text!r} is no model reference.", "Write RUN[/fold_K][:best|latest|vNN].")
    fold, version = None if match["fold"] is None else int(match["fold"]), match["version"] or "best"
    if match["path"].startswith(SCHEME):
        return Reference(text, find_published(match["path"].removeprefix(SCHEME), FOLDER), fold, version)
    if is_remote(match["path"]):
        return Reference(text, fetch(match["path"], fold), fold, version)
    path = Path(match["path"])
    candidates = [path, models / path]
    for folder in candidates:
        if (folder / "train").is_dir():
            return Reference(text, folder, fold, version)
    raise EcganError(
        f"{text!r} is no trained run: there is no {candidates[0] / 'train'} and no {candidates[1] / 'train'}.",
        f"Trained runs here: {', '.join(_runs(models)) or 'none; run `ecgan train` first'}. Elsewhere: {SCHEMES}.",
    )


def folds_of(reference: Reference) -> list[int]:
    """Return the folds that a reference stands for: the one it names, or all that were trained."""
    names = (re.fullmatch(r"fold_(\d+)", path.name) for path in (reference.folder / "train").iterdir())
    found = sorted(int(name[1]) for name in names if name)
    if not found:
        raise EcganError(f"{reference.folder} has no trained fold.", "Run `ecgan train` (or `ecgan-train`) first.")
    if reference.fold is not None and reference.fold not in found:
        raise EcganError(f"{reference.folder} has no fold {reference.fold}.", f"Trained folds: {found}.")
    return found if reference.fold is None else [reference.fold]


def _runs(models: Path) -> list[str]:
    return sorted(str(path.parent.relative_to(models)) for path in models.glob("*/*/*/train"))
