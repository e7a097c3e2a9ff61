"""What a run takes for normal in a recording of beats, and when that may not be normal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.detection import base
from ecgan.detection.base import OwnNormal
from ecgan.detection.densities import shapes
from ecgan.ecg import rhythm
from ecgan.ecg.quality import clarity
from ecgan.ecg.template import FEW, WINDOWS_MS, aligned, evenly, median_beat, qrs_ms, window
from ecgan.quantiles import median
from ecgan.reporting.recordings import Mode, Normal
from ecgan.samples import About, Samples

F64 = NDArray[np.float64]

LEAST_SHARE = 0.5
"""With a smaller share of usual beats the record's majority may not be normal. Flagged beats and those beside them are
not counted, which ectopic beats put out of time: in 13 records of DS1 in sinus rhythm or bundle branch block it is .73
and more, in fibrillation (203) .06."""
FEWEST = 20
"""With fewer beats that are not flagged, nor beside one that is, nothing is said of their rhythm,"""
LEAST_CALM = 0.05
"""and with a smaller share of them it is said that they are rare."""
RATES = (40.0, 110.0)
"""Usual beats at another rate a minute may not be normal,"""
WIDEST_MS = 120.0
"""nor those with a QRS at least as wide,"""
LEAST_CLEAR = 0.2
"""Usual beats that are less alike are none: below .1 is what is found in white noise, in the noise of muscles and in a
wandering baseline; on DS1 it is .4 and more in either lead of every record, and 1.4 in electrode motion (nstdb)."""
IRREGULAR = 0.12
"""nor a record whose RR vary by more apart from flagged beats (in the same records up to .08, in fibrillation .31)."""
TAKEN = 0.2
"""A mode with at least this share of the usual beats was taken for normal: its QRS is then near enough to usual ones
(`qrs_share` of `patient_specific`)."""
CLOSE = 3.0
"""Odds up to which the choice between two rhythms is a close one."""
_MOST = 1e6  # odds beyond which none are told
_FOR = {"duration": "it lasts longer", "rate": "a more usual rate", "qrs": "a narrower QRS", "p": "a P wave"}
_NOTICED = 0.05  # of a log likelihood


@dataclass(frozen=True)
class Seen:
    """What is kept of a stretch of m scored samples, f of them flagged.

    Attributes:
        usual: Which of the m are usual: as the detector says, else those that are not flagged; mask (m,).
        calm: Which are neither flagged nor beside one that is, (m,).
        shifts: How many steps each lies later than the usual ones, (m,).
        points: Where the flagged ones lie, (f, k); None where the detector does not say.
        some: A few of the usual ones, aligned, (u, C, L).
        modes: What competes for being normal, with the median of its beats (L, C); only of a whole record.
        modes_by: What tells these apart.
    """

    usual: NDArray[np.bool_]
    calm: NDArray[np.bool_]
    shifts: NDArray[np.int64]
    points: F64 | None
    some: NDArray[np.float32]
    modes: tuple[tuple[base.Mode, NDArray[np.float32]], ...] = ()
    modes_by: str = ""


def see(samples: Samples, flagged: NDArray[np.int64], own: OwnNormal | None) -> Seen:
    """Keep what is needed of samples (m) before they are forgotten; `flagged` are the indices of the flagged ones."""
    others = np.ones(len(samples), dtype=bool)
    others[flagged] = False
    calm = others & np.append(others[1:], True) & np.append(True, others[:-1])
    if own is None:
        own, points = OwnNormal(np.empty((len(samples), 0)), others, np.zeros(len(samples), dtype=np.int64)), None
    else:
        points = own.points[flagged]
    rows = evenly(np.flatnonzero(own.usual), FEW)
    whole = slice(0, samples.length)
    some = aligned(samples.signals[rows], own.shifts[rows], whole)
    modes = tuple((mode, _template(samples, own, mode)) for mode in own.modes)
    return Seen(own.usual, calm, own.shifts, points, some, modes, own.modes_by)


def _template(samples: Samples, own: OwnNormal, mode: base.Mode) -> NDArray[np.float32]:
    """The median (L, C) of a mode's beats, of the usual ones where it has enough of them."""
    usual = mode.beats & own.usual
    chosen = usual if usual.mean() > TAKEN * own.usual.mean() else mode.beats
    return median_beat(samples.signals, own.shifts, chosen).T.astype(np.float32)


