"""Score rhythms that DS1 lacks with `patient_specific`: beats of DS1's patients, put to the times of other rhythms.

`python paper/own_normal/simulated.py` simulates half an hour of each rhythm from each donor and scores it at the
threshold that gives 60 false alarms an hour on DS1. A row of `simulated.csv` is one rhythm under one revision of the
code that is imported: false alarms an hour on average and in the worst record, the share of the ectopic beats that is
flagged, and the AUROC. The last row is DS1 at the threshold that gives 60 an hour on average over DS1 and all rhythms,
each counting the same. `leads=MLII` takes the lead MLII alone, and KEY=VALUE are options of the detector.

A beat is a real one of its donor, with its noise, without what lies before the P wave or behind the T wave: an ordinary
one, one with another P wave (S), or a ventricular one (V, of the donor or, at the donor's height, of another record).
Between beats lies the donor's noise. In fibrillation and flutter there is no P wave but atrial waves (Stridh and
Sörnmo, IEEE Trans. Biomed. Eng. 48(1), 2001). Intervals of fibrillation are log-normal, or those of a refractory time
and a Poisson process (Corino et al., IEEE Trans. Biomed. Eng. 58(12), 2011), without memory, 65 to 125 a minute.
The bundle branch block is that of records 109, 118 and 124 behind the donor's P wave: conducted, so class N.

The records lie where `look.py` finds them. Five minutes on one core.
"""

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from look import BUDGET, RAW, beats, figures, score
from numpy.typing import NDArray

import ecgan
from ecgan.datasets.annotated import BeatOptions
from ecgan.datasets.mitbih import DS1, Mitbih
from ecgan.ecg.records import Record, read_record
from ecgan.ecg.simulator import RR_RATE, rr_process
from ecgan.samples import Samples, join

F64 = NDArray[np.float64]
OUT = Path(__file__).parent / "simulated.csv"
COLUMNS = ("commit", "options", "rhythm", "threshold", "alarms_per_hour", "worst", "s", "v", "f", "auroc")
DONORS = ("101", "106", "112", "115", "116", "119", "122", "205", "209", "220", "223", "230")
"""Records of DS1 in sinus rhythm, with P waves and a QRS that is not wide."""
VENTRICULAR = ("106", "116", "119", "205", "208", "215", "223")
BLOCKED = (("109", "L"), ("118", "R"), ("124", "R"))
SECONDS = 1800.0
HOURS = SECONDS / 3600
RATE = 360.0
FEW = 20  # ventricular beats that a donor must have for its own to be taken
ECTOPIC = {"V": 0.03, "S": 0.02}  # share of the beats
PQ, P_BEGIN, T_END = -0.09, -0.3, 0.46  # s from the R peak
V_BEGIN, V_END = -0.13, 0.5
TAPER = 0.03  # s


@dataclass
class Beat:
    """One beat: its time, s, its symbol, whose waves it has, the height of its P wave, and how much longer PR is, s."""

    time: float
    symbol: str = "N"
    waves: str = "own"
    p: float = 1.0
    pr: float = 0.0


@dataclass
class Rhythm:
    """Beats, P waves that are not conducted (s), and where the atria fibrillate or flutter: begin, end (s), Hz."""

    beats: list[Beat]
    lone: list[float] = field(default_factory=list)
    atrial: list[tuple[float, float, float]] = field(default_factory=list)


Generator = np.random.Generator


def sinus_times(rng: Generator, mean: float, spread: float = 0.04, seconds: float = SECONDS) -> list[float]:
    """Times of a sinus node, `spread` is a share of the mean interval."""
    current = rr_process(rng, seconds + 10, mean, spread * mean, ratio=0.5)
    times = [0.5]
    while times[-1] < seconds - 1.5:
        times.append(times[-1] + float(current[int(times[-1] * RR_RATE)]))
    return times


def stretches(rng: Generator, *means: float) -> Iterator[tuple[float, float, int]]:
    """Yield begin, end and the number of states that take turns, each of a mean duration, s (log-normal)."""
    begin, state = 0.0, 0
    while begin < SECONDS:
        end = begin + means[state] * float(rng.lognormal(0.0, 0.6))
        yield begin, min(end, SECONDS), state
        begin, state = end, (state + 1) % len(means)


