"""Command `export`: a trained run → one ONNX file. No stage of the pipeline: it is asked for, not declared."""

from pathlib import Path

from ecgan.exporting.writing import check_packages, check_target, export, is_told
from ecgan.references import Reference
from ecgan.runtime import own_process, set_threads
from ecgan.scoring.scorer import load_scorer


def run(
    model: Reference, out: Path, *, strategy: str | None = None, threshold: float | None = None, force: bool = False
) -> list[str]:
    """Export a run; return what to tell the user.

    Args:
        model: The trained run; without a fold, the mean of all of its folds is exported.
        out: The file, `.onnx`.
        strategy: The strategy that decides, and then nothing is exported but what it weighs; None: the one of
            `ecgan.evaluation.choosing`, with all components.
        threshold: Its threshold; None: the fitted one.
        force: Whether a file that is there is overwritten.

    Raises:
        EcganError: The run cannot be exported; nothing is written then.
    """
    check_target(out, force=force)
    check_packages()
    own_process()
    scorer = load_scorer(model, strategy=strategy, threshold=threshold, precision="fp32")
    set_threads(scorer.trained.params.runtime.threads)
    outputs = export(scorer, out, force=force)
    trained, folds = scorer.members[0].network, [member.trained.fold.index for member in scorer.members]
    if is_told(scorer):
        channels = f"{trained.model.channels} + {trained.model.conditions}"
        return [
            f"{trained.model.name}: the network alone, for it is told of a sample's record; the detector"
            f" {scorer.members[0].fitted.detector.name} and its threshold stay with `ecgan score`",
            f"wrote {out}: x (samples, {channels} conditions, {trained.expected.length}) → {', '.join(outputs)};"
            " checked against the run",
        ]
    return [
        f"{trained.model.name}, fold{'s' if len(folds) > 1 else ''} {', '.join(map(str, folds))}, strategy"
        f" {scorer.strategy}, threshold {scorer.threshold:.6g} ({scorer.threshold_from})",
        f"wrote {out}: x (samples, {len(trained.expected.leads)}, {trained.expected.length}) in {trained.expected.unit}"
        f" → {', '.join(outputs)}; checked against the run",
    ]
