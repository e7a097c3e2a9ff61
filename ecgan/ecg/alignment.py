"""Where the marks of beats sit, and where they would sit alike in every record.

Annotators and detectors put the mark of a beat on its largest wave, on the upstroke before it, or 20 ms beside it, and
a model that knows beats by their time steps takes that for a change of shape. Marks can be moved in two ways:

- `deflection`: each mark to the largest deflection of the first lead, upward or downward, near it;
- `template`: the beats of a recording are laid over their own median by normalised correlation of all leads
  (`ecgan.ecg.template`), then all of them are moved alike, so that the median has its largest deflection at the mark.

Both look at the band of the QRS complex, 3 to 40 Hz. They see neither gain nor polarity nor offset of a lead, and marks
that are all off by the same time are moved to the same places. The largest deflection is that of one lead, the first:
leads have theirs at other times, and their sum has one that is now here, now there.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ecgan.ecg.filters import bridge, butterworth_bandpass
from ecgan.ecg.template import MOST_MS, REACH_MS, evenly, template_and_shifts

F64 = NDArray[np.float64]
Int = NDArray[np.int64]
Method = Literal["none", "deflection", "template"]

BAND = (3.0, 40.0)
"""Hz; the QRS complex."""
NEAR_MS = 60.0
"""How far from the mark the largest deflection is looked for."""
MOST_MOVED_MS = MOST_MS + NEAR_MS
"""How far a mark is moved at most."""
OFF_MS = 8.0
"""Marks whose median is farther than this from the largest deflections sit off the peaks."""
SEEN = 500  # beats of a record that tell where its marks sit, evenly drawn


def mark_shifts(signals: NDArray[Any], marks: Int, sampling_rate: float, method: Method) -> Int:
    """Find how far the marks of a recording's beats are to be moved.

    Args:
        signals: The recording, (T, C), any unit, NaN where samples are missing.
        marks: Position of each beat, (n,).
        sampling_rate: Hz.
        method: `none`, `deflection` or `template`.

    Returns:
        Samples (n,) that are to be added to the marks; 0 where nothing deflects.

    Raises:
        EcganError: The recording is too short, or its rate too low, for the band of the QRS complex.
    """
    if method == "none" or not len(marks):
        return np.zeros(len(marks), dtype=np.int64)
    around = _around(_band(bridge(np.asarray(signals, dtype=np.float64)), sampling_rate), marks, sampling_rate)
    if method == "deflection":
        return deflections(around[:, 0], around.shape[2] // 2, sampling_rate)
    return _on_template(around, sampling_rate)


def deflections(beats: NDArray[Any], centre: int, sampling_rate: float) -> Int:
    """Find how much later than the mark the largest deflection of each beat lies, within ±60 ms.

    Args:
        beats: One lead, (n, L), the band of the QRS complex.
        centre: Index of the mark.
        sampling_rate: Hz.

    Returns:
        Samples, (n,); of equally large ones the nearest, 0 where nothing deflects.
    """
    near = min(round(1e-3 * NEAR_MS * sampling_rate), centre, beats.shape[1] - 1 - centre)
    steps = np.array(sorted(range(-near, near + 1), key=abs), dtype=np.int64)  # the nearest first
    return np.asarray(steps[np.abs(beats[:, centre + steps]).argmax(axis=1)], dtype=np.int64)


def marks_off(beats: NDArray[Any], centre: int, sampling_rate: float) -> float:
    """Return how far the marks of a record's beats sit from their largest deflections, ms: the median, with its sign.

    Of several leads the one counts whose deflections are nearest: there somebody may have marked them.

    Args:
        beats: Some beats of one record, (n, C, L), at least one; NaN where samples are missing.
        centre: Index of the mark.
        sampling_rate: Hz.

    Returns:
        Positive where marks are early. 0 where a beat has no room for the deflection on both sides of its mark.
    """
    if min(centre, beats.shape[2] - 1 - centre) < round(1e-3 * NEAR_MS * sampling_rate):
        return 0.0
    drawn = beats[evenly(np.arange(len(beats)), SEEN)]
    n, leads, length = drawn.shape
    values = bridge(drawn.transpose(2, 0, 1).reshape(length, -1).astype(np.float64))  # (n, C, L) to (L, n·C)
    band = _band(values, sampling_rate).T.reshape(n, leads, length)
    medians = [float(np.median(deflections(band[:, lead], centre, sampling_rate))) for lead in range(leads)]
    return 1e3 * min(medians, key=abs) / sampling_rate


def _band(values: F64, sampling_rate: float) -> F64:
    """The band of the QRS complex of signals (T, C)."""
    return butterworth_bandpass(values, sampling_rate, BAND[0], min(BAND[1], 0.45 * sampling_rate))


def _around(band: F64, marks: Int, sampling_rate: float) -> NDArray[np.float32]:
    """What `template` looks at around each mark, (n, C, W); a recording goes on as it begins and ends."""
    reach = round(1e-3 * REACH_MS * sampling_rate) + int(1e-3 * MOST_MS * sampling_rate)
    padded = np.pad(band.astype(np.float32), ((reach, reach), (0, 0)), mode="edge")
    starts = np.clip(marks, 0, len(band) - 1)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)[starts]


def _on_template(around: NDArray[np.float32], sampling_rate: float) -> Int:
    """Shifts of beats (n, C, W) that lay them on their median, and its largest deflection on the mark."""
    centre = around.shape[2] // 2
    template, shifts = template_and_shifts(around, np.ones(len(around), dtype=bool), centre, sampling_rate)
    return shifts + deflections(template[:1], centre, sampling_rate)
