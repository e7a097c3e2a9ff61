"""Command `publish`: a trained run → a published model with its hashes and its card. No stage of the pipeline."""

import shutil
import subprocess
import sys
from pathlib import Path

from ecgan.config import load_params
from ecgan.errors import EcganError
from ecgan.evaluation.result import read_metrics
from ecgan.files import read_text, sole_writer, write_text
from ecgan.preprocessing.inputs import load_input
from ecgan.publishing.card import Facts, card_of
from ecgan.publishing.layout import CARD, FOLDER, RESULTS, check_name, find_published
from ecgan.references import Reference, folds_of
from ecgan.runs.layout import PARTS, part
from ecgan.scoring.scorer import load_scorer
from ecgan.seals import seal

_REMOTE = "published"


def run(
    model: Reference,
    name: str,
    *,
    results: Path | None = None,
    notes: Path | None = None,
    licence: str = "MIT",
    push: bool = True,
    force: bool = False,
) -> list[str]:
    """Publish a run below `models/published`; return what to tell the user.

    Args:
        model: The trained run; without a fold, all of its folds are published.
        name: Name of the published model.
        results: Folder with `fold_<k>/metrics.json` of its detection; None: `reports/detect/<run>`.
        notes: A Markdown file: where it fails, what else a reader should know.
        licence: Of the weights, an SPDX identifier.
        push: Whether DVC tracks it and pushes it, and nothing else, to the remote inside the repository.
        force: Whether a model of that name is replaced.

    Raises:
        EcganError: The run cannot score or its results are missing; nothing is written then.
    """
    check_name(name)
    target = FOLDER / name
    if target.exists() and not force:
        raise EcganError(f"there is a published model {name} already.", "Say --force to replace it.")
    if model.version != "best":
        raise EcganError(f"{model.text}: the best version is what is published.", "Name the run without a version.")
    folds = folds_of(model)
    load_scorer(model)  # it can score: every part is there and whole
    measured = results or Path("reports/detect") / model.folder.name
    facts = Facts(
        name=name,
        params=load_params(part(model.folder, "train", folds[0]) / "config.yml", plugins=False),
        expected=load_input(part(model.folder, "train", folds[0])),
        results=[read_metrics(measured / f"fold_{fold}" / "metrics.json") for fold in folds],
        commit=_commit(),
        notes="" if notes is None else read_text(notes),
        licence=licence,
    )
    with sole_writer(target) as folder:
        for fold in folds:
            _copy(model, fold, folder)
            _copy_file(measured / f"fold_{fold}" / "metrics.json", folder / RESULTS / f"fold_{fold}.json")
        write_text(folder / CARD, card_of(facts))
        seal(folder)
    find_published(name)
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    lines = [f"wrote {target}: {size / 1e6:.1f} MB; use it as published:{name}"]
    if push:
        _dvc("add", "--quiet", str(target))
        _dvc("push", "--quiet", "--remote", _REMOTE, f"{target}.dvc")
        lines.append(f"pushed to the remote {_REMOTE!r}; commit {target}.dvc and {_REMOTE}/")
    return lines


def _copy(model: Reference, fold: int, target: Path) -> None:
    """Copy the parts of one fold."""
    for name in PARTS:
        source = part(model.folder, name, fold)
        for file in sorted(file for file in source.rglob("*") if file.is_file()):
            _copy_file(file, part(target, name, fold) / file.relative_to(source))


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _commit() -> str:
    """The commit of the code here; empty outside Git, and marked where files differ from it."""
    try:
        found = subprocess.run(
            ("git", "describe", "--always", "--dirty", "--abbrev=40"), capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.decode().strip()


def _dvc(*arguments: str) -> None:
    done = subprocess.run((sys.executable, "-m", "dvc", *arguments), capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise EcganError(
            f"dvc {arguments[0]} failed: {said[-1] if said else f'exit code {done.returncode}'}",
            "The model is written all the same; mend what DVC says, or use --no-push.",
        )
