"""What is unlike the usual beats of its own record, in shape and in rhythm: no labels, a model where there is one."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, field_validator

from ecgan.config.options import Options
from ecgan.detection.base import F64, Detector, Group, Mode, OwnNormal, State
from ecgan.detection.classical import check_shape
from ecgan.detection.components import TOO_LARGE, check_finite, chunks
from ecgan.detection.densities import Space, mean_of_nearest, shapes, thinness
from ecgan.detection.stored import AGAIN, stored_value
from ecgan.detection.strategies.plain import TOTAL
from ecgan.detection.wording import in_words
from ecgan.ecg import modes, quality, rhythm
from ecgan.ecg.template import (
    FEW,
    MOST_MS,
    WHOLE_MS,
    WINDOWS_MS,
    align,
    aligned,
    covered,
    evenly,
    median_beat,
    own_part,
    template_and_shifts,
    window,
)
from ecgan.errors import EcganError
from ecgan.registry import register_detector
from ecgan.runtime import blas_in_one_thread, side_by_side
from ecgan.samples import RECORD, RHYTHM, About, Samples
from ecgan.scratch import finite_rows

NAMES = ("qrs", "p", "st", "rhythm", "pause", "company", "residual")
STATES = ("irregular", "noise")
"""What is said of a beat and counts for nothing by itself: it says how much the others count."""

UNREADABLE = 8.0
"""Noise, in units of the record's, from which on a beat cannot be read: on DS1 3 of its normal and none of its V beats.
From 4 on it would be 79 and 14, nearly all of these 14 rightly flagged: a V beat stands out in much noise."""
IRREGULAR = 0.5
"""Component `irregular` from which on the rhythm is taken for that of fibrillation."""

_HALF = 0.5  # of the window of a wave, which a sample must hold
_LEARNED = 4096  # beats at most that directions are learned from, and that are turned into them at once
_UNSURE = 2.0  # times noise_from: from here on it is not sure when the beat comes, or that it is one
_SUDDEN = 0.2  # log of the ratio of two intervals that follow each other: from here on it counts in full
_REACHED = (0.15, 0.3)  # the same of the step with which a rate was reached: from where, and from where in full
_FROM_AFAR = (0.1, 0.2)  # the same for what is early against beats far off alone
_OTHER_P = (0.5, 1.0)  # component p: a usual wave up to here, another one from here on, where beats were dropped
_ANOTHER = 0.5  # component p from which on this counts in full, whatever the step
_APART_S = 0.65  # RR from which on the T wave of the beat before is over as the P wave begins
_PATTERNED = 3.0  # times its irregularity: the most that the spread of a rhythm is taken for
_UNUSUAL = 2.5  # times as far from the usual beats as they are: such a QRS is taken for ectopic
_SMOOTH_S = 0.0167  # standard deviation of the Gaussian that smooths what is left of a beat
_FLOOR = 0.3
_DEAD = 100.0  # noise that a lead without a signal is taken to have
_FAR = 1e3  # times as far as usual beats are from their middle: no beat is like one of another lead
_AT_ONCE = 8192  # beats whose reconstructions are in memory
_CLEARER, _CLEAR = 3.0, 8.0  # times as clear as the first lead, and how clear, is one that is looked at instead
_NOTHING = 0.1  # a lead that is less clear shows no beats
_SHOWN = 0.3  # clarity from which on a P wave counts in full; in fibrillation it is below .1


class PatientSpecificOptions(Options):
    """Parameters of the detector `patient_specific`."""

    qrs_weight: float = Field(0.7, ge=0, description="Weight of qrs, how unlike the usual ones the QRS is")
    p_weight: float = Field(0.3, ge=0, description="Weight of p, the same of the P wave")
    st_weight: float = Field(0.2, ge=0, description="The same of the ST segment and the T wave")
    rhythm_weight: float = Field(1.0, ge=0, description="Weight of rhythm, how early a beat comes")
    pause_weight: float = Field(1.0, ge=0, description="Weight of pause, how long the next beat is waited for")
    company_weight: float = Field(1.0, ge=0, description="Weight of company, how early beats like it come")
    residual_weight: float = Field(
        0.0,
        ge=0,
        description="Weight of residual, what the model (without one, the template) leaves of a beat; 0: none",
    )
    smoothing: float = Field(0.4, ge=0, le=1, description="Share of the total that is the mean over the beats like it")
    irregular_from: float = Field(0.08, gt=0, description="Irregularity from which on rhythm, p and st count for less")
    irregular_to: float = Field(
        0.16, gt=0, description="Irregularity (atrial fibrillation) where they count for nothing, and qrs twice"
    )
    noise_from: float = Field(2.0, ge=1, description="Noise, in units of the record's, from which on shape counts less")
    stretch: float = Field(
        0.7, ge=0, le=1, description="Share of what the quietest quarter around a beat has that shape is taken less"
    )
    stretch_beats: int = Field(6, ge=1, description="Beats on either side that this quarter is of")
    stretch_cap: float = Field(0.8, ge=0, description="The most that is taken: a long run of ectopic beats stays one")
    causal: bool = Field(False, description="Compare a beat with past beats only, once the learning time is over")
    learning_minutes: float = Field(5.0, gt=0, le=1440, description="Learning time of causal, minutes of each record")
    least_beats: int = Field(10, ge=4, description="In a record with fewer beats nothing is usual: all scores are 0")
    least_regular: int = Field(
        50, ge=1, description="With fewer regular beats all beats of a record are its usual ones"
    )
    tolerance: float = Field(
        0.1, gt=0, le=1, description="By what share of its usual length RR of a regular beat differs"
    )
    components: int = Field(16, ge=1, description="Principal components of a window")
    qrs_share: float = Field(0.2, gt=0, le=1, description="Share of the usual beats that are nearer than the distance")
    p_share: float = Field(0.05, gt=0, le=1, description="The same for the P wave")
    least_rank: int = Field(20, ge=1, description="Usual beats that are nearer at least (half of them at most)")
    local_beats: int = Field(40, ge=1, description="Beats on either side that say what is usual around a beat")
    wide_beats: int = Field(80, ge=1, description="The same for the interval that an early beat is early against")
    near_beats: int = Field(
        20, ge=1, description="The same near by: early far off alone needs another P wave or a rate reached suddenly"
    )
    quantile: float = Field(0.9, gt=0, le=1, description="Which quantile of the intervals around it that is")
    spread_floor: float = Field(0.1, gt=0, description="What is added to the spread that rhythm is divided by")
    doubt: float = Field(
        0.5, ge=0, le=1, description="Share of rhythm that needs another P wave or a sudden change of the interval"
    )
    rhythm_cap: float = Field(4.0, gt=0, description="Value that rhythm approaches, however early a beat comes")
    pause_cap: float = Field(0.7, gt=0, description="Largest value of pause")
    company: int = Field(
        30, ge=1, description="Beats most like a beat that company looks at (a quarter of all at most)"
    )
    smoothed_beats: int = Field(10, ge=1, description="The same for smoothed")
    align_ms: float = Field(
        MOST_MS, ge=0, le=200, description="How far a beat is moved at most, ms, for it to lie on the template"
    )

    @field_validator("irregular_to")
    @classmethod
    def _above(cls, value: float, info: ValidationInfo) -> float:
        if value <= info.data.get("irregular_from", 0.0):
            raise ValueError(f"found {value:g}; allowed: more than irregular_from")
        return value


@dataclass(frozen=True)
class _Record:
    """The beats of one record in the order of time: signals (n, C, L), when they occur, and what can be read.

    `guide` (n,) is the lead that each is looked at in where one is enough: the clearest one that is not dead there.
    `conducted` (n,) is `rr_prev` without dropped beats, the same array where there are none.
    `modes` are its rhythms of far different rates, the chosen one first; none where there is one.
    """

    signals: NDArray[Any]
    noise: F64
    dead: NDArray[np.bool_]
    foreign: NDArray[np.bool_]
    shifts: NDArray[np.int64]
    usual: NDArray[np.int64]
    reach: rhythm.Reach
    rr_prev: F64
    rr_next: F64
    conducted: F64
    guide: NDArray[np.int64]
    about: About
    beats: Samples
    template: F64
    modes: tuple[Mode, ...]

    def rows(self, lead: int, span_ms: tuple[float, float], beats: Any) -> F64:
        """A window of a lead of m beats, (m, W), without its mean: a slow wander counts for less."""
        part = window(*span_ms, **_place(self.about, self.signals.shape[2]))
        rows = aligned(self.signals[beats, lead : lead + 1], self.shifts[beats], part)[:, 0].astype(np.float64)
        return np.asarray(rows - rows.mean(axis=1, keepdims=True))

    def points(self, lead: int, span_ms: tuple[float, float], components: int) -> F64:
        """The window's coordinates (n, k) along the main directions of the usual beats."""
        space = Space.learn(self.rows(lead, span_ms, evenly(self.usual, _LEARNED)), components)
        parts = list(chunks(len(self.signals), _LEARNED))
        return np.concatenate(side_by_side(lambda part: space.apply(self.rows(lead, span_ms, part)), parts))

    def guided(self, points: Callable[[int], F64]) -> F64:
        """Coordinates (n, k) in which beats are compared with those that the same lead is looked at of.

        Args:
            points: Gives the coordinates of a lead, (n, k), of all beats.
        """
        leads = np.unique(self.guide).tolist()
        if len(leads) == 1:
            return points(leads[0])
        parts = []
        for lead in leads:
            own, found = (self.guide == lead)[:, None], points(lead)
            unit = np.sqrt(np.median(np.square(found[self.usual]).sum(axis=1)))
            parts += [own * found / (unit if unit > 0 else 1.0), own * _FAR]
        return np.concatenate(parts, axis=1)


