"""The classic commands that work on one trained run: `ecgan-detect` and `ecgan-inverse`."""

from pathlib import Path

from ecgan.config import load_detection, load_inverse, render_detection, render_inverse
from ecgan.detection.latents import check_kind
from ecgan.errors import EcganError
from ecgan.files import write_text
from ecgan.preprocessing.processed import load_processed
from ecgan.references import folds_of, parse_reference
from ecgan.registry import DETECTORS
from ecgan.remotes import CACHE
from ecgan.reporting.console import print_results
from ecgan.runs.layout import part
from ecgan.runs.loading import load_trained
from ecgan.runtime import derive_seed, own_process, set_threads
from ecgan.terminal import say
from stages import detect as detect_stage
from stages import inverse as inverse_stage
from stages import paths


def write_detection(model: str, names: list[str], out: Path, detector: str | None, *, force: bool) -> None:
    """Write the file of one detection; the trained run must be there, and the detector suit its model.

    Args:
        model: Reference of the run.
        names: Entity, project and name of the results.
        out: The file.
        detector: Name of the detector; None takes the one of the model's kind.
        force: Whether a file that is there is overwritten.
    """
    if len(names) != 3:
        raise EcganError(f"-i needs three names, not {len(names)}.", "ecgan-detect -i RUN:VERSION ENTITY PROJECT NAME")
    reference = parse_reference(model)
    trained = load_trained(reference.folder, folds_of(reference)[0], reference.version)
    chosen = detector or ("argmax" if trained.model.classifies else "inverse_mapping")
    check_kind(DETECTORS.get(chosen), classifier=trained.model.classifies)
    entity, project, name = names
    text = render_detection(model, entity, project, name, detector=chosen, runtime=trained.params.runtime)
    _write(out, text, force=force)


def write_inverse(model: str, out: Path, *, force: bool) -> None:
    """Write the file of one inverse mapping; the trained run must be there."""
    reference = parse_reference(model)
    params = load_trained(reference.folder, folds_of(reference)[0], reference.version).params
    _write(out, render_inverse(model, runtime=params.runtime), force=force)


def detect(config: Path) -> None:
    """Run a detection on every fold that the reference stands for; make inverse mappings that are missing."""
    settings = load_detection(config)
    set_threads(settings.runtime.threads)
    own_process()
    reference = parse_reference(settings.model)
    experiment = settings.experiment
    out = paths.REPORTS / experiment.entity / experiment.project / experiment.name
    metrics = []
    for fold in folds_of(reference):
        trained = load_trained(reference.folder, fold, reference.version)
        processed = paths.processed(trained.params)
        mapped = part(reference.folder, "inverse", fold) / "inverse.json"
        if not mapped.is_file():
            own = trained.params
            inverse_stage.invert(reference.folder, fold, reference.version, own.inverse, processed, runtime=own.runtime)
        found = detect_stage.with_run(
            reference.folder,
            fold,
            reference.version,
            settings.detect,
            settings.detectors[settings.detect.detector],
            load_processed(processed),
            seed=derive_seed(settings.runtime.seed, "detect", experiment.name, fold),
            results=out / f"fold_{fold}",
            method=reference.folder.name,
        )
        metrics.append(found)
    print_results(metrics)
    _tell_cached(reference.folder)


def inverse(config: Path) -> None:
    """Make the inverse mapping of every fold that the reference stands for."""
    settings = load_inverse(config)
    set_threads(settings.runtime.threads)
    own_process()
    reference = parse_reference(settings.model)
    for fold in folds_of(reference):
        processed = paths.processed(load_trained(reference.folder, fold, reference.version).params)
        asked = settings.inverse
        inverse_stage.invert(reference.folder, fold, reference.version, asked, processed, runtime=settings.runtime)


def _tell_cached(folder: Path) -> None:
    """Say where what was fitted to a remote run lies: in a copy, which is made anew when the remote run changes."""
    if folder.is_relative_to(CACHE):
        say(f"fitted to the copy {folder}; copy it below {paths.MODELS} to keep it")


def _write(out: Path, text: str, *, force: bool) -> None:
    if out.exists() and not force:
        raise EcganError(f"{out} is there already.", "Say --force to overwrite it, or -o FILE to write another.")
    write_text(out, text)
