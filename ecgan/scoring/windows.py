"""From a recording to what a model takes: its rate, the dataset's windows, and why some of them cannot be scored."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ecgan.datasets.base import cut_recording
from ecgan.ecg.alignment import MOST_MOVED_MS
from ecgan.ecg.beats import beat_table
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.preprocessing.options import SampleOptions
from ecgan.preprocessing.preparing import prepare_samples, rounded
from ecgan.preprocessing.rates import ratio_of
from ecgan.runtime import side_by_side
from ecgan.samples import SHIFT, Samples
from ecgan.scoring.scorer import Scorer

I64 = NDArray[np.int64]

BLOCK_S = 3600
"""Longer recordings are cut piece by piece, so that memory does not hold several copies of a day."""
_BESIDE = 2
"""Pieces that are cut side by side."""
_MARGIN_S = 30
"""A piece is filtered and resampled with this much of its neighbours, so that its borders leave no trace."""
_MOST_FINER = 16
"""A recording that is so much slower than the model's rate has no QRS complexes left."""

_INTERVALS = {"rr_prev_s", "rr_next_s"}

BORDER = "its window crosses the border of the recording"
LEFT_OUT = "the dataset's rule leaves it out"
MISSING = "samples are missing"


@dataclass(frozen=True)
class Windows:
    """Samples of one stretch of a recording, ready for a model.

    Attributes:
        samples: The m that can be scored, prepared and rounded, before the transformation.
        rows: Which of the n samples those are, shape (m,).
        positions: Position of each sample in the recording, int64, ascending, shape (n,).
        reasons: Why a sample cannot be scored, length n; empty where it can.
        before_s: From the begin of a window to its position, s.
        duration_s: Length of a window, s.
    """

    samples: Samples
    rows: I64
    positions: I64
    reasons: list[str]
    before_s: float
    duration_s: float


def windows_of(record: Record, scorer: Scorer) -> Iterator[Windows]:
    """Cut a recording as the run's dataset cuts its own: beats stretch by stretch, windows in one go.

    It has its own rate, and the model's leads under the model's names; its annotations are R peaks.

    Raises:
        EcganError: The rate cannot be reached.
    """
    ratio = ratio_of(record.sampling_rate, scorer.rate)
    if ratio is None or ratio > _MOST_FINER:
        raise EcganError(
            f"the recording {record.name} was sampled at {record.sampling_rate:g} Hz, which cannot be brought to the"
            f" model's {scorer.rate:g} Hz."
        )
    length = len(record.signals)
    if not scorer.beats:  # a grid of windows must not start anew with every stretch
        yield _windows(record, scorer)
        return
    size, margin = (_whole(seconds * record.sampling_rate, ratio) for seconds in (BLOCK_S, _MARGIN_S))
    starts = list(range(0, max(length - size, 1), size))

    def cut(start: int) -> Windows | None:
        stop = length if start == starts[-1] else start + size
        rows = np.flatnonzero((record.samples >= start) & (record.samples < stop))
        if not len(rows) and len(starts) > 1:
            return None
        return _beats(record, rows, max(0, start - margin), min(stop + margin, length), scorer)

    for some in range(0, len(starts), _BESIDE):  # no more are kept at once
        yield from filter(None, side_by_side(cut, starts[some : some + _BESIDE]))


def _whole(count: float, ratio: Fraction) -> int:
    """The next multiple: a stretch begins where a sample at the recording's rate is one at the model's rate too."""
    return int(np.ceil(count / ratio.denominator)) * ratio.denominator


def _beats(record: Record, rows: I64, first: int, last: int, scorer: Scorer) -> Windows:
    """Cut the beats at `rows` of the recording's R peaks, seen with what lies between `first` and `last`."""
    near = record.samples[(record.samples >= first) & (record.samples < last)] - first
    piece = replace(record, signals=record.signals[first:last], samples=near, symbols=["N"] * len(near), notes=[])
    cut = cut_recording(scorer.dataset, replace(piece, annotated=False), scorer.options)
    at, positions = cut.table["sample"].to_numpy(np.int64) + first, record.samples[rows]
    places = np.searchsorted(at, positions)
    there = np.append(at, -1)[places] == positions
    there &= np.diff(positions, prepend=-1) > 0  # of several at one place the first
    places = places[there]
    chosen = cut if len(places) == len(cut) else cut[places]
    if first or len(near) < len(record.samples) or not _INTERVALS.issubset(cut.table):  # of all that the record has
        table = beat_table(replace(record, symbols=["N"] * len(record.samples)), rows[there], annotated=False)
        if SHIFT in chosen.table:
            table[SHIFT] = chosen.table[SHIFT]
        chosen = replace(chosen, table=table)
    rate, length = cut.about.sampling_rate, len(record.signals) / record.sampling_rate
    begin = positions / record.sampling_rate - (cut.about.centre or 0) / rate
    moved = (1e-3 * MOST_MOVED_MS if SHIFT in chosen.table else 0.0) - 0.5 / rate
    crosses = (begin < moved) | (begin + cut.length / rate > length - moved)
    reasons = np.where(there, "", np.where(crosses, BORDER, LEFT_OUT))
    return _prepared(chosen, np.flatnonzero(there), positions, reasons.tolist(), scorer)


def _windows(record: Record, scorer: Scorer) -> Windows:
    """Cut a whole recording into windows."""
    cut = cut_recording(scorer.dataset, record, scorer.options)
    positions = cut.table["sample"].to_numpy(np.int64)
    return _prepared(cut, np.arange(len(cut)), positions, [""] * len(cut), scorer)


def _prepared(cut: Samples, rows: I64, positions: I64, reasons: list[str], scorer: Scorer) -> Windows:
    """Cleanse and resample the samples that were cut, as the pipeline does; `rows` says which of all they are."""
    missing = np.isnan(cut.signals).all(axis=2).any(axis=1)  # nothing fills a lead without any value
    if isinstance(scorer.options, SampleOptions) and scorer.options.cleansing.drop:
        missing[:] = False
    fillable = np.flatnonzero(~missing)
    prepared = prepare_samples(cut[fillable] if missing.any() else cut, scorer.options)
    whole = np.isfinite(prepared.samples.signals).all(axis=(1, 2))
    kept = fillable[np.flatnonzero(prepared.kept)[whole]]
    expected = scorer.trained.expected.length
    if prepared.samples.length != expected:
        raise EcganError(
            f"samples of {prepared.samples.length} steps were cut, and the model takes {expected}.",
            "The dataset cuts otherwise than when the model was trained: train it again.",
        )
    for index in np.setdiff1d(np.arange(len(cut)), kept):
        reasons[rows[index]] = MISSING
    for fault, found in prepared.faults.items():
        for index in fillable[found]:
            reasons[rows[index]] = fault
    samples = prepared.samples if whole.all() else prepared.samples[whole]
    before = cut.length // 2 if cut.about.centre is None else cut.about.centre
    return Windows(
        samples=replace(samples, signals=rounded(samples.signals)),
        rows=rows[kept],
        positions=positions,
        reasons=reasons,
        before_s=before / cut.about.sampling_rate,
        duration_s=cut.length / cut.about.sampling_rate,
    )