def sinus(rng: Generator) -> Rhythm:
    """Sinus rhythm at rest."""
    return Rhythm([Beat(time) for time in sinus_times(rng, rng.uniform(0.75, 1.0))])


def sinus_arrhythmia(rng: Generator) -> Rhythm:
    """Sinus rhythm that follows the breath by a tenth and more."""
    return Rhythm([Beat(time) for time in sinus_times(rng, rng.uniform(0.75, 1.0), spread=rng.uniform(0.1, 0.16))])


def sinus_pauses(rng: Generator) -> Rhythm:
    """Sinus rhythm that stops for 1.6 to 3 s after every thirtieth beat or so."""
    times, found, late = sinus_times(rng, rng.uniform(0.75, 0.95)), [], 0.0
    for time in times:
        late += rng.uniform(0.8, 2.0) if rng.random() < 1 / 30 else 0.0
        found.append(Beat(time + late))
    return Rhythm([beat for beat in found if beat.time < SECONDS - 1])


def exercise(rng: Generator) -> Rhythm:
    """A sinus node that is fast for minutes, and becomes so within 20 s."""
    times, time, slow, fast = [], 0.5, rng.uniform(0.8, 1.0), rng.uniform(0.5, 0.6)
    parts = list(stretches(rng, 240.0, 120.0))
    ends = np.array([end for _, end, _ in parts])
    level = float(slow)
    while time < SECONDS - 1.5:
        target = (slow, fast)[parts[int(np.searchsorted(ends, time))][2]]
        level += (target - level) * level / 8
        times.append(time)
        time += level * (1 + 0.02 * rng.standard_normal())
    return Rhythm([Beat(time) for time in times])


def _fibrillation(rng: Generator, begin: float, end: float, mean: float) -> list[Beat]:
    spread, normal = rng.uniform(0.18, 0.27), rng.random() < 0.5
    found, time = [], begin
    while time < end:
        if normal:
            interval = mean * rng.lognormal(-(spread**2) / 2, spread)
        else:
            interval = 0.6 * mean + rng.uniform(0, 0.3 * mean) + rng.exponential(0.25 * mean)
        time += max(float(interval), 0.3)
        found.append(Beat(time, p=0.0))
    return [beat for beat in found if beat.time < min(end, SECONDS - 1)]


def fibrillation(rng: Generator, pauses: float = 0.0) -> Rhythm:
    """Atrial fibrillation throughout."""
    found = _fibrillation(rng, 0.3, SECONDS, 60 / rng.uniform(65, 125))
    late = np.cumsum(np.where(rng.random(len(found)) < pauses, rng.uniform(0.8, 2.0, len(found)), 0.0))
    beats = [Beat(beat.time + more, p=0.0) for beat, more in zip(found, late, strict=True)]
    return Rhythm([beat for beat in beats if beat.time < SECONDS - 1], [], [(0, SECONDS, rng.uniform(5, 8))])


def fibrillation_pauses(rng: Generator) -> Rhythm:
    """Atrial fibrillation with pauses of a second or two more, after every fiftieth beat or so."""
    return fibrillation(rng, pauses=0.02)


def paroxysmal_fibrillation(rng: Generator) -> Rhythm:
    """Sinus rhythm and fibrillation in turn, minutes each; fibrillation is faster."""
    mean, faster = rng.uniform(0.75, 1.0), rng.uniform(0.55, 0.9)
    return _in_turn(rng, (240.0, 150.0), mean, lambda begin, end: _fibrillation(rng, begin, end, mean * faster))


def short_fibrillation(rng: Generator) -> Rhythm:
    """Sinus rhythm and short paroxysms of fibrillation, half a minute each."""
    mean, faster = rng.uniform(0.75, 1.0), rng.uniform(0.55, 0.9)
    return _in_turn(rng, (60.0, 30.0), mean, lambda begin, end: _fibrillation(rng, begin, end, mean * faster))


