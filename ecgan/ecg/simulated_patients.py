"""Simulated patients: hearts of different shape and rhythm, with the beats that go wrong, and the noise around them.

Everything is drawn from one generator a patient, so that a patient is the same whoever else is simulated.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ecgan.ecg.records import Record
from ecgan.ecg.simulator import RR_RATE, Waves, integrate, rr_process

F64 = NDArray[np.float64]

LEADS = ["MLII", "V1"]
SAMPLING_RATE = 360.0

_RHYTHM_MARK = 18
"""Where the annotation of the rhythm stands, samples."""


@dataclass(frozen=True)
class Profile:
    """What kind of patient this is: the symbol of an ordinary beat, and the share of each extraordinary one."""

    ordinary: str
    ventricular: float
    atrial: float
    fusion: float


PROFILES = (
    Profile("N", ventricular=0.04, atrial=0.04, fusion=0.01),
    Profile("N", ventricular=0.16, atrial=0.0, fusion=0.07),
    Profile("N", ventricular=0.02, atrial=0.20, fusion=0.0),
    Profile("L", ventricular=0.06, atrial=0.05, fusion=0.0),
    Profile("N", ventricular=0.10, atrial=0.0, fusion=0.12),
    Profile("R", ventricular=0.05, atrial=0.12, fusion=0.0),
    Profile("N", ventricular=0.12, atrial=0.10, fusion=0.08),
)
"""Patient i has profile i modulo 7, so that taking every other patient takes all kinds."""


def simulate(index: int, seed: int, minutes: float, noise: float, variability: float) -> Record:
    """Simulate the recording of patient `index`, counted from 0.

    Patients have streams of their own, so that `seed` is that of the whole set. `noise` is the factor of all
    disturbances, `variability` that of the differences from beat to beat.

    Returns:
        The recording in mV with its annotations: one rhythm mark, then the beats.
    """
    rng = np.random.default_rng([seed, index])
    profile = PROFILES[index % len(PROFILES)]
    duration = minutes * 60
    length = int(duration * SAMPLING_RATE)
    normal, ventricular = _normal(rng, profile.ordinary), _ventricular(rng)
    times, intervals, symbols = _rhythm(rng, profile, duration)
    waves = _waves(rng, times, intervals, symbols, (normal, ventricular), variability)
    clean = integrate(waves, _breathing(rng, length), SAMPLING_RATE)
    signals = clean * _modulation(rng, length) + noise * _disturbances(rng, length)
    jitter = np.rint(rng.normal(0.0, 1.2 * variability, len(times))).astype(np.int64)
    samples = np.rint(times * SAMPLING_RATE).astype(np.int64) + np.clip(jitter, -4, 4)
    return Record(
        name=patient_name(index),
        signals=signals,
        sampling_rate=SAMPLING_RATE,
        leads=list(LEADS),
        samples=np.concatenate([[_RHYTHM_MARK], samples]).astype(np.int64),
        symbols=["+", *symbols],
        notes=["(N", *[""] * len(symbols)],
    )


def patient_name(index: int) -> str:
    """Return the record name of patient `index`, counted from 0: "p01" for the first."""
    return f"p{index + 1:02d}"


def _normal(rng: np.random.Generator, kind: str) -> F64:
    """Draw a patient's ordinary beat: P, Q, R, a late part of the QRS, S, T; rows as in `_waves`."""
    r, t = rng.uniform(0.8, 1.5), rng.uniform(0.15, 0.4)
    p, v1 = rng.uniform(0.07, 0.18), rng.uniform(0.5, 1.1)
    pq, qt = rng.uniform(0.14, 0.18), rng.uniform(0.25, 0.30)
    if kind == "L":  # left bundle branch block: broad notched R, deep S in V1, T against the QRS
        rows = [
            (-pq, 0.022, p, 0.04),
            (-0.02, 0.012, 0.0, 0.08),
            (0.0, 0.023, 0.75 * r, -0.6 * v1),
            (0.05, 0.023, 0.6 * r, -0.8 * v1),
            (0.10, 0.018, -0.05, -0.1),
            (qt + 0.05, 0.055, -0.8 * t, 0.35),
        ]
    elif kind == "R":  # right bundle branch block: late broad S, and a second R in V1
        rows = [
            (-pq, 0.022, p, 0.05),
            (-0.028, 0.009, -0.08, 0.0),
            (0.0, 0.013, 0.9 * r, 0.25),
            (0.025, 0.011, -0.1, -0.4 * v1),
            (0.065, 0.022, -0.35 * r, 0.8 * v1),
            (qt + 0.03, 0.05, t, -0.25),
        ]
    else:
        rows = [
            (-pq, 0.022, p, 0.05),
            (-0.028, 0.009, -rng.uniform(0.03, 0.15), 0.0),
            (0.0, 0.012, r, 0.2),
            (0.012, 0.01, 0.0, -0.3 * v1),
            (0.03, 0.012, -rng.uniform(0.05, 0.35), -0.7 * v1),
            (qt, 0.045, t, rng.uniform(-0.1, 0.25)),
        ]
    return np.array(rows)


