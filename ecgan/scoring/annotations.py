"""Scores as a WFDB annotation file, which viewers of ECG records open beside the record."""

import math
from pathlib import Path

import numpy as np

from ecgan.ecg.files.annotations import annotation_bytes
from ecgan.files import write_bytes
from ecgan.reporting.recordings import ACCEPTED, ScoredRecording

ANNOTATOR = "ecgan"
"""Ending of the file; `atr` belongs to reference annotations."""

NOT_FLAGGED, FLAGGED, NOT_SCORED, NO_BEAT = "N", "Q", "?", '"'
"""Standard symbols: a normal beat, an unclassifiable beat, a beat that was not classified, a comment."""


def write_annotations(path: Path, scored: ScoredRecording) -> None:
    """Write one annotation a beat, at its R peak, with the score as its note, into a file that ends in `ANNOTATOR`.

    The symbol is N for a beat that is not flagged, Q (unclassifiable) for one that is, ? (not classified) for one that
    could not be scored or read; samples that are no beats are comments. The note is `score 0.01234`, with `flagged` and
    its family or `noise` behind it, or `not scored: ` and the reason. Where a reader decided, there are only the beats
    of the families that were accepted. The file says its sampling rate. There is at least one row.
    """
    beats = scored.beats
    if scored.decided:
        accepted = [family.number for family in scored.families if family.decision == ACCEPTED]
        beats = beats[beats["family"].isin(accepted)]
    rows = zip(*(beats[name].tolist() for name in ("score", "flagged", "reason", "family")), strict=True)
    pairs = [_annotation(*row) for row in rows]
    no_beats = scored.facts["beats_from"] == "windows"
    symbols = [NO_BEAT if no_beats else symbol for symbol, _ in pairs]
    samples, notes = beats["sample"].to_numpy(np.int64), [note for _, note in pairs]
    write_bytes(path, annotation_bytes(samples, symbols, notes, scored.record.sampling_rate))


def _annotation(score: float, flagged: bool, reason: str, family: int) -> tuple[str, str]:
    """Symbol and note."""
    if math.isnan(score):
        return NOT_SCORED, f"not scored: {reason}"
    if reason:
        return NOT_SCORED, f"score {score:.4g} {reason}"
    if not flagged:
        return NOT_FLAGGED, f"score {score:.4g}"
    return FLAGGED, f"score {score:.4g} flagged" + (f" family {family}" if family else "")