@register_detector("patient_specific")
class PatientSpecific(Detector):
    """How far a beat is from its record's own normal; see `docs/detectors.md`.

    Nothing is fitted but the samples' shape. What a record's usual beats are is found in the record itself, from the
    times of its beats: those that come when expected. Weights and constants were chosen on labelled records of DS1.
    """

    title: ClassVar[str] = "distance from the record's own usual beats, in shape and rhythm"
    Options: ClassVar[type[Options]] = PatientSpecificOptions
    gives: ClassVar[tuple[str, ...]] = NAMES
    states: ClassVar[tuple[str, ...]] = STATES
    context: ClassVar[tuple[str, ...]] = (RECORD, RHYTHM)
    takes_model: ClassVar[bool] = True
    own_scale: ClassVar[bool] = True

    _shape: tuple[int, int] | None = None  # (C, L)
    _latest: tuple[Samples, _Record] | None = None  # a whole record whose normal may be asked for next

    def fit(self, train: Samples) -> None:
        """Remember the shape of samples (C, L), and no more."""
        _check(self.name, train)
        self._shape = (train.signals.shape[1], train.signals.shape[2])

    def components(self, samples: Samples) -> dict[str, F64]:
        """Components of n samples: `total`, `smoothed` and those that they are made of, float64 (n,)."""
        if self._shape is None:
            raise EcganError(
                f"the detector {self.name!r} has not been fitted.", "Fit it first: `fit`, or `ecgan detect`."
            )
        check_shape(self.name, samples.signals, self._shape)
        _check(self.name, samples)
        around, places = samples.around, samples.places
        if around is None or places is None or (records := around.records) is None:
            raise EcganError(
                f"the detector {self.name!r} needs the other beats of the samples' records.",
                "Hand it what Samples.seen(rows, context) returns, as `detect` and `score` do.",
            )
        found: dict[str, F64] = {name: np.zeros(len(around)) for name in (*NAMES, *STATES, "smoothed", TOTAL)}
        times = around.table["time_s"].to_numpy(np.float64)
        for record in np.unique(records[places]):
            rows = np.flatnonzero(records == record)
            rows = rows[np.argsort(times[rows], kind="stable")]
            if len(rows) >= self.options.least_beats:
                whole = len(rows) == len(around) and bool((np.diff(rows) == 1).all())  # no copy of a day
                prepared = self._prepared(around if whole else around[rows])
                self._latest = (around, prepared) if whole else None
                residual = self._residual(prepared)  # by a network, whose products are large
                with blas_in_one_thread():
                    scores = self._scores(prepared, residual)
                for name, values in scores.items():
                    found[name][rows] = values
        chosen = {name: values[places] for name, values in found.items()}
        check_finite(chosen, TOO_LARGE)
        return chosen

    def own_normal(self, samples: Samples) -> OwnNormal | None:
        """Its usual beats, and where all n of a record lie: in shape, from P to T wave in all leads, and in time."""
        times = samples.table["time_s"].to_numpy(np.float64)
        order = np.argsort(times, kind="stable")
        if len(order) < self.options.least_beats:
            return None
        with blas_in_one_thread():
            return self._own_normal(samples, order)

    def _own_normal(self, samples: Samples, order: NDArray[np.int64]) -> OwnNormal:
        record = self._again(samples) or self._prepared(samples if (np.diff(order) == 1).all() else samples[order])
        usual = np.isin(np.arange(len(order)), record.usual)
        part = window(*WHOLE_MS, **_place(record.about, record.signals.shape[2]))
        most = int(1e-3 * self.options.align_ms * record.about.sampling_rate)
        shifts = np.where(np.abs(record.shifts) < most, record.shifts, 0)  # at the limit a beat lies nowhere on it
        template = median_beat(record.signals, record.shifts, usual)
        early = rhythm.earliness(record.rr_prev, rhythm.expected_interval(record.rr_prev, usual))
        points = shapes(record.signals, shifts, part, template, self.options.components)
        points = np.column_stack([points, np.nan_to_num(early).clip(-1.0, 1.0)])
        back = np.argsort(order, kind="stable")
        found, by = (record.modes, "rate") if record.modes else (self._kinds(record), "shape")
        found = tuple(replace(mode, beats=mode.beats[back]) for mode in found)
        return OwnNormal(points[back], usual[back], shifts[back], found, by if found else "")

    def _kinds(self, record: _Record) -> tuple[Mode, ...]:
        """Two kinds of QRS that are both frequent, the one with more of the usual beats first; none where there is one.

        They are looked at in the lead that most beats are looked at in.
        """
        lead = int(np.bincount(record.guide).argmax())
        parts = chunks(len(record.signals), _LEARNED)
        waves = [record.rows(lead, WINDOWS_MS["qrs"], part).astype(np.float32) for part in parts]
        found = modes.kinds(np.concatenate(waves))
        if len(found) == 1:
            return ()
        order = sorted(found, key=lambda beats: -np.count_nonzero(beats[record.usual]))
        place, level = _place(record.about, 0), record.shifts
        rr = (record.rr_prev + record.rr_next) / 2
        beats = record.signals[:, lead : lead + 1]
        return tuple(
            _mode(own, own, median_beat(beats, level, own)[0], rr, place["centre"], record.about.sampling_rate)
            for own in order
        )

    def unreadable(self, components: dict[str, F64]) -> NDArray[np.bool_]:
        """Beats all of whose leads are noisy or dead."""
        return np.asarray(components["noise"] >= UNREADABLE)

    def irregular(self, components: dict[str, F64]) -> NDArray[np.bool_]:
        """Beats around which intervals say nothing of each other."""
        return np.asarray(components["irregular"] >= IRREGULAR)

    def describe(self, group: Group) -> str:
        """When the beats come, what of them is unlike the usual ones, and what is as usual."""
        return in_words(group)

    def state(self) -> State:
        """The samples' shape."""
        return State(values={} if self._shape is None else {"shape": list(self._shape)})

    def restore(self, state: State) -> None:
        """Take back the samples' shape."""
        shape = stored_value(state.values, "shape")
        if not isinstance(shape, list) or len(shape) != 2 or not all(type(side) is int and side > 0 for side in shape):
            raise EcganError(f"the stored shape is {shape!r}; expected the numbers of leads and steps.", AGAIN)
        self._shape = (shape[0], shape[1])

    def _again(self, samples: Samples) -> _Record | None:
        """What was found of these very samples just before, which is forgotten; None where it was of others."""
        latest, self._latest = self._latest, None
        if latest is None or latest[0].signals is not samples.signals or latest[0].table is not samples.table:
            return None
        return latest[1]

    def _prepared(self, beats: Samples) -> _Record:
        """Find the usual beats of a record, and where all beats lie on them."""
        options, about = self.options, beats.about
        times = beats.table["time_s"].to_numpy(np.float64)
        rr_prev, rr_next = (beats.table[name].to_numpy(np.float64) for name in ("rr_prev_s", "rr_next_s"))
        learned = rhythm.learned_beats(times, options.learning_minutes) if options.causal else None
        reach = rhythm.Reach(None if learned is None else max(learned, options.least_beats))
        median = rhythm.local_median(rr_prev, reach, options.local_beats)
        usual = rhythm.regular_beats(rr_prev, rr_next, median, options.tolerance)
        known = np.arange(len(beats)) < (len(beats) if reach.learned is None else reach.learned)
        usual &= known
        place = _place(about, beats.length)
        regular = np.flatnonzero(usual if usual.any() else known)
        broken = quality.dead(beats.signals, regular)
        clear = quality.clarity(beats.signals, regular, broken, window(*WINDOWS_MS["qrs"], **place))
        order = _clearest(clear)
        rhythms = _rhythms(beats.signals[:, order], median, usual, place["centre"], about.sampling_rate)
        own = rhythms[0].beats if rhythms else np.ones(len(beats), dtype=bool)
        usual &= own
        if np.count_nonzero(usual) < options.least_regular:
            usual = known
        rows = np.flatnonzero(usual)
        rough = quality.noise(beats.signals, rows, place["centre"], about.sampling_rate)
        shifts = self._shifts(beats, order, usual, broken)
        some = evenly(rows, FEW)
        level = beats.signals[some].mean(axis=2, keepdims=True)  # which may be another one for each beat
        template = median_beat(beats.signals[some] - level, shifts[some], np.ones(len(some), dtype=bool))
        conducted = rhythm.without_dropped(rr_prev, reach, options.wide_beats)
        more = (conducted, order[np.argmin(broken[:, order], axis=1)], about, beats, template, rhythms)
        return _Record(beats.signals, rough, broken, ~own, shifts, rows, reach, rr_prev, rr_next, *more)

    def _shifts(
        self, beats: Samples, order: NDArray[np.int64], usual: NDArray[np.bool_], dead: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """How far each beat lies behind the template, (n,): in the first lead of an order that is not dead there."""
        centre, rate, most = _place(beats.about, 0)["centre"], beats.about.sampling_rate, self.options.align_ms
        _, shifts = template_and_shifts(beats.signals[:, order[:1]], usual, centre, rate, most_ms=most)
        left = dead[:, order[0]].copy()
        for lead in order[1:].tolist():
            own, there = left & ~dead[:, lead], usual & ~dead[:, lead]
            if not (own.any() and there.any()):
                continue
            both = there & ~left
            template = median_beat(beats.signals[:, [lead]], shifts, both if both.any() else there)
            shifts[own] = align(beats.signals[own][:, [lead]], template, centre, rate, most_ms=most)
            left &= ~own
        return shifts

    def _scores(self, record: _Record, residual: F64) -> dict[str, F64]:
        options, known = self.options, record.reach.known(len(record.signals))
        qrs, raw = self._shape_of(record, WINDOWS_MS["qrs"])
        p = self._p(record)
        early = rhythm.early_share(self._early(record, options.local_beats, p))
        irregularity = self._irregularity(_read(raw, ~record.dead), record)
        scale = options.irregular_to - options.irregular_from
        found = {
            "qrs": self._calm(raw, record),
            "p": p,
            "st": self._st(record),
            "rhythm": self._rhythm(record, irregularity, p),
            "pause": rhythm.pause(record.rr_prev, record.rr_next, options.pause_cap),
            "company": mean_of_nearest(record.guided(lambda lead: qrs[lead]), early, options.company, known),
            "residual": residual,
            "irregular": np.clip((irregularity - options.irregular_from) / scale, 0.0, 1.0),
            "noise": np.where(record.dead, _DEAD, record.noise).min(axis=1),
        }
        total = self._total(found)
        whole = record.guided(lambda lead: record.points(lead, WHOLE_MS, options.components))
        smoothed = mean_of_nearest(whole, total, options.smoothed_beats, known)
        return found | {"smoothed": smoothed, TOTAL: (1 - options.smoothing) * total + options.smoothing * smoothed}

    def _total(self, found: dict[str, F64]) -> F64:
        """The weighted sum; the more irregular the rhythm, the more the QRS alone says whether a beat is ectopic."""
        weighted = {name: getattr(self.options, f"{name}_weight") * found[name] for name in NAMES}
        irregular = found["irregular"]
        sure = np.minimum(1.0, _UNSURE * self.options.noise_from / np.maximum(found["noise"], 1.0))  # of the R mark
        time = sure * ((1 - irregular) * (weighted["rhythm"] + weighted["pause"]) + weighted["company"])
        shape = (1 + irregular) * weighted["qrs"] + (1 - irregular) * (weighted["p"] + weighted["st"])
        return np.asarray(shape + weighted["residual"] + time)

    def _thin(self, points: F64, record: _Record, share: float) -> F64:
        return thinness(points, record.usual, share, self.options.least_rank)

    def _p(self, record: _Record) -> F64:
        """How unlike the usual ones the P wave is, (n,), in the lead that shows it best of those with a signal there.

        It counts by how clear that lead shows it; 0 where samples hold less than half of its window.
        """
        place = _place(record.about, record.signals.shape[2])
        if covered(*WINDOWS_MS["p"], **place) < _HALF:
            return np.zeros(len(record.signals))
        clear = quality.clarity(
            record.signals, record.usual, record.dead, window(*WINDOWS_MS["p"], **place), record.shifts
        )
        best = np.where(record.dead, -1.0, _rather_the_first(clear)).argmax(axis=1)
        found = np.zeros(len(record.signals))
        for lead in np.unique(best).tolist():
            thin = self._thin(
                record.points(lead, WINDOWS_MS["p"], self.options.components), record, self.options.p_share
            )
            own = self._calm(thin[:, None], record, slice(lead, lead + 1))
            found = np.where(best == lead, own * min(clear[lead] / _SHOWN, 1.0), found)
        return found

    def _st(self, record: _Record) -> F64:
        """How unlike the usual ones ST segment and T wave are, (n,); 0 where samples hold less than half of them."""
        if covered(*WINDOWS_MS["st_t"], **_place(record.about, record.signals.shape[2])) < _HALF:
            return np.zeros(len(record.signals))
        return self._calm(self._shape_of(record, WINDOWS_MS["st_t"])[1], record)

    def _shape_of(self, record: _Record, span_ms: tuple[float, float]) -> tuple[list[F64], F64]:
        """Coordinates (n, k) of a window in each lead, and how thinly the usual ones lie around them, (n, C)."""

        def lead(number: int) -> tuple[F64, F64]:
            points = record.points(number, span_ms, self.options.components)
            return points, self._thin(points, record, self.options.qrs_share)

        points, thin = zip(*side_by_side(lead, range(record.signals.shape[1])), strict=True)
        return list(points), np.stack(thin, axis=1)

    def _calm(self, thin: F64, record: _Record, leads: slice = slice(None)) -> F64:
        """Mean over the leads (n, C) that can be read, less what the quietest beats around have too: noise, drift."""
        options, size = self.options, record.noise[:, leads]
        around = [record.reach.near(values, options.stretch_beats, 0.25) for values in thin.T]
        excess = np.clip(np.stack(around, axis=1), 0, options.stretch_cap) * ~record.foreign[:, None]
        calm = thin - options.stretch * excess
        calm = np.where(calm > 0, calm / np.sqrt(np.maximum(size / options.noise_from, 1)), calm)
        return _read(calm, ~record.dead[:, leads])

    def _irregularity(self, thin: F64, record: _Record) -> F64:
        """Irregularity of the rhythm by intervals between beats of usual QRS, (n,)."""
        usual = thin < np.log(_UNUSUAL)
        both = usual & np.concatenate([np.zeros(1, dtype=bool), usual[:-1]])
        return rhythm.irregularity(record.rr_prev, both, record.reach)

    def _residual(self, record: _Record) -> F64:
        """What the model leaves of a beat: log of its size in units of what is usual, mean over leads.

        Without a model it is what the record's template leaves. It is smoothed, so that what is fast counts for little,
        and of the beat's own part of the sample alone.
        """
        from scipy.ndimage import gaussian_filter1d

        if not self.options.residual_weight:
            return np.zeros(len(record.signals))
        place, sizes = _place(record.about, record.signals.shape[2]), []
        for rows in chunks(len(record.signals), _AT_ONCE):
            own = own_part(record.rr_prev[rows], record.rr_next[rows], **place)[:, None]
            left, steps = record.signals[rows].astype(np.float64) - self._expected(record, rows), own.sum(axis=2)
            left = (left - (left * own).sum(axis=2, keepdims=True) / steps[:, :, None]) * own
            slow = gaussian_filter1d(left, _SMOOTH_S * record.about.sampling_rate, axis=2) * own
            sizes.append(np.sqrt(np.square(slow).sum(axis=2) / steps))  # (b, C)
        size = np.concatenate(sizes)
        unit = np.median(size[record.usual], axis=0)
        return self._calm(np.log(size / np.where(unit > 0, unit, 1.0) + _FLOOR), record)

    def _expected(self, record: _Record, rows: slice) -> NDArray[Any]:
        """What the model takes beats for, (b, C, L), told no more than is known; without one, the template."""
        if self.mapping is None:
            length = record.signals.shape[2]
            moved = np.broadcast_to(record.template, record.signals[rows].shape)
            return aligned(moved, -record.shifts[rows], slice(0, length))
        around = record.beats[: record.reach.learned]
        return self.mapping.reconstruct(replace(record.beats[rows], around=around), self.seed)

    def _early(self, record: _Record, beats: int, p: F64) -> F64:
        """Prematurity, (n,): a beat whose P wave is a usual one is early against intervals without dropped beats."""
        among = (record.reach, beats, self.options.quantile)
        found = rhythm.prematurity(record.rr_prev, record.rr_prev, *among)
        if record.conducted is record.rr_prev:
            return found
        conducted = rhythm.prematurity(record.rr_prev, record.conducted, *among)
        return np.asarray(found + (1 - _ramp(p, *_OTHER_P)) * (conducted - found))

    def _rhythm(self, record: _Record, irregularity: F64, p: F64) -> F64:
        """Prematurity in units of the rhythm's spread, bounded; early beats in a pattern are no spread.

        A sinus node that is fast for a while, in breathing or under load, becomes so by and by, and its P wave stays.
        So it counts in full only if the P wave is another one or the rate was reached suddenly; and what is early
        against the beats far off, and not against those near by, counts for nothing without one of both.
        """
        options, reach = self.options, record.reach
        median = rhythm.local_median(record.rr_prev, reach, options.local_beats)
        spread = rhythm.local_spread(record.rr_prev, median, reach, options.local_beats)
        far = self._early(record, options.wide_beats, p)
        near = np.minimum(self._early(record, options.near_beats, p), far)
        step = rhythm.onset(record.rr_prev)
        other = np.where(record.rr_prev >= _APART_S, p, 0.0)
        early = near + np.maximum(_ramp(other, 0.0, _ANOTHER), _ramp(step, *_FROM_AFAR)) * (far - near)
        z = early / (options.spread_floor + np.minimum(np.nan_to_num(spread), _PATTERNED * irregularity))
        sudden = np.maximum(_ramp(rhythm.suddenness(record.rr_prev), 0.0, _SUDDEN), _ramp(step, *_REACHED))
        told = np.maximum(_ramp(other, 0.0, 1.0), sudden)
        if covered(*WINDOWS_MS["p"], **_place(record.about, record.signals.shape[2])) < _HALF:
            told[:] = 1.0
        return np.asarray((1 - options.doubt * (1 - told)) * options.rhythm_cap * np.tanh(z / options.rhythm_cap))


def _ramp(values: F64, begin: float, full: float) -> F64:
    """0 up to `begin`, 1 from `full` on, straight between them; (n,)."""
    return np.asarray(np.clip((values - begin) / (full - begin), 0.0, 1.0))


def _clearest(clear: F64) -> NDArray[np.int64]:
    """The leads (C,) in which beats are looked at: the clearest before the others, the first lead if it is not bad."""
    order = np.argsort(-_rather_the_first(clear), kind="stable")
    if clear[order[0]] >= _CLEAR or clear[0] < _NOTHING:
        return order
    return np.concatenate([np.zeros(1, dtype=np.int64), order[order != 0]])


def _rather_the_first(clear: F64) -> F64:
    """How clear leads are, (C,), the first, in which beats are marked, before others that are little clearer."""
    return np.where(np.arange(len(clear)) == 0, _CLEARER * clear, clear)


def _rhythms(
    beats: NDArray[Any], median_rr: F64, regular: NDArray[np.bool_], centre: int, sampling_rate: float
) -> tuple[Mode, ...]:
    """Rhythms of far different rates in the beats (n, C, L), the normal one first; none if one P wave is that of all.

    Which it is, is decided by the first lead.
    """
    masks = modes.rhythms(median_rr, regular)
    if len(masks) == 1:
        return ()
    none = np.zeros(len(beats), dtype=np.int64)
    first, second = (median_beat(beats, none, regular & own) for own in masks)
    found = [
        _mode(own, regular & own, template[0], median_rr, centre, sampling_rate)
        for own, template in zip(masks, (first, second), strict=True)
    ]
    fastest = min(mode.rr_s for mode in found)
    if fastest >= modes.SINUS_RR_S and modes.one_p(first, second, centre, sampling_rate):
        return ()
    return tuple(sorted(found, key=lambda mode: -sum(mode.terms.values())))


def _mode(
    own: NDArray[np.bool_], counted: NDArray[np.bool_], template: F64, rr: F64, centre: int, sampling_rate: float
) -> Mode:
    """A rhythm whose beats are `own`, and what those that count tell of it: masks (n,), template (L,), RR (n,)."""
    known = rr[counted & (rr > 0)]
    rr_s = float(np.median(known)) if len(known) else np.nan
    terms = modes.plausibility(template, rr_s if len(known) else modes.RR_S, centre, sampling_rate)
    return Mode(own, rr_s, terms | {"duration": float(np.log(np.count_nonzero(counted)))})


def _read(values: F64, readable: NDArray[np.bool_]) -> F64:
    """Mean of values (n, C) over the leads that can be read, (n,); 0 where none can."""
    return np.asarray((values * readable).sum(axis=1) / np.maximum(readable.sum(axis=1), 1))


def _place(about: About, length: int) -> dict[str, Any]:
    return {"sampling_rate": about.sampling_rate, "centre": about.centre, "length": length}


def _check(name: str, samples: Samples) -> None:
    """Refuse samples that are no beats, do not say when they occurred, or are broken."""
    about, there = samples.about, samples.table.columns
    if about.centre is None or about.sampling_rate <= 0:
        raise EcganError(
            f"the detector {name!r} takes beats, with their R peaks and a sampling rate.",
            "Take a dataset that is cut into beats, or say about.centre and about.sampling_rate.",
        )
    if missing := [column for column in ("time_s", "rr_prev_s", "rr_next_s") if column not in there]:
        raise EcganError(
            f"the detector {name!r} needs to know when beats occurred; the samples lack {missing[0]}.",
            "The table of the samples has time_s, rr_prev_s and rr_next_s, in seconds.",
        )
    if not finite_rows(samples.signals).all():
        raise EcganError(
            f"samples for the detector {name!r} hold values that are no finite numbers.",
            "Fill in what is missing, or leave these samples out.",
        )