def _ventricular(rng: np.random.Generator) -> F64:
    """Draw a patient's premature ventricular beat: no P, a broad QRS, T against it; rows as in `_waves`."""
    direction = 1.0 if rng.random() < 0.75 else -1.0
    size, width = rng.uniform(0.9, 1.6) * direction, rng.uniform(0.027, 0.038)
    return np.array(
        [
            (-0.045, width, 0.25 * size, 0.1),
            (0.0, width, 0.9 * size, -0.7 * direction),
            (0.055, width, 0.35 * size, -0.4 * direction),
            (0.11, 0.03, -0.2 * size, 0.1),
            (rng.uniform(0.27, 0.33), 0.065, -rng.uniform(0.25, 0.45) * size, 0.35 * direction),
        ]
    )


def _rhythm(rng: np.random.Generator, profile: Profile, duration: float) -> tuple[F64, F64, list[str]]:
    """Draw the beats: time of each R peak (s), the interval before it (s), and its symbol."""
    mean = 60 / rng.uniform(52, 76)
    current = rr_process(rng, duration + 5, mean, spread=0.05 * mean, ratio=rng.uniform(0.4, 0.8))
    shares = (profile.ventricular, profile.atrial, profile.fusion)
    chances = np.cumsum(shares)
    beats: list[tuple[float, float, str]] = []
    time, interval, factor, follows_ectopic = 0.3 + mean * rng.random(), mean, 1.0, False
    while time < duration - 0.8:
        draw, coupling, pause = rng.random(3)
        kind = int(np.searchsorted(chances, draw, side="right"))
        base = current[int(time * RR_RATE)]
        if kind < len(shares) and beats and not follows_ectopic:
            symbol, low, high = (("V", 0.58, 0.80), ("A", 0.72, 0.90), ("F", 0.84, 0.97))[kind]
            early = low + (high - low) * coupling
            time -= interval * (1 - early)
            interval *= early
            factor = 1.0 + 0.15 * pause if symbol == "A" else 2.0 - early
            follows_ectopic = True
        else:
            symbol, factor, follows_ectopic = profile.ordinary, 1.0, False
        beats.append((time, interval, symbol))
        interval = base * factor
        time += interval
    times, intervals, symbols = zip(*beats, strict=True)
    return np.asarray(times), np.asarray(intervals), list(symbols)


