"""The dynamical model of the ECG: P. E. McSharry et al., IEEE Trans. Biomed. Eng. 50(3), 289-294, 2003.

In the model a point runs round a circle, once a beat, and every wave of the ECG (P, Q, R, S, T) attracts or repels it
when it passes the wave's angle (equation 1 of the paper):

    dz/dt = - sum_i a_i d_i exp(-d_i^2 / (2 b_i^2)) w - (z - z0(t)),    d_i: angle from wave i, w: angular velocity

The angle is known in advance: it follows from the times of the beats. What remains is one linear equation in z, which
is integrated for the whole record at once, as a filter with one pole. An angle is a time from the R peak times w, so
that waves are given here by their time (s), width (s) and height (mV): a_i b_i^2 is the height. As in the paper, waves
move away from the R peak with the square root of the interval, and z0 follows breathing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

F64 = NDArray[np.float64]

_REACH = 5.0
"""A wave is followed this many widths to both sides."""


@dataclass(frozen=True)
class Waves:
    """The waves of all beats of a record; every beat has the same number of them, some of height 0.

    Attributes:
        time: Of each wave's peak in the record, s, shape (n, W): beats, waves.
        width: Standard deviation, s, shape (n, W).
        height: mV, shape (n, W, C): one per lead.
    """

    time: F64
    width: F64
    height: F64


def integrate(waves: Waves, baseline: F64, sampling_rate: float) -> F64:
    """Solve the model's equation for z, mV, shape (T, C), starting from the baseline z0, mV, shape (T, C)."""
    step = 1.0 / sampling_rate
    drive = baseline + _attraction(waves, len(baseline), sampling_rate)  # (T, C)
    decay = np.exp(-step)
    middle = (drive[1:] + drive[:-1]) / 2 * step
    start = np.zeros_like(drive[:1])
    change = np.concatenate([start, middle])
    change[0] = baseline[0]
    return np.asarray(signal.lfilter([1.0], [1.0, -decay], change, axis=0), dtype=np.float64)


def _attraction(waves: Waves, length: int, sampling_rate: float) -> F64:
    """Sum the pull of all waves at each sample, mV/s, shape (length, C)."""
    pull = np.zeros((length, waves.height.shape[2]))
    for wave in range(waves.time.shape[1]):
        time, width = waves.time[:, wave, None], waves.width[:, wave, None]
        reach = int(np.ceil(_REACH * width.max() * sampling_rate))
        near = np.rint(time * sampling_rate).astype(np.int64) + np.arange(-reach, reach + 1)  # (n, 2 * reach + 1)
        away = near / sampling_rate - time
        shape = -away / width**2 * np.exp(-(away**2) / (2 * width**2))
        inside = (near >= 0) & (near < length)
        for lead in range(pull.shape[1]):
            force = shape * waves.height[:, wave, lead, None]
            pull[:, lead] += np.bincount(near[inside], weights=force[inside], minlength=length)
    return pull


def rr_process(rng: np.random.Generator, duration: float, mean: float, spread: float, ratio: float) -> F64:
    """Draw RR intervals over time with the two rhythms of a heart at rest (equation 3 of the paper).

    The power spectrum has one peak at 0.1 Hz (Mayer waves of the blood pressure) and one at 0.25 Hz (respiratory sinus
    arrhythmia), of which the slow one has `ratio` times the power; phases are random. Duration, mean and standard
    deviation `spread` of the intervals are in seconds.

    Returns:
        The current interval, s, at 4 Hz, shape (n,).
    """
    count = int(np.ceil(duration * RR_RATE)) + 1
    frequency = np.fft.rfftfreq(count, 1 / RR_RATE)
    power = sum(
        share * np.exp(-((frequency - centre) ** 2) / (2 * 0.01**2)) / np.sqrt(2 * np.pi * 0.01**2)
        for share, centre in ((ratio, 0.1), (1.0, 0.25))
    )
    phases = np.exp(2j * np.pi * rng.random(len(frequency)))
    series = np.fft.irfft(np.sqrt(power) * phases, count)
    series -= series.mean()
    return np.asarray(mean + spread * series / series.std(), dtype=np.float64)


RR_RATE = 4.0
"""Sampling rate of `rr_process`, Hz."""