def seen_together(parts: Sequence[Seen]) -> Seen:
    """Several stretches as one."""
    if len(parts) == 1:
        return parts[0]
    points = [part.points for part in parts if part.points is not None]
    some = np.concatenate([part.some for part in parts])
    return Seen(
        usual=np.concatenate([part.usual for part in parts]),
        calm=np.concatenate([part.calm for part in parts]),
        shifts=np.concatenate([part.shifts for part in parts]),
        points=np.concatenate(points) if len(points) == len(parts) else None,
        some=some[evenly(np.arange(len(some)), FEW)],
    )


def normal_of(seen: Seen, about: About, rr_prev: F64, *, before_s: float, duration_s: float) -> Normal | None:
    """Say what was taken for normal.

    Args:
        seen: What was seen of m scored beats.
        about: Rate and centre of the samples.
        rr_prev: RR before each of the m beats, (m,), seconds.
        before_s: From a sample's first step to its R peak, s.
        duration_s: Length of a sample, s.

    Returns:
        None where no beat is usual.
    """
    if not len(seen.some):
        return None
    template = median(seen.some).astype(np.float64)  # (C, L)
    known = rr_prev[seen.usual & np.isfinite(rr_prev) & (rr_prev > 0)]
    calm = seen.calm & np.isfinite(rr_prev)
    between, around, spread = rr_prev[calm], rhythm.Reach(), 0.0
    if enough := len(between) >= FEWEST:
        usual = rhythm.local_median(between, around)
        spread = float(np.nanmedian(rhythm.local_spread(between, usual, around)))
    steps = template.shape[1] / duration_s
    centre = about.centre if about.centre is not None else round(before_s * steps)
    qrs = window(*WINDOWS_MS["qrs"], sampling_rate=steps, centre=centre, length=template.shape[1])
    alive = np.zeros(seen.some.shape[:2], dtype=bool)
    return Normal(
        template=template.T.astype(np.float32),
        before_s=before_s,
        duration_s=duration_s,
        usual=int(seen.usual.sum()),
        share=float(seen.usual.mean()),
        rate=60 / float(median(known)) if len(known) else None,
        qrs_ms=qrs_ms(template, centre, steps),
        spread=spread,
        calm=float(seen.calm.mean()),
        calm_usual=float(seen.usual[seen.calm].mean()) if enough else 1.0,
        clear=float(clarity(seen.some, np.arange(len(seen.some)), alive, qrs).max()),
        modes=_modes(seen, centre, steps),
        modes_by=seen.modes_by,
    )


def _modes(seen: Seen, centre: int, steps: float) -> tuple[Mode, ...]:
    """What competes for being normal, in plain values."""
    found = []
    for index, (mode, template) in enumerate(seen.modes):
        other = seen.modes[1 - index][0].terms
        ahead = {name: mode.terms[name] - other[name] for name in _FOR}
        words = [_FOR[name] for name in sorted(ahead, key=lambda name: -ahead[name]) if ahead[name] > _NOTICED]
        share = float(mode.beats[seen.usual].mean())
        found.append(
            Mode(
                template=template,
                beats=int(mode.beats.sum()),
                share=float(mode.beats.mean()),
                of_usual=share,
                taken=share >= TAKEN,
                rate=60 / mode.rr_s if mode.rr_s > 0 else None,
                qrs_ms=qrs_ms(template.T.astype(np.float64), centre, steps),
                likely=float(sum(mode.terms.values())),
                reason=", ".join(words),
            )
        )
    return tuple(found)


def odds_of(normal: Normal) -> float | None:
    """How many times as likely the first of two modes is a heart's normal rhythm as the second; None without modes."""
    if not normal.modes:
        return None
    first, second = (mode.likely for mode in normal.modes)
    return float(np.exp(min(first - second, np.log(_MOST))))


def told(normal: Normal | None) -> dict[str, Any] | None:
    """What was taken for normal, in plain values for the summary."""
    if normal is None:
        return None
    found: dict[str, Any] = {
        "usual": normal.usual,
        "share": round(normal.share, 4),
        "rate_per_min": None if normal.rate is None else round(normal.rate, 1),
        "qrs_ms": round(normal.qrs_ms, 1),
        "rr_spread": round(normal.spread, 4),
    }
    if (odds := odds_of(normal)) is not None:
        found["modes"] = [told_of(mode) for mode in normal.modes]
        found |= {"modes_by": normal.modes_by, "odds": float(f"{odds:.3g}"), "choice": choice_of(normal)}
    return found