def _in_turn(
    rng: Generator, means: tuple[float, float], mean: float, other: Callable[[float, float], list[Beat]]
) -> Rhythm:
    """Sinus rhythm, and another one of the atria, in turn."""
    times, found, atrial = np.array(sinus_times(rng, mean)), [], []
    last = 0.0
    for begin, end, state in stretches(rng, *means):
        begin = max(begin, last + 0.5)
        if state == 0:
            more = [Beat(float(time)) for time in times[(times > begin) & (times < end)]]
        else:
            more = other(begin, end)
            atrial.append((begin, end, float(rng.uniform(4.5, 7))))
        found += more
        last = found[-1].time if found else 0.0
    return Rhythm(found, [], atrial)


def _flutter(rng: Generator, begin: float, end: float, cycle: float, kind: int) -> list[Beat]:
    """Flutter waves of which every second to fifth is conducted: mostly fours, twos and fours, or twos and threes."""
    ratios, chances = (((4, 3, 2, 5), (0.7, 0.1, 0.15, 0.05)), ((2, 4), (0.5, 0.5)), ((2, 3, 4), (0.4, 0.3, 0.3)))[kind]
    found, time, ratio = [], begin, ratios[0]
    stay = (0.3, 0.2, 0.5)[kind]
    while time < end:
        if rng.random() > stay:
            ratio = int(rng.choice(ratios, p=chances))
        time += ratio * cycle * (1 + 0.015 * rng.standard_normal())
        found.append(Beat(time, p=0.0))
    return [beat for beat in found if beat.time < min(end, SECONDS - 1)]


def flutter(rng: Generator) -> Rhythm:
    """Atrial flutter with variable block throughout."""
    cycle, kind = rng.uniform(0.2, 0.24), int(rng.integers(3))
    return Rhythm(_flutter(rng, 0.3, SECONDS, cycle, kind), [], [(0, SECONDS, 1 / cycle)])


def paroxysmal_flutter(rng: Generator) -> Rhythm:
    """Sinus rhythm and atrial flutter with variable block, a minute or two each."""
    cycle, kind = rng.uniform(0.2, 0.24), int(rng.integers(3))
    found = _in_turn(rng, (150.0, 90.0), rng.uniform(0.75, 0.95), lambda a, b: _flutter(rng, a, b, cycle, kind))
    return Rhythm(found.beats, [], [(begin, end, 1 / cycle) for begin, end, _ in found.atrial])


def bundle_branch(rng: Generator, means: tuple[float, float] = (40.0, 20.0)) -> Rhythm:
    """Sinus rhythm with a bundle branch block that comes and goes."""
    times = np.array(sinus_times(rng, rng.uniform(0.75, 1.0)))
    found = []
    for begin, end, state in stretches(rng, *means):
        waves = ("own", "block")[state]
        found += [Beat(float(time), "NB"[state], waves) for time in times[(times > begin) & (times <= end)]]
    return Rhythm(found)


def short_bundle_branch(rng: Generator) -> Rhythm:
    """The same, but a few beats each."""
    return bundle_branch(rng, (8.0, 4.0))


def two_to_one(rng: Generator, means: tuple[float, float] = (60.0, 20.0), waves: str = "own") -> Rhythm:
    """Sinus rhythm of which every P wave is conducted, or every second one: 2:1 block, in turn."""
    times = np.array(sinus_times(rng, rng.uniform(0.6, 0.75), spread=0.03))
    found, lone = [], []
    for begin, end, state in stretches(rng, *means):
        own = times[(times > begin) & (times <= end)]
        if state:
            found += [Beat(float(time), "N" if waves == "own" else "B", waves) for time in own]
        else:
            found += [Beat(float(time)) for time in own[1::2]]
            lone += own[::2].tolist()
    return Rhythm(found, lone)


def rare_one_to_one(rng: Generator) -> Rhythm:
    """2:1 block with a few conducted beats now and then."""
    return two_to_one(rng, (40.0, 4.0))


def two_to_one_bundle_branch(rng: Generator) -> Rhythm:
    """2:1 block, and where each P wave is conducted a bundle branch block (of the rate)."""
    return two_to_one(rng, waves="block")


