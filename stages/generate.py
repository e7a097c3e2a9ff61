"""Command `generate`: a trained model → signals in a file. No stage of the pipeline: it is asked for, not declared."""

import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import track

from ecgan.arrays import F32
from ecgan.errors import EcganError
from ecgan.files import clear_parts, finite, write_json, write_text
from ecgan.generation.export import MOST, check_room, check_targets, described_in, write_signals
from ecgan.generation.figures import samples_figure
from ecgan.generation.sampling import BATCH, generated_batches, require_generative
from ecgan.references import Reference, folds_of
from ecgan.runs.loading import Trained, load_trained
from ecgan.runtime import derive_seed, own_process, set_threads
from stages import measure

DRAWN = 24
_NOT_COMPARED = "they were not compared with real signals: --metrics does it now, train.generation.metrics in training"


def run(
    model: Reference,
    count: int,
    out: Path,
    *,
    seed: int,
    figure: Path | None = None,
    metrics: Path | None = None,
    features: Reference | None = None,
    force: bool = False,
) -> list[str]:
    """Generate signals and write them; return what to tell the user.

    Args:
        model: The trained run; without a fold, its first one is taken.
        count: How many signals.
        out: `.npy` or `.csv`, see `ecgan.generation.export.write_signals`.
        seed: The same seed gives the same bytes, on one machine.
        figure: An SVG of the first signals, or None.
        metrics: JSON of how much they are like real ones, or None; see `stages.measure`.
        features: A run of the classifier `cnn`, for the Fréchet distance among the metrics.
        force: Whether files that are there are overwritten.

    Raises:
        EcganError: What was asked for is not possible; nothing is written then.
    """
    if count < 1:
        raise EcganError(f"-n {count}: at least one sample must be asked for.", "Say -n 100, for example.")
    if count > MOST:
        raise EcganError(f"-n {count}: one file holds {MOST:,} samples at most.", "Ask for fewer, several times.")
    if seed < 0:
        raise EcganError(f"--seed {seed}: a seed is 0 or more.", "Give 0 or more.")
    if features is not None and metrics is None:
        raise EcganError("--features is for the metrics, and none are asked for.", "Say --metrics FILE.json as well.")
    check_targets(out, figure, metrics, force=force, read=model.folder.rglob("*"))
    folds = folds_of(model)
    own_process()
    trained = load_trained(model.folder, folds[0], model.version)
    set_threads(trained.params.runtime.threads)
    drawn = _signals(trained, min(count, DRAWN), seed, raw=True) if figure is not None else []
    shape = (count, trained.expected.length, len(trained.expected.leads))
    check_room(out, shape)
    measured = None if metrics is None else finite(measure.run(trained, count, seed, features))
    clear_parts(out)
    terminal = Console(stderr=True)
    total = math.ceil(count / BATCH)
    quiet = total == 1 or not sys.stderr.isatty()
    made = _signals(trained, count, seed)
    batches = track(made, "generating", total, console=terminal, transient=True, disable=quiet)
    write_signals(out, batches, shape, trained.expected.leads, trained.expected.sampling_rate)
    write_json(described_in(out), _facts(trained, count, seed))
    if figure is not None:
        _draw(figure, drawn, trained)
    if metrics is not None:
        write_json(metrics, measured)
    compared = metrics is not None or trained.params.train.generation.metrics
    others = "" if len(folds) == 1 else f" (the first of {len(folds)}: /fold_K names another)"
    return [
        f"{trained.model.name}, fold {trained.fold.index}{others}, version {trained.version}",
        f"wrote {out}: {count:,} × {shape[1]} × {shape[2]}; {_unit(trained)}",
        *([] if compared else [_NOT_COMPARED]),
    ]


def _signals(trained: Trained, count: int, seed: int, *, raw: bool = False) -> Iterator[F32]:
    """Yield batches (b, C, L), in the unit of the data where it can be known, or as the model gives them if `raw`."""
    model = require_generative(trained.folded)
    for batch in generated_batches(model, count, derive_seed(seed, "generate")):
        signals: F32 = batch.float().cpu().numpy()
        yield signals if raw or not _invertible(trained) else trained.transformation.invert(signals, like=signals)


def _draw(path: Path, batches: Iterable[F32], trained: Trained) -> None:
    """Draw the first signals."""
    first = next(iter(batches))
    half = DRAWN // 2
    groups = {"Generated": first[:half], "Generated, more": first[half:]}
    write_text(path, samples_figure(groups, trained.transformation.channel_names(trained.expected.leads)))


def _invertible(trained: Trained) -> bool:
    """Whether generated signals have a unit: a sample that is scaled by its own range has none of its own."""
    return trained.transformation.name != "individual"


def _unit(trained: Trained) -> str:
    if _invertible(trained):
        return f"unit {trained.expected.unit}"
    low, high = trained.transformation.target
    return (
        f"no unit: the run scaled every sample to {low:g} … {high:g} by its own range "
        "(train.transformation: individual), which a generated one does not have"
    )


def _facts(trained: Trained, count: int, seed: int) -> dict[str, object]:
    """What the file of signals does not say itself."""
    expected = trained.expected
    return {
        "model": trained.model.name,
        "fold": trained.fold.index,
        "version": trained.version,
        "data_sha256": trained.fold.data_sha256,
        "seed": seed,
        "samples": count,
        "length": expected.length,
        "leads": expected.leads,
        "sampling_rate": expected.sampling_rate,
        "time_unit": "s" if expected.sampling_rate else "steps",
        "unit": expected.unit if _invertible(trained) else None,
        "range": None if _invertible(trained) else list(trained.transformation.target),
        "transformation": trained.transformation.name,
    }
