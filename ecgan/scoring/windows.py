"""From a recording to what a model takes: its rate, the dataset's windows, and why some of them cannot be scored."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.arrays import F32
from ecgan.config.options import Options
from ecgan.datasets.base import Cut
from ecgan.ecg.filters import bridge
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.preprocessing.cleansing import find_faults
from ecgan.preprocessing.options import SampleOptions
from ecgan.preprocessing.preparing import prepare_windows
from ecgan.preprocessing.processed import DECIMALS
from ecgan.preprocessing.resampling import polyphase
from ecgan.scoring.scorer import Scorer

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]

BLOCK_S = 3600
"""Longer recordings are cut piece by piece, so that memory does not hold several copies of a day."""
_MARGIN_S = 30
"""A piece is filtered and resampled with this much of its neighbours, so that its borders leave no trace."""
_MOST_DENOMINATOR = 2000
_TOLERANCE = 1e-3
_MOST_FINER = 16
"""A recording that is so much slower than the model's rate has no QRS complexes left."""

BORDER = "its window crosses the border of the recording"
LEFT_OUT = "the dataset's rule leaves it out"
MISSING = "samples are missing"


@dataclass(frozen=True)
class Windows:
    """Samples of one stretch of a recording, ready for a model.

    Attributes:
        data: In the data's unit, before the transformation, float32, shape (m, L, C); only what can be scored.
        rows: Which of the n samples those are, shape (m,).
        positions: Position of each sample in the recording, int64, ascending, shape (n,).
        starts_s: Time in the recording at which each sample's window begins, shape (n,); NaN where it has none.
        reasons: Why a sample cannot be scored, length n; empty where it can.
        duration_s: Length of a window, s.
        beats: Whether the samples are beats.
    """

    data: F32
    rows: I64
    positions: I64
    starts_s: F64
    reasons: list[str]
    duration_s: float
    beats: bool


def ratio_of(rate: float, wanted: float) -> Fraction:
    """Return the ratio of integers by which a signal of `rate` is resampled to `wanted`, both in Hz."""
    return (Fraction(wanted) / Fraction(rate)).limit_denominator(_MOST_DENOMINATOR)


def windows_of(record: Record, scorer: Scorer) -> Iterator[Windows]:
    """Cut a recording as the run's dataset cuts its own, stretch by stretch.

    Args:
        record: The recording at its own rate with the model's leads, under the model's names; `samples` are R peaks.
        scorer: The run.

    Raises:
        EcganError: Nothing can be cut, or the rate cannot be reached.
    """
    ratio = ratio_of(record.sampling_rate, scorer.rate)
    reached = float(ratio) * record.sampling_rate
    if not 0 < ratio <= _MOST_FINER or abs(reached - scorer.rate) > _TOLERANCE * scorer.rate:
        raise EcganError(
            f"the recording {record.name} was sampled at {record.sampling_rate:g} Hz, which cannot be brought to the"
            f" model's {scorer.rate:g} Hz."
        )
    length = len(record.signals)
    size, margin = (_whole(seconds * record.sampling_rate, ratio.denominator) for seconds in (BLOCK_S, _MARGIN_S))
    uncut, some = None, False
    starts = list(range(0, max(length - size, 1), size)) if len(record.samples) else [0]
    for start, stop in zip(starts, [*starts[1:], length], strict=True):
        if len(starts) > 1 and not np.any((record.samples >= start) & (record.samples < stop)):
            continue
        taken = _Stretch(start, stop, max(0, start - margin), min(stop + margin, length))
        try:
            found = _cut(record, taken, ratio, scorer)
        except _UncutError as error:
            uncut = error
            yield _left_out(record, taken, scorer)
            continue
        some = True
        if not found.beats and len(starts) > 1:  # a grid of windows must not start anew with every stretch
            yield _cut(record, _Stretch(0, length, 0, length), ratio, scorer)
            return
        yield found
    if uncut is not None and not some:
        raise EcganError(uncut.message, uncut.hint)


class _UncutError(EcganError):
    """The dataset cuts nothing out of a stretch."""


@dataclass(frozen=True)
class _Stretch:
    """Samples `start` to `stop` of a recording, seen with their surroundings `first` to `last`."""

    start: int
    stop: int
    first: int
    last: int


def _left_out(record: Record, stretch: _Stretch, scorer: Scorer) -> Windows:
    """The beats of a stretch out of which nothing is cut, such as one with a single beat in an hour."""
    positions = record.samples[(record.samples >= stretch.start) & (record.samples < stretch.stop)]
    return Windows(
        data=np.zeros((0, scorer.trained.expected.length, len(scorer.leads)), dtype=np.float32),
        rows=np.zeros(0, dtype=np.int64),
        positions=positions,
        starts_s=np.full(len(positions), np.nan),
        reasons=[LEFT_OUT] * len(positions),
        duration_s=0.0,
        beats=True,
    )


def _whole(count: float, multiple: int) -> int:
    """The next multiple: a stretch begins where a sample at the recording's rate is one at the model's rate too."""
    return int(np.ceil(count / multiple)) * multiple


