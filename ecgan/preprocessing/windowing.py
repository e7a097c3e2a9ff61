"""Windows of a recording: nothing is lost, and none reaches beyond the recording."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgan.errors import EcganError


def window_starts(length: int, window: int, step: int) -> NDArray[np.int64]:
    """Return where the windows of one recording begin.

    They begin every `step` samples. Where the last of these does not end with the recording, one more is placed so
    that it does: it overlaps the one before by more than the others do, and no sample is lost. A step that is larger
    than the window leaves out what lies between, as it says.

    Args:
        length: T, samples of the recording.
        window: Samples of a window.
        step: Samples from the begin of a window to that of the next.

    Returns:
        Ascending positions, int64, shape (n,); empty where the recording is shorter than a window.

    Raises:
        EcganError: A window or step below 1.
    """
    if window < 1 or step < 1:
        raise EcganError(f"windows of {window} samples every {step} cannot be cut.", "Both are at least 1.")
    last = length - window
    if last < 0:
        return np.empty(0, dtype=np.int64)
    starts = np.arange(0, last + 1, step, dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, np.int64(last))


def cut_at(signals: NDArray[Any], starts: NDArray[np.int64], window: int) -> NDArray[Any]:
    """Cut windows out of one recording.

    Args:
        signals: Shape (T, C).
        starts: Where they begin, shape (n,).
        window: L, samples of a window.

    Returns:
        A copy, shape (n, C, L), of the type of `signals`.

    Raises:
        EcganError: A window reaches beyond the recording.
    """
    if len(starts) and (starts.min() < 0 or starts.max() + window > len(signals)):
        raise EcganError(f"a window of {window} samples reaches beyond the recording, which has {len(signals)}.")
    windows: NDArray[Any] = signals[starts[:, None] + np.arange(window)]  # (n, L, C)
    return windows.transpose(0, 2, 1)