def _waves(
    rng: np.random.Generator,
    times: F64,
    intervals: F64,
    symbols: list[str],
    shapes: tuple[F64, F64],
    variability: float,
) -> Waves:
    """Place the waves of all beats, each a little different from the last one of its kind.

    The two shapes, of an ordinary and of a ventricular beat, have a row a wave: time from the R peak (s), width (s) and
    the height in each lead (mV).
    """
    kinds, count = np.asarray(symbols), len(symbols)
    part = _parts(rng, kinds, shapes)  # (n, W)
    both = np.concatenate(shapes)  # (W, 2 + C)
    time, width, height = both[:, 0], both[:, 1], both[:, 2:]
    shrink = np.clip(np.sqrt(intervals / 0.8), 0.8, 1.15)[:, None]
    away = time * np.where(time > 0.15, shrink, 1.0)  # (n, W): T comes earlier after a short interval
    atrial_p = (kinds == "A")[:, None] & (np.arange(len(time)) == 0)
    away += np.where(atrial_p, 0.03 * rng.random((count, 1)), 0.0)
    part = part * np.where(atrial_p, rng.uniform(-0.4, 0.8, (count, 1)), 1.0)
    beat = 1 + 0.05 * variability * rng.standard_normal((count, 1))
    own = 1 + 0.10 * variability * rng.standard_normal(part.shape)
    breadth = 1 + 0.05 * variability * np.clip(rng.standard_normal(part.shape), -3, 3)
    return Waves(
        time=times[:, None] + away,
        width=width * breadth,
        height=(part * beat * own)[:, :, None] * height,
    )


def _parts(rng: np.random.Generator, kinds: NDArray[np.str_], shapes: tuple[F64, F64]) -> F64:
    """Return which part of each wave a beat has, shape (n, W): the ordinary waves, then the ventricular ones.

    A ventricular beat has all of the latter, a fusion beat some of both, any other beat none of them.
    """
    share = np.where(kinds == "V", 1.0, 0.0)
    share = np.where(kinds == "F", rng.uniform(0.2, 0.65, len(kinds)), share)
    return np.repeat(np.stack([1 - share, share], axis=1), [len(shape) for shape in shapes], axis=1)


def _clock(length: int) -> F64:
    return np.arange(length) / SAMPLING_RATE


def _breathing(rng: np.random.Generator, length: int) -> F64:
    """z0 of the model: the baseline follows breathing, mV, shape (T, C)."""
    depth, phase = rng.uniform(0.005, 0.02), 2 * np.pi * rng.random()
    return np.repeat(depth * np.sin(2 * np.pi * 0.25 * _clock(length) + phase)[:, None], len(LEADS), axis=1)


def _modulation(rng: np.random.Generator, length: int) -> F64:
    """The heart turns with breathing: factor of the amplitude, shape (T, C)."""
    depth, phase = rng.uniform(0.03, 0.10, len(LEADS)), 2 * np.pi * rng.random()
    return 1 + depth * np.sin(2 * np.pi * 0.25 * _clock(length) + phase)[:, None]


def _disturbances(rng: np.random.Generator, length: int) -> F64:
    """Baseline wander, muscle noise with bursts, mains hum; mV, shape (T, C)."""
    return np.stack([_wander(rng, length) + _muscle(rng, length) + _mains(rng, length) for _ in LEADS], axis=1)


def _wander(rng: np.random.Generator, length: int) -> F64:
    """Slow drift of the electrodes: noise below 0.6 Hz."""
    slow = signal.butter(2, 0.6, fs=SAMPLING_RATE, output="sos")
    drift: F64 = signal.sosfilt(slow, rng.standard_normal(length))
    return np.asarray(rng.uniform(0.03, 0.12) * drift / drift.std())


def _muscle(rng: np.random.Generator, length: int) -> F64:
    """Noise of 15-100 Hz, with a few bursts of one to three seconds in which it is several times stronger."""
    band = signal.butter(2, [15.0, 100.0], btype="bandpass", fs=SAMPLING_RATE, output="sos")
    noise: F64 = signal.sosfilt(band, rng.standard_normal(length))
    strength = np.ones(length)
    for _ in range(rng.poisson(length / SAMPLING_RATE / 25)):
        start = rng.integers(0, length)
        strength[start : start + int(SAMPLING_RATE * rng.uniform(1.0, 3.0))] = rng.uniform(3.0, 8.0)
    return np.asarray(rng.uniform(0.008, 0.025) * noise / noise.std() * strength)


def _mains(rng: np.random.Generator, length: int) -> F64:
    return rng.uniform(0.0, 0.012) * np.sin(2 * np.pi * (60.0 * _clock(length) + rng.random()))