def _cut(record: Record, stretch: _Stretch, ratio: Fraction, scorer: Scorer) -> Windows:
    """Cut one stretch and prepare its samples."""
    raw = record.signals[stretch.first : stretch.last]
    missing = None if np.isfinite(raw).all() else np.isnan(raw)
    signals = bridge(raw) if ratio == 1 else polyphase(bridge(raw)[None], ratio)[0]  # (T, C) to (1, T, C) and back
    near = record.samples[(record.samples >= stretch.first) & (record.samples < stretch.last)] - stretch.first
    peaks = np.minimum(np.rint(near * float(ratio)).astype(np.int64), len(signals) - 1)
    distinct = np.unique(peaks)
    symbols = ["N"] * len(distinct)
    piece = replace(record, signals=signals, sampling_rate=scorer.rate, samples=distinct, symbols=symbols, notes=[])
    try:
        cut = scorer.dataset.cut(piece, scorer.options)
    except EcganError as error:
        raise _UncutError(error.message, error.hint) from error
    if cut.centre is None:
        positions = np.rint(cut.positions / float(ratio)).astype(np.int64)
        found = _Found(cut, np.arange(len(positions)), [""] * len(positions))
    else:
        core = (near >= stretch.start - stretch.first) & (near < stretch.stop - stretch.first)
        positions = near[core]
        found = _found(cut, peaks[core], len(signals))
    return _prepared(found, positions + stretch.first, stretch.first, missing, ratio, scorer)


@dataclass(frozen=True)
class _Found:
    """A cut, where each wanted sample is in it (-1: nowhere), and why it is not there."""

    cut: Cut
    places: I64
    reasons: list[str]


def _found(cut: Cut, peaks: I64, length: int) -> _Found:
    """Find peaks, at the cut's rate, among its samples; of peaks that fall together the first one is there."""
    after = np.minimum(np.searchsorted(cut.positions, peaks), len(cut.positions) - 1)
    there = (cut.positions[after] == peaks) & (np.diff(peaks, prepend=-1) > 0)
    first = peaks - (cut.positions[0] - cut.starts[0])
    crosses = (first < 0) | (first + cut.data.shape[1] * cut.step > length)
    if cut.ends is not None:  # such a sample ends where its beat does, not with its window
        crosses[:] = False
    reasons = np.where(there, "", np.where(crosses, BORDER, LEFT_OUT))
    return _Found(cut, np.where(there, after, -1), [str(reason) for reason in reasons])


def _prepared(
    found: _Found, positions: I64, offset: int, missing: Bools | None, ratio: Fraction, scorer: Scorer
) -> Windows:
    """Cleanse and resample the samples that were found, as the pipeline does."""
    cut, places = found.cut, found.places[found.places >= 0]
    data = cut.data[places] if missing is None else _with_gaps(cut, places, missing, ratio)
    usable = np.flatnonzero(~np.isnan(data).all(axis=1).any(axis=1))  # nothing fills a lead without any value
    prepared = prepare_windows(data[usable], scorer.rate / cut.step, cut.centre, scorer.options, may_be_empty=True)
    whole = np.isfinite(prepared.data).all(axis=(1, 2))
    kept = usable[np.flatnonzero(prepared.kept)[whole]]
    if prepared.data.shape[1] != scorer.trained.expected.length:
        raise EcganError(
            f"samples of {prepared.data.shape[1]} steps were cut, and the model takes"
            f" {scorer.trained.expected.length}.",
            "The dataset cuts otherwise than when the model was trained: train it again.",
        )
    rows, reasons, starts = np.flatnonzero(found.places >= 0), list(found.reasons), np.full(len(positions), np.nan)
    starts[rows] = (cut.starts[places] / float(ratio) + offset) / (scorer.rate / float(ratio))
    for index, reason in _reasons(data, kept, scorer.options).items():
        reasons[rows[index]] = reason
    return Windows(
        data=np.round(prepared.data[whole], DECIMALS).astype(np.float32),
        rows=rows[kept],
        positions=positions,
        starts_s=starts,
        reasons=reasons,
        duration_s=cut.data.shape[1] * cut.step / scorer.rate,
        beats=cut.centre is not None,
    )


def _reasons(data: NDArray[Any], kept: I64, options: Options) -> dict[int, str]:
    """Why samples of data (n, L, C) that are not among `kept` are left out, by their index."""
    reasons = dict.fromkeys(np.setdiff1d(np.arange(len(data)), kept).tolist(), MISSING)
    if isinstance(options, SampleOptions):
        for fault, found in find_faults(data, options.cleansing).items():
            reasons |= dict.fromkeys(np.flatnonzero(found).tolist(), fault)
    return reasons


def _with_gaps(cut: Cut, places: I64, missing: Bools, ratio: Fraction) -> NDArray[Any]:
    """Return the samples at `places` of a cut, (m, L, C), with NaN where values were bridged."""
    data = cut.data[places]
    positions = cut.starts[places][:, None] + cut.step * np.arange(data.shape[1])  # (m, L)
    steps = np.rint(positions / float(ratio)).astype(np.int64)
    signal = steps < len(missing)
    if cut.ends is not None:
        signal &= positions < cut.ends[places][:, None]
    gaps = missing[np.clip(steps, 0, len(missing) - 1)] & signal[:, :, None]  # (m, L, C)
    return np.where(gaps, np.nan, data).astype(data.dtype)