def wenckebach(rng: Generator) -> Rhythm:
    """PR grows until a P wave is not conducted: groups of three to six, and 1:1 conduction in turn."""
    times = np.array(sinus_times(rng, rng.uniform(0.65, 0.85), spread=0.03))
    found, lone = [], []
    for begin, end, state in stretches(rng, 60.0, 60.0):
        own, at = times[(times > begin) & (times <= end)], 0
        while at < len(own):
            size = int(rng.integers(3, 7)) if state else len(own)
            delay = 0.0
            for place, time in enumerate(own[at : at + size]):
                if state and place == size - 1:
                    lone.append(float(time))
                    continue
                delay += (0.0 if place == 0 else 0.1 / place) if state else 0.0  # the increments become smaller
                found.append(Beat(float(time) + delay, pr=delay))
            at += size
    return Rhythm(found, lone)


def premature(rng: Generator, chances: tuple[float, ...], coupling: tuple[float, float]) -> Rhythm:
    """Sinus rhythm, each beat of which is followed by as many atrial premature ones as a chance says, of one focus."""
    mean, wave = rng.uniform(0.85, 1.1), rng.uniform(-0.8, 0.3)
    low, high = coupling
    found, time, early = [], 0.5, mean * rng.uniform(low, high)
    while time < SECONDS - 2:
        found.append(Beat(time))
        for _ in range(int(rng.choice(len(chances), p=chances))):
            time += early * (1 + 0.04 * rng.standard_normal())
            found.append(Beat(time, "A", p=wave))
        time += mean * (1.1 if found[-1].symbol == "A" else 1.0) * (1 + 0.04 * rng.standard_normal())
    return Rhythm([beat for beat in found if beat.time < SECONDS - 1])


def atrial_bigeminy(rng: Generator) -> Rhythm:
    """Half of the beats are atrial premature ones."""
    return premature(rng, (0.1, 0.9), (0.6, 0.8))


def mostly_premature(rng: Generator) -> Rhythm:
    """Three of four beats are atrial premature ones, in groups."""
    return premature(rng, (0.05, 0.2, 0.25, 0.25, 0.15, 0.05, 0.05), (0.6, 0.8))


def tachycardia_runs(rng: Generator) -> Rhythm:
    """Runs of atrial tachycardia, of three beats to seventy."""
    chances = np.zeros(71)
    chances[0], chances[3:12], chances[12:] = 0.97, 0.02 / 9, 0.01 / 59
    return premature(rng, tuple(chances / chances.sum()), (0.45, 0.6))


def tachycardia_minutes(rng: Generator) -> Rhythm:
    """Atrial tachycardia for minutes, with minutes of sinus rhythm between."""
    chances = np.zeros(601)
    chances[0], chances[200:] = 0.995, 0.005 / 401
    return premature(rng, tuple(chances / chances.sum()), (0.45, 0.6))


RHYTHMS: dict[str, Callable[[Generator], Rhythm]] = {
    "sinus rhythm": sinus,
    "sinus arrhythmia": sinus_arrhythmia,
    "sinus pauses": sinus_pauses,
    "exercise": exercise,
    "fibrillation": fibrillation,
    "fibrillation with pauses": fibrillation_pauses,
    "fibrillation, minutes": paroxysmal_fibrillation,
    "fibrillation, half minutes": short_fibrillation,
    "flutter": flutter,
    "flutter, minutes": paroxysmal_flutter,
    "bundle branch block, 20 s": bundle_branch,
    "bundle branch block, 4 s": short_bundle_branch,
    "2:1 block and 1:1": two_to_one,
    "2:1 block, rarely 1:1": rare_one_to_one,
    "2:1 block, 1:1 with bundle branch block": two_to_one_bundle_branch,
    "Wenckebach": wenckebach,
    "atrial bigeminy": atrial_bigeminy,
    "mostly premature atrial beats": mostly_premature,
    "runs of atrial tachycardia": tachycardia_runs,
    "atrial tachycardia, minutes": tachycardia_minutes,
}


