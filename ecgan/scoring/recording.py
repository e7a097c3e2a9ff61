"""Scoring one recording: its leads, its R peaks, its windows, and what the run says of each."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecgan.ecg import rhythm
from ecgan.ecg.aami import CLASSES, class_ids
from ecgan.ecg.files.units import check_size_of_ecg, strange_heart, strange_rate
from ecgan.ecg.leads import ANY
from ecgan.ecg.peaks import find_r_peaks, stretches_without
from ecgan.ecg.records import Record
from ecgan.errors import EcganError
from ecgan.preprocessing.marks import marks_warning
from ecgan.progress import Stopwatch
from ecgan.reporting.recordings import NOISE, Explained, Family, Normal, ScoredRecording
from ecgan.runtime import return_small
from ecgan.samples import RECORD, SHIFT, join
from ecgan.scoring.doubts import doubts, most_flagged
from ecgan.scoring.episodes import episodes_of, rhythm_warnings
from ecgan.scoring.families import families_of
from ecgan.scoring.leads import choose_leads, columns, with_derived
from ecgan.scoring.normal import Seen, normal_of, points_of, see, seen_together, told, warnings_of
from ecgan.scoring.scorer import Judged, Scorer
from ecgan.scoring.windows import Windows, windows_of
from ecgan.terminal import encodable

F64 = NDArray[np.float64]

SHOWN = 3
"""Stretches without beats that a warning names."""

LONG = 20_000
"""Beats from which on freed memory goes back to the system between two steps, which takes a moment."""

EXPLAINED = 1000
"""At most this many flagged samples are kept with what the model takes them for."""


def score_recording(
    record: Record,
    scorer: Scorer,
    *,
    leads: Sequence[str] | None = None,
    annotator: str | None = None,
    watch: Stopwatch | None = None,
    explain: bool = True,
) -> ScoredRecording:
    """Score the beats of a recording.

    Args:
        record: The recording at its own rate, mV, NaN where samples are missing. Its annotations are its beats; without
            any, R peaks are detected.
        scorer: The run.
        leads: The recording's leads that stand for the model's, in the model's order; `("auto",)`: those that standards
            name so; None: those of the same names. III, aVR, aVL and aVF are derived where they are not there.
        annotator: Where the annotations come from; None: R peaks are detected, whatever annotations there are.
        watch: Is told how long it takes to find the beats and to score them.
        explain: Whether flagged samples are kept with what the model takes them for, for a page.

    Raises:
        EcganError: The recording cannot be scored.
    """
    record, derived = with_derived(record, scorer.leads, leads)
    chosen = choose_leads(record.leads, scorer.leads, leads, record.left_out)
    own = replace(
        record,
        name=encodable(record.name),  # tables hold text only
        signals=columns(record.signals, chosen),
        leads=[record.leads[index] for index in chosen],
        notes=[],
    )
    _check_signals(own, scorer)
    doubt = check_size_of_ecg(f"the recording {own.name}", own.signals, own.sampling_rate, own.leads, own.assumed)
    watch = watch or Stopwatch()
    with watch.step("beats"):
        found = (own, f"annotator {annotator}") if annotator is not None else _with_peaks(own, record, chosen, scorer)
    own, source = found
    if scorer.beats and not len(own.samples):
        raise EcganError(
            f"the recording {own.name} of {len(own.signals) / own.sampling_rate:.3g} s has 0 R peaks.",
            "Take a longer recording, or one in which R peaks can be found.",
        )
    with watch.step("scores"):
        windows, judged, seen = _score(own, scorer, explain=explain)
    count = len(windows.positions)
    if not windows.rows.size:
        counts = ", ".join(f"{number:,} × {reason}" for reason, number in Counter(windows.reasons).most_common())
        raise EcganError(f"none of the {count:,} beats of {record.name} can be scored: {counts}.")
    symbols = own.symbols if annotator is not None and scorer.beats else [""] * count
    own = replace(own, samples=windows.positions, symbols=symbols)
    table = _columns(own, windows, judged, scorer)
    normal, families = _normal_and_families(windows, seen, table, scorer) if scorer.beats else (None, [])
    table["family"] = _numbers(families, count)
    irregular = np.zeros(count, dtype=bool)
    irregular[windows.rows] = scorer.irregular(judged)
    episodes = episodes_of(table, families, "beat" if scorer.beats else "window", irregular=irregular)
    facts = _facts(own, windows, table, scorer, source)
    facts |= {"families": len(families), "episodes": len(episodes)} | ({"derived": derived} if derived else {})
    facts["warnings"] = [
        *record.warnings,
        *([doubt] if doubt else []),
        *doubts(scorer, own, facts, detected=annotator is None),
        *facts["warnings"],
    ]
    if scorer.beats:
        facts["normal"] = told(normal)
        scores = judged.scores[scorer.strategy]
        if scorer.context and (scores == scores[0]).all():
            facts["warnings"].append(f"All {len(scores):,} beats have the same score: too few to say what is usual.")
        facts["warnings"] += warnings_of(normal, most_flagged=most_flagged(facts))
        facts["warnings"] += rhythm_warnings(episodes, len(own.signals) / own.sampling_rate)
    if any(symbols) and (warning := marks_warning(own, scorer.options)):
        facts["warnings"].append(warning)
    return ScoredRecording(
        record=own,
        leads=[lead if wanted == ANY else wanted for wanted, lead in zip(scorer.leads, own.leads, strict=True)],
        model=scorer.reference,
        dataset=scorer.dataset.name,
        strategy=scorer.strategy,
        threshold=scorer.threshold,
        columns=table,
        explained=_explained(windows, seen, table, scorer, own.sampling_rate) if explain else [],
        unit=scorer.trained.expected.unit,
        facts=facts,
        noun="beat" if scorer.beats else "window",
        families=families,
        episodes=episodes,
        normal=normal,
    )


def _numbers(families: Sequence[Family], count: int) -> NDArray[np.int64]:
    """Number of the family of each beat, (n,), 0 for none."""
    found = np.zeros(count, dtype=np.int64)
    for family in families:
        found[family.rows] = family.number
    return found


def _check_signals(record: Record, scorer: Scorer) -> None:
    """Refuse what has no beat in it, before beats are looked for."""
    rate, shortest = record.sampling_rate, 0.0
    if not (np.isfinite(rate) and rate > 0):
        raise EcganError(f"the recording {record.name} has a sampling rate of {rate:g} Hz.", "Mend its header.")
    if strange := strange_rate(rate, scorer.rate):
        raise EcganError(
            f"the recording {record.name} has {strange}.",
            "Mend its times or its header.",
        )
    expected = scorer.trained.expected
    if expected.sampling_rate:
        shortest = expected.length / expected.sampling_rate
    if len(record.signals) / rate < shortest:
        raise EcganError(
            f"the recording {record.name} lasts {len(record.signals) / rate:.3g} s, less than the {shortest:.3g} s that"
            " the model looks at around a beat."
        )
    for lead, values in zip(record.leads, record.signals.T, strict=True):
        low, high = (of.reduce(values, initial=np.nan) for of in (np.fmin, np.fmax))
        if np.isnan(low):
            raise EcganError(f"the recording {record.name} has no values in lead {lead}: all are missing (NaN).")
        if low == high:
            raise EcganError(
                f"the recording {record.name} is flat in lead {lead}: every value is {low:.4g} mV.",
                "Choose another lead: --leads NAME.",
            )


def _with_peaks(own: Record, record: Record, chosen: list[int], scorer: Scorer) -> tuple[Record, str]:
    """Find the R peaks in all leads of the recording, marked in the chosen ones; none where samples are no beats."""
    if scorer.trained.expected.centre is None:
        return replace(own, samples=np.zeros(0, dtype=np.int64), symbols=[]), "windows"
    peaks = find_r_peaks(record.signals, record.sampling_rate, chosen)
    return replace(own, samples=peaks, symbols=["N"] * len(peaks)), f"detected in {', '.join(record.leads)}"


def _score(record: Record, scorer: Scorer, *, explain: bool) -> tuple[Windows, Judged, Seen]:
    """Score stretch by stretch; a run that looks at the record is given all of it at once.

    Returns:
        All windows, whose samples are only those that are flagged, without what is known of them where they are not to
        be explained; what the run says of those at their `rows`, and what was seen of them.
    """
    stretches: Iterable[Windows] = windows_of(replace(record, leads=list(scorer.leads)), scorer)
    if scorer.context:
        stretches = [_gathered(stretches, len(record.samples))]
    parts: list[Windows] = []
    judged: list[Judged] = []
    seen: list[Seen] = []
    for windows in stretches:
        flagged, own, samples = np.zeros(0, dtype=np.int64), None, windows.samples
        if len(samples):
            shown = samples.seen(slice(None), scorer.context)
            inputs = scorer.inputs(shown)
            judged.append(scorer.judge(shown, inputs))
            flagged = np.flatnonzero(scorer.flagged(judged[-1]))
            own = scorer.own_normal(inputs) if RECORD in scorer.context else None
            del inputs
            samples = shown if scorer.context else samples
        seen.append(see(windows.samples, flagged, own))
        kept = samples[flagged] if explain else samples.seen(flagged)  # others are no longer needed
        parts.append(replace(windows, samples=kept))
    return _together(parts), _joined(judged), seen_together(seen)


def _gathered(stretches: Iterable[Windows], count: int) -> Windows:
    """At most `count` samples of several stretches as one; no stretch is kept, or a day would be there twice."""
    parts: list[Windows] = []
    signals, at = np.empty((0, 0, 0), dtype=np.float32), 0
    if count > LONG:
        return_small()  # what was needed to find the beats
    for part in stretches:
        own = part.samples.signals
        if not parts:
            signals = np.empty((count, *own.shape[1:]), dtype=own.dtype)
        signals[at : at + len(own)] = own
        at += len(own)
        parts.append(
            replace(part, samples=replace(part.samples, signals=own[:0].copy()))
        )  # a view would keep all of it
    whole = _together(parts)
    if count > LONG:
        return_small()
    return replace(whole, samples=replace(whole.samples, signals=signals[:at]))


def _together(parts: list[Windows]) -> Windows:
    """Several stretches as one."""
    if len(parts) == 1:
        return parts[0]
    before = [0, *np.cumsum([len(part.positions) for part in parts[:-1]]).tolist()]
    return replace(
        parts[0],
        samples=join([part.samples for part in parts]),
        rows=np.concatenate([part.rows + count for part, count in zip(parts, before, strict=True)]),
        positions=np.concatenate([part.positions for part in parts]),
        reasons=[reason for part in parts for reason in part.reasons],
    )


def _joined(parts: list[Judged]) -> Judged:
    """What was said of several stretches, as if of one."""
    if not parts:
        return Judged({}, {}, None)
    spreads = [part.spread for part in parts if part.spread is not None]
    return Judged(
        {name: np.concatenate([part.components[name] for part in parts]) for name in parts[0].components},
        {name: np.concatenate([part.scores[name] for part in parts]) for name in parts[0].scores},
        np.concatenate(spreads) if spreads else None,
    )


def _columns(record: Record, windows: Windows, judged: Judged, scorer: Scorer) -> dict[str, Any]:
    """One value a sample; see `ScoredRecording.columns`."""
    count = len(record.samples)

    def spread(values: F64) -> F64:
        column = np.full(count, np.nan)
        column[windows.rows] = values
        return column

    score = spread(judged.scores[scorer.strategy])
    columns: dict[str, Any] = {
        "number": np.arange(1, count + 1),
        "sample": record.samples,
        "time_s": np.round(record.samples / record.sampling_rate, 6),
        "symbol": record.symbols,
        "score": score,
    }
    if judged.spread is not None:
        columns["score_std"] = spread(judged.spread)
    columns["flagged"] = np.zeros(count, dtype=bool)
    columns["flagged"][windows.rows] = scorer.flagged(judged)
    columns["family"] = np.zeros(count, dtype=np.int64)
    columns["reason"] = np.array(windows.reasons, dtype=object)
    columns["reason"][windows.rows[scorer.unreadable(judged)]] = NOISE
    columns |= {f"component_{name}": spread(values) for name, values in judged.components.items()}
    columns |= {f"strategy_{name}": spread(values) for name, values in judged.scores.items() if name != scorer.strategy}
    return columns


def _normal_and_families(
    windows: Windows, seen: Seen, table: Mapping[str, Any], scorer: Scorer
) -> tuple[Normal | None, list[Family]]:
    """What was taken for normal, and the families of the flagged beats."""
    rr = rhythm.intervals(table["time_s"])[0]
    about, place = windows.samples.about, {"before_s": windows.before_s, "duration_s": windows.duration_s}
    normal = normal_of(seen, about, rr[windows.rows], **place)
    if normal is None or not table["flagged"].any():
        return normal, []
    usual = np.zeros(len(rr), dtype=bool)
    usual[windows.rows[seen.usual]] = True
    early = rhythm.earliness(rr, rhythm.expected_interval(rr, usual))
    flagged, points = np.flatnonzero(table["flagged"]), points_of(seen, windows.samples, normal)
    return normal, families_of(points, windows.samples, flagged, seen, table, early, scorer.describe)


def _explained(
    windows: Windows, seen: Seen, table: Mapping[str, Any], scorer: Scorer, sampling_rate: float
) -> list[Explained]:
    """The flagged samples with the highest scores, and what the run takes them for."""
    flagged, times = np.flatnonzero(table["flagged"]), table["time_s"]
    order = np.argsort(-table["score"][flagged], kind="stable")[:EXPLAINED]
    if len(order) == 0:
        return []
    samples = windows.samples[order]
    moved_s = samples.table.get(SHIFT, pd.Series(0, samples.table.index)).to_numpy() / sampling_rate
    models = scorer.reconstruct(samples)
    shifts = seen.shifts[np.searchsorted(windows.rows, flagged[order])] * windows.duration_s / samples.length
    return [
        Explained(
            row=row,
            start_s=float(times[row] + moved_s[index] - windows.before_s),
            duration_s=windows.duration_s,
            signal=samples.signals[index].T,  # (C, L) to (L, C)
            reconstruction=None if models is None else models[index].T,
            shift_s=float(shifts[index]),
        )
        for index, row in enumerate(flagged[order].tolist())
    ]


def _facts(record: Record, windows: Windows, table: Mapping[str, Any], scorer: Scorer, source: str) -> dict[str, Any]:
    """What a summary says besides; names and plain values."""
    trained = scorer.trained
    facts: dict[str, Any] = {
        "beats_from": source if scorer.beats else "windows",
        "samples": len(record.samples),
        "scored": len(windows.rows),
        "flagged": int(table["flagged"].sum()),
        "noisy": int((table["reason"] == NOISE).sum()),
        "not_scored": dict(sorted(Counter(reason for reason in windows.reasons if reason).items())),
        "minutes": round(len(record.signals) / record.sampling_rate / 60, 3),
        "model_rate_hz": scorer.rate,
        "threshold_from": scorer.threshold_from,
        "detector": scorer.members[0].fitted.detector.name,
        "folds": [member.trained.fold.index for member in scorer.members],
        "version": [member.trained.version for member in scorer.members],
        "transformation": trained.transformation.name,
    }
    facts["warnings"] = _warnings(record) if scorer.beats else []
    if any(record.symbols):
        facts["flagged_by_class"] = by_class(table)
    return facts


def _warnings(record: Record) -> list[str]:
    """What a reader must know before anything else, a sentence each."""
    strange = strange_heart(len(record.samples), len(record.signals) / record.sampling_rate)
    found = [f"{strange}: is the sampling rate of {record.sampling_rate:g} Hz right?"] if strange else []
    silent = stretches_without(record.samples, record.signals, record.sampling_rate)
    if not silent:
        return found
    longest = sorted(sorted(silent, key=lambda ends: ends[0] - ends[1])[:SHOWN])
    times = ", ".join(f"{timedelta(seconds=int(begin))} to {timedelta(seconds=int(end))}" for begin, end in longest)
    more = f" and {len(silent) - SHOWN:,} shorter stretches" if len(silent) > SHOWN else ""
    seconds = sum(end - begin for begin, end in silent)
    return [*found, f"There are no beats from {times}{more}, {seconds:,.0f} s in all: nothing is said of it."]


def by_class(table: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Beats that were scored, and how many of them are flagged, by AAMI class of the reference annotation."""
    scored = ~np.isnan(table["score"])
    ids = class_ids(table["symbol"], "aami")[scored]
    flagged = table["flagged"][scored]
    return {
        name: {"scored": int(np.sum(ids == index)), "flagged": int(np.sum(flagged[ids == index]))}
        for index, name in enumerate(CLASSES)
        if np.any(ids == index)
    }