def told_of(mode: Mode) -> dict[str, Any]:
    """One of two modes, in plain values."""
    return {
        "taken": mode.taken,
        "beats": mode.beats,
        "share": round(mode.share, 4),
        "share_of_usual": round(mode.of_usual, 4),
        "rate_per_min": None if mode.rate is None else round(mode.rate, 1),
        "qrs_ms": round(mode.qrs_ms, 1),
        "log_likelihood": round(mode.likely, 3),
        "reason": mode.reason,
    }


def choice_of(normal: Normal) -> str:
    """Which of two modes was taken for normal, and why, in a sentence."""
    first, second = normal.modes
    if first.taken and second.taken:
        return "Both count as usual, so that no beat of either is flagged for its QRS alone: neither was preferred."
    if normal.modes_by != "rate":
        return f"The first was taken: {100 * first.of_usual:.0f} % of the beats that come when expected are of it."
    odds = odds_of(normal) or 1.0
    size = f"more than {_MOST:,.0f}" if odds >= _MOST else f"{odds:.2g}"
    against = f" For the other speaks: {second.reason}." if second.reason else ""
    return f"The first was taken, at odds of {size} to 1, for {first.reason or 'no clear reason'}.{against}"


def points_of(seen: Seen, flagged: Samples, normal: Normal) -> F64:
    """Where f flagged samples lie, (f, k): as the detector says, else by the main directions in which they differ."""
    if seen.points is not None:
        return seen.points
    whole = slice(0, flagged.length)
    none = np.zeros(len(flagged), dtype=np.int64)
    return shapes(flagged.signals, none, whole, normal.template.T.astype(np.float64))


def warnings_of(normal: Normal | None, *, most_flagged: bool = False) -> list[str]:
    """Say in sentences what speaks against the majority of a recording being normal, beside that most is flagged."""
    if normal is None:
        return ["No beat was taken for usual: there is nothing that flagged beats could be compared with."]
    if normal.clear < LEAST_CLEAR:
        return ["The beats that were found are not like each other in any lead: this may be noise and no ECG at all."]
    found = []
    if normal.calm < LEAST_CALM and not most_flagged:
        found.append(f"only {100 * normal.calm:.0f} % of the beats stand apart from flagged ones")
    elif normal.calm_usual < LEAST_SHARE and not most_flagged:
        found.append(f"only {100 * normal.calm_usual:.0f} % of the beats apart from flagged ones are usual")
    if normal.rate is not None and not RATES[0] <= normal.rate <= RATES[1]:
        found.append(f"the usual beats come at {normal.rate:.0f} a minute")
    if normal.qrs_ms >= WIDEST_MS:
        found.append(f"the QRS of the usual beats is about {normal.qrs_ms:.0f} ms wide")
    if normal.spread > IRREGULAR:
        found.append(
            f"RR intervals vary apart from flagged beats too, by {100 * normal.spread:.0f} % from beat to beat"
        )
    told = (
        [f"What was taken for normal may not be: {'; '.join(found)}. Look at the usual beats first."] if found else []
    )
    return [*told, *_competing(normal)]


def _competing(normal: Normal) -> list[str]:
    """Say where it is not clear which of two modes is the normal one."""
    if not normal.modes:
        return []
    first, second = normal.modes
    odds, doubts = odds_of(normal) or 1.0, []
    if second.taken:
        doubts.append("both count as usual")
    elif normal.modes_by == "rate" and odds < CLOSE:
        doubts.append(f"the choice is a close one, at odds of {odds:.2g} to 1")
    elif odds < 1:
        doubts.append("the other one looks more like a normal rhythm")
    if not second.taken and first.share < second.share:
        doubts.append("the one that was taken is not the majority")
    if not doubts:
        return []
    what = "rhythms" if normal.modes_by == "rate" else "kinds of beats"
    return [
        f"Two {what} compete for this record's normal: {_in_words(first)}{'' if second.taken else ', which was taken,'}"
        f" and {_in_words(second)}; {' and '.join(doubts)}. Look at both."
    ]


def _in_words(mode: Mode) -> str:
    rate = "" if mode.rate is None else f"{mode.rate:.0f} a minute, "
    return f"one of {100 * mode.share:.0f} % of the beats ({rate}QRS {mode.qrs_ms:.0f} ms)"