def with_ectopics(rng: Generator, rhythm: Rhythm) -> None:
    """Make some beats ventricular ones, and some supraventricular ones where the atria beat: they come early."""
    found, last = rhythm.beats, -3
    for place in range(1, len(found) - 2):
        beat, before = found[place], found[place - 1].time
        draw, interval = rng.random(), beat.time - before
        in_sinus = beat.p > 0 and found[place - 1].p > 0 and found[place + 1].p > 0
        if place < last + 3 or draw > sum(ECTOPIC.values()) or interval > 1.5:
            continue
        if draw < ECTOPIC["V"]:
            coupling = max(min(interval * rng.uniform(0.55, 0.8), interval), 0.36)
            found[place] = Beat(min(before + coupling, beat.time), "V", "V", 0.0)
        elif in_sinus and interval > 0.55:
            gain = interval * (1 - rng.uniform(0.6, 0.85))
            found[place] = Beat(beat.time - gain, "A", beat.waves, rng.uniform(-0.8, 0.4))
            after = found[place + 1]
            if found[place + 2].time - after.time < 1.5 * interval:
                after.time -= gain / 2  # the sinus node is reset
        else:
            continue
        last = place
    rhythm.beats = sorted(found, key=lambda beat: beat.time)


@dataclass
class Donor:
    """What a record gives: its signals (T, 2), its regular beats (samples), and where its ventricular beats are."""

    signals: F64
    regular: NDArray[np.int64]
    ventricular: NDArray[np.int64]
    height: F64  # of the QRS of a regular beat, each lead

    @classmethod
    def read(cls, name: str, ordinary: str = "N") -> "Donor":
        """Read a record; MLII is its first lead."""
        record = read_record(RAW, name)
        signals = record.select(sorted(record.leads, key=lambda lead: lead != "MLII"))
        at, symbols = record.samples, np.array(record.symbols)
        beat = np.isin(symbols, list("NLRVAaJSFejEQ/f"))
        at, symbols = at[beat], symbols[beat]
        rr = np.diff(at) / RATE
        inside = (at[1:-1] > RATE) & (at[1:-1] < len(signals) - RATE)
        calm = (np.abs(rr[1:] / rr[:-1] - 1) < 0.1) & (symbols[1:-1] == ordinary) & inside
        calm &= (symbols[:-2] == ordinary) & (symbols[2:] == ordinary)
        regular = at[1:-1][calm]
        span = np.arange(-int(0.06 * RATE), int(0.08 * RATE))
        height = np.median(np.ptp(signals[regular[:, None] + span], axis=1), axis=0)
        return cls(signals, regular, at[1:-1][inside & (symbols[1:-1] == "V")], height)

    def piece(self, at: int, begin: float, end: float, anchors: tuple[float, float]) -> F64:
        """Signals (w, 2) from `begin` to `end`, s from a beat, without the line through two anchors, s."""
        steps = np.arange(round(begin * RATE), round(end * RATE))
        levels = [
            self.signals[at + round(anchor * RATE) - 3 : at + round(anchor * RATE) + 4].mean(0) for anchor in anchors
        ]
        share = np.clip((steps / RATE - anchors[0]) / (anchors[1] - anchors[0]), 0, 1)[:, None]
        return np.asarray(self.signals[at + steps] - (1 - share) * levels[0] - share * levels[1])


def tapered(piece: F64, *, first: bool = True, last: bool = True) -> F64:
    """Return a piece (w, 2) that fades in and out."""
    size = round(TAPER * RATE)
    ramp, window = (np.arange(size) + 0.5) / size, np.ones(len(piece))
    if first:
        window[:size] = ramp
    if last:
        window[-size:] = ramp[::-1]
    return np.asarray(np.column_stack([piece, np.ones(len(piece))]) * window[:, None])  # the last one is its weight


def in_time(piece: F64, begin: float, factor: float) -> F64:
    """Stretch what lies later than 100 ms behind the R peak by a factor: QT follows the interval."""
    steps = begin + np.arange(len(piece)) / RATE
    count = int((min(0.1, steps[-1]) - begin + max(steps[-1] - 0.1, 0) * factor) * RATE)
    wanted = begin + np.arange(count) / RATE
    source = np.where(wanted > 0.1, 0.1 + (wanted - 0.1) / factor, wanted)
    return np.column_stack([np.interp(source, steps, column) for column in piece.T])


def noise_of(rng: Generator, donor: Donor, length: int) -> F64:
    """Return what the donor has before its QRS beside its P wave, piece by piece, (T, 2)."""
    span = np.arange(round(P_BEGIN * RATE), round(PQ * RATE))
    pieces = donor.signals[donor.regular[:, None] + span]
    pieces = pieces - np.median(pieces, axis=0)
    pieces -= pieces.mean(axis=1, keepdims=True)
    step, found = len(span) - 10, np.zeros((length + len(span), donor.signals.shape[1]))
    fade = np.clip(np.minimum(np.arange(len(span)) + 0.5, np.arange(len(span))[::-1] + 0.5) / 10, 0, 1)[:, None]
    for start in range(0, length, step):
        found[start : start + len(span)] += pieces[rng.integers(len(pieces))] * fade
    return found[:length]


def atrial_waves(rng: Generator, length: int, hertz: float, sharp: float) -> F64:
    """Return waves of fibrillation (sharp 0) or flutter (1) of a height of about 1, (T,)."""
    time = np.arange(length) / RATE
    wander = (0.03 + 0.17 * (1 - sharp)) / 0.1 * np.sin(2 * np.pi * 0.1 * time + rng.uniform(0, 6))
    angle = 2 * np.pi * hertz * time + wander * rng.uniform(0.5, 1.5)
    size = 1 + (0.05 + 0.3 * (1 - sharp)) * np.sin(2 * np.pi * 0.23 * time + rng.uniform(0, 6))
    return np.asarray(size * sum(np.sin(order * angle) / order for order in range(1, 5)) / 2)


def record_of(name: str, rhythm: Rhythm, donor: Donor, others: tuple[Donor, Donor], rng: Generator) -> Record:
    """Return the recording of a rhythm; `others` give ventricular beats and those of a bundle branch block."""
    length, leads = int(SECONDS * RATE), donor.signals.shape[1]
    sheet = np.zeros((length, leads + 1))

    def add(piece: F64, at: float, begin: float) -> None:
        start = round((at + begin) * RATE)
        low, high = max(start, 0), min(start + len(piece), length)
        if high > low:
            sheet[low:high] += piece[low - start : high - start]

    before = 0.0
    rest = float(np.median(np.diff(donor.regular)[np.diff(donor.regular) < 2 * RATE])) / RATE
    for count, beat in enumerate(rhythm.beats):
        own = int(donor.regular[count % len(donor.regular)])
        factor = float(np.clip(np.sqrt((beat.time - before) / rest), 0.8, 1.1))
        before = beat.time
        if beat.waves == "V":
            giver = others[0]
            at = int(giver.ventricular[rng.integers(len(giver.ventricular))])
            piece = giver.piece(at, V_BEGIN, V_END, (V_BEGIN, V_END)) * donor.height / giver.height
            add(tapered(piece), beat.time, V_BEGIN)
            continue
        giver = donor if beat.waves == "own" else others[1]
        at = own if beat.waves == "own" else int(giver.regular[count % len(giver.regular)])
        piece = giver.piece(at, PQ, T_END, (PQ, T_END)) * donor.height / giver.height
        add(in_time(tapered(piece, first=not beat.p or beat.pr > 0 or giver is not donor), PQ, factor), beat.time, PQ)
        if beat.p:
            wave = tapered(donor.piece(own, P_BEGIN, PQ, (P_BEGIN, PQ)), last=beat.pr > 0 or giver is not donor)
            wave[:, :leads] *= beat.p
            add(wave, beat.time - beat.pr, P_BEGIN)
    for time in rhythm.lone:
        own = int(donor.regular[rng.integers(len(donor.regular))])
        add(tapered(donor.piece(own, P_BEGIN, PQ, (P_BEGIN, PQ))), time, P_BEGIN)
    signals = sheet[:, :leads] + noise_of(rng, donor, length) * np.clip(1 - sheet[:, leads:], 0, 1)
    heights = rng.uniform(0.03, 0.1, leads) * np.array([1.0, 1.5])[:leads]
    for begin, end, hertz in rhythm.atrial:
        low, high = int(begin * RATE), int(end * RATE)
        sharp = float(name.startswith("flutter"))
        waves = atrial_waves(rng, high - low, hertz, sharp) * heights[:, None] * (1 + sharp)
        signals[low:high] += waves.T
    samples = np.array([round(beat.time * RATE) for beat in rhythm.beats])
    return Record(name, signals, RATE, ["MLII", "other"], samples, [beat.symbol for beat in rhythm.beats])


def simulated(rhythm: str) -> Samples:
    """Return the beats of one rhythm, of all donors."""
    parts = []
    for count, name in enumerate(DONORS):
        rng = np.random.default_rng([list(RHYTHMS).index(rhythm), count])
        donor, found = Donor.read(name), RHYTHMS[rhythm](rng)
        with_ectopics(rng, found)
        giver = donor if len(donor.ventricular) >= FEW else Donor.read(VENTRICULAR[count % len(VENTRICULAR)])
        block = Donor.read(*BLOCKED[count % len(BLOCKED)])
        record = record_of(f"{rhythm} {name}", found, donor, (giver, block), rng)
        parts.append(Mitbih().cut(record, BeatOptions(filters=["bandpass"])))
    return join(parts)


def revision() -> str:
    """Return the revision of the code that is imported."""
    place = Path(ecgan.__file__).parent
    found = subprocess.run(
        ("git", "rev-parse", "--short", "HEAD"), cwd=place, capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def row_of(data: Samples, total: F64, threshold: float) -> dict[str, str]:
    """Return a row: false alarms an hour, of all and of the worst record, and which share of S, V and F is flagged."""
    names, flagged = data.table["class_name"].to_numpy(str), total > threshold
    records = data.table["record"].to_numpy(str)
    wrong = flagged & (names == "N")
    alarms = [np.count_nonzero(wrong & (records == own)) / HOURS for own in np.unique(records)]
    found = {
        "threshold": f"{threshold:.3f}",
        "alarms_per_hour": f"{np.mean(alarms):.0f}",
        "worst": f"{max(alarms):.0f}",
    }
    for name in "SVF":
        found[name.lower()] = f"{flagged[names == name].mean():.3f}" if (names == name).any() else ""
    return found | {"auroc": figures(data, total)["auroc"]}


def threshold_of(normal: list[tuple[F64, float]]) -> float:
    """Return the threshold that gives the budget on average over sets of normal scores, each with its hours."""
    scores = np.concatenate([scores for scores, _ in normal])
    rates = np.concatenate([np.full(len(scores), 1 / hours / len(normal)) for scores, hours in normal])
    order = np.argsort(scores)[::-1]
    return float(scores[order][np.searchsorted(np.cumsum(rates[order]), BUDGET, side="right")])


def main() -> int:
    """Simulate, score and write, row by row."""
    options = dict(setting.split("=", 1) for setting in sys.argv[1:])
    leads = options.pop("leads", "MLII and other")
    given = {key: json.loads(value) for key, value in options.items()}
    facts: dict[str, Any] = {"commit": revision(), "options": " ".join(sys.argv[1:])}
    new = not OUT.is_file()
    with OUT.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()

        def write(rhythm: str, data: Samples, total: F64, threshold: float) -> None:
            writer.writerow(facts | {"rhythm": rhythm} | row_of(data, total, threshold))
            stream.flush()

        ds1, _, hours = beats(tuple(name for name in DS1 if name != "201"), leads, "annotated")
        total = score(ds1, given)[0]["total"]
        normal = [(total[ds1.table["class_name"].to_numpy(str) == "N"], sum(hours.values()))]
        threshold = threshold_of(normal)
        write("DS1", ds1, total, threshold)
        for rhythm in RHYTHMS:
            data = simulated(rhythm)
            data = data.with_leads(["MLII"]) if leads == "MLII" else data
            found = score(data, given)[0]["total"]
            normal.append((found[data.table["class_name"].to_numpy(str) == "N"], len(DONORS) * HOURS))
            write(rhythm, data, found, threshold)
        write("DS1 at the threshold of all", ds1, total, threshold_of(normal))
    return 0


if __name__ == "__main__":
    sys.exit(main())
